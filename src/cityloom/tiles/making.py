"""A dataset's archive, of which only the tiles whose content has changed are made again."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cityloom.contract import Contract, Kind
from cityloom.sql import quoted
from cityloom.tiles.archive import LARGEST, ArchiveWriter, Origin, opened, writing
from cityloom.tiles.drawing import in_tiles
from cityloom.tiles.encoding import COUNT, encoded
from cityloom.tiles.features import Features, load
from cityloom.tiles.mercator import Ints, tile_of, to_degrees
from cityloom.tiles.sharing import recipe_of, shown_columns
from cityloom.tiles.thinning import FIRST_CELL, Shown, chosen
from cityloom.tiles.zooms import PIXELS, content_marks, touched, zoom_range

if TYPE_CHECKING:
    import duckdb

_MOST = 50_000
"""Features of a tile, at most."""

_AT_ONCE = 100_000
"""Features that are encoded together, about."""

_SHARES = [0, 0.2, 0.4, 0.6, 0.8, 1]
"""Where a column of numbers is parted into the steps of a legend."""


@dataclass(frozen=True)
class Made:
    """What it took to make an archive.

    ``computed`` of its ``tiles`` were made, the others copied, ``copied_bytes`` in all. Of the
    dataset's rows with a geometry, ``left_out`` have no place on the map.
    """

    features: int
    left_out: int
    tiles: int
    computed: int
    copied_bytes: int
    size: int


@dataclass(frozen=True)
class _Work:
    """What making an archive needs at every zoom."""

    connection: "duckdb.DuckDBPyConnection"
    contract: Contract
    features: Features
    recipe: str
    zooms: range


def make_archive(
    connection: "duckdb.DuckDBPyConnection",
    files: Sequence[Path],
    contract: Contract,
    rows: str,
    path: Path,
    scratch: Path,
) -> Made:
    """Make a dataset's archive, or bring it up to date.

    Args:
        connection: an engine with its spatial extension (:func:`encoding.spatial_engine`).
        files: the data files of its kept rows.
        contract: its contract, with a geometry.
        rows: the version of the rows.
        path: where the archive lies.
        scratch: where to put what is unfinished, on the same disk as ``path``.

    Raises:
        pyproj.exceptions.CRSError: the CRS of the geometry is not known.
    """
    features = load(connection, files, contract)
    work = _Work(connection, contract, features, recipe_of(contract), zoom_range(features))
    old = opened(path)
    with writing(path, scratch) as writer:
        if old and old.origin.recipe == work.recipe:
            with old.tiles() as copy:
                counts = [_one_zoom(work, zoom, writer, old.marks(), copy) for zoom in work.zooms]
        else:
            counts = [_one_zoom(work, zoom, writer, {}, lambda number: None) for zoom in work.zooms]
        tiles, computed, copied = (sum(column) for column in zip(*counts, strict=True))
        writer.finish(_header(features), _metadata(work), Origin(rows, work.recipe))
    connection.execute("DROP TABLE feature")
    size = path.stat().st_size
    return Made(len(features), features.left_out, tiles, computed, copied, size)


def _one_zoom(
    work: _Work,
    zoom: int,
    writer: ArchiveWriter,
    known: dict[int, int],
    copy: Callable[[int], bytes | None],
) -> tuple[int, int, int]:
    """Write the tiles of a zoom; how many there are, how many were made, bytes that were copied."""
    feature, keys = touched(work.features, zoom)
    tiles, marks = content_marks(work.features, feature, keys, _seed(work, zoom))
    numbers = _numbers(zoom, tiles)
    order = np.argsort(numbers)
    tiles, marks, numbers = tiles[order], marks[order], numbers[order]
    same = np.array(
        [known.get(n) == m for n, m in zip(numbers.tolist(), marks.tolist(), strict=True)], bool
    )
    kept = {int(n): tile for n in numbers[same] if (tile := copy(int(n))) is not None}
    stale = tiles[~np.isin(numbers, [*kept])]
    fresh = dict(_fresh(work, zoom, stale, feature, keys))
    written = 0
    for number, key in zip(numbers.tolist(), tiles.tolist(), strict=True):
        tile = kept.get(number) or fresh.get(key)
        if tile is not None:
            writer.write(number, tile)
            written += 1
    writer.remember(numbers, marks)
    return written, len(fresh), sum(map(len, kept.values()))


def _seed(work: _Work, zoom: int) -> int:
    """What makes the content of a zoom's tiles differ where the rows do not."""
    said = f"{work.recipe}/{zoom}/{zoom == work.zooms[-1]}"
    return int.from_bytes(sha256(said.encode()).digest()[:8], "little")


