"""What an engine reads is what it gives back, batch by batch, whatever the rows."""

from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import ibis
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cityloom.engine import Engine
from cityloom.errors import UsageError

SCHEMA = pa.schema(
    [
        ("id", pa.int64()),
        ("姓名 1", pa.string()),
        ("instant", pa.timestamp("us", tz="UTC")),
        ("local", pa.timestamp("us")),
        ("money", pa.decimal128(18, 4)),
        ("day", pa.date32()),
        ("size", pa.float64()),
        ("open", pa.bool_()),
        ("place", pa.binary()),
    ]
)
ROWS = [
    (1, "张伟", datetime(2024, 2, 29, 23, 59, 59, 999999, UTC), datetime(1, 1, 1),
     Decimal("1.5000"), date(1, 1, 1), 0.1, True, b"\x00\xff"),
    (2, "𠮷野 é\n\t\"'", datetime(1969, 12, 31, 16, tzinfo=UTC), datetime(2024, 3, 10, 2, 30),
     Decimal("-99999999999999.9999"), date(9999, 12, 31), -1.5e300, False, b""),
    (3, "", datetime(1900, 1, 1, tzinfo=UTC), datetime(1582, 10, 10),
     Decimal("0.0001"), date(1582, 10, 10), 5e-324, None, None),
    (None,) * 9,
]  # fmt: skip


def table(rows: list[tuple[object, ...]] = ROWS) -> pa.Table:
    columns = [pa.array(column, field.type) for column, field in zip(zip(*rows), SCHEMA)]  # noqa: B905
    return pa.table(columns, schema=SCHEMA)


def given_back(engine: Engine, files: list[Path]) -> pa.Table:
    found = engine.batches(engine.table("thing", files, SCHEMA)).read_all()
    assert found.column_names == SCHEMA.names
    return found.cast(SCHEMA).sort_by([("id", "ascending")])


def test_rows_come_back_as_they_were(engine: Engine, folder: Path) -> None:
    pq.write_table(table(), folder / "rows.parquet")
    assert given_back(engine, [folder / "rows.parquet"]).equals(table())


def test_a_path_is_no_pattern(engine: Engine, url: str, folder: Path) -> None:
    for name in ("a[b]", "a*", "a?", "{a,b}", "a\tb", "ab", "a", "b"):
        (folder / name).mkdir()
        pq.write_table(table(ROWS[:1]), folder / name / "rows.parquet")
    for name in ("a[b]", "a*", "a?", "{a,b}", "a\tb"):
        path = folder / name / "rows.parquet"
        if url.startswith("sail"):
            with pytest.raises(UsageError, match="Sail cannot read files below"):
                given_back(engine, [path])
        else:
            assert given_back(engine, [path]).num_rows == 1


def test_columns_that_a_file_lacks_are_null_and_others_are_left_out(
    engine: Engine, folder: Path
) -> None:
    pq.write_table(table(), folder / "whole.parquet")
    fewer = pa.table({"more": ["x"], "姓名 1": ["later"], "id": pa.array([9], pa.int64())})
    pq.write_table(fewer, folder / "fewer.parquet")
    found = given_back(engine, [folder / "fewer.parquet", folder / "whole.parquet"])
    later = found.filter(pc.equal(found["id"], 9)).to_pylist()
    assert later == [{**dict.fromkeys(SCHEMA.names), "id": 9, "姓名 1": "later"}]
    assert len(found) == 5


def test_a_table_without_files_has_its_columns(engine: Engine) -> None:
    assert given_back(engine, []).equals(SCHEMA.empty_table())


def test_rows_in_memory_are_a_table(engine: Engine, scratch: Path) -> None:
    held = engine.hold("made_thing", table())
    found = engine.batches(held.filter(held.id > 1)).read_all().cast(SCHEMA)
    assert found.sort_by([("id", "ascending")]).equals(table(ROWS[1:3]))


def test_rows_held_under_a_name_take_the_place_of_those_before(
    engine: Engine, scratch: Path
) -> None:
    before = len(list(scratch.glob("held-*")))
    for number in (1, 2):
        held = engine.hold("made_part", table(ROWS[number - 1 : number]))
        assert engine.batches(held).read_all()["id"].to_pylist() == [number]
        assert len(list(scratch.glob("held-*"))) <= before + 1


WIDE = [
    (pa.array([0, 255, None], pa.uint8()), pa.int64()),
    (pa.array([0, 65_535, None], pa.uint16()), pa.int64()),
    (pa.array([0, 2**32 - 1, None], pa.uint32()), pa.int64()),
    (pa.array([0, 2**63 - 1, None], pa.uint64()), pa.int64()),
    (pa.array([0.5, -2.0, None], pa.float16()), pa.float64()),
    (pa.array([1_999, -1_999_001, None], pa.timestamp("ns")), pa.timestamp("us")),
    (pa.array([1, -1, None], pa.timestamp("s", tz="UTC")), pa.timestamp("us", tz="UTC")),
    (pa.array([date(1969, 1, 1), None], pa.date64()), pa.date32()),
    (pa.array(["区", None], pa.string_view()), pa.string()),
    (pa.array(["区", None], pa.large_string()), pa.string()),
    (pa.array(["区", None]).dictionary_encode(), pa.string()),
]


