"""H3 cells and boxes: published cells, other CRS, and what has none."""

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.errors import UsageError
from cityloom.geo.cells import boxes, point_cells
from cityloom.geo.crs import check_on_earth, lonlat

HALL = (114.05, 22.54)


def shapes(*found: shapely.Geometry | None) -> Any:
    return np.array([*found, None], object)[:-1]


@pytest.mark.parametrize(("resolution", "cell"), [(5, "85283473fffffff"), (7, "87283472bffffff")])
def test_cells_are_those_that_the_documentation_of_h3_gives(resolution: int, cell: str) -> None:
    """The example of h3-js, https://github.com/uber/h3-js."""
    place = shapes(shapely.Point(-122.0553238, 37.3615593))
    assert point_cells(place, resolution, "EPSG:4326").to_pylist() == [cell]


def test_a_point_has_its_cell_in_whatever_crs() -> None:
    """EPSG:4547 names the north first; here x is the east, as GIS files have it."""
    from pyproj import Transformer

    east, north = Transformer.from_crs("OGC:CRS84", "EPSG:4547", always_xy=True).transform(*HALL)
    assert 300_000 < east < 700_000
    assert north > 2_000_000
    there = point_cells(shapes(shapely.Point(east, north)), 9, "EPSG:4547").to_pylist()
    assert there == point_cells(shapes(shapely.Point(*HALL)), 9, "OGC:CRS84").to_pylist()


def test_what_has_no_place_has_no_cell() -> None:
    nowhere = (
        None, shapely.Point(), shapely.box(0, 0, 1, 1), shapely.Point(181, 0),
        shapely.Point(0, 90.5), shapely.Point(np.inf, 0), shapely.Point(np.nan, 1),
    )  # fmt: skip
    cells = point_cells(shapes(shapely.Point(*HALL), *nowhere), 9, "EPSG:4326").to_pylist()
    assert cells[0]
    assert cells[1:] == [None] * len(nowhere)
    assert point_cells(shapes(), 9, "EPSG:4326").to_pylist() == []


def test_a_position_beyond_a_projection_has_no_cell() -> None:
    far = shapes(shapely.Point(1e12, 1e12))
    assert point_cells(far, 9, "EPSG:32650").to_pylist() == [None]


@settings(deadline=None)
@given(st.floats(-180, 180), st.floats(-89.9, 89.9), st.integers(1, 15))
def test_a_finer_cell_is_a_child_of_the_coarser_one_near_by(
    longitude: float, latitude: float, resolution: int
) -> None:
    """A hexagon's children stick out of it a little, so the parent is the cell or its neighbour."""
    from h3ronpy import cells_parse, change_resolution, grid_disk

    place = shapes(shapely.Point(longitude, latitude))
    fine = point_cells(place, resolution, "EPSG:4326").to_pylist()
    coarse = point_cells(place, resolution - 1, "EPSG:4326").to_pylist()
    parent = change_resolution(cells_parse(fine), resolution - 1).to_pylist()
    near = grid_disk(cells_parse(coarse), 1, flatten=True).to_pylist()
    assert set(parent) <= set(near)


def test_boxes_are_in_the_geometrys_own_coordinates_and_null_where_there_is_none() -> None:
    found = boxes(shapes(shapely.LineString([(3, 1), (2, 5)]), None, shapely.Polygon()))
    assert [edge.to_pylist() for edge in found] == [
        [2.0, None, None], [1.0, None, None], [3.0, None, None], [5.0, None, None],
    ]  # fmt: skip


@pytest.mark.parametrize("crs", ["EPSG:99999", "nonsense", ""])
def test_a_crs_that_nobody_knows_is_named(crs: str) -> None:
    with pytest.raises(UsageError, match=f"crs '{crs}' is not known"):
        check_on_earth(crs)


def test_a_crs_of_a_building_site_is_not_on_the_earth() -> None:
    site = (
        'ENGCRS["Site",EDATUM["Corner"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],UNIT["m",1]]'
    )
    with pytest.raises(UsageError, match="not tied to the Earth"):
        check_on_earth(site)


def test_longitude_and_latitude_stay_as_they_are() -> None:
    x, y = np.array([1.5]), np.array([2.5])
    assert lonlat(x, y, "EPSG:4326") == (x, y)
