"""Geodata in any CRS is kept in the column's own; a delivery that does not say its CRS is asked."""

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import shapely
from pyproj import Transformer

from cityloom.city import City
from cityloom.contract import parse_contract
from cityloom.errors import ContractError, DeliveryError
from cityloom.export import write_file
from cityloom.geo.crs import projjson
from cityloom.geo.parquet import stated_crs
from cityloom.inbox import delivered_files
from tests.cities import (
    TESTER,
    assert_accounted,
    column,
    contract_text,
    deliver,
    new_city,
    quarantined,
    rows,
)
from tests.readers.test_layer_reader import write, zipped
from tests.readers.test_sheet_reader import table, workbook

GAUSS_KRUGER = "EPSG:4547"
"""CGCS2000, three degrees about 114 East, whose first axis is named north."""

PLACES = [shapely.Point(114.05, 22.54), shapely.Point(113.93, 22.53)]


def plane(places: list[Any], crs: str = GAUSS_KRUGER) -> list[Any]:
    """Places given in longitude and latitude, as x and y of another CRS."""
    transformer = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    return [shapely.transform(p, transformer.transform, interleaved=False) for p in places]


def city_of(path: Path, kind: str = "POINT", server: Any = None, **geometry: Any) -> City:
    columns = [
        column("name", key=1),
        column("geometry", "object", physicalType=kind, **geometry),
    ]
    text = contract_text("place", columns)
    if server is not None:
        stated = [{"property": name, "value": value} for name, value in server.items()]
        text += f"servers: [{{server: inbox, type: local, customProperties: {stated}}}]\n"
    return new_city(path, {"place": text})


def shapefile(folder: Path, crs: str | None, shapes: list[Any] = PLACES) -> Path:
    folder.mkdir(exist_ok=True)
    names = [f"n{number}" for number in range(len(shapes))]
    return zipped(write(folder / "a.shp", {"name": names}, shapes, crs), folder / "a.zip")


def kept(city: City) -> dict[str, Any]:
    return {row["name"]: shapely.from_wkb(row["geometry"]) for row in rows(city, "place")}


def test_geometries_are_brought_to_the_columns_crs_with_their_axes_in_order(
    tmp_path: Path,
) -> None:
    city = city_of(tmp_path / "city")
    (run,) = city.receive("place", shapefile(tmp_path / "in", GAUSS_KRUGER, plane(PLACES)))
    assert (run.rows_read, run.rows_kept) == (2, 2)
    for number, place in enumerate(PLACES):
        assert kept(city)[f"n{number}"].distance(place) < 1e-8


