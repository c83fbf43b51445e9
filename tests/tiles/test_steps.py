"""Tiles as part of a city: woven, kept in step with the rows, and gone where they must be."""

from pathlib import Path

import pytest
import shapely
from starlette.testclient import TestClient

from cityloom.check import findings
from cityloom.city import City
from cityloom.errors import AccessRefused, UsageError
from cityloom.policy import Principal
from cityloom.runs import TILE
from cityloom.web.app import create_app
from tests.cities import TESTER, column, contract_text, deliver, new_city, set_contract
from tests.tiles.reading import at_zoom, features_of, geojson, header_of, tiles_of

ANYONE = Principal("console", signed_in=False)


def lamp(
    classification: str = "public",
    crs: str = "EPSG:4326",
    asked: dict[str, object] | None = None,
    **more: object,
) -> str:
    return contract_text(
        "lamp",
        [
            column("lamp_no", key=1, required=True),
            column("name"),
            column("geometry", physicalType="POINT", custom={"crs": crs, **(asked or {})}),
        ],
        classification=classification,
        **more,
    )


def lamps(*numbers: int) -> bytes:
    rows = [
        {"lamp_no": f"L{n}", "name": f"lamp {n}", "geometry": shapely.Point(114 + n / 1000, 22.5)}
        for n in numbers
    ]
    return geojson(rows)


@pytest.fixture
def city(tmp_path: Path) -> City:
    found = new_city(tmp_path / "city", {"lamp": lamp()})
    (found.path / "inbox" / "lamp").mkdir()
    (found.path / "inbox" / "lamp" / "1.geojson").write_bytes(lamps(1, 2, 3))
    return found


def archive(city: City) -> Path:
    return city.path / "tiles" / "lamp.pmtiles"


def shown(city: City) -> set[str]:
    last = header_of(archive(city))["max_zoom"]
    return {seen.values["lamp_no"] for _, seen in at_zoom(archive(city), last)}


def test_a_weave_makes_tiles_and_the_next_does_nothing(city: City) -> None:
    assert [(step.kind, step.dataset) for step in city.plan()] == [
        ("receive", "lamp"),
        ("tile", "lamp"),
    ]
    runs = city.weave()
    assert [(run.kind, run.rows_kept) for run in runs] == [("receive", 3), ("tile", 3)]
    assert shown(city) == {"L1", "L2", "L3"}
    assert city.plan() == city.weave() == []
    assert [run.kind for run in city.runs("lamp")] == ["receive", "tile"]


def test_a_weave_with_nothing_new_loads_no_engine_for_tiles(city: City) -> None:
    import subprocess
    import sys

    city.weave()
    asked = (
        "import sys; from cityloom.city import City; City.open(sys.argv[1]).weave(); "
        "print([m for m in ('pyproj', 'duckdb_extension_spatial', 'cityloom.tiles.making') "
        "if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", asked, str(city.path)], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_new_rows_come_to_the_tiles(city: City) -> None:
    city.weave()
    (city.path / "inbox" / "lamp" / "2.geojson").write_bytes(lamps(7))
    (step,) = [step for step in city.plan() if step.kind == TILE]
    assert step.why == "lamp will change"
    city.weave()
    assert shown(city) == {"L1", "L2", "L3", "L7"}


def test_erased_rows_are_gone_from_the_tiles_in_the_same_command(city: City) -> None:
    city.weave()
    city.erase("lamp", "lamp_no", "L2")
    assert shown(city) == {"L1", "L3"}
    everything = b"".join(tiles_of(archive(city)).values())
    assert b"L2" not in everything
    assert b"L3" in everything


def test_tiles_from_before_an_erasure_are_not_served(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    city.weave()
    monkeypatch.setattr("cityloom.erasure.tile_stale", lambda _: [])
    city.erase("lamp", "lamp_no", "L2")
    assert archive(city).exists()
    assert city.tiles("lamp", ANYONE) is None
    monkeypatch.undo()
    city.weave()
    assert shown(city) == {"L1", "L3"}
    assert city.tiles("lamp", ANYONE) == archive(city)


@pytest.mark.parametrize("classification", ["personal", "sensitive"])
def test_a_closely_held_dataset_has_no_tiles(tmp_path: Path, classification: str) -> None:
    closed = lamp(classification, purposes=["upkeep"])
    city = new_city(tmp_path / "city", {"lamp": closed})
    deliver(city, "lamp", "1.geojson", lamps(1))
    assert city.plan() == city.weave() == []
    assert not archive(city).exists()
    with pytest.raises(AccessRefused):
        city.tiles("lamp", ANYONE)
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    assert client.get("/tiles/lamp.pmtiles").status_code == 403
    assert client.get("/map.json").json() == []


def test_a_dataset_that_is_held_closer_now_loses_its_tiles(city: City) -> None:
    city.weave()
    set_contract(city.path, "lamp", lamp("personal", purposes=["upkeep"]))
    City.open(city.path).weave()
    assert not archive(city).exists()


def test_a_column_that_is_closely_held_closes_the_dataset(city: City) -> None:
    text = lamp().replace("name: name\n", "name: name\n    classification: personal\n", 1)
    assert "classification: personal" in text
    set_contract(city.path, "lamp", text)
    city = City.open(city.path)
    city.weave()
    assert not archive(city).exists()


def test_other_files_among_the_tiles_are_taken_away(city: City) -> None:
    city.weave()
    (city.path / "tiles" / "gone.pmtiles").write_bytes(b"x")
    (city.path / "tiles" / "gone.marks").write_bytes(b"x")
    city.weave()
    names = sorted(path.name for path in (city.path / "tiles").iterdir())
    assert names == ["lamp.marks", "lamp.pmtiles"]


def test_tiles_that_cannot_be_made_are_a_finding_and_leave_the_data_whole(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"lamp": lamp(crs="EPSG:9999")})
    deliver(city, "lamp", "1.geojson", lamps(1))
    (run,) = city.weave()
    assert run.failed
    assert len(city.read("lamp", TESTER).read_all()) == 1
    (finding,) = [f for f in findings(city) if "tiles" in f.what]
    assert finding.what.startswith("lamp has no map tiles: ")
    assert not archive(city).exists()
    set_contract(city.path, "lamp", lamp())
    city = City.open(city.path)
    city.weave()
    assert shown(city) == {"L1"}
    assert [f for f in findings(city) if "tiles" in f.what] == []