@pytest.mark.parametrize(("values", "kind"), WIDE, ids=[str(values.type) for values, _ in WIDE])
def test_what_a_kernel_gives_is_read_in_the_types_of_a_contract(
    engine: Engine, values: pa.Array, kind: pa.DataType
) -> None:
    held = engine.hold("made_wide", pa.table({"n": range(len(values)), "value": values}))
    cast = held.mutate(value=held.value.cast(ibis.dtype(kind)))
    found = engine.batches(cast).read_all().sort_by("n")
    assert found["value"].cast(kind).to_pylist() == values.cast(kind, safe=False).to_pylist()


_LARGE = 2**63 + 5
_MOMENT = datetime(2024, 2, 29, 1, 2, 3, 456_789)
NESTED = [
    (pa.array([[1, _LARGE], None], pa.list_(pa.uint64())), [[1, _LARGE], None]),
    (pa.array([[1], None], pa.large_list(pa.uint8())), [[1], None]),
    (pa.array([[1, 2], None], pa.list_(pa.uint16(), 2)), [[1, 2], None]),
    (pa.array([[["区"]], None], pa.list_(pa.list_(pa.dictionary(pa.int8(), pa.string())))),
     [[["区"]], None]),
    (pa.array([{"n": _LARGE, "at": [_MOMENT]}, None],
              pa.struct([("n", pa.uint64()), ("at", pa.list_(pa.timestamp("ns")))])),
     [{"n": _LARGE, "at": [_MOMENT]}, None]),
    (pa.array([[("k", _LARGE)], None], pa.map_(pa.string(), pa.uint64())), [[("k", _LARGE)], None]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("values", "expected"), NESTED, ids=[str(values.type) for values, _ in NESTED]
)
def test_what_a_kernel_gives_in_lists_and_structs_is_read_in_such_types_too(
    engine: Engine, values: pa.Array, expected: list[object]
) -> None:
    held = engine.hold("made_nested", pa.table({"n": range(len(values)), "value": values}))
    found = engine.batches(held).read_all().sort_by("n")
    assert found["value"].to_pylist() == expected


@ibis.udf.scalar.pyarrow
def _batch_sizes(number: int) -> int:
    return pa.array([len(number)] * len(number), pa.int64())


@ibis.udf.scalar.pyarrow
def _one_more(number: int) -> int:
    return pc.add(number, 1)


def test_a_function_on_arrow_arrays_is_called_with_batches(engine: Engine) -> None:
    held = engine.hold("made_many", pa.table({"id": pa.array(range(10_000), pa.int64())}))
    found = engine.batches(held.mutate(size=_batch_sizes(held.id))).read_all()
    assert pc.min(found["size"]).as_py() >= 1_000


def test_a_function_on_arrow_arrays_has_each_value_as_it_is(engine: Engine) -> None:
    numbers = pa.array([2**62 + 1, None, -1], pa.int64())
    held = engine.hold("made_some", pa.table({"n": range(3), "id": numbers}))
    found = engine.batches(held.mutate(more=_one_more(held.id))).read_all().sort_by("n")
    assert found["more"].to_pylist() == [2**62 + 2, None, 0]


def test_a_view_of_the_same_name_replaces_the_one_before(engine: Engine, folder: Path) -> None:
    for number in (1, 2):
        pq.write_table(table(ROWS[number - 1 : number]), folder / f"{number}.parquet")
        assert given_back(engine, [folder / f"{number}.parquet"])["id"].to_pylist() == [number]


def test_rows_are_streamed(engine: Engine, folder: Path) -> None:
    rows = 3_000_000
    ids = pa.table({"id": pa.array(range(rows), pa.int64())})
    pq.write_table(ids, folder / "many.parquet", row_group_size=500_000)
    many = engine.table("many", [folder / "many.parquet"], ids.schema)
    reader = engine.batches(many)
    first = reader.read_next_batch()
    assert 0 < len(first) < rows / 2
    assert len(first) + sum(len(batch) for batch in reader) == rows


@pytest.mark.parametrize(
    ("column", "expected"),
    [
        ("姓名 1", ["", "张伟", "𠮷野 é\n\t\"'", None]),
        ("money", [Decimal("-99999999999999.9999"), Decimal("0.0001"), Decimal("1.5000"), None]),
        ("open", [False, True, None]),
    ],
)
def test_values_are_distinct_and_ascending(
    engine: Engine, folder: Path, column: str, expected: list[object]
) -> None:
    pq.write_table(table(ROWS * 2), folder / "rows.parquet")
    thing = engine.table("thing", [folder / "rows.parquet"], SCHEMA)
    assert engine.values(thing[column]) == expected
