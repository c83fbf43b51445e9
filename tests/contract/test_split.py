"""A delivery is split row by row: each row beside its number, its text and all its reasons."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.contract.check import MARK, conforming, marked
from cityloom.engine import open_engine
from cityloom.policy import Principal

TESTER = Principal("tester", roles=("data_steward",))

Stated = dict[str, Any]


def add(
    city: City,
    dataset: str,
    columns: Sequence[Stated],
    rules: Sequence[Stated] = (),
    delivery: str = "snapshot",
) -> None:
    stated = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": dataset,
        "version": "1.0.0",
        "status": "active",
        "customProperties": [
            {"property": "delivery", "value": delivery},
            {"property": "classification", "value": "public"},
        ],
        "schema": [{"name": dataset, "properties": list(columns), "quality": list(rules)}],
    }
    path = city.path / "contracts" / f"{dataset}.odcs.yaml"
    path.write_text(yaml.safe_dump(stated, allow_unicode=True), encoding="utf-8")


def condition(name: str, text: str) -> Stated:
    return {"name": name, "type": "custom", "engine": "cityloom", "implementation": text}


def deliver(city: City, dataset: str, records: Sequence[Stated]) -> None:
    path = city.path / f"{dataset}.ndjson"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    city.receive(dataset, path, again=True)


def reasons(city: City, dataset: str) -> dict[int, list[tuple[str, str, str]]]:
    found = city.read_quarantine(dataset, TESTER).read_all().to_pylist()
    return {
        row["_ordinal"]: [(r["column"], r["rule"], r["message"]) for r in row["reasons"]]
        for row in found
    }


# Rows stay beside their numbers


def test_every_row_of_a_large_delivery_stays_beside_its_number_and_its_text(tmp_path: Path) -> None:
    count, step = 400_000, 97
    kinds = [f"K{number:04}" for number in range(1000)]
    city = City.create(tmp_path / "city", "Large")
    add(city, "large", [
        {"name": "n", "logicalType": "integer", "logicalTypeOptions": {"minimum": 0}},
        {"name": "text", "logicalType": "string"},
        {"name": "kind", "enum": [{"value": kind} for kind in kinds]},
    ])  # fmt: skip
    path = city.path / "large.csv"
    with path.open("w") as file:
        file.write("n,text,kind\n")
        file.writelines(
            f"{'-' if n % step == 0 else ''}{n},row {n},{kinds[n % len(kinds)]}\n"
            for n in range(1, count + 1)
        )
    (run,) = city.receive("large", path)
    assert (run.rows_read, run.rows_quarantined) == (count, count // step)

    kept = pa.concat_tables(pq.read_table(path) for path in city.kept("large").files())
    assert kept["n"].equals(kept["_ordinal"])
    said = pc.binary_join_element_wise("row", pc.cast(kept["n"], pa.string()), " ")
    assert kept["text"].equals(said)
    numbers = kept["_ordinal"].to_numpy()
    assert (numbers[1:] > numbers[:-1]).all(), "kept rows are in the order of the file"

    refused = city.read_quarantine("large", TESTER).read_all().to_pylist()
    assert len(refused) == count // step
    for row in refused:
        assert row["_ordinal"] % step == 0
        assert json.loads(row["values"]) == {
            "n": f"-{row['_ordinal']}",
            "text": f"row {row['_ordinal']}",
            "kind": kinds[row["_ordinal"] % len(kinds)],
        }
        assert [reason["rule"] for reason in row["reasons"]] == ["minimum"]


FEW = [
    {"name": "n", "logicalType": "integer", "primaryKey": True, "primaryKeyPosition": 1},
    {"name": "day", "logicalType": "date", "required": True,
     "logicalTypeOptions": {"minimum": "2020-01-01"}},
    {"name": "size", "logicalType": "number", "logicalTypeOptions": {"maximum": 9}},
    {"name": "level", "logicalType": "integer",
     "customProperties": [{"property": "trim", "value": True}]},
    {"name": "open", "logicalType": "boolean"},
    {"name": "note", "logicalType": "string",
     "customProperties": [{"property": "trim", "value": True}]},
]  # fmt: skip
WRITTEN_DAYS = (
    "2020-02-29",
    "2021-02-29",
    "2019-12-31",
    "20-01-01",
    None,
    "",
    "2024-05-06",
    "0000-01-01",
)
WRITTEN_SIZES = ("1", "2.5", "9.1", "x", "1e1", "-3", None, "08", "1_0")
WRITTEN_LEVELS = ("1", " 2 ", "three", None, "-4", " ")
WRITTEN_OPENS = ("true", "是", "maybe", "NO", None)


def test_a_column_of_few_texts_is_judged_as_one_of_many(tmp_path: Path) -> None:
    records = [
        {
            "n": str(number),
            "day": WRITTEN_DAYS[number % len(WRITTEN_DAYS)],
            "size": WRITTEN_SIZES[number % len(WRITTEN_SIZES)],
            "level": WRITTEN_LEVELS[number % len(WRITTEN_LEVELS)],
            "open": WRITTEN_OPENS[number % len(WRITTEN_OPENS)],
            "note": f" {number % 7}",
        }
        for number in range(5 * 9 * 8 * 6 * 3)
    ]
    city = City.create(tmp_path / "city", "Few")
    outcomes = {}
    late = condition("late", "day > date '2020-03-01' or size > 0")
    for dataset in ("whole", "pieces"):
        add(city, dataset, FEW, [late], "append")
    for dataset, size in (("whole", len(records)), ("pieces", 2_160)):
        for start in range(0, len(records), size):
            path = city.path / f"{start}.ndjson"
            lines = (json.dumps(record) for record in records[start : start + size])
            path.write_text("\n".join(lines), encoding="utf-8")
            city.receive(dataset, path)
        kept = city.read(dataset, TESTER).read_all()
        refused = city.read_quarantine(dataset, TESTER).read_all()
        outcomes[dataset] = (
            sorted(map(str, kept.select([column["name"] for column in FEW]).to_pylist())),
            sorted((row["values"], str(row["reasons"])) for row in refused.to_pylist()),
        )
    assert outcomes["whole"] == outcomes["pieces"]
    assert min(map(len, outcomes["whole"])) > 100


def test_what_only_a_refused_row_says_is_in_no_file_of_the_kept(tmp_path: Path) -> None:
    city = City.create(tmp_path / "city", "Refused")
    add(city, "few", [{"name": "n", "logicalType": "integer"}, {"name": "said"}])
    said = ["yes", "no", "unspeakable"]
    deliver(
        city, "few", [{"n": "x" if n % 3 == 2 else n, "said": said[n % 3]} for n in range(6000)]
    )
    files = city.kept("few").files()
    kept = pa.concat_tables(pq.read_table(path) for path in files)
    assert kept["said"].value_counts().to_pylist() == [
        {"values": "yes", "counts": 2000}, {"values": "no", "counts": 2000}
    ]  # fmt: skip
    assert not any(b"unspeakable" in path.read_bytes() for path in files)


def test_a_batch_with_no_good_row_or_no_bad_row_is_split_like_any_other(tmp_path: Path) -> None:
    city = City.create(tmp_path / "city", "Edges")
    add(city, "thing", [{"name": "n", "logicalType": "integer"}])
    deliver(city, "thing", [{"n": "x"}, {"n": "y"}])
    assert sorted(reasons(city, "thing")) == [1, 2]
    assert city.kept("thing").rows() == 0
    deliver(city, "thing", [{"n": "1"}, {"n": "2"}])
    assert reasons(city, "thing") == {}
    assert city.kept("thing").rows() == 2


# What is kept of a refused row


def test_a_refused_row_keeps_its_delivery_its_number_and_its_values_as_received(
    tmp_path: Path,
) -> None:
    city = City.create(tmp_path / "city", "Texts")
    add(city, "thing", [
        {"name": "n", "physicalName": "编 \"号\"", "logicalType": "integer"},
        {"name": "text", "customProperties": [{"property": "trim", "value": True}]},
        {"name": "absent"},
        {"name": "place", "physicalType": "POINT"},
    ])  # fmt: skip
    odd = '  quote " comma , back\\slash \n line 🏙️ '
    deliver(city, "thing", [{"n": "1"}, {'编 "号"': "0x1F", "text": odd, "place": "POINT (1 2)"}])
    (row,) = city.read_quarantine("thing", TESTER).read_all().to_pylist()
    assert (row["_delivery"], row["_ordinal"], row["raw"]) == ("thing.ndjson", 2, None)
    assert json.loads(row["values"]) == {
        '编 "号"': "0x1F",
        "text": odd,
        "absent": None,
        "place": "POINT (1 2)",
    }


def test_a_row_that_cannot_be_split_into_fields_keeps_its_raw_text(tmp_path: Path) -> None:
    city = City.create(tmp_path / "city", "Raw")
    add(city, "thing", [{"name": "a"}, {"name": "b"}])
    path = city.path / "thing.csv"
    path.write_text("a,b\n1,2\n1,2,3\nx,y\n")
    city.receive("thing", path)
    (row,) = city.read_quarantine("thing", TESTER, "tests").read_all().to_pylist()
    assert (row["_ordinal"], row["values"]) == (2, None)
    assert row["raw"].strip() == "1,2,3"
    assert [reason["rule"] for reason in row["reasons"]] == ["malformed"]
    assert city.kept("thing").rows() == 2


# All reasons and no others


WIDE: list[Stated] = [
    {"name": "id", "logicalType": "integer", "primaryKey": True},
    {"name": "code", "required": True,
     "logicalTypeOptions": {"minLength": 2, "maxLength": 3, "pattern": "[A-Z]+"},
     "enum": [{"value": "AB"}, {"value": "ABC"}]},
    {"name": "count", "logicalType": "integer", "logicalTypeOptions": {"minimum": 1,
                                                                      "maximum": 9}},
    {"name": "opened", "logicalType": "date"},
    {"name": "closed", "logicalType": "date"},
    {"name": "urgent", "logicalType": "boolean"},
    {"name": "cost", "logicalType": "number"},
]  # fmt: skip

RULES = [
    condition("order", "closed >= opened"),
    condition("urgent_costs", "NOT urgent OR cost > 100"),
    condition("count_costs", "cost >= count"),
]


def wide_city(tmp_path: Path) -> City:
    city = City.create(tmp_path / "city", "Reasons")
    add(city, "wide", WIDE, RULES)
    return city


def test_a_row_has_every_reason_it_deserves(tmp_path: Path) -> None:
    city = wide_city(tmp_path)
    worst = {
        "id": "1", "code": "abcd", "count": "10", "opened": "2024-02-02", "closed": "2024-02-01",
        "urgent": "yes", "cost": "5",
    }  # fmt: skip
    deliver(city, "wide", [worst, {**worst, "id": "2.0", "code": None, "opened": "2024-02-30"}])
    found = reasons(city, "wide")
    assert {(column, rule) for column, rule, _ in found[1]} == {
        ("code", "enum"), ("code", "max_length"), ("code", "pattern"), ("count", "maximum"),
        ("", "order"), ("", "urgent_costs"), ("", "count_costs"),
    }  # fmt: skip
    assert len(found[1]) == 7
    assert {(column, rule) for column, rule, _ in found[2]} == {
        ("id", "type"), ("code", "required"), ("count", "maximum"), ("opened", "type"),
        ("", "urgent_costs"), ("", "count_costs"),
    }  # fmt: skip
    assert len(found[2]) == 6


def test_the_reasons_of_one_row_do_not_run_into_those_of_the_next(tmp_path: Path) -> None:
    city = wide_city(tmp_path)
    deliver(city, "wide", [
        {"id": "1", "code": "AB"}, {"id": "2", "code": "zz"}, {"id": "3", "code": "ABC"},
        {"id": "4"}, {"id": "5", "code": "AB", "count": "0"}, {"id": "6", "code": "AB"},
    ])  # fmt: skip
    found = {row: [(c, rule) for c, rule, _ in why] for row, why in reasons(city, "wide").items()}
    assert found == {
        2: [("code", "enum"), ("code", "pattern")],
        4: [("code", "required")],
        5: [("count", "minimum")],
    }


def test_a_value_of_the_wrong_type_adds_no_reasons_of_its_column(tmp_path: Path) -> None:
    city = wide_city(tmp_path)
    written = ("0x1F", "1_000")
    rows = [{"id": str(n), "code": "AB", "count": text} for n, text in enumerate(written, 1)]
    deliver(city, "wide", rows)
    assert [(c, r) for c, r, _ in reasons(city, "wide")[1]] == [("count", "type")]
    assert [(c, r) for c, r, _ in reasons(city, "wide")[2]] == [("count", "type")]


@pytest.mark.parametrize(
    "values",
    [
        {"count": "x", "cost": "9"},
        {"urgent": "perhaps", "cost": "1"},
        *(
            values
            for values in [
                {"opened": "2024-2-3", "closed": "2024-01-01"},
                {"count": "1_0", "cost": "9"},
                {"count": "9", "cost": "+1"},
            ]
        ),
    ],
    ids=repr,
)
def test_a_value_of_the_wrong_type_adds_no_reasons_over_several_columns(
    tmp_path: Path, values: Stated
) -> None:
    city = wide_city(tmp_path)
    deliver(city, "wide", [{"id": "1", "code": "AB", **values}])
    assert [rule for _, rule, _ in reasons(city, "wide")[1]] == ["type"]


# One rule set, two doors


CODES = st.sampled_from(["AB", "ABC", "abcd", "Z", "路口", "", None])
NUMBERS = st.sampled_from(["0", "1", "5", "9", "10", "-3", None])
DAYS = st.sampled_from(["2024-01-31", "2024-02-01", "2024-02-29", None])
RECORDS = st.fixed_dictionaries(
    {
        "code": CODES,
        "count": NUMBERS,
        "opened": DAYS,
        "closed": DAYS,
        "urgent": st.sampled_from(["yes", "no", "是", None]),
        "cost": st.sampled_from(["0", "5.5", "1e3", "-1", "101", None]),
    }
)


@pytest.fixture(scope="module")
def doors(tmp_path_factory: pytest.TempPathFactory) -> City:
    city = City.create(tmp_path_factory.mktemp("doors") / "city", "Doors")
    add(city, "wide", WIDE, RULES)
    free = [{k: v for k, v in c.items() if k in ("name", "logicalType")} for c in WIDE]
    add(city, "free", free)
    return city


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(RECORDS, min_size=5, max_size=40))
def test_rows_that_are_typed_already_are_judged_as_the_same_rows_received_as_text(
    doors: City, records: list[Stated]
) -> None:
    numbered = [{"id": str(row), **record} for row, record in enumerate(records, start=1)]
    deliver(doors, "wide", numbered)
    deliver(doors, "free", numbered)
    received = {row: set(why) for row, why in reasons(doors, "wide").items()}

    assert doors.kept("free").rows() == len(records)
    assert judged_as_typed(doors) == received


def judged_as_typed(city: City) -> dict[int, set[tuple[str, str, str]]]:
    """The reasons that the check of derived rows finds in rows kept by another contract."""
    contract, engine = city.contract("wide"), open_engine("duckdb://", city.path / "scratch")
    rows = engine.table("free", city.kept("free").files(), contract.schema)
    table, why = marked(contract, conforming(contract, rows, "test"))
    found: dict[int, set[tuple[str, str, str]]] = {}
    for row in engine.batches(table).read_all().to_pylist():
        for number, reason in enumerate(why):
            if row[MARK.format(number)] is False:
                said = (reason.column, reason.rule, reason.message)
                found.setdefault(row["id"], set()).add(said)
    return found
