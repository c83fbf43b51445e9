"""What tiles show against what they were made of."""

import json
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyproj
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.tiles.archive import LARGEST
from cityloom.tiles.mercator import to_degrees, to_world
from tests.tiles.making import made
from tests.tiles.reading import at_zoom, header_of, in_world, metadata_of, tiles_of

SEVERAL = settings(max_examples=12, deadline=None)
SOMEWHERE = st.tuples(st.floats(113.8, 114.6), st.floats(22.4, 22.8))


def squares(centres: list[tuple[float, float]], sides: list[float]) -> list[shapely.Geometry]:
    pairs = zip(centres, sides, strict=True)
    return [shapely.box(x - s / 2, y - s / 2, x + s / 2, y + s / 2) for (x, y), s in pairs]


def world(shapes: list[shapely.Geometry]) -> np.ndarray:
    return to_world(np.array(shapes, dtype=object), "EPSG:4326")


@SEVERAL
@given(st.lists(SOMEWHERE, min_size=1, max_size=60))
def test_every_point_is_in_the_last_zoom_once_where_it_is(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[float, float]]
) -> None:
    path, _ = made(tmp_path_factory.mktemp("t"), [shapely.Point(place) for place in places])
    last = header_of(path)["max_zoom"]
    shown = {
        seen.values["thing_no"]: in_world(at, seen.geometry) for at, seen in at_zoom(path, last)
    }
    assert len(list(at_zoom(path, last))) == len(places)
    for number, point in enumerate(world([shapely.Point(place) for place in places])):
        assert point.distance(shown[f"T{number:06}"]) * 2**last * 4096 < 1


@SEVERAL
@given(
    st.lists(st.tuples(SOMEWHERE, st.floats(1e-6, 0.2)), min_size=1, max_size=25),
)
def test_areas_cut_by_tiles_add_up_to_themselves(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[tuple[float, float], float]]
) -> None:
    shapes = squares([place for place, _ in drawn], [side for _, side in drawn])
    path, _ = made(tmp_path_factory.mktemp("t"), shapes)
    last = header_of(path)["max_zoom"]
    areas: dict[str, float] = defaultdict(float)
    for at, seen in at_zoom(path, last):
        assert shapely.is_valid(seen.geometry)
        inside = seen.geometry.intersection(shapely.box(0, 0, 4096, 4096))
        areas[seen.values["thing_no"]] += in_world(at, inside).area
    assert len(areas) == len(shapes)
    unit = 2.0**-last / 4096
    for number, shape in enumerate(world(shapes)):
        off = abs(areas[f"T{number:06}"] - shape.area)
        assert off <= (shape.length + 8 * unit) * unit


@SEVERAL
@given(st.lists(st.tuples(SOMEWHERE, st.floats(1e-5, 3e-3)), min_size=2, max_size=60))
def test_small_areas_are_counted_at_every_zoom(
    tmp_path_factory: pytest.TempPathFactory, drawn: list[tuple[tuple[float, float], float]]
) -> None:
    shapes = squares([place for place, _ in drawn], [side for _, side in drawn])
    path, _ = made(tmp_path_factory.mktemp("t"), shapes)
    header = header_of(path)
    for zoom in range(header["min_zoom"], header["max_zoom"] + 1):
        found = [seen for _, seen in at_zoom(path, zoom)]
        alone = {seen.values["thing_no"] for seen in found if "thing_no" in seen.values}
        together = [int(s.values["_count"]) for s in found if "thing_no" not in s.values]
        assert len(alone) + sum(together) == len(shapes)


@SEVERAL
@given(st.lists(SOMEWHERE, min_size=1, max_size=200))
def test_thinned_points_carry_the_number_that_they_stand_for(
    tmp_path_factory: pytest.TempPathFactory, places: list[tuple[float, float]]
) -> None:
    path, _ = made(tmp_path_factory.mktemp("t"), [shapely.Point(place) for place in places])
    header = header_of(path)
    for zoom in range(header["min_zoom"], header["max_zoom"] + 1):
        counts = [int(seen.values.get("_count", 1)) for _, seen in at_zoom(path, zoom)]
        assert sum(counts) == len(places)


def test_values_come_with_their_types(tmp_path: Path) -> None:
    path, _ = made(tmp_path, [shapely.Point(114, 22.5), shapely.Point(114.2, 22.6)])
    seen = [seen.values for _, seen in at_zoom(path, header_of(path)["max_zoom"])]
    assert {"thing_no": "T000001", "name": "thing 1", "height": 0.5, "open": False} in seen
    layer = metadata_of(path)["vector_layers"][0]
    assert layer["id"] == "thing"
    assert layer["fields"]["height"] == "Number"
    assert metadata_of(path)["steps"] == {"height": [0.0, 0.5]}


def test_any_crs_comes_to_the_same_place(tmp_path: Path) -> None:
    there = shapely.box(114.05, 22.53, 114.06, 22.54)
    to_grid = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:4547", always_xy=True)
    grid = shapely.transform(there, lambda p: np.column_stack(to_grid.transform(p[:, 0], p[:, 1])))
    degrees, _ = made(tmp_path / "degrees", [there])
    metres, _ = made(tmp_path / "metres", [grid], crs="EPSG:4547")
    last = header_of(degrees)["max_zoom"]
    one = shapely.union_all([in_world(at, seen.geometry) for at, seen in at_zoom(degrees, last)])
    other = shapely.union_all([in_world(at, seen.geometry) for at, seen in at_zoom(metres, last)])
    assert one.symmetric_difference(other).area < 0.01 * one.area


