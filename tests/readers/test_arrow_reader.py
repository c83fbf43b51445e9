"""Parquet and Arrow files: typed values come out in the contract's written forms."""

import datetime as dt
import random
from contextlib import suppress
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from cityloom.contract.typed import as_text
from cityloom.errors import DeliveryError
from tests.readers.reading import read, values

WRITTEN: list[tuple[pa.DataType, Any, str | None]] = [
    (pa.int8(), -5, "-5"),
    (pa.uint64(), 2**64 - 1, "18446744073709551615"),
    (pa.float64(), 0.1, "0.1"),
    (pa.float64(), 1e300, "1e+300"),
    (pa.bool_(), True, "true"),
    (pa.string(), "区", "区"),
    (pa.string(), "", None),
    (pa.large_string(), "x", "x"),
    (pa.dictionary(pa.int8(), pa.string()), "x", "x"),
    (pa.binary(), b"\x01\xff", "01ff"),
    (pa.date32(), dt.date(2024, 2, 29), "2024-02-29"),
    (pa.timestamp("s"), dt.datetime(2024, 1, 2, 3, 4, 5), "2024-01-02T03:04:05.000000"),
    (pa.timestamp("ns"), dt.datetime(1900, 1, 2, 3, 4, 5, 7), "1900-01-02T03:04:05.000007"),
    (pa.timestamp("us", tz="Asia/Shanghai"), dt.datetime(2024, 1, 1, tzinfo=dt.UTC),
     "2024-01-01T00:00:00.000000Z"),
    (pa.time32("s"), dt.time(12, 34, 56), "12:34:56"),
    (pa.decimal128(9, 2), Decimal("1.10"), "1.10"),
    (pa.list_(pa.int64()), [1, 2], "[1, 2]"),
    (pa.struct([("区", pa.string())]), {"区": "a"}, '{"区": "a"}'),
    (pa.null(), None, None),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "value", "text"), WRITTEN, ids=lambda item: str(item)[:30])
def test_a_typed_value_is_written_out(kind: pa.DataType, value: Any, text: str | None) -> None:
    assert as_text(pa.array([value, None], kind)).to_pylist() == [text, None]


def test_a_time_of_day_is_written_in_the_contracts_form() -> None:
    assert as_text(pa.array([dt.time(12, 34, 56)], pa.time64("us"))).to_pylist() == ["12:34:56"]


def test_a_small_decimal_is_written_without_an_exponent() -> None:
    values = pa.array([Decimal("0.000000012")], pa.decimal128(12, 9))
    assert as_text(values).to_pylist() == ["0.000000012"]


def write(path: Path, table: pa.Table) -> None:
    if path.suffix == ".parquet":
        pq.write_table(table, path, row_group_size=2)
        return
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=2)


FORMS = ("a.parquet", "a.arrow", "a.feather")
TABLE = pa.table({"id": [1, 2, 3, 4, 5], "名": ["a", None, "", "区", "e"]})


@pytest.mark.parametrize("form", FORMS)
def test_rows_are_read_in_order_across_groups(form: str, tmp_path: Path) -> None:
    write(tmp_path / form, TABLE)
    assert values(tmp_path / form) == [
        ("1", "a"), ("2", None), ("3", None), ("4", "区"), ("5", "e"),
    ]  # fmt: skip
    rows, _ = read(tmp_path / form, columns=["名"])
    assert rows[3] == (4, ("区",))


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_no_rows_has_columns(form: str, tmp_path: Path) -> None:
    write(tmp_path / form, TABLE.slice(0, 0))
    assert values(tmp_path / form) == []


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.9, 0.99])
def test_a_truncated_file_is_refused(form: str, part: float, tmp_path: Path) -> None:
    write(tmp_path / form, TABLE)
    whole = (tmp_path / form).read_bytes()
    with pytest.raises(DeliveryError, match="ask for it to be sent again"):
        read(tmp_path / form, whole[: int(len(whole) * part)])


MANY_TYPES = pa.table(
    {
        "名": [f"区{number}" for number in range(50)],
        "kind": pa.array(["a", "b"] * 25).dictionary_encode(),
        "list": [[1, 2]] * 50,
        "object": [{"x": 1.5}] * 50,
        "moment": [dt.datetime(2024, 1, 1)] * 50,
        "price": [Decimal("1.10")] * 50,
        "open": [True, None] * 25,
        "bytes": [b"ab"] * 50,
    }
)


@pytest.mark.parametrize("form", ["a.parquet", "a.arrow"])
def test_flipped_bits_never_end_in_a_crash(form: str, tmp_path: Path) -> None:
    write(tmp_path / form, MANY_TYPES)
    whole = (tmp_path / form).read_bytes()
    chance = random.Random(form)
    refused = 0
    for place in chance.sample(range(len(whole)), 300):
        damaged = bytearray(whole)
        damaged[place] ^= 1 << chance.randrange(8)
        try:
            read(tmp_path / form, bytes(damaged))
        except DeliveryError:
            refused += 1
    assert 0 < refused < 300


@pytest.mark.parametrize("form", FORMS)
def test_a_column_named_twice_is_refused(form: str, tmp_path: Path) -> None:
    table = pa.table([[1], [2]], names=["a", "a"])
    write(tmp_path / form, table)
    with pytest.raises(DeliveryError, match="'a'"):
        read(tmp_path / form)


@pytest.mark.parametrize("form", FORMS)
def test_a_type_without_a_written_form_is_refused(form: str, tmp_path: Path) -> None:
    kind = pa.duration("s") if form != "a.parquet" else pa.float16()
    value: Any = [dt.timedelta(1)] if form != "a.parquet" else [1.0]
    write(tmp_path / form, pa.table({"a": pa.array(value, kind)}))
    with suppress(DeliveryError):
        assert values(tmp_path / form)


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    text = pa.array([b"ok", b"\xff\xfe"], pa.binary())
    broken = pa.Array.from_buffers(pa.string(), 2, text.buffers())
    write(tmp_path / "a.parquet", pa.table({"a": broken}))
    with pytest.raises(DeliveryError):
        read(tmp_path / "a.parquet")
