"""Filled columns from delivery to export: kept, derived, refused, and in rows that were there."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from cityloom.check import findings
from cityloom.city import City
from cityloom.contract import parse_contract
from cityloom.contract.filled import filled
from cityloom.errors import UsageError
from cityloom.export import write_file
from cityloom.filling import fill_stored
from cityloom.runs import FILL, TILE
from tests.cities import (
    TESTER,
    assert_accounted,
    column,
    contract_text,
    csv_bytes,
    deliver,
    digests,
    new_city,
    quarantined,
    rows,
    set_contract,
)

HALL, PORT = "POINT (114.05 22.54)", "POINT (113.9 22.48)"
HALL_CELL = "89411caa00bffff"


def contract(delivery: str = "append", physical: str = "POINT", **custom: Any) -> str:
    place = column("place", physicalType=physical, custom=custom)
    return contract_text("stop", [column("no", "integer", key=1), place], delivery=delivery)


def town(path: Path, *delivered: tuple[int, str], **asked: Any) -> City:
    city = new_city(path, {"stop": contract(**asked)})
    if delivered:
        deliver(city, "stop", "1.csv", csv_bytes(["no", "place"], delivered))
    return city


def by_number(city: City) -> dict[int, dict[str, Any]]:
    return {row["no"]: row for row in rows(city, "stop")}


def geo_of(path: Path) -> Any:
    return json.loads(pq.read_metadata(path).metadata[b"geo"])


def test_what_is_kept_has_its_cell_and_box(tmp_path: Path) -> None:
    found = by_number(town(tmp_path / "c", (1, HALL), (2, ""), h3Resolution=9, bbox=True))
    assert found[1]["place_h3_9"] == HALL_CELL
    assert [found[1][f"place_{e}"] for e in ("xmin", "ymin", "xmax", "ymax")] == [
        114.05, 22.54, 114.05, 22.54,
    ]  # fmt: skip
    assert {v for k, v in found[2].items() if k.startswith("place")} == {None}


def test_a_point_off_the_earth_waits_in_quarantine_with_its_reason(tmp_path: Path) -> None:
    city = town(tmp_path / "c", (1, HALL), (2, "POINT (22.5 114)"), (3, "POINT EMPTY"),
                h3Resolution=9)  # fmt: skip
    assert sorted(by_number(city)) == [1, 3]
    (refused,) = quarantined(city, "stop")
    assert refused.messages == (
        "place: no place on the Earth (EPSG:4326), so it lies in no H3 cell",
    )
    set_contract(city.path, "stop", contract())
    assert City.open(city.path).replay("stop")[-1].rows_kept == 1


def test_repeated_keys_and_replaced_rows_are_filled_too(tmp_path: Path) -> None:
    city = town(tmp_path / "c", (1, HALL), (1, HALL), (2, PORT), h3Resolution=9, delivery="upsert")
    deliver(city, "stop", "2.csv", csv_bytes(["no", "place"], [(2, HALL)]))
    assert {row["place_h3_9"] for row in by_number(city).values()} == {HALL_CELL}
    assert all(assert_accounted(run) is None for run in city.runs("stop"))


def test_a_column_in_a_file_by_the_name_of_a_filled_one_is_not_taken(tmp_path: Path) -> None:
    city = new_city(tmp_path / "c", {"stop": contract(h3Resolution=9)})
    content = csv_bytes(["no", "place", "place_h3_9"], [(1, HALL, "forged")])
    (run,) = deliver(city, "stop", "1.csv", content)
    assert by_number(city)[1]["place_h3_9"] == HALL_CELL
    assert any("place_h3_9" in note for note in run.notes)


@pytest.mark.parametrize("by", ["delivery", "weave"])
def test_a_contract_that_asks_later_has_the_rows_there_are_filled(tmp_path: Path, by: str) -> None:
    late = town(tmp_path / "late", (1, HALL), (2, ""))
    before = {number: row["place"] for number, row in by_number(late).items()}
    set_contract(late.path, "stop", contract(h3Resolution=9, bbox=True))
    late = City.open(late.path)
    if by == "delivery":
        deliver(late, "stop", "2.csv", csv_bytes(["no", "place"], [(3, PORT)]))
    else:
        (step,) = [step for step in late.plan() if step.kind == FILL]
        assert step.why.startswith("its rows lack place_h3_9, place_xmin, ")
        (run,) = [run for run in late.weave() if run.kind == FILL]
        assert (run.rows_kept, run.version, run.failed) == (2, 2, False)
        assert late.runs("stop")[1] == run
        assert late.plan() == late.weave() == []
    found = by_number(late)
    assert {number: found[number]["place"] for number in before} == before
    early = town(tmp_path / "early", (1, HALL), (2, ""), h3Resolution=9, bbox=True)
    if by == "delivery":
        deliver(early, "stop", "2.csv", csv_bytes(["no", "place"], [(3, PORT)]))
    assert digests(late) == digests(early)


def test_filling_that_fails_is_said_until_it_is_done_or_not_asked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise UsageError("no room for cells")

    town(tmp_path / "c", (1, HALL), (2, ""))
    set_contract(tmp_path / "c", "stop", contract(h3Resolution=9))
    city = City.open(tmp_path / "c")
    monkeypatch.setattr("cityloom.filling.filled", fails)
    failed = [run for run in city.weave() if run.kind == FILL]
    assert [run.error for run in failed] == ["no room for cells"]
    said = "stop lacks columns that are filled: no room for cells"
    assert said in [finding.what for finding in findings(city)]
    set_contract(city.path, "stop", contract())
    assert City.open(city.path).failures() == []
    monkeypatch.undo()
    assert next(run.kind for run in city.weave() if not run.failed) == FILL
    assert city.failures() == []


def test_what_is_made_of_rows_is_made_again_when_they_are_filled(tmp_path: Path) -> None:
    city = town(tmp_path / "c", (1, HALL))
    city.weave()
    set_contract(city.path, "stop", contract(h3Resolution=9))
    city = City.open(city.path)
    assert [(step.kind, step.why) for step in city.plan()] == [
        (FILL, "its rows lack place_h3_9"),
        (TILE, "stop will change"),
    ]
    assert [run.kind for run in city.weave()] == [FILL, TILE]


def test_another_resolution_is_another_column(tmp_path: Path) -> None:
    city = town(tmp_path / "c", (1, HALL), h3Resolution=9)
    set_contract(city.path, "stop", contract(h3Resolution=5))
    city = City.open(city.path)
    assert fill_stored(city.contract("stop"), city.kept("stop"))
    assert by_number(city)[1]["place_h3_5"] == "85411cabfffffff"
    assert not fill_stored(city.contract("stop"), city.kept("stop"))


def test_geoparquet_tells_what_is_in_it(tmp_path: Path) -> None:
    city = town(tmp_path / "c", (1, HALL), (2, PORT), (3, ""), h3Resolution=9, bbox=True)
    path = tmp_path / "stops.parquet"
    assert write_file(city.read("stop", TESTER), path, "parquet", city.contract("stop")) == 3
    geo = geo_of(path)
    assert geo["version"] == "1.1.0"
    assert geo["primary_column"] == "place"
    stated = geo["columns"]["place"]
    assert stated["encoding"] == "WKB"
    assert stated["geometry_types"] == ["Point"]
    assert stated["bbox"] == [113.9, 22.48, 114.05, 22.54]
    assert CRS.from_json_dict(stated["crs"]).to_epsg() == 4326


def test_geopandas_reads_what_is_exported(tmp_path: Path) -> None:
    geopandas = pytest.importorskip("geopandas", reason="it comes with the group 'bench'")
    city = town(tmp_path / "c", (1, HALL), (2, PORT), (3, ""), h3Resolution=9, bbox=True)
    path = tmp_path / "stops.parquet"
    write_file(city.read("stop", TESTER), path, "parquet", city.contract("stop"))
    frame = geopandas.read_parquet(path).set_index("no")
    assert frame.crs.to_epsg() == 4326
    assert frame.geometry[1].equals(shapely.from_wkt(HALL))
    assert frame.geometry[3] is None
    assert frame["place_h3_9"][1] == HALL_CELL


@pytest.mark.parametrize(("crs", "told"), [("EPSG:4547", 4547), ("EPSG:99999", None)])
def test_geoparquet_has_the_columns_crs(tmp_path: Path, crs: str, told: int | None) -> None:
    city = town(tmp_path / "c", (1, "POINT (507702 2495000)"), crs=crs)
    path = tmp_path / "stops.parquet"
    write_file(city.read("stop", TESTER), path, "parquet", city.contract("stop"))
    stated = geo_of(path)["columns"]["place"]["crs"]
    assert (stated and CRS.from_json_dict(stated).to_epsg()) == told


def test_parquet_without_geometries_and_without_rows(tmp_path: Path) -> None:
    plain = new_city(tmp_path / "p", {"thing": contract_text("thing", [column("no", "integer")])})
    empty = town(tmp_path / "e")
    for city, name in ((plain, "thing"), (empty, "stop")):
        path = tmp_path / f"{name}.parquet"
        deliver(city, name, "none.csv", csv_bytes(["no", "place"][: 1 + (name == "stop")], []))
        write_file(city.read(name, TESTER), path, "parquet", city.contract(name))
    assert b"geo" not in (pq.read_metadata(tmp_path / "thing.parquet").metadata or {})
    stated = geo_of(tmp_path / "stop.parquet")["columns"]["place"]
    assert stated["geometry_types"] == []
    assert "bbox" not in stated


@given(st.lists(st.tuples(st.floats(-180, 180), st.floats(-90, 90)), max_size=20))
def test_boxes_hold_their_points(tmp_path_factory: pytest.TempPathFactory, places: Any) -> None:
    """On whatever positions, by the function that receipt and derivation share."""
    asked = parse_contract(contract(h3Resolution=9, bbox=True))
    wkb = pa.array([shapely.Point(*place).wkb for place in places], pa.binary())
    given_rows = pa.table({"no": range(len(places)), "place": wkb}, schema=asked.given)
    made = filled(asked, given_rows)
    assert made.schema == asked.schema
    assert (
        made["place_xmin"].to_pylist() == [x for x, _ in places] == made["place_xmax"].to_pylist()
    )
    assert (
        made["place_ymin"].to_pylist() == [y for _, y in places] == made["place_ymax"].to_pylist()
    )
    assert made["place_h3_9"].null_count == 0
