"""Rows that wait come back as they were put in, and take their room below the folder alone."""

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
    waiting = WaitingRows(tmp_path)
    for part in parts:
        waiting.add(table(part))
    assert [found.to_pylist() for found in waiting] == [table(part).to_pylist() for part in parts]


def test_they_lie_on_disk(tmp_path: Path) -> None:
    waiting = WaitingRows(tmp_path)
    assert list(waiting) == []
    assert list(tmp_path.iterdir()) == []
    waiting.add(table([[(1, "word" * 100_000)]]))
    held = pa.total_allocated_bytes()
    (rows,) = waiting
    assert len(rows.column("text")[0].as_py()) == 400_000
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) > 400_000
    del rows
    assert pa.total_allocated_bytes() <= held
