"""Geometries for tests: plain ones, degenerate ones, and points that lie just beside a border."""

from typing import Any

import numpy as np
import pyarrow as pa
import shapely
from hypothesis import strategies as st

from cityloom.geo import Layer

SMALL = st.integers(-4, 4).map(float)
ANY = st.floats(-1000, 1000, allow_nan=False).map(lambda value: round(value, 9))


def _places(numbers: Any) -> Any:
    return st.tuples(numbers, numbers)


def _areas(numbers: Any) -> Any:
    """Convex ones; what has a hole or a dent is made of two of them."""
    return st.lists(_places(numbers), min_size=3, max_size=6).map(_hull)


def _hull(places: list[tuple[float, float]]) -> shapely.Geometry:
    hull = shapely.MultiPoint(places).convex_hull
    x, y = places[0]
    return hull if hull.geom_type == "Polygon" else shapely.box(x, y, x + 1, y + 1)


AREAS = st.one_of(_areas(SMALL), _areas(ANY))


@st.composite
def polygons(draw: Any) -> Any:
    """Polygons that may overlap, touch, have holes or many parts, be empty or missing."""
    drawn = draw(st.lists(AREAS, max_size=4))
    if draw(st.booleans()):
        drawn += [shapely.box(x, y, x + 2, y + 2) for x in (-2, 0) for y in (-2, 0)]
    if len(drawn) > 1:
        first, second = drawn[:2]
        made = (shapely.union(first, second), shapely.difference(first, second))
        drawn += [shape for shape in made if shape.geom_type in ("Polygon", "MultiPolygon")]
    drawn += draw(
        st.sampled_from([[], [None], [shapely.Polygon()], [None, shapely.MultiPolygon()]])
    )
    found = np.array([*drawn, None], object)[:-1]
    found[~shapely.is_valid(found) & ~shapely.is_missing(found)] = None
    return found


@st.composite
def points_near(draw: Any, areas: Any) -> Any:
    """Points anywhere, on corners and edges of some polygons, and a hair's breadth beside them."""
    drawn = draw(st.lists(_places(st.one_of(SMALL, ANY)), max_size=8))
    corners = shapely.get_coordinates(areas)
    for place in draw(st.lists(st.integers(0, max(len(corners) - 2, 0)), max_size=8)):
        if len(corners) > 1:
            along = draw(st.sampled_from([0.0, 0.5, 1 / 3]))
            x, y = corners[place] + (corners[place + 1] - corners[place]) * along
            drawn.append((draw(st.sampled_from([float(x), *_beside(x)])), float(y)))
    found = [shapely.Point(*place) for place in drawn]
    found += draw(st.sampled_from([[], [None], [shapely.Point(), None]]))
    return np.array([*found, None], object)[:-1]


def _beside(x: float) -> tuple[float, float]:
    """The next numbers on both sides; beside 0 the least that GEOS tells from it.

    Of the next one there, 5e-324, GEOS says one thing of a prepared polygon and another of a plain.
    """
    if x == 0:
        return float(np.finfo(float).tiny), -float(np.finfo(float).tiny)
    return float(np.nextafter(x, np.inf)), float(np.nextafter(x, -np.inf))


def layer(geometries: Any, key: str, crs: str = "EPSG:4326") -> Layer:
    """Geometries, each with its number."""
    wkb = pa.array(shapely.to_wkb(geometries), pa.binary())
    return Layer(pa.table({key: np.arange(len(wkb)), "geometry": wkb}), key, crs=crs)


def pairs(found: pa.Table) -> list[tuple[Any, ...]]:
    """The rows of a table."""
    return list(zip(*(column.to_pylist() for column in found.columns), strict=True))


def by_force(left: Any, right: Any, predicate: str) -> list[tuple[int, int]]:
    """Every pair that Shapely says meets a predicate, each asked for by itself."""
    test = getattr(shapely, predicate)
    return [(i, j) for i, one in enumerate(left) for j, other in enumerate(right)
            if one is not None and other is not None and test(one, other)]  # fmt: skip
