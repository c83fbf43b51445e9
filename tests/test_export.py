"""Exported files hold what was granted, in full or not at all."""

import csv
import json
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import shapely

from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.export import write_file
from tests.cities import TESTER, column, contract_text, new_city

COLUMNS = [
    column("no", "integer"),
    column("text"),
    column("cost", "number"),
    column("price", "number", physicalType="DECIMAL(9,2)"),
    column("open", "boolean"),
    column("day", "date"),
    column("at", "timestamp", logicalTypeOptions={"timezone": True}),
    column("place", physicalType="POINT"),
]

SCHEMA = pa.schema(
    [
        ("no", pa.int64()),
        ("text", pa.string()),
        ("cost", pa.float64()),
        ("price", pa.decimal128(9, 2)),
        ("open", pa.bool_()),
        ("day", pa.date32()),
        ("at", pa.timestamp("us", tz="UTC")),
        ("place", pa.binary()),
    ]
)

NOON = datetime(2024, 2, 29, 12, tzinfo=UTC)
ROWS = [
    [1, '路 "口", \n=1+1', 1.5, Decimal("2.50"), True, date(2024, 2, 29), NOON,
     shapely.Point(114, 22.5).wkb],
    [2, None, None, None, None, None, None, None],
]  # fmt: skip

FORMS = ("parquet", "csv", "arrow", "geojson")


def reader(rows: list[list[object]]) -> pa.RecordBatchReader:
    columns = [[row[place] for row in rows] for place in range(len(SCHEMA))]
    return pa.table(columns, schema=SCHEMA).to_reader()


@pytest.fixture
def city(tmp_path: Path) -> City:
    return new_city(tmp_path / "city", {"thing": contract_text("thing", COLUMNS)})


def exported(city: City, form: str, rows: list[list[object]] = ROWS) -> Path:
    path = city.path / f"thing.{form}"
    assert write_file(reader(rows), path, form, city.contract("thing")) == len(rows)
    return path


def test_parquet_holds_every_value_in_its_type(city: City) -> None:
    assert pq.read_table(exported(city, "parquet")).equals(reader(ROWS).read_all())


def test_arrow_holds_every_value_in_its_type(city: City) -> None:
    with pa.ipc.open_file(exported(city, "arrow")) as file:
        assert file.read_all().equals(reader(ROWS).read_all())


def test_csv_holds_every_value_as_text_and_places_as_wkt(city: City) -> None:
    with exported(city, "csv").open(encoding="utf-8", newline="") as file:
        header, first, second = csv.reader(file)
    assert header == SCHEMA.names
    values = dict(zip(header, first, strict=True))
    assert values["no"] == "1"
    assert values["text"] == ROWS[0][1]
    assert (values["cost"], values["price"], values["open"]) == ("1.5", "2.50", "true")
    assert values["day"] == "2024-02-29"
    assert values["at"].startswith("2024-02-29 12:00:00")
    assert values["place"] == "POINT (114 22.5)"
    assert second == ["2", "", "", "", "", "", "", ""]


def test_geojson_is_a_feature_collection_in_longitude_and_latitude(city: City) -> None:
    found = json.loads(exported(city, "geojson").read_text(encoding="utf-8"))
    assert found["type"] == "FeatureCollection"
    first, second = found["features"]
    assert first["type"] == "Feature"
    assert first["geometry"] == {"type": "Point", "coordinates": [114.0, 22.5]}
    assert first["properties"]["text"] == ROWS[0][1]
    assert first["properties"]["open"] is True
    assert "place" not in first["properties"]
    assert second["geometry"] is None


@pytest.mark.parametrize("form", FORMS)
def test_a_dataset_without_rows_is_a_file_all_the_same(city: City, form: str) -> None:
    path = exported(city, form, [])
    if form == "geojson":
        assert json.loads(path.read_text())["features"] == []
    elif form == "csv":
        assert len(path.read_text().splitlines()) == 1
    else:
        assert path.stat().st_size > 0


@pytest.mark.parametrize("form", FORMS)
def test_a_file_appears_whole_or_not_at_all(city: City, form: str) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from reader(ROWS)
        raise RuntimeError("the disk failed")

    broken = pa.RecordBatchReader.from_batches(SCHEMA, failing())
    path = city.path / "out" / f"thing.{form}"
    path.parent.mkdir()
    with pytest.raises(RuntimeError, match="the disk failed"):
        write_file(broken, path, form, city.contract("thing"))
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize("form", FORMS)
def test_an_export_that_fails_leaves_the_earlier_file(city: City, form: str) -> None:
    def failing() -> Iterator[pa.RecordBatch]:
        yield from reader(ROWS)
        raise RuntimeError("the disk failed")

    path = exported(city, form)
    before = path.read_bytes()
    with pytest.raises(RuntimeError, match="the disk failed"):
        write_file(
            pa.RecordBatchReader.from_batches(SCHEMA, failing()), path, form,
            city.contract("thing"),
        )  # fmt: skip
    assert path.read_bytes() == before


def test_geojson_of_another_crs_is_brought_to_longitude_and_latitude(tmp_path: Path) -> None:
    place = column("place", physicalType="POINT", custom={"crs": "EPSG:4547"})
    text = contract_text("thing", [column("name"), place])
    city = new_city(tmp_path / "city", {"thing": text})
    rows = "name,place\nhall,POINT (506000 2493000)\nnowhere,\n"
    (tmp_path / "things.csv").write_text(rows, encoding="utf-8")
    city.receive("thing", tmp_path / "things.csv")
    path = tmp_path / "thing.geojson"
    write_file(city.read("thing", TESTER), path, "geojson", city.contract("thing"))
    found = json.loads(path.read_text(encoding="utf-8"))
    shown = {item["properties"]["name"]: item["geometry"] for item in found["features"]}
    assert shown["nowhere"] is None
    assert shown["hall"]["coordinates"] == pytest.approx([114.058, 22.535], abs=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_a_place_that_is_no_file_is_told(city: City, tmp_path: Path, form: str) -> None:
    contract = city.contract("thing")
    for path, words in [
        (tmp_path, "is a folder; name a file in it"),
        (Path(), "is a folder; name a file in it"),
        (tmp_path / "none" / "x", "there is no folder"),
    ]:
        with pytest.raises(UsageError, match=words):
            write_file(city.read("thing", TESTER), path, form, contract)


def test_geojson_of_a_dataset_without_geometry_is_refused_with_what_to_do(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", [column("a")])})
    with pytest.raises(UsageError, match="no geometry; export it as parquet or csv"):
        write_file(city.read("thing", TESTER), tmp_path / "x", "geojson", city.contract("thing"))


def test_geojson_is_json_whatever_the_numbers(city: City) -> None:
    odd = [[1, "a", float("nan"), None, None, None, None, None]]
    text = exported(city, "geojson", odd).read_text()
    json.loads(text, parse_constant=lambda word: pytest.fail(f"{word} is not JSON"))
