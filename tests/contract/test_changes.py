"""A contract may change in some ways once its dataset has rows, and says which it may not."""

from pathlib import Path

import pyarrow as pa
import pytest

from cityloom.city import City
from cityloom.contract import Column, Contract, Kind
from cityloom.contract.changes import additions
from cityloom.contract.odcs import parse_contract
from cityloom.errors import ContractError
from tests.cities import column, contract_text, new_city, rows, set_contract

CRS = {"property": "crs", "value": "EPSG:4547"}
STORED = pa.schema([("no", pa.int64()), ("name", pa.string()), ("gone", pa.string())])


def contract(*more: Column, key: str = "no", name: Kind = Kind.STRING) -> Contract:
    columns = (
        Column("no", "no", Kind.INTEGER, key_position=1 if key == "no" else None),
        Column("name", "name", name, key_position=1 if key == "name" else None),
    )
    return Contract(dataset="thing", columns=(*columns, *more), origin="thing.odcs.yaml")


def test_a_column_that_may_be_empty_is_added() -> None:
    changed = contract(Column("size", "size", Kind.NUMBER), Column("at", "at", Kind.DATE))
    added = additions(changed, STORED, ["no"], 5, {})
    assert added == pa.schema([("size", pa.float64()), ("at", pa.date32())])
    assert additions(contract(), STORED, ["no"], 5, {}).names == []


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            contract(Column("size", "size", Kind.NUMBER, required=True)),
            "required column 'size' is new, but 'thing' has rows by the earlier contract; "
            "make it optional",
        ),
        (contract(key="name"), r"the primary key was \(no\) and is now \(name\)"),
    ],
)
def test_what_rows_cannot_meet_is_refused_where_there_are_some(
    changed: Contract, words: str
) -> None:
    with pytest.raises(ContractError, match=f"^thing.odcs.yaml: {words}"):
        additions(changed, STORED, ["no"], 1, {})
    additions(changed, STORED, ["no"], 0, {})


def test_a_column_keeps_its_type_even_without_rows() -> None:
    with pytest.raises(ContractError, match="column 'name' was string and is now int64"):
        additions(contract(name=Kind.INTEGER), STORED, ["no"], 0, {})


def placed(crs: str) -> Contract:
    return contract(Column("place", "place", Kind.GEOMETRY, crs=crs))


def test_geometries_stay_in_their_crs_where_there_are_some() -> None:
    stored = STORED.append(pa.field("place", pa.binary()))
    words = "^thing.odcs.yaml: the geometries of column 'place' were in EPSG:4326 and are now in"
    with pytest.raises(ContractError, match=words):
        additions(placed("EPSG:4547"), stored, ["no"], 1, {"place": "EPSG:4326"})
    additions(placed("EPSG:4547"), stored, ["no"], 0, {"place": "EPSG:4326"})
    additions(placed("EPSG:4547"), stored, ["no"], 1, {})
    additions(placed("OGC:CRS84"), stored, ["no"], 1, {"place": "EPSG:4326"})


def test_a_delivery_in_another_crs_than_what_is_there_is_refused(tmp_path: Path) -> None:
    stated = contract_text("thing", [column("no", key=1), column("place", physicalType="POINT")])
    city = new_city(tmp_path / "city", {"thing": stated})
    inbox = tmp_path / "city" / "inbox" / "thing"
    inbox.mkdir()
    (inbox / "1.csv").write_text("no,place\n1,POINT (114 22)\n")
    city.weave()
    other = column("place", physicalType="POINT", customProperties=[CRS])
    set_contract(city.path, "thing", contract_text("thing", [column("no", key=1), other]))
    (inbox / "2.csv").write_text("no,place\n2,POINT (500000 2500000)\n")
    (failed,) = [run for run in City.open(city.path).weave() if run.failed]
    assert "were in EPSG:4326 and are now in EPSG:4547, but 'thing' has rows" in failed.error
    assert len(rows(City.open(city.path), "thing")) == 1


def test_a_text_is_read_once_for_each_place_it_lies_in() -> None:
    text = contract_text("thing", [column("no", key=1)])
    assert parse_contract(text, "a") is parse_contract(text, "a")
    assert parse_contract(text, "b").origin == "b"
    assert parse_contract(text.replace("thing", "tree"), "a").dataset == "tree"