def _numbers(zoom: int, keys: Ints) -> Ints:
    """The identifiers of tiles in an archive: zoom by zoom, in each along a Hilbert curve."""
    from pmtiles.tile import zxy_to_tileid

    columns, rows = tile_of(keys)
    pairs = zip(columns.tolist(), rows.tolist(), strict=True)
    return np.array([zxy_to_tileid(zoom, x, y) for x, y in pairs], dtype=np.int64)


def _fresh(
    work: _Work, zoom: int, tiles: Ints, feature: Ints, keys: Ints
) -> Iterator[tuple[int, bytes]]:
    """Some tiles of a zoom; those that turn out too large once more with cells twice as wide."""
    cell = 0 if zoom == work.zooms[-1] else FIRST_CELL
    while len(tiles):
        wanted = np.isin(keys, tiles)
        feature, keys = feature[wanted], keys[wanted]
        shown = chosen(work.features, feature, keys, zoom, cell)
        large = []
        for key, tile in _encoded(work, zoom, shown, cell):
            if len(tile) > LARGEST:
                large.append(key)
            else:
                yield key, tile
        tiles = np.concatenate([np.array(large, dtype=np.int64), _crowded(shown)])
        cell = max(cell * 2, FIRST_CELL)


def _crowded(shown: Shown) -> Ints:
    """The tiles that would show too many features."""
    tiles, counts = np.unique(shown.tiles, return_counts=True)
    crowded: Ints = tiles[counts > _MOST]
    return crowded


def _encoded(work: _Work, zoom: int, shown: Shown, cell: int) -> Iterator[tuple[int, bytes]]:
    columns = [column.name for column in shown_columns(work.contract)]
    for part in _parts(shown):
        shapes = in_tiles(work.features, part, zoom, cell / 4)
        yield from encoded(
            work.connection, work.contract.dataset, columns, work.features.rows, part, shapes
        )


def _parts(shown: Shown) -> Iterator[Shown]:
    """What is shown, but for crowded tiles, in parts that memory can hold: whole tiles each."""
    order = np.argsort(shown.tiles, kind="stable")
    order = order[~np.isin(shown.tiles[order], _crowded(shown))]
    tiles = shown.tiles[order]
    start = 0
    while start < len(order):
        reached = tiles[min(start + _AT_ONCE, len(order)) - 1]
        stop = int(np.searchsorted(tiles, reached, side="right"))
        part = order[start:stop]
        yield Shown(
            shown.tiles[part], shown.features[part], shown.counts[part], shown.squares[part]
        )
        start = stop


def _header(features: Features) -> dict[str, Any]:
    """Where the dataset lies, in the form of an archive's header."""
    if len(features) == 0:
        return {}
    west, south = to_degrees(features.boxes[:, 0].min(), features.boxes[:, 3].max())
    east, north = to_degrees(features.boxes[:, 2].max(), features.boxes[:, 1].min())
    edges = {"min_lon": west, "min_lat": south, "max_lon": east, "max_lat": north}
    return {f"{name}_e7": round(value * 1e7) for name, value in edges.items()}


def _metadata(work: _Work) -> dict[str, Any]:
    """What viewers read about the tiles (the TileJSON 3.0 names for it)."""
    contract = work.contract
    steps = _steps(work.connection, contract)
    fields = {column.name: _field(column.kind) for column in shown_columns(contract)}
    layer = {
        "id": contract.dataset,
        "fields": {**fields, COUNT: "Number"},
        "minzoom": work.zooms[0],
        "maxzoom": work.zooms[-1],
    }
    return {
        "name": contract.title or contract.dataset,
        "description": contract.description,
        "attribution": contract.owner,
        "type": "overlay",
        "vector_layers": [layer],
        "pixels": PIXELS,
        "steps": steps,
    }


def _steps(
    connection: "duckdb.DuckDBPyConnection", contract: Contract
) -> dict[str, list[float | int]]:
    """The values that part each column of numbers into steps of about equally many features."""
    measured = [c.name for c in shown_columns(contract) if _field(c.kind) == "Number"]
    measured = [name for name in measured if contract.column(name).key_position is None]
    found = {}
    for name in measured:
        asked = f"SELECT quantile_disc({quoted(name)}, {_SHARES}) FROM feature"
        row = connection.execute(asked).fetchone()
        if row and row[0]:
            found[name] = list(dict.fromkeys(row[0]))
    return found


def _field(kind: Kind) -> str:
    known = {Kind.INTEGER: "Number", Kind.NUMBER: "Number", Kind.BOOLEAN: "Boolean"}
    return known.get(kind, "String")
