"""The features of a city as OGC API - Features has them."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
import shapely
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import Transformer
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.web.app import create_app
from tests.cities import csv_bytes, deliver
from tests.web.sites import LAMPS, QUOTE, SECRET, bays, lamps, new_sites

Facts = dict[str, Any]
OPEN = ["bay", "lamp", "path", "vacant"]
SEARCH = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def sites(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The city; tests only read it."""
    return new_sites(tmp_path_factory.mktemp("sites"))


@pytest.fixture(scope="module")
def web(sites: City) -> TestClient:
    """A reader of the city's features."""
    return reader_of(sites)


def reader_of(city: City) -> TestClient:
    return TestClient(create_app(city), base_url="http://127.0.0.1")


def items(web: TestClient, dataset: str, **asked: Any) -> Facts:
    answered = web.get(f"/ogc/collections/{dataset}/items", params=asked)
    assert answered.status_code == 200, answered.text
    assert answered.headers["content-type"] == "application/geo+json"
    found: Facts = answered.json()
    assert found["numberReturned"] == len(found["features"])
    return found


def pages(web: TestClient, dataset: str, **asked: Any) -> Iterator[Facts]:
    """Every page from the first on, by the links that each has."""
    found = items(web, dataset, **asked)
    yield found
    while address := link(found, "next"):
        answered = web.get(address)
        assert answered.status_code == 200, answered.text
        found = answered.json()
        yield found


def link(facts: Facts, rel: str) -> str | None:
    return next((item["href"] for item in facts["links"] if item["rel"] == rel), None)


def ids(found: Facts) -> list[Any]:
    return [feature["id"] for feature in found["features"]]


def everything(web: TestClient, dataset: str, **asked: Any) -> Facts:
    return items(web, dataset, limit=10_000, **asked)


def entries(city: City) -> list[Facts]:
    lines = (city.path / "ledger.ndjson").read_text().splitlines()
    return [json.loads(line) for line in lines]


# What there is


def test_links_lead_from_the_landing_page_to_every_feature(web: TestClient) -> None:
    landing = web.get("/ogc").json()
    for rel in ("self", "service-desc", "conformance", "data", "alternate"):
        assert web.get(link(landing, rel) or "").status_code == 200, rel
    listed = web.get(link(landing, "data") or "").json()["collections"]
    assert [item["id"] for item in listed] == OPEN
    for item in listed:
        assert web.get(link(item, "self") or "").json() == item
        assert web.get(link(item, "alternate") or "").status_code == 200
        found = web.get(link(item, "items") or "").json()
        assert link(found, "collection") == link(item, "self")
        for feature in found["features"]:
            own = web.get(f"{link(item, 'items')}/{quote(str(feature['id']), safe='')}").json()
            assert {name: own[name] for name in feature} == feature
            assert web.get(link(own, "self") or "").json() == own


def test_what_is_conformed_to_is_stated(web: TestClient) -> None:
    stated = web.get("/ogc/conformance").json()["conformsTo"]
    assert [name.rpartition("/")[2] for name in stated] == ["core", "geojson", "oas30"]


def test_extents_are_those_of_the_features(web: TestClient) -> None:
    for dataset in ("lamp", "bay"):
        extent = web.get(f"/ogc/collections/{dataset}").json()["extent"]
        shapes = [shapely.geometry.shape(f["geometry"]) for f in
                  everything(web, dataset)["features"] if f["geometry"]]  # fmt: skip
        assert extent["spatial"]["bbox"][0] == pytest.approx(shapely.total_bounds(shapes), abs=1e-9)
    seen = sorted(row["seen"][:19] for row in lamps())
    (interval,) = web.get("/ogc/collections/lamp").json()["extent"]["temporal"]["interval"]
    assert [edge[:19] for edge in interval] == [seen[0], seen[-1]]
    days = sorted(row["since"] for row in bays())
    (interval,) = web.get("/ogc/collections/bay").json()["extent"]["temporal"]["interval"]
    assert [edge[:10] for edge in interval] == [days[0], days[-1]]
    assert "extent" not in web.get("/ogc/collections/vacant").json()


def test_a_collection_says_in_which_crs_it_comes_and_lies(web: TestClient) -> None:
    bay = web.get("/ogc/collections/bay").json()
    assert bay["crs"] == ["http://www.opengis.net/def/crs/OGC/1.3/CRS84"]
    assert bay["storageCrs"] == "http://www.opengis.net/def/crs/EPSG/0/3857"