def test_tiles_that_cannot_be_made_are_tried_again_only_with_other_rows(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"lamp": lamp(crs="EPSG:9999")})
    deliver(city, "lamp", "1.geojson", lamps(1))
    (failed,) = city.weave()
    assert city.plan() == city.weave() == []
    assert [run.kind for run in city.failures()] == [TILE]
    deliver(city, "lamp", "2.geojson", lamps(2))
    assert [run.kind for run in city.weave()] == [TILE]
    assert city.plan() == []
    set_contract(city.path, "lamp", lamp("personal", purposes=["upkeep"]))
    city = City.open(city.path)
    assert city.failures() == []
    assert [f for f in findings(city) if "tiles" in f.what] == []
    assert failed.error


def test_tiles_whose_engine_was_away_are_tried_again(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise UsageError("DuckDB's extension is not there")

    monkeypatch.setattr("cityloom.tiles.encoding.spatial_engine", away)
    assert [run.failed for run in city.weave()] == [False, True]
    monkeypatch.undo()
    assert [(run.kind, run.failed) for run in city.weave()] == [(TILE, False)]


@pytest.mark.parametrize("content", [b"", b"x" * 500])
def test_a_damaged_archive_is_made_again(city: City, content: bytes) -> None:
    city.weave()
    archive(city).write_bytes(content)
    (step,) = city.plan()
    assert (step.kind, step.why) == (TILE, "its tiles are damaged")
    assert city.tiles("lamp", ANYONE) is None
    city.weave()
    assert shown(city) == {"L1", "L2", "L3"}


def test_another_contract_makes_other_tiles(city: City) -> None:
    city.weave()
    set_contract(city.path, "lamp", lamp().replace("version: 1.0.0", "version: 1.1.0"))
    again = City.open(city.path)
    (step,) = again.plan()
    assert step.kind == TILE
    again.weave()
    assert again.plan() == []


def test_a_table_that_begins_anew_does_not_pass_for_the_old_one(city: City) -> None:
    from shutil import rmtree

    city.weave()
    rmtree(city.path / "lake" / "lamp")
    (city.path / "inbox" / "lamp" / "1.geojson").write_bytes(lamps(8))
    City.open(city.path).weave()
    assert shown(city) == {"L8"}


def give_up(city: City, number: int) -> City:
    """Take away the table and the delivery; another dataset keeps the lake from being empty."""
    from shutil import rmtree

    rmtree(city.path / "lake" / "lamp")
    (city.path / "inbox" / "lamp" / f"{number}.geojson").unlink()
    (city.path / "lake" / "other").mkdir()
    return City.open(city.path)


def test_tiles_go_with_the_table(city: City) -> None:
    city.weave()
    city = give_up(city, 1)
    assert city.tiles("lamp", ANYONE) is None
    assert city.weave() == []
    assert list((city.path / "tiles").iterdir()) == []


def test_the_tiles_of_a_table_that_is_gone_are_not_those_of_the_next(city: City) -> None:
    city.weave()
    city = give_up(city, 1)
    deliver(city, "lamp", "2.geojson", lamps(8))
    assert archive(city).exists()
    assert city.tiles("lamp", ANYONE) is None


@pytest.fixture
def client(city: City) -> TestClient:
    city.weave()
    return TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")


def test_ranges_are_served_as_they_were_asked_for(city: City, client: TestClient) -> None:
    whole = archive(city).read_bytes()
    for first, last in ((0, 126), (127, 300), (len(whole) - 20, len(whole) - 1)):
        part = client.get("/tiles/lamp.pmtiles", headers={"range": f"bytes={first}-{last}"})
        assert part.status_code == 206
        assert part.content == whole[first : last + 1]
        assert part.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
        assert "content-encoding" not in part.headers
    everything = client.get("/tiles/lamp.pmtiles")
    assert everything.content == whole
    assert "content-encoding" not in everything.headers
    assert everything.headers["etag"] == part.headers["etag"]
    assert client.head("/tiles/lamp.pmtiles").headers["content-length"] == str(len(whole))


def test_new_tiles_have_another_mark(city: City, client: TestClient) -> None:
    before = client.head("/tiles/lamp.pmtiles").headers["etag"]
    deliver(city, "lamp", "2.geojson", lamps(9))
    city.weave()
    assert client.head("/tiles/lamp.pmtiles").headers["etag"] != before


def test_what_has_no_tiles_is_said_in_words(city: City, client: TestClient) -> None:
    assert client.get("/tiles/nope.pmtiles").status_code == 404
    archive(city).unlink()
    missing = client.get("/tiles/lamp.pmtiles", headers={"accept-language": "en"})
    assert (missing.status_code, missing.text) == (
        404,
        "This dataset has no map tiles. A weave makes them.",
    )


def reads(city: City) -> list[str]:
    lines = (city.path / "ledger.ndjson").read_text().splitlines()
    return [line for line in lines if "lamp (tiles)" in line]


def test_one_read_is_in_the_ledger_for_the_beginning_and_the_tiles_that_it_leads_to(
    city: City, client: TestClient
) -> None:
    header = header_of(archive(city))
    tiles, size = header["tile_data_offset"], archive(city).stat().st_size
    for first, last in ((0, tiles - 1), (tiles, tiles + 20), (tiles + 21, size - 1)):
        part = client.get("/tiles/lamp.pmtiles", headers={"range": f"bytes={first}-{last}"})
        assert part.status_code == 206
    (entry,) = reads(city)
    assert '"rows": 3' in entry
    city.ledger.verify()


@pytest.mark.parametrize(
    "asked",
    [
        "bytes=1-",
        "bytes=1-126",
        "bytes=-999999",
        "bytes={size}-{size},0-126",
        "bytes={tiles}-{size},0-126",
        "bytes={tiles}-",
        "bytes={before}-{size}",
        "bytes={tiles}-{much}",
        "bytes = 1-{size}",
        "bytes=1 - {size}",
    ],
)
def test_whatever_is_more_than_a_tile_is_a_read_in_the_ledger(
    city: City, client: TestClient, asked: str
) -> None:
    tiles, last = header_of(archive(city))["tile_data_offset"], archive(city).stat().st_size - 1
    part = asked.format(tiles=tiles, before=tiles - 1, size=last, much=tiles + 500_000)
    client.get("/tiles/lamp.pmtiles", headers={"range": part})
    assert len(reads(city)) == 1


def test_a_part_that_is_asked_for_only_of_older_tiles_is_a_read_in_the_ledger(
    city: City, client: TestClient
) -> None:
    tiles = header_of(archive(city))["tile_data_offset"]
    headers = {"range": f"bytes={tiles}-{tiles}", "if-range": '"older"'}
    whole = client.get("/tiles/lamp.pmtiles", headers=headers)
    assert whole.content == archive(city).read_bytes()
    assert len(reads(city)) == 1


def test_the_map_names_its_layers_and_has_their_rows(client: TestClient) -> None:
    (layer,) = client.get("/map.json").json()
    assert layer["dataset"] == "lamp"
    assert layer["bounds"] == pytest.approx([114.001, 22.5, 114.003, 22.5], abs=1e-6)
    page = client.get("/map", headers={"accept-language": "en"})
    assert "lamp 2" in page.text
    assert "worker-src 'self'" in page.headers["content-security-policy"]


def test_a_city_without_a_geometry_has_an_empty_map(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"tree": contract_text("tree", [column("x")])})
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    assert "No dataset has map tiles yet" in client.get("/map").text
    assert client.get("/map.csv").status_code == 200


