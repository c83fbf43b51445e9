"""Values that come typed are kept and refused precisely as the same values written out as text."""

import datetime as dt
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.contract.typed import as_texts, is_text, received
from tests.cities import column, contract_text, csv_bytes, deliver, new_city, quarantined, rows

COLUMNS = [
    column("number", "integer", required=True, logicalTypeOptions={"minimum": 0, "maximum": 99}),
    column("share", "number", logicalTypeOptions={"exclusiveMaximum": 1}),
    column("day", "date", logicalTypeOptions={"minimum": "2000-01-01"}),
    column("at", "timestamp"),
    column("open", "boolean"),
    column("kind", enum=["a", "b"]),
]
TYPES = {
    "number": pa.int64(), "share": pa.float64(), "day": pa.date32(), "at": pa.timestamp("us"),
    "open": pa.bool_(), "kind": pa.string(),
}  # fmt: skip
RULES = {"open_by_day": "number < 50 OR open"}

records = st.lists(
    st.fixed_dictionaries(
        {
            "number": st.none() | st.integers(-5, 120),
            "share": st.none() | st.sampled_from([0.5, 0.1 + 0.2, -0.0, 1.0, 1e300, float("nan"),
                                                  float("inf")]),
            "day": st.none() | st.dates(dt.date(1990, 1, 1), dt.date(2030, 1, 1)),
            "at": st.none() | st.datetimes(dt.datetime(1, 1, 1), dt.datetime(9999, 12, 31)),
            "open": st.none() | st.booleans(),
            "kind": st.sampled_from(["a", "b", "c", "", None]),
        }
    ),
    min_size=1,
    max_size=20,
)  # fmt: skip


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    texts = {name: contract_text(name, COLUMNS, "snapshot", RULES) for name in ("typed", "text")}
    return new_city(tmp_path_factory.mktemp("typed") / "city", texts)


def parquet_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


def arrow_bytes(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=1)
    return bytes(sink.getvalue())


def refused(city: City, dataset: str) -> list[tuple[int, Any, Any, Any]]:
    return [
        (row.ordinal, row.values, row.reasons, row.messages) for row in quarantined(city, dataset)
    ]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(records)
def test_typed_values_are_judged_as_their_texts_are(
    city: City, found: list[dict[str, Any]]
) -> None:
    table = pa.Table.from_pylist(found, pa.schema(list(TYPES.items())))
    texts = [as_texts(values).to_pylist() for values in table.columns]
    written = csv_bytes(list(TYPES), zip(*texts, strict=True))
    deliver(city, "typed", "one.parquet", parquet_bytes(table))
    deliver(city, "text", "one.csv", written)
    assert refused(city, "typed") == refused(city, "text")
    assert sorted(map(repr, rows(city, "typed"))) == sorted(map(repr, rows(city, "text")))


def test_days_beyond_the_calendar_are_refused(city: City) -> None:
    days = pa.array([-800_000, 20_000, 3_000_000], pa.int32()).cast(pa.date32())
    deliver(
        city, "typed", "far.parquet", parquet_bytes(pa.table({"number": [1, 2, 3], "day": days}))
    )
    assert [row.ordinal for row in quarantined(city, "typed")] == [1, 3]
    assert {reason for row in quarantined(city, "typed") for reason in row.reasons} == {
        ("day", "type")
    }


@pytest.mark.parametrize(
    ("kind", "stays"),
    [
        (pa.int64(), True),
        (pa.int16(), True),
        (pa.uint32(), True),
        (pa.uint64(), False),
        (pa.float64(), False),
        (pa.decimal128(30, 2), False),
    ],
)
def test_whole_numbers_of_any_width_need_not_be_read(
    city: City, kind: pa.DataType, stays: bool
) -> None:
    number = city.contract("typed").columns[0]
    values = pa.chunked_array([pa.array([1, 2], pa.int64()).cast(kind)])
    assert is_text(received(number, values)) != stays


def test_a_number_too_large_for_its_column_is_refused_and_not_cut(city: City) -> None:
    table = pa.table({"number": pa.array([2**64 - 1, 5], pa.uint64())})
    deliver(city, "typed", "large.parquet", parquet_bytes(table))
    assert [row["number"] for row in rows(city, "typed")] == [5]


@pytest.mark.parametrize("form", ["parquet", "arrow"])
@pytest.mark.parametrize("numbers", [[1, 2, 2**63 + 5, 3], [2**63 + 5, 1, 2, 3]], ids=repr)
def test_a_number_too_large_costs_its_row_in_whichever_batch_it_comes(
    city: City, form: str, numbers: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.receive.ROWS_AT_A_TIME", 1)
    monkeypatch.setattr("cityloom.readers.arrow._ROWS_AT_A_TIME", 1)
    table = pa.table({"number": pa.array(numbers, pa.uint64())})
    content = parquet_bytes(table) if form == "parquet" else arrow_bytes(table)
    (run,) = deliver(city, "typed", f"large.{form}", content)
    assert (run.rows_kept, run.rows_quarantined) == (3, 1)
    assert sorted(row["number"] for row in rows(city, "typed")) == [1, 2, 3]
    (bad,) = quarantined(city, "typed")
    assert f'"{2**63 + 5}"' in bad.values


def test_a_column_that_says_how_it_is_written_is_judged_by_its_text(tmp_path: Path) -> None:
    stated = [column("day", "date", logicalTypeOptions={"format": "yyyyMMdd"})]
    city = new_city(tmp_path / "city", {"day": contract_text("day", stated)})
    values = pa.chunked_array([pa.array([dt.date(2024, 5, 6)])])
    assert is_text(received(city.contract("day").columns[0], values))