def test_features_have_what_their_rows_have(web: TestClient) -> None:
    found = {feature["id"]: feature for feature in everything(web, "lamp")["features"]}
    for row in lamps():
        feature = found.pop(row["lamp_no"])
        place = shapely.from_wkt(row["place"]) if row["place"] else None
        assert feature["geometry"] == (place and json.loads(shapely.to_geojson(place)))
        properties = feature["properties"]
        assert properties["lamp_no"] == row["lamp_no"]
        assert properties["kind"] == (row["kind"] or None)
        assert properties["height"] == row["height"]
        assert properties["lit"] == (row["lit"] == "true")
        assert properties["seen"] == row["seen"].replace("+00:00", "Z")
        assert properties["place_xmin"] == (place and place.x)
    assert not found


def test_json_columns_come_as_json_and_rows_without_a_key_are_known(web: TestClient) -> None:
    found = everything(web, "path")
    assert [f["properties"]["said"] for f in found["features"]] == [{"a": [1, None]}, None, [1]]
    assert ids(found) == ["path.csv,1", "path.csv,2", "path.csv,3"]
    own = web.get("/ogc/collections/path/items/path.csv,2").json()
    assert own["properties"]["note"] == "far east"


def test_areas_are_moved_to_longitude_and_latitude_and_turn_as_geojson_does(
    web: TestClient,
) -> None:
    mover = Transformer.from_crs("EPSG:3857", "OGC:CRS84", always_xy=True)
    found = {f["properties"]["bay"]: f for f in everything(web, "bay")["features"]}
    for row in bays():
        shape = shapely.geometry.shape(found[row["bay"]]["geometry"])
        assert shape.exterior.is_ccw
        wanted = shapely.transform(
            shapely.from_wkt(row["area"]), lambda at: np.column_stack(mover.transform(*at.T))
        )
        assert shapely.equals_exact(shape.normalize(), wanted.normalize(), 1e-9)


def test_a_key_of_several_columns_is_joined_by_commas(web: TestClient) -> None:
    found = ids(everything(web, "bay"))
    assert {"Main%2C East,0", "50%25 Lane,1", "a/b,2", "环城路,3"} <= set(found)
    for identity in ("Main%2C East,0", "50%25 Lane,1", "a/b,2", "环城路,3"):
        address = f"/ogc/collections/bay/items/{quote(identity, safe='')}"
        assert web.get(address).json()["id"] == identity
    assert web.get("/ogc/collections/bay/items/Main, East,0").status_code == 404


# What is asked


@SEARCH
@given(limit=st.integers(1, LAMPS + 5), box=st.booleans())
def test_paging_visits_each_feature_once(web: TestClient, limit: int, box: bool) -> None:
    asked = {"bbox": "114,22.5,114.3,22.7"} if box else {}
    whole = ids(everything(web, "lamp", **asked))
    seen = [ids(page) for page in pages(web, "lamp", limit=limit, **asked)]
    assert [identity for page in seen for identity in page] == whole
    assert len(set(whole)) == len(whole)
    assert all(len(page) == limit for page in seen[:-1])


def test_pages_lead_back_as_they_lead_on(web: TestClient) -> None:
    found = list(pages(web, "lamp", limit=50))
    for earlier, later in pairwise(found):
        assert ids(web.get(link(later, "prev") or "").json()) == ids(earlier)
    assert link(found[0], "prev") is None


EDGES = st.floats(113.7, 114.5), st.floats(22.3, 22.9)


@SEARCH
@given(st.tuples(*EDGES, *EDGES), st.sampled_from(["lamp", "bay", "path"]))
def test_a_box_finds_what_an_oracle_finds(
    web: TestClient, edges: tuple[float, ...], dataset: str
) -> None:
    west, east = sorted(edges[::2])
    south, north = sorted(edges[1::2])
    found = everything(web, dataset, bbox=f"{west},{south},{east},{north}")
    assert ids(found) == met(everything(web, dataset), shapely.box(west, south, east, north))
    assert found["numberMatched"] == len(found["features"])


def met(found: Facts, shape: shapely.Geometry) -> list[Any]:
    """The ids of the features that have a point in common with a shape."""
    return [
        feature["id"]
        for feature in found["features"]
        if feature["geometry"] and shapely.geometry.shape(feature["geometry"]).intersects(shape)
    ]


