"""Tiles read back by libraries that had no part in making them."""

import gzip
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles

Tile = tuple[int, int, int]


@dataclass(frozen=True)
class Seen:
    """One feature of a tile, its geometry in tile units with y downward."""

    geometry: shapely.Geometry
    values: dict[str, Any]


def tiles_of(path: Path) -> dict[Tile, bytes]:
    """The unpacked tiles of an archive, by zoom, column and row."""
    with open(path, "rb") as file:
        return {place: gzip.decompress(tile) for place, tile in all_tiles(MmapSource(file))}


def header_of(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        return dict(Reader(MmapSource(file)).header())


def metadata_of(path: Path) -> dict[str, Any]:
    with open(path, "rb") as file:
        found: dict[str, Any] = Reader(MmapSource(file)).metadata()
    return found


def features_of(tile: bytes) -> list[Seen]:
    """What is in a tile, as GDAL's driver reads it."""
    if not tile:
        return []
    with tempfile.NamedTemporaryFile(suffix=".mvt") as file:
        file.write(tile)
        file.flush()
        options = {"CLIP": "NO"}
        meta, _, shapes, columns = pyogrio.raw.read(file.name, **options)
    names = list(meta["fields"])
    rows = zip(*columns, strict=True) if names else ([] for _ in shapes)
    return [
        Seen(_downward(shapely.from_wkb(shape)), _known(dict(zip(names, row, strict=True))))
        for shape, row in zip(shapes, rows, strict=True)
    ]


def _downward(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(
        shape, lambda points: np.column_stack([points[:, 0], 4096 - points[:, 1]])
    )


def _known(values: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value
        for name, value in values.items()
        if name != "mvt_id"
        and value is not None
        and not (isinstance(value, float) and np.isnan(value))
    }


def in_world(tile: Tile, shape: shapely.Geometry) -> shapely.Geometry:
    """A geometry of a tile on the unit square."""
    zoom, column, row = tile
    return shapely.transform(
        shape, lambda points: (points / 4096 + np.array([column, row])) / 2**zoom
    )


def at_zoom(path: Path, zoom: int) -> Iterator[tuple[Tile, Seen]]:
    for place, tile in tiles_of(path).items():
        if place[0] == zoom:
            for seen in features_of(tile):
                yield place, seen


def geojson(rows: list[dict[str, Any]]) -> bytes:
    """Rows with a ``geometry`` as a GeoJSON file."""
    features = [
        {
            "type": "Feature",
            "geometry": shapely.geometry.mapping(row["geometry"]),
            "properties": {k: v for k, v in row.items() if k != "geometry"},
        }
        for row in rows
    ]
    return json.dumps({"type": "FeatureCollection", "features": features}).encode()
