"""Published geometries of Shenzhen: joined by place as Shapely joins them.

They lie beside the project, in ``../shared/data``; the tests are skipped where they do not.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely

from cityloom.geo import Way, assign, spatial_join
from tests.geo.shapes import by_force, layer, pairs

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "shenzhen"

pytestmark = pytest.mark.skipif(
    not FOLDER.is_dir(), reason=f"the real files are not here: no folder {FOLDER}"
)


def geometries(name: str) -> Any:
    features = json.loads((FOLDER / name).read_text(encoding="utf-8"))["features"]
    return np.array([shapely.geometry.shape(item["geometry"]) for item in features], object)


@pytest.fixture(scope="module")
def districts() -> Any:
    return shapely.make_valid(geometries("sz_districts_transbigdata.json"))


@pytest.fixture(scope="module")
def footprints() -> Any:
    parts = shapely.get_parts(geometries("nanshan-building.geojson"))
    return parts[shapely.is_valid(parts)]


@pytest.mark.parametrize("way", [Way.PORTABLE, Way.DUCKDB])
def test_places_all_over_the_city_are_in_their_district(districts: Any, way: Way) -> None:
    west, south, east, north = shapely.total_bounds(districts)
    rng = np.random.default_rng(5)
    points = shapely.points(rng.uniform((west, south), (east, north), (3_000, 2)))
    found = spatial_join(layer(points, "point"), layer(districts, "district"), "within", way)
    assert pairs(found) == by_force(points, districts, "within")
    assert 500 < len(found) < 3_000


def test_the_corners_of_districts_meet_all_that_share_them(districts: Any) -> None:
    corners = shapely.points(np.unique(shapely.get_coordinates(districts), axis=0)[::7])
    found = spatial_join(layer(corners, "point"), layer(districts, "district"), "intersects")
    assert pairs(found) == by_force(corners, districts, "intersects")
    assert len(found) >= len(corners)


def test_all_footprints_of_nanshan_lie_in_one_district(districts: Any, footprints: Any) -> None:
    found = assign(layer(footprints, "building"), layer(districts, "district"))
    assert len(found) == len(footprints) > 5_000
    counts = np.bincount(found["district"].drop_null().to_numpy())
    assert counts.max() > 0.95 * len(footprints)