def test_a_box_may_be_a_point_or_a_line(web: TestClient) -> None:
    first = next(f for f in everything(web, "lamp")["features"] if f["geometry"])
    x, y = first["geometry"]["coordinates"]
    assert ids(items(web, "lamp", bbox=f"{x},{y},{x},{y}")) == [first["id"]]
    assert first["id"] in ids(items(web, "lamp", bbox=f"{x},{y - 1},{x},{y + 1}", limit=1000))
    assert ids(items(web, "path", bbox="114.05,22.55,114.05,22.55")) == ["path.csv,1"]
    assert ids(items(web, "path", bbox="114.05,22.56,114.05,22.57")) == []


def test_a_box_may_lie_across_the_180th_meridian_and_have_heights(web: TestClient) -> None:
    far = ["path.csv,2", "path.csv,3"]
    assert ids(items(web, "path", bbox="179.5,-1,-179.5,1")) == far
    assert ids(items(web, "path", bbox="179.5,-1,-10,-179.5,1,10")) == far
    assert ids(items(web, "path", bbox="179.5,-1,180,1")) == far[:1]


MOMENTS = st.integers(0, 50_000 * 3600)


@SEARCH
@given(MOMENTS, MOMENTS, st.sampled_from(["both", "start", "end", "instant"]), st.integers(-14, 14))
def test_times_find_what_an_oracle_finds(
    web: TestClient, one: int, other: int, kind: str, offset: int
) -> None:
    first, last = (np.datetime64("2020-01-01T00:00:00") + edge for edge in sorted((one, other)))
    start, end = zoned(first, offset), zoned(last, -offset)
    asked = {"both": f"{start}/{end}", "start": f"{start}/..", "end": f"/{end}", "instant": start}
    low = first if kind != "end" else np.datetime64("0001-01-01")
    high = {"start": np.datetime64("9999-01-01"), "instant": first}.get(kind, last)
    wanted = [row["lamp_no"] for row in lamps() if low <= np.datetime64(row["seen"][:19]) <= high]
    assert ids(everything(web, "lamp", datetime=asked[kind])) == wanted


def zoned(moment: np.datetime64, hours: int) -> str:
    """A moment in UTC as clocks some hours ahead show it."""
    shown = moment + np.timedelta64(hours, "h")
    return f"{shown}{'-' if hours < 0 else '+'}{abs(hours):02}:00"


def test_a_moment_that_is_a_time_of_a_row_finds_it(web: TestClient) -> None:
    row = lamps()[4]
    assert row["lamp_no"] in ids(items(web, "lamp", datetime=row["seen"].replace("+00:00", "Z")))


def test_a_date_is_all_of_its_day(web: TestClient) -> None:
    row = bays()[3]
    day = row["since"]
    named = f"{row['street']},{row['bay']}"
    for asked in (day, f"{day}T12:00:00Z", f"{day}T23:59:59.5Z/..", f"../{day}T00:00:00z"):
        assert named in ids(everything(web, "bay", datetime=asked)), asked
    next_day = np.datetime64(day) + 1
    assert named not in ids(everything(web, "bay", datetime=f"{next_day}/.."))
    lamp = lamps()[0]
    assert lamp["lamp_no"] in ids(everything(web, "lamp", datetime=lamp["seen"][:10]))


def test_nothing_without_a_time_is_at_a_time(web: TestClient) -> None:
    assert items(web, "path", datetime="2020-01-01/..")["numberMatched"] == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("kind", QUOTE), ("kind", "LED"), ("height", lamps()[0]["height"]), ("lit", "true"),
        ("lit", "否"), ("lamp_no", 17), ("seen", lamps()[8]["seen"]), ("kind", "' OR 1=1 --"),
    ],
)  # fmt: skip
def test_a_column_is_asked_for_by_its_value(web: TestClient, name: str, text: object) -> None:
    plain = {"否": "false"}.get(str(text), text)
    wanted = [row["lamp_no"] for row in lamps() if str(row[name]) == str(plain)]
    assert ids(everything(web, "lamp", **{name: text})) == wanted


def test_conditions_hold_together(web: TestClient) -> None:
    found = everything(
        web, "lamp", kind="LED", lit="true", bbox="114,22,115,23", datetime="2022-01-01/.."
    )
    assert found["numberMatched"] > 0
    box = shapely.box(114, 22, 115, 23)
    inside = met(everything(web, "lamp"), box)
    wanted = [row["lamp_no"] for row in lamps() if row["kind"] == "LED" and row["lit"] == "true"
              and row["seen"] >= "2022" and row["lamp_no"] in inside]  # fmt: skip
    assert ids(found) == wanted


# What cannot be asked