def test_the_header_says_where_it_is(tmp_path: Path) -> None:
    path, _ = made(tmp_path, [shapely.box(114, 22.5, 114.2, 22.6)])
    header = header_of(path)
    edges = [header[f"{name}_e7"] / 1e7 for name in ("min_lon", "min_lat", "max_lon", "max_lat")]
    assert edges == pytest.approx([114, 22.5, 114.2, 22.6], abs=1e-6)


def test_degrees_and_the_square_are_inverse() -> None:
    (point,) = world([shapely.Point(114.05, 22.53)])
    assert to_degrees(point.x, point.y) == pytest.approx((114.05, 22.53))


def test_rows_without_a_place_are_counted_and_left_out(tmp_path: Path) -> None:
    shapes = [shapely.Point(114, 22.5), shapely.Point(10, 89.9), None, shapely.Point()]
    _, report = made(tmp_path, shapes)
    assert (report.features, report.left_out) == (1, 2)


def test_a_dataset_without_rows_has_an_archive_without_tiles(tmp_path: Path) -> None:
    path, report = made(tmp_path, [])
    assert report.features == report.tiles == 0
    assert tiles_of(path) == {(0, 0, 0): b""}


@pytest.mark.parametrize("dimension", [0, 1, 2])
def test_no_tile_is_larger_than_its_limit(tmp_path: Path, dimension: int) -> None:
    rng = np.random.default_rng(dimension)
    at = rng.uniform((114, 22.5), (114.004, 22.504), (30_000, 2))
    shapes = [
        list(shapely.points(at)),
        list(shapely.linestrings(np.stack([at, at + rng.uniform(1e-4, 3e-4, at.shape)], axis=1))),
        list(shapely.box(at[:, 0], at[:, 1], at[:, 0] + 1e-4, at[:, 1] + 1e-4)),
    ][dimension]
    path, report = made(tmp_path, shapes)
    header = header_of(path)
    assert header["max_zoom"] == 16
    assert path.stat().st_size <= LARGEST * report.tiles
    with open(path, "rb") as file:
        from pmtiles.reader import MmapSource, all_tiles

        assert max(len(tile) for _, tile in all_tiles(MmapSource(file))) <= LARGEST


def test_lines_shorter_than_a_cell_are_stood_for_by_the_longest(tmp_path: Path) -> None:
    short = [shapely.LineString([(114, 22.5), (114 + n * 1e-5, 22.5)]) for n in range(1, 5)]
    far = shapely.LineString([(114.4, 22.5), (114.5, 22.6)])
    path, _ = made(tmp_path, [*short, far])
    shown = [seen.values for _, seen in at_zoom(path, header_of(path)["min_zoom"])]
    assert {(values["thing_no"], int(values.get("_count", 1))) for values in shown} == {
        ("T000003", 4),
        ("T000004", 1),
    }


def test_many_parts_holes_and_collections_stay_what_they_are(tmp_path: Path) -> None:
    ring = shapely.box(114, 22.5, 114.1, 22.6).difference(shapely.box(114.02, 22.52, 114.08, 22.58))
    two = shapely.MultiPolygon(
        [shapely.box(114.2, 22.5, 114.25, 22.55), shapely.box(114.3, 22.5, 114.35, 22.55)]
    )
    mixed = shapely.GeometryCollection(
        [shapely.Point(114, 22), shapely.box(114.4, 22.5, 114.45, 22.55)]
    )
    path, _ = made(tmp_path, [ring, two, mixed])
    last = header_of(path)["max_zoom"]
    found: dict[str, list[shapely.Geometry]] = defaultdict(list)
    for at, seen in at_zoom(path, last):
        inside = seen.geometry.intersection(shapely.box(0, 0, 4096, 4096))
        found[seen.values["thing_no"]].append(in_world(at, inside))
    wanted = world([ring, two, mixed.geoms[1]])
    for number, shape in enumerate(wanted):
        whole = shapely.union_all(found[f"T{number:06}"])
        assert whole.symmetric_difference(shape).area < 0.001 * shape.area


def test_an_area_too_thin_for_a_unit_is_still_there(tmp_path: Path) -> None:
    thin = shapely.box(114, 22.5, 114.000001, 22.500001)
    path, _ = made(tmp_path, [thin, shapely.box(114.1, 22.5, 114.2, 22.6)])
    shown = [seen for _, seen in at_zoom(path, header_of(path)["max_zoom"])]
    (small,) = [seen for seen in shown if seen.values["thing_no"] == "T000000"]
    assert shapely.is_valid(small.geometry)
    assert small.geometry.area >= 1


def test_long_texts_are_cut(tmp_path: Path) -> None:
    import duckdb

    from cityloom.tiles.making import make_archive
    from tests.tiles.making import engine, thing_contract, thing_file

    contract = thing_contract(tmp_path / "contracts")
    source = thing_file(tmp_path / "thing.parquet", contract, [shapely.Point(114, 22.5)])
    long = tmp_path / "long.parquet"
    duckdb.sql(f"COPY (SELECT * REPLACE (repeat('河', 300) AS name) FROM '{source}') TO '{long}'")
    path = tmp_path / "thing.pmtiles"
    make_archive(engine(), [long], contract, "1", path, tmp_path)
    ((_, seen),) = at_zoom(path, header_of(path)["max_zoom"])
    assert seen.values["name"] == "河" * 256 + "…"


def test_metadata_is_what_viewers_read(tmp_path: Path) -> None:
    path, _ = made(tmp_path, [shapely.Point(114, 22.5)])
    said = metadata_of(path)
    assert json.dumps(said)
    assert said["type"] == "overlay"
