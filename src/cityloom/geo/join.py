"""Spatial joins: which geometries of one layer lie in which polygons of another.

Three ways with equal results: by cells and GEOS, on any machine; by DuckDB's extension ``spatial``;
by SedonaDB, where it is installed.
"""

from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from cityloom.errors import UsageError
from cityloom.geo.layer import POINT_BYTES, Layer, check_areas, check_same_crs, check_valid
from cityloom.geo.portable import Pairs, join_by_cells


class Predicate(StrEnum):
    """How a geometry lies to a polygon, by OGC Simple Features."""

    WITHIN = "within"
    """No part is outside, and some is in the interior: a point on the border is within none."""

    INTERSECTS = "intersects"
    """Some part is shared, be it of the border: a point on a shared border meets both polygons."""


class Way(StrEnum):
    """Who does the work."""

    PORTABLE = "portable"
    DUCKDB = "duckdb"
    SEDONA = "sedona"


def spatial_join(
    left: Layer,
    polygons: Layer,
    predicate: Predicate | str = Predicate.INTERSECTS,
    way: Way | str = Way.PORTABLE,
) -> pa.Table:
    """Every pair of a geometry and a polygon that meet a predicate.

    Null and empty geometries meet nothing, nor does a point with a coordinate that is not finite.
    Coordinates are taken as they are, on a plane: nothing wraps round at 180 degrees.

    Args:
        left: geometries of any type.
        polygons: polygons and multipolygons; they may overlap.
        predicate: see :class:`Predicate`.
        way: see :class:`Way`.

    Returns:
        The keys of both, under the names of their columns, in the order of the rows of ``left``
        and then of ``polygons``.

    Raises:
        UsageError: the layers are in different CRS, both keys have one name, a polygon is none or
            not valid, a geometry that is no point is not valid, or SedonaDB is not installed.
    """
    if left.key == polygons.key:
        raise UsageError(f"both layers have the key '{left.key}'; give one of them another name")
    pairs = _pairs(left, polygons, Predicate(predicate), Way(way))
    return pa.table(
        {left.key: left.keys_of(pairs.left), polygons.key: polygons.keys_of(pairs.right)}
    )


def assign(left: Layer, polygons: Layer, way: Way | str = Way.PORTABLE) -> pa.Table:
    """Each geometry with the one polygon that it belongs to, null where it is in none.

    A point belongs to the polygon in which it lies, its border included; of several, to that of the
    smallest key. A line or a polygon belongs where a point on it does
    (:func:`shapely.point_on_surface`).

    Returns:
        A row for each row of ``left``, in their order: both keys, under the names of their columns.

    Raises:
        UsageError: see :func:`spatial_join`.
    """
    if left.key == polygons.key:
        raise UsageError(f"both layers have the key '{left.key}'; give one of them another name")
    pairs = _pairs(_as_points(left), polygons, Predicate.INTERSECTS, Way(way))
    by_key = pc.sort_indices(polygons.rows.column(polygons.key)).to_numpy().astype(np.int64)
    none = len(by_key)
    order = np.empty(none, np.int64)
    order[by_key] = np.arange(none)
    smallest = np.full(len(left.rows), none, np.int64)
    np.minimum.at(smallest, pairs.left, order[pairs.right])
    rows = pa.array(np.append(by_key, none)[smallest], mask=smallest == none)
    keys = polygons.rows.column(polygons.key).take(rows)
    return pa.table({left.key: left.rows.column(left.key), polygons.key: keys})


def _pairs(left: Layer, polygons: Layer, predicate: Predicate, way: Way) -> Pairs:
    check_same_crs(left, polygons)
    check_areas(polygons)
    check_valid(_but_points(left))
    if way is Way.PORTABLE:
        return join_by_cells(left, polygons, predicate)
    from cityloom.geo.accelerated import join_by_duckdb, join_by_sedona

    join = join_by_duckdb if way is Way.DUCKDB else join_by_sedona
    return join(left, polygons, predicate)


def _but_points(layer: Layer) -> Layer:
    """The rows whose WKB is longer or shorter than that of a point in two dimensions."""
    length = pc.binary_length(layer.wkb)
    others = layer.rows.filter(pc.not_equal(length, POINT_BYTES))
    return Layer(others, layer.key, layer.geometry, layer.crs)


def _as_points(layer: Layer) -> Layer:
    """The layer with a point on each geometry that is none."""
    geometries = layer.geometries
    is_point = shapely.get_type_id(geometries) == shapely.GeometryType.POINT
    if is_point.all():
        return layer
    check_valid(layer)
    points = np.where(is_point, geometries, shapely.point_on_surface(geometries))
    place = layer.rows.column_names.index(layer.geometry)
    wkb = pa.array(shapely.to_wkb(points), pa.binary())
    return Layer(
        layer.rows.set_column(place, layer.geometry, wkb), layer.key, layer.geometry, layer.crs
    )
