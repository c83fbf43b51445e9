"""The features of a city are those that pygeoapi has of the same rows."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from urllib.request import urlopen

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.export import write_file
from tests.cities import TESTER
from tests.web.pygeoapi import CannotBeHad, pygeoapi
from tests.web.sites import new_sites
from tests.web.test_features import everything, ids, reader_of

BOXES = [(114, 22.5, 114.2, 22.7), (113.9, 22.45, 114.35, 22.5), (0, 0, 1, 1), (113, 22, 115, 23)]
SPANS = [
    "2021-01-01T00:00:00Z/2022-06-30T12:00:00Z",
    "../2020-07-01T00:00:00Z",
    "2024-01-01T00:00:00Z/..",
]


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The city; tests only read it."""
    return new_sites(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="module")
def web(sites: City) -> TestClient:
    """A reader of the city's features."""
    return reader_of(sites)


@pytest.fixture(scope="module")
def peer(sites: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a pygeoapi with the same rows, from GeoJSON and from GeoParquet."""
    folder = tmp_path_factory.mktemp("peer")
    try:
        with pygeoapi(folder, _providers(sites, folder)) as root:
            yield root
    except CannotBeHad as error:
        pytest.skip(str(error))


def _providers(city: City, folder: Path) -> dict[str, dict[str, Any]]:
    providers: dict[str, dict[str, Any]] = {}
    for dataset, key in (("lamp", "lamp_no"), ("bay", "bay")):
        source = folder / f"{dataset}.geojson"
        write_file(city.read(dataset, TESTER), source, "geojson", city.contract(dataset))
        providers[dataset] = {"name": "GeoJSON", "data": str(source), "id_field": key}
    source = folder / "lamp.parquet"
    write_file(city.read("lamp", TESTER), source, "parquet", city.contract("lamp"))
    found, about = pq.read_table(source), pq.read_metadata(source).metadata[b"geo"]
    found = found.rename_columns(["geometry" if n == "place" else n for n in found.column_names])
    named = json.loads(about)
    named |= {"primary_column": "geometry", "columns": {"geometry": named["columns"]["place"]}}
    found = found.filter(pa.compute.is_valid(found["geometry"]))
    pq.write_table(found.replace_schema_metadata({"geo": json.dumps(named)}), source)
    providers["timed"] = {
        "name": "Parquet", "data": {"source": str(source)}, "id_field": "lamp_no",
        "time_field": "seen", "x_field": ["place_xmin", "place_xmax"],
        "y_field": ["place_ymin", "place_ymax"],
    }  # fmt: skip
    return providers


def asked_of(peer: str, dataset: str, **asked: object) -> dict[str, Any]:
    words = urlencode({"f": "json", "limit": 1000, **asked})
    with urlopen(f"{peer}/collections/{dataset}/items?{words}") as answered:
        found: dict[str, Any] = json.load(answered)
        return found


def assert_same(ours: Mapping[str, Any], theirs: Mapping[str, Any], key: str) -> None:
    assert ours["numberMatched"] == theirs["numberMatched"] == len(theirs["features"])
    wanted = {feature["properties"][key]: feature for feature in theirs["features"]}
    assert {feature["properties"][key] for feature in ours["features"]} == set(wanted)
    for feature in ours["features"]:
        other = wanted[feature["properties"][key]]
        assert feature["properties"].keys() == other["properties"].keys()
        if feature["geometry"] is None:
            assert other["geometry"] is None
            continue
        one, two = (shapely.geometry.shape(f["geometry"]).normalize() for f in (feature, other))
        assert shapely.equals_exact(one, two, 1e-9)


@pytest.mark.parametrize(("dataset", "key"), [("lamp", "lamp_no"), ("bay", "bay")])
def test_all_features_are_the_same(web: TestClient, peer: str, dataset: str, key: str) -> None:
    assert_same(everything(web, dataset), asked_of(peer, dataset), key)


@pytest.mark.parametrize("box", BOXES)
@pytest.mark.parametrize(("dataset", "key"), [("lamp", "lamp_no"), ("bay", "bay")])
def test_a_box_holds_the_same(
    web: TestClient, peer: str, dataset: str, key: str, box: tuple[float, ...]
) -> None:
    """But for features without a geometry, which pygeoapi finds in every box."""
    asked = {"bbox": ",".join(map(str, box))}
    theirs = asked_of(peer, dataset, **asked)
    placed = [feature for feature in theirs["features"] if feature["geometry"]]
    theirs |= {"features": placed, "numberMatched": len(placed)}
    assert_same(everything(web, dataset, **asked), theirs, key)


@pytest.mark.parametrize("asked", [{"kind": "LED"}, {"kind": "sodium", "height": "5.5"}])
def test_a_value_has_the_same(web: TestClient, peer: str, asked: dict[str, str]) -> None:
    assert_same(everything(web, "lamp", **asked), asked_of(peer, "lamp", **asked), "lamp_no")


@pytest.mark.parametrize("span", SPANS)
def test_a_time_has_the_same(web: TestClient, peer: str, span: str) -> None:
    ours = everything(web, "lamp", datetime=span)
    placed = [feature["id"] for feature in ours["features"] if feature["geometry"]]
    theirs = asked_of(peer, "timed", datetime=span)
    assert placed
    assert placed == [feature["properties"]["lamp_no"] for feature in theirs["features"]]


def test_one_feature_is_the_same(web: TestClient, peer: str) -> None:
    for identity in ids(everything(web, "lamp"))[:5]:
        ours = web.get(f"/ogc/collections/lamp/items/{identity}").json()
        with urlopen(f"{peer}/collections/lamp/items/{identity}?f=json") as answered:
            theirs = json.load(answered)
        assert (ours["id"], ours["geometry"]) == (theirs["id"], theirs["geometry"])
        del ours["properties"]["seen"], theirs["properties"]["seen"]
        assert ours["properties"] == theirs["properties"]