def test_an_empty_tile_has_no_features() -> None:
    assert features_of(b"") == []


def test_the_map_shows_a_dataset_that_has_filled_columns(city: City) -> None:
    filled = lamp(asked={"h3Resolution": 9, "bbox": True})
    set_contract(city.path, "lamp", filled)
    city = City.open(city.path)
    city.weave()
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    page = client.get("/map", headers={"accept-language": "en"})
    assert page.status_code == 200
    assert "lamp 2" in page.text
    (layer,) = client.get("/map.json").json()
    assert [shown["name"] for shown in layer["columns"]] == ["lamp_no", "name"]


def test_an_archive_is_read_once_however_many_ask_for_its_tiles(
    city: City, client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cityloom.tiles import archive as archives

    read: list[int] = []
    deserialized = archives.deserialize_header
    monkeypatch.setattr(
        archives, "deserialize_header", lambda buffer: read.append(1) or deserialized(buffer)
    )
    ask = {"range": "bytes=0-126"}
    first = [client.get("/tiles/lamp.pmtiles", headers=ask).content for _ in range(3)]
    assert len(set(first)) == 1
    assert len(read) <= 1
    deliver(city, "lamp", "2.geojson", lamps(9))
    city.weave()
    assert client.get("/tiles/lamp.pmtiles", headers=ask).content not in first
