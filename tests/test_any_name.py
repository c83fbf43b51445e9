"""A column may have any name: it is received, replaced, replayed and exported like another."""

import csv
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cityloom.city import City
from cityloom.export import write_file
from cityloom.runs import RECEIVE, REPLAY
from tests.cities import (
    TESTER,
    column,
    contract_text,
    csv_bytes,
    new_city,
    quarantined,
    rows,
    set_contract,
)

NAMES = [
    "select", "order", "group", "from", "where", "values", "raw", "why", "reason", "reasons",
    "filename", "delivery", "ordinal", "batch", "doomed", "held", "aside", "marked", "h", "v", "t",
    "file", "row", "rule", "column", "message", "count", "hash", "first", "null", "true", "x.y",
    "a b", 'a"b', "a'b", "街道", "a,b", "a;b", "$.a", "a[0]", "*", "1", "a{}", "%s", "é", "a\\b",
    "a/b", "a~1b", "a\tb", "-",
]  # fmt: skip
"""Names to which SQL, DuckDB, a file or our own queries give a meaning."""

HEADER = ["id", *NAMES, "n"]


def contract(delivery: str, most: int, as_column: bool) -> str:
    named = [
        column(name if as_column else f"c{number}", physicalName=name, unique=True)
        for number, name in enumerate(NAMES)
    ]
    last = column("n", "integer", logicalTypeOptions={"maximum": most})
    columns = [column("id", "integer", key=1), *named, last]
    return contract_text("thing", columns, delivery=delivery)


def row(number: int, n: str = "1", text: str = "") -> list[str]:
    return [str(number), *(f"{text or number} {name}" for name in NAMES), n]


def weave(city: City, name: str, *records: list[str]) -> list[tuple[str, int, int, int]]:
    path = city.path / "inbox" / "thing" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(csv_bytes(HEADER, records))
    return accounts(city)


def accounts(city: City) -> list[tuple[str, int, int, int]]:
    return [
        (run.kind, run.rows_kept, run.rows_quarantined, run.rows_duplicate)
        for run in City.open(city.path).weave()
        if run.dataset == "thing"
    ]


def held(city: City) -> list[list[str]]:
    found = [[str(value) for value in row.values()] for row in rows(city, "thing")]
    return sorted(found, key=lambda values: int(values[0]))


@pytest.mark.parametrize("as_column", [True, False])
@pytest.mark.parametrize("delivery", ["append", "upsert", "snapshot"])
def test_a_column_may_have_any_name(tmp_path: Path, delivery: str, as_column: bool) -> None:
    city = new_city(tmp_path / "city", {"thing": contract(delivery, 5, as_column)})
    first = [row(1), row(2), row(2), row(3, "9"), row(4), row(4, text="other"), ["5"]]
    assert weave(city, "a.csv", *first) == [(RECEIVE, 2, 4, 1)]
    assert held(city) == [row(1), row(2)]

    assert weave(city, "a.csv", row(1), row(3, "9"), row(6), ["5"]) == [(RECEIVE, 2, 2, 0)]
    assert held(city) == [row(1), row(6)]
    assert [(r.ordinal, r.raw) for r in quarantined(city, "thing")] == [(2, None), (4, "5")]

    again = City.open(city.path)
    broken, malformed = quarantined(again, "thing")
    assert list(broken.received.items()) == list(zip(HEADER, row(3, "9"), strict=True))
    assert malformed.reasons == (("", "malformed"),)

    set_contract(city.path, "thing", contract(delivery, 9, as_column))
    assert accounts(city)[-1] == (REPLAY, 1, 1, 0)
    assert held(City.open(city.path)) == [row(1), row(3, "9"), row(6)]


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_columns_of_any_name_are_exported(tmp_path: Path, form: str) -> None:
    city = new_city(tmp_path / "city", {"thing": contract("append", 5, as_column=True)})
    weave(city, "a.csv", row(1))
    city = City.open(city.path)
    path = tmp_path / f"out.{form}"
    assert write_file(city.read("thing", TESTER), path, form, city.contract("thing")) == 1
    if form == "parquet":
        assert pq.read_table(path).column_names == HEADER
    else:
        with open(path, encoding="utf-8", newline="") as file:
            assert list(csv.reader(file)) == [HEADER, row(1)]