def test_a_column_in_a_plane_crs_takes_deliveries_in_degrees(tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", customProperties=[{"property": "crs", "value": GAUSS_KRUGER}])
    city.receive("place", shapefile(tmp_path / "in", "EPSG:4326"))
    assert kept(city)["n0"].distance(plane(PLACES)[0]) < 1e-3


@pytest.mark.parametrize("empty", [True, False])
def test_a_delivery_that_says_nothing_of_its_crs_is_asked_about(
    empty: bool, tmp_path: Path
) -> None:
    shapefile(tmp_path / "in", None, plane(PLACES))
    if empty:
        (tmp_path / "in" / "a.prj").touch()
    delivered = tmp_path / "in" / "a.shp"
    city = city_of(tmp_path / "city")
    with pytest.raises(DeliveryError, match=r"nothing of the CRS.*property: crs"):
        city.receive("place", delivered)
    assert not city.kept("place").exists
    told = city_of(tmp_path / "told", server={"crs": GAUSS_KRUGER})
    told.receive("place", delivered)
    assert kept(told)["n0"].distance(PLACES[0]) < 1e-8


def geoparquet(path: Path, shapes: list[Any], **stated: Any) -> Path:
    """A GeoParquet file whose metadata say what is stated of the geometry, over WKB."""
    facts = {"encoding": "WKB", "geometry_types": ["Point"]} | stated
    geo = {"version": "1.1.0", "primary_column": "geometry", "columns": {"geometry": facts}}
    names = [f"n{number}" for number in range(len(shapes))]
    rows = pa.table({"name": names, "geometry": [shape.wkb for shape in shapes]})
    pq.write_table(rows.replace_schema_metadata({"geo": json.dumps(geo)}), path)
    return path


def test_geoparquet_is_in_the_crs_that_it_states(tmp_path: Path) -> None:
    city = city_of(tmp_path / "city")
    delivered = geoparquet(tmp_path / "a.parquet", plane(PLACES), crs=projjson(GAUSS_KRUGER))
    city.receive("place", delivered)
    for number, place in enumerate(PLACES):
        assert kept(city)[f"n{number}"].distance(place) < 1e-8


def test_geoparquet_that_states_no_crs_is_in_degrees_and_one_not_known_is_asked_about(
    tmp_path: Path,
) -> None:
    crs = [{"property": "crs", "value": GAUSS_KRUGER}]
    city = city_of(tmp_path / "city", customProperties=crs)
    with pytest.raises(DeliveryError, match=r"nothing of the CRS.*property: crs"):
        city.receive("place", geoparquet(tmp_path / "null.parquet", PLACES, crs=None))
    assert not city.kept("place").exists
    city.receive("place", geoparquet(tmp_path / "a.parquet", PLACES))
    assert kept(city)["n0"].distance(plane(PLACES)[0]) < 1e-3


def test_what_a_city_exports_in_another_crs_comes_back_as_it_was(tmp_path: Path) -> None:
    crs = [{"property": "crs", "value": GAUSS_KRUGER}]
    city = city_of(tmp_path / "city", customProperties=crs)
    city.receive("place", geoparquet(tmp_path / "a.parquet", PLACES))
    assert kept(city)["n0"].distance(plane(PLACES)[0]) < 1e-3
    out = tmp_path / "out.parquet"
    write_file(city.read("place", TESTER), out, "parquet", city.contract("place"))
    other = city_of(tmp_path / "other")
    other.receive("place", out)
    assert kept(other)["n0"].distance(PLACES[0]) < 1e-8


@pytest.mark.parametrize(
    "geo", [b"{", b"[]", b"null", b'{"columns": []}', b'{"columns": {"a": 1}}']
)
def test_metadata_that_cannot_be_read_say_nothing(geo: bytes) -> None:
    assert stated_crs(geo) == {}


def test_the_crs_of_text_geometries_is_the_contracts(tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", server={"crs": GAUSS_KRUGER})
    shape = plane(PLACES)[0]
    content = f'name,geometry\na,"{shape.wkt}"\nb,no geometry\nc,\n'
    (run,) = deliver(city, "place", "a.csv", content.encode())
    assert (run.rows_kept, run.rows_quarantined) == (2, 1)
    assert kept(city)["a"].distance(PLACES[0]) < 1e-8
    assert [bad.reasons for bad in quarantined(city, "place")] == [(("geometry", "form"),)]


def test_a_geometry_that_has_no_place_in_the_other_crs_costs_its_row(tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", customProperties=[{"property": "crs", "value": "EPSG:3857"}])
    shapes = [PLACES[0], shapely.Point(0, 91), PLACES[1]]
    (run,) = city.receive("place", shapefile(tmp_path / "in", "EPSG:4326", shapes))
    assert_accounted(run)
    assert sorted(kept(city)) == ["n0", "n2"]
    (bad,) = quarantined(city, "place")
    assert bad.ordinal == 2
    assert bad.messages == ("geometry: cannot be brought from WGS 84 to EPSG:3857",)


def test_invalid_geometries_are_quarantined_and_judged_again_as_they_were_kept(
    tmp_path: Path,
) -> None:
    bow = shapely.Polygon([(114, 22), (114.1, 22.1), (114.1, 22), (114, 22.1)])
    square = shapely.box(114, 22, 114.1, 22.1)
    city = city_of(tmp_path / "city", "POLYGON")
    (run,) = city.receive("place", shapefile(tmp_path / "in", GAUSS_KRUGER, plane([bow, square])))
    assert (run.rows_kept, run.rows_quarantined) == (1, 1)
    assert [bad.reasons for bad in quarantined(city, "place")] == [(("geometry", "invalid"),)]
    before = quarantined(city, "place")
    city.replay("place")
    assert [bad.values for bad in quarantined(city, "place")] == [bad.values for bad in before]


def test_a_crs_that_is_not_known_is_refused_in_words(tmp_path: Path) -> None:
    city = city_of(tmp_path / "city", server={"crs": "EPSG:1"})
    with pytest.raises(DeliveryError, match="cannot be brought to EPSG:4326"):
        city.receive("place", shapefile(tmp_path / "in", "EPSG:4326"))


def test_the_parts_of_a_shapefile_in_the_inbox_are_one_delivery(tmp_path: Path) -> None:
    city = city_of(tmp_path / "city")
    folder = city.path / "inbox" / "place"
    folder.mkdir()
    shapefile(folder, "EPSG:4326")
    (folder / "a.zip").unlink()
    (folder / "lone.dbf").touch()
    found = delivered_files(city.path, city.contract("place"))
    assert [file.source for file in found] == ["a.shp", "lone.dbf"]
    before = city.fingerprints.of(folder / "a.shp")
    (folder / "a.cpg").write_text("GB18030")
    assert city.fingerprints.of(folder / "a.shp") != before


def test_midnight_in_a_spreadsheet_is_a_moment_where_the_contract_wants_one(
    tmp_path: Path,
) -> None:
    columns = [column("n", "integer", key=1), column("day", "date"), column("at", "timestamp")]
    city = new_city(tmp_path / "city", {"visit": contract_text("visit", columns)})

    def write_dates(book: Any, sheet: Any) -> None:
        form = book.add_format({"num_format": "yyyy-mm-dd hh:mm"})
        table(["n", "day", "at"], [1], [2])(book, sheet)
        for row, days in ((1, 45000), (2, 45000.5)):
            sheet.write(row, 1, 45000, form)
            sheet.write(row, 2, days, form)

    city.receive("visit", workbook(tmp_path / "a.xlsx", ("s", write_dates)))
    found = [str(row["at"]) for row in sorted(rows(city, "visit"), key=lambda row: row["n"])]
    assert found == ["2023-03-15 00:00:00", "2023-03-15 12:00:00"]


@pytest.mark.parametrize(
    ("stated", "words"),
    [({"header": 0}, "number of a row"), ({"header": "2"}, "number of a row"),
     ({"sheet": ["a"]}, "expected a name"), ({"sheets": "a"}, "did you mean 'sheet'")],
)  # fmt: skip
def test_what_a_contract_says_of_its_files_is_checked(stated: Any, words: str) -> None:
    listed = [{"property": name, "value": value} for name, value in stated.items()]
    text = contract_text("place", [column("name")])
    text += f"servers: [{{server: inbox, type: local, customProperties: {listed}}}]\n"
    with pytest.raises(ContractError, match=words):
        parse_contract(text)
