"""Spatial joins: equal to asking Shapely of every pair, whoever does the work."""

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.errors import UsageError
from cityloom.geo import Layer, Way, assign, spatial_join
from cityloom.geo.cells import extent
from cityloom.geo.cover import cells, cover
from cityloom.geo.portable import Pairs, in_order
from tests.geo.shapes import by_force, layer, pairs, points_near, polygons

PREDICATES = ("within", "intersects")
WAYS = tuple(Way)
FOUR = np.array([shapely.box(x, y, x + 1, y + 1) for x in (0, 1) for y in (0, 1)])
BOW = shapely.Polygon([(0, 0), (1, 1), (1, 0), (0, 1)])

each_way = pytest.mark.parametrize("way", WAYS)


@pytest.fixture(autouse=True)
def with_sedona(request: pytest.FixtureRequest) -> None:
    if "way" in request.fixturenames and request.getfixturevalue("way") is Way.SEDONA:
        pytest.importorskip("sedonadb", reason="it comes with the extra 'sedona'")


@st.composite
def scenes(draw: Any) -> tuple[Any, Any]:
    areas = draw(polygons())
    return draw(points_near(areas)), areas


@given(scenes(), st.sampled_from(PREDICATES))
@settings(max_examples=80, deadline=None)
def test_points_are_found_in_the_polygons_that_shapely_finds_them_in(
    scene: tuple[Any, Any], predicate: str
) -> None:
    points, areas = scene
    found = spatial_join(layer(points, "point"), layer(areas, "area"), predicate)
    assert pairs(found) == by_force(points, areas, predicate)


@pytest.mark.parametrize("way", [Way.DUCKDB, Way.SEDONA])
@pytest.mark.parametrize("predicate", PREDICATES)
@given(scene=scenes())
@settings(max_examples=8, deadline=None)
def test_all_ways_find_the_same(way: Way, predicate: str, scene: tuple[Any, Any]) -> None:
    if way is Way.SEDONA:
        pytest.importorskip("sedonadb", reason="it comes with the extra 'sedona'")
    left, right = layer(scene[0], "point"), layer(scene[1], "area")
    assert spatial_join(left, right, predicate, way).equals(spatial_join(left, right, predicate))


@given(polygons(), polygons(), st.sampled_from(PREDICATES))
@settings(max_examples=40, deadline=None)
def test_what_is_no_point_is_found_too(shapes: Any, areas: Any, predicate: str) -> None:
    lines = shapely.boundary(shapes)
    left = np.concatenate([shapes, lines, shapely.centroid(shapes)])
    found = spatial_join(layer(left, "shape"), layer(areas, "area"), predicate)
    assert pairs(found) == by_force(left, areas, predicate)


@given(scenes(), st.floats(0.5, 60))
@settings(max_examples=80, deadline=None)
def test_a_cell_tells_of_all_positions_in_it(scene: tuple[Any, Any], across: float) -> None:
    """On grids of any fineness: inside is inside, and where a polygon has no cell it is not."""
    points, areas = scene
    points = points[~shapely.is_missing(points) & ~shapely.is_empty(points)]
    per_unit = across / max(float(np.ptp(extent(areas))), 1) if len(areas) else 1.0
    per_unit = per_unit if np.isfinite(per_unit) else 1.0
    found = cover(areas, per_unit)
    of = {
        (int(column), int(row), int(polygon)): bool(inside)
        for column, row, polygon, inside in zip(*found, strict=True)
    }
    x, y = shapely.get_x(points), shapely.get_y(points)
    where = zip(cells(x, per_unit).tolist(), cells(y, per_unit).tolist(), points, strict=True)
    for column, row, point in where:
        for number, area in enumerate(areas):
            told = of.get((column, row, number))
            if told:
                assert shapely.contains_properly(area, point)
            if told is None and area is not None:
                assert not shapely.intersects(area, point)


def test_most_of_a_large_polygon_needs_no_test() -> None:
    found = cover(np.array([shapely.Point(0, 0).buffer(1)]), 100)
    assert len(found.row) == pytest.approx(np.pi * 100**2, rel=0.03)
    assert found.is_inside.mean() > 0.95


@each_way
def test_a_point_on_a_shared_border_is_within_neither_and_meets_both(way: Way) -> None:
    points = layer(shapely.points([(1, 0.5), (1, 1), (0.5, 0.5), (0, 0)]), "point")
    areas = layer(FOUR, "area")
    assert pairs(spatial_join(points, areas, "within", way)) == [(2, 0)]
    found = pairs(spatial_join(points, areas, "intersects", way))
    assert found == [(0, 0), (0, 2), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0), (3, 0)]


