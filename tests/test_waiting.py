"""Rows that wait come back as they were put in, and take their room below the folder alone."""

import os
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.waiting import WaitingRows

TABLES = st.lists(
    st.lists(st.lists(st.tuples(st.integers(-9, 9), st.text()), max_size=4), max_size=3), max_size=5
)
SCHEMA = pa.schema([("n", pa.int64()), ("text", pa.string())])


def table(chunks: list[list[tuple[int, str]]]) -> pa.Table:
    rows = ([{"n": n, "text": text} for n, text in chunk] for chunk in chunks)
    return pa.Table.from_batches(
        [pa.RecordBatch.from_pylist(chunk, schema=SCHEMA) for chunk in rows], SCHEMA
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=TABLES)
def test_tables_come_back_in_the_order_in_which_they_came(
    parts: list[list[list[tuple[int, str]]]], tmp_path: Path
) -> None:
    with WaitingRows(tmp_path) as waiting:
        for part in parts:
            waiting.add(table(part))
        found = [part.to_pylist() for part in waiting]
    assert found == [table(part).to_pylist() for part in parts]


def test_they_lie_on_disk_as_long_as_they_wait(tmp_path: Path) -> None:
    with WaitingRows(tmp_path) as waiting:
        assert list(waiting) == []
        assert list(tmp_path.iterdir()) == []
        waiting.add(table([[(1, "word" * 100_000)]]))
        assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 400_000
        (rows,) = waiting
        assert len(rows.column("text")[0].as_py()) == 400_000
    assert list(tmp_path.iterdir()) == []


def test_nothing_stays_open_or_behind_where_what_was_asked_of_them_fails(tmp_path: Path) -> None:
    before = len(os.listdir("/proc/self/fd"))
    with suppress(KeyError), WaitingRows(tmp_path) as waiting:
        waiting.add(table([[(1, "a")]]))
        raise KeyError
    assert list(tmp_path.iterdir()) == []
    assert len(os.listdir("/proc/self/fd")) == before