MISTAKES = [
    "x=1", "limit=0", "limit=-1", "limit=x", "limit=", "limit=1.5", "limit=1&limit=2", "limit=²",
    "bbox=", "bbox=1,2,3", "bbox=1,2,3,4,5", "bbox=a,b,c,d", "bbox=nan,0,1,1", "bbox=inf,0,1,1",
    "bbox=0,0,1e309,1", "bbox=0,1,1,0", "bbox=0,0,5,1,1,4", "bbox=1_0,0,20,1", "bbox= 1,0,2,1",
    "datetime=", "datetime=x", "datetime=../..", "datetime=/", "datetime=2020-02-30",
    "datetime=2021-01-01/2020-01-01", "datetime=2020-01-01/2020-01-02/2020-01-03",
    "datetime=2020-01-01T25:00:00Z",
    "cursor=", "cursor=0", "cursor=-1", "cursor=1-00000000--1", "cursor=1-00000000-0'",
    "cursor=x' OR 1=1 --", "lamp_no=x", "lamp_no=1e3", "lamp_no=99999999999999999999", "lit=maybe",
    "height=inf", "height=nan", "height=1e309", "seen=2020-01-01", "place=POINT(0 0)", "f=json",
    "place_xmin=x", "offset=-1", "Limit=3", "crs=EPSG:4326", "%27%20OR%201=1", "=",
]  # fmt: skip


@pytest.mark.parametrize("query", MISTAKES)
def test_a_mistake_is_said_in_words(web: TestClient, query: str) -> None:
    answered = web.get(f"/ogc/collections/lamp/items?{query}")
    assert answered.status_code == 400, answered.text
    said = answered.json()
    assert said["code"] == "InvalidParameterValue"
    assert len(said["description"]) > 10


@pytest.mark.parametrize("path", ["", "/", "/api", "/conformance", "/collections",
                                  "/collections/lamp", "/collections/lamp/items/1"])  # fmt: skip
def test_a_parameter_that_is_not_known_is_refused_everywhere(web: TestClient, path: str) -> None:
    assert web.get(f"/ogc{path}").status_code == 200
    assert web.get(f"/ogc{path}?limit=1").status_code == 400


def test_a_limit_beyond_the_most_is_the_most(web: TestClient) -> None:
    for limit in ("10001", "9" * 6000, "00000000000000000010000"):
        assert items(web, "lamp", limit=limit)["numberReturned"] == LAMPS