@each_way
def test_an_assigned_point_has_one_polygon_the_smallest_key_on_a_border(way: Way) -> None:
    points = layer(np.array([*shapely.points([(1, 1), (1, 1.5), (9, 9)]), None]), "point")
    keys = pa.table({"area": ["d", "c", "b", "a"], "geometry": layer(FOUR, "n").wkb})
    found = assign(points, Layer(keys, "area"), way)
    assert pairs(found) == [(0, "a"), (1, "a"), (2, None), (3, None)]


@given(scenes())
@settings(max_examples=40, deadline=None)
def test_each_row_is_assigned_once_and_in_its_order(scene: tuple[Any, Any]) -> None:
    points, areas = scene
    least: dict[int, int] = {}
    for point, area in by_force(points, areas, "intersects"):
        least[point] = min(area, least.get(point, area))
    found = assign(layer(points, "point"), layer(areas, "area"))
    assert pairs(found) == [(number, least.get(number)) for number in range(len(points))]


def test_a_footprint_belongs_where_a_point_on_it_lies() -> None:
    """The centroid of the second lies outside it, in another polygon."""
    hook = shapely.box(0.1, 0.1, 1.9, 0.9).difference(shapely.box(0.3, 0.2, 2, 0.8))
    shapes = np.array([shapely.box(0.2, 0.2, 1.1, 0.4), hook, shapely.LineString([(5, 5), (6, 6)])])
    found = pairs(assign(layer(shapes, "shape"), layer(FOUR, "area")))
    on = shapely.point_on_surface(shapes)
    assert [area for _, area in found[:2]] == [int(x > 1) * 2 for x in shapely.get_x(on[:2])]
    assert found[2] == (2, None)


@each_way
def test_nothing_is_found_in_nothing(way: Way) -> None:
    none = np.array([], object)
    for left, right in ((none, FOUR), (shapely.points([(0.5, 0.5)]), none), (none, none)):
        assert len(spatial_join(layer(left, "point"), layer(right, "area"), way=way)) == 0


@each_way
def test_a_coordinate_that_is_not_finite_is_nowhere(way: Way) -> None:
    odd = shapely.points([(np.inf, 0.5), (0.5, -np.inf), (np.nan, 0.5), (0.5, 0.5)])
    assert pairs(spatial_join(layer(odd, "point"), layer(FOUR, "area"), way=way)) == [(3, 0)]


@each_way
def test_a_polygon_that_is_not_valid_is_named(way: Way) -> None:
    areas = layer(np.array([FOUR[0], BOW]), "area")
    with pytest.raises(UsageError, match=r"area 1 has no valid geometry: Self-intersection\[0.5 0"):
        spatial_join(layer(shapely.points([(0, 0)]), "point"), areas, way=way)


@each_way
def test_a_shape_on_the_left_that_is_not_valid_is_named(way: Way) -> None:
    shapes = layer(np.array([FOUR[0], None, BOW]), "shape")
    with pytest.raises(UsageError, match="shape 2 has no valid geometry"):
        spatial_join(shapes, layer(FOUR, "area"), way=way)
    with pytest.raises(UsageError, match="shape 2 has no valid geometry"):
        assign(shapes, layer(FOUR, "area"), way=way)


def test_what_cannot_be_joined_is_told() -> None:
    points, areas = layer(shapely.points([(0, 0)]), "point"), layer(FOUR, "area")
    with pytest.raises(UsageError, match="is in EPSG:4326 and 'geometry' in EPSG:4547; bring"):
        spatial_join(points, layer(FOUR, "area", crs="EPSG:4547"))
    with pytest.raises(UsageError, match="both layers have the key 'area'"):
        assign(layer(FOUR, "area"), areas)
    with pytest.raises(UsageError, match="point 0 is a Point; expected polygons"):
        spatial_join(areas, points)
    odd = Layer(pa.table({"point": [1], "geometry": [b"\x01\x02"]}), "point")
    with pytest.raises(UsageError, match="'geometry' holds what is not WKB"):
        spatial_join(odd, areas)


def test_longitude_and_latitude_go_by_two_names() -> None:
    points = layer(shapely.points([(0.5, 0.5)]), "point", crs="OGC:CRS84")
    assert len(spatial_join(points, layer(FOUR, "area"))) == 1


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), unique=True))
def test_pairs_come_in_the_order_of_the_rows(drawn: list[tuple[int, int]]) -> None:
    parts = [Pairs(*np.array(some, np.int64).reshape(-1, 2).T) for some in (drawn[:3], drawn[3:])]
    assert list(zip(*map(list, in_order(parts)), strict=True)) == sorted(drawn)


def test_many_points_are_found_a_part_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cityloom.geo.portable._ROWS_AT_A_TIME", 7)
    points = shapely.points(np.random.default_rng(3).uniform(-1, 3, (40, 2)))
    found = spatial_join(layer(points, "point"), layer(FOUR, "area"))
    assert pairs(found) == by_force(points, FOUR, "intersects")
