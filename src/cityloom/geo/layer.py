"""A layer: rows with a key and a geometry, as a spatial join takes them."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from cityloom.errors import UsageError
from cityloom.geo.crs import LONLAT

Geometries = npt.NDArray[np.object_]

POINT_BYTES = 21
"""How long a point in two dimensions is in WKB, and nothing else."""

CRS = b"crs"
"""Where the metadata of an Arrow field says what its geometries are in, as in ``EPSG:4547``."""

_AREAS = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)


@dataclass(frozen=True)
class Layer:
    """Rows with a geometry in WKB.

    ``key`` names the column by which results tell rows, ``geometry`` that of the WKB, ``crs`` is
    what it is in. Where it is left out, the field of the geometry says it (:func:`with_crs`), as it
    does in what a kernel is called with; one that says nothing is in EPSG:4326.
    """

    rows: pa.Table
    key: str
    geometry: str = "geometry"
    crs: str = ""

    def __post_init__(self) -> None:
        """Take the CRS from the field of the geometry where none was given."""
        if not self.crs:
            object.__setattr__(self, "crs", _stated_crs(self.rows, self.geometry))

    @property
    def wkb(self) -> pa.ChunkedArray:
        """The geometries in WKB."""
        return self.rows.column(self.geometry)

    @cached_property
    def geometries(self) -> Geometries:
        """The geometries; ``None`` where there is none.

        Raises:
            UsageError: one is not WKB.
        """
        return read_wkb(self.wkb, self.geometry)

    def keys_of(self, rows: npt.NDArray[np.int64]) -> pa.ChunkedArray:
        """The keys of some rows, by their numbers from 0."""
        return self.rows.column(self.key).take(pa.array(rows))


def with_crs(rows: pa.Table, crs: Mapping[str, str]) -> pa.Table:
    """Rows whose fields say what CRS their geometries are in, by the names of the columns."""
    fields = [
        field.with_metadata({CRS: crs[field.name]}) if field.name in crs else field
        for field in rows.schema
    ]
    return pa.Table.from_arrays(rows.columns, schema=pa.schema(fields))


def _stated_crs(rows: pa.Table, geometry: str) -> str:
    place = rows.schema.get_field_index(geometry)
    stated = rows.schema.field(place).metadata if place >= 0 else None
    return str((stated or {}).get(CRS, LONLAT[0].encode()), "utf-8")


def read_wkb(wkb: pa.ChunkedArray | pa.Array, column: str) -> Geometries:
    """Geometries from WKB; ``None`` where there is none.

    Raises:
        UsageError: one is not WKB; the message names the ``column``.
    """
    try:
        found: Geometries = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
    except (shapely.errors.GEOSException, TypeError) as error:
        raise UsageError(f"column '{column}' holds what is not WKB: {error}") from None
    return found


def check_same_crs(left: Layer, right: Layer) -> None:
    """See that two layers are in one CRS.

    Raises:
        UsageError: they are not; the message names both.
    """
    if left.crs != right.crs and not {left.crs, right.crs} <= set(LONLAT):
        raise UsageError(
            f"'{left.geometry}' is in {left.crs} and '{right.geometry}' in {right.crs}; "
            "bring both into one CRS before they are joined"
        )


def check_areas(layer: Layer) -> None:
    """See that a layer has polygons and multipolygons alone, each valid; null and empty are let be.

    Raises:
        UsageError: one is something else, or not valid; the message names its key and what is wrong
            with it.
    """
    geometries = layer.geometries
    present = ~shapely.is_missing(geometries) & ~shapely.is_empty(geometries)
    others = present & ~np.isin(shapely.get_type_id(geometries), _AREAS)
    if others.any():
        key, geometry = _first(layer, others)
        raise UsageError(f"{layer.key} {key} is a {geometry.geom_type}; expected polygons")
    check_valid(layer)


def check_valid(layer: Layer) -> None:
    """See that all geometries of a layer are valid by OGC Simple Features.

    Raises:
        UsageError: one is not; the message names its key and where it is wrong.
    """
    broken = ~shapely.is_valid(layer.geometries) & ~shapely.is_missing(layer.geometries)
    if broken.any():
        key, geometry = _first(layer, broken)
        why = shapely.is_valid_reason(geometry)
        raise UsageError(f"{layer.key} {key} has no valid geometry: {why}; mend it before the join")


def _first(layer: Layer, chosen: npt.NDArray[np.bool_]) -> tuple[object, shapely.Geometry]:
    place = int(np.flatnonzero(chosen)[0])
    return layer.rows.column(layer.key)[place].as_py(), layer.geometries[place]