HOSTILE = ["'", '"', "';--", "' UNION SELECT 1 --", "\x00", "%", "\\", "🏮", "a" * 5000, "?", "$1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_a_value_is_only_ever_a_value(web: TestClient, text: str) -> None:
    assert items(web, "lamp", kind=text)["numberMatched"] == 0
    assert web.get(f"/ogc/collections/lamp/items/{quote(text, safe='')}").status_code == 404
    assert web.get(f"/ogc/collections/bay/items/{quote(text, safe='')}").status_code == 404
    assert web.get(f"/ogc/collections/{quote(text, safe='')}/items").status_code == 404


@SEARCH
@given(st.sampled_from(["limit", "bbox", "datetime", "cursor", "kind", "height", "seen", "lit"]),
       st.text(max_size=30))  # fmt: skip
def test_no_text_breaks_a_parameter(web: TestClient, name: str, text: str) -> None:
    assert web.get("/ogc/collections/lamp/items", params={name: text}).status_code in (200, 400)


def test_what_is_not_there_is_said_to_be_not_there(web: TestClient) -> None:
    for path in ("/nope", "/collections/nope", "/collections/nope/items", "/collections/tally",
                 "/collections/tally/items", "/collections/lamp/items/9999",
                 "/collections/lamp/items/", "/collections/lamp/items/01",
                 "/collections/lamp/nope"):  # fmt: skip
        answered = web.get(f"/ogc{path}")
        assert (answered.status_code, answered.json()["code"]) == (404, "NotFound"), path


def test_nothing_can_be_changed(web: TestClient) -> None:
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answered = web.request(method, "/ogc/collections/lamp/items")
        assert (answered.status_code, answered.json()["code"]) == (405, "MethodNotAllowed")
        assert "GET" in answered.headers["allow"]


def test_a_cursor_beyond_the_end_has_no_features(web: TestClient) -> None:
    mark = re.search(r"cursor=([0-9]+-[0-9a-f]+)-", link(items(web, "lamp"), "next") or "")
    assert mark
    found = items(web, "lamp", cursor=f"{mark[1]}-999999999999999")
    assert (found["numberMatched"], found["numberReturned"], link(found, "next")) == (
        LAMPS, 0, None,
    )  # fmt: skip
    for forged in ("999-00000000-0", f"{mark[1][:-8]}00000000-0"):
        answered = web.get(f"/ogc/collections/lamp/items?cursor={forged}")
        assert (answered.status_code, answered.json()["code"]) == (410, "Gone")


# Who asks


def test_personal_features_are_neither_listed_nor_given(web: TestClient, sites: City) -> None:
    for path in ("/ogc/collections", "/ogc/api"):
        assert "tenant" not in web.get(path).text
    assert web.get("/ogc/collections/tenant").status_code == 404
    for path in ("/items", f"/items/{SECRET}", "/items?limit=1&bbox=0,0,180,90"):
        before = sites.ledger.verify()
        answered = web.get(f"/ogc/collections/tenant{path}")
        assert answered.status_code == 403
        assert "personal data is not shown where nobody has signed in" in answered.text
        assert SECRET not in answered.text
        assert sites.ledger.verify() == before + 1
        last = entries(sites)[-1]
        assert (last["dataset"], last["granted"], last["rows"]) == ("tenant", False, None)


def test_each_request_for_features_is_in_the_ledger_once(web: TestClient, sites: City) -> None:
    before = sites.ledger.verify()
    items(web, "lamp", limit=7)
    items(web, "bay", bbox="0,0,1,1")
    web.get("/ogc/collections/lamp/items/3")
    web.get("/ogc/collections/lamp")
    web.get("/ogc/collections/lamp/items?limit=0")
    assert sites.ledger.verify() == before + 3
    assert [(entry["dataset"], entry["rows"]) for entry in entries(sites)[-3:]] == [
        ("lamp", 7), ("bay", 0), ("lamp", 1),
    ]  # fmt: skip


def test_scripts_of_other_sites_are_shown_public_data_alone(web: TestClient) -> None:
    foreign = {"origin": "https://other.example"}
    for path in ("", "/collections", "/collections/lamp/items", "/collections/lamp/items/1"):
        answered = web.get(f"/ogc{path}", headers=foreign)
        assert answered.status_code == 200
        assert answered.headers["access-control-allow-origin"] == "*"
        assert answered.headers["vary"].startswith("Origin")
        assert "access-control-allow-origin" not in web.get(f"/ogc{path}").headers
    for path in ("/collections", "/api"):
        assert '"bay"' not in web.get(f"/ogc{path}", headers=foreign).text
    for path in ("/collections/bay", "/collections/bay/items"):
        assert web.get(f"/ogc{path}", headers=foreign).status_code == 403
        assert web.get(f"/ogc{path}").status_code == 200


# What changes


def test_a_change_between_two_pages_does_not_tear_the_set(tmp_path: Path) -> None:
    city = new_sites(tmp_path / "city")
    web = reader_of(city)
    whole = ids(everything(web, "lamp"))
    first = items(web, "lamp", limit=100)
    more = csv_bytes(list(lamps()[0]), [["900", "LED", "4", "true", "2020-01-01T00:00:00Z", ""]])
    deliver(city, "lamp", "more.csv", more)
    assert everything(web, "lamp")["numberMatched"] == LAMPS + 1
    second = web.get(link(first, "next") or "").json()
    assert ids(first) + ids(second) == whole
    assert second["numberMatched"] == LAMPS


def test_what_was_erased_is_gone_from_old_links_too(tmp_path: Path) -> None:
    city = new_sites(tmp_path / "city")
    web = reader_of(city)
    first = items(web, "lamp", limit=100)
    city.erase("lamp", "kind", "LED")
    answered = web.get(link(first, "next") or "")
    assert answered.status_code == 410
    assert "begin again at the first page" in answered.json()["description"]
    left = everything(web, "lamp")
    assert {f["properties"]["kind"] for f in left["features"]} == {"sodium", QUOTE, None}


def test_a_damaged_data_file_is_said_in_words(tmp_path: Path) -> None:
    city = new_sites(tmp_path / "city")
    (file,) = city.kept("lamp").files()
    file.write_bytes(file.read_bytes()[:200])
    answered = reader_of(city).get("/ogc/collections/lamp/items")
    assert (answered.status_code, answered.json()["code"]) == (500, "ServerError")
    assert "damaged" in answered.json()["description"]


def test_features_leave_no_files_behind(tmp_path: Path) -> None:
    city = new_sites(tmp_path / "city")
    everything(reader_of(city), "lamp")
    assert [path for path in city.readers_scratch.glob("*") if path.is_file()] == []
