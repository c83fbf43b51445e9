"""Columns that name a row: alone, or a few together."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from itertools import combinations
from math import prod
from tempfile import TemporaryDirectory

import duckdb
import pyarrow as pa

from cityloom.contract.draft.values import Values

_MOST_TOGETHER = 4
_MOST_CANDIDATES = 8
_MOST_TRIALS = 40
_MEMORY = "1GB"


def single_keys(values: Mapping[str, Values], names: Sequence[str]) -> list[str]:
    """The named columns that have a value of its own for every row, in the given order."""
    return [name for name in names if values[name].is_distinct]


def joint_keys(
    rows: pa.Table, values: Mapping[str, Values], names: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """The fewest of the named columns that together differ in every row; smaller sets first."""
    complete = [name for name in names if values[name].is_complete and values[name].distinct > 1]
    trials = 0
    for size in range(2, _MOST_TOGETHER + 1):
        for chosen in combinations(complete[:_MOST_CANDIDATES], size):
            possible = prod(values[name].distinct for name in chosen) >= len(rows)
            if not possible or trials == _MOST_TRIALS:
                continue
            trials += 1
            if is_key(rows.to_reader(), chosen):
                yield chosen


def is_key(rows: pa.RecordBatchReader, names: Sequence[str]) -> bool:
    """Whether some columns together differ in every row, in bounded memory."""
    columns = ", ".join('"' + name.replace('"', '""') + '"' for name in names)
    with TemporaryDirectory() as folder, closing(duckdb.connect()) as engine:
        engine.execute(f"SET memory_limit='{_MEMORY}'; SET threads=2")
        engine.execute(f"SET temp_directory='{folder}'")
        engine.register("delivered", rows)
        found = engine.execute(
            f"SELECT coalesce(max(n), 0) FROM (SELECT count(*) n FROM delivered GROUP BY {columns})"
        ).fetchone()
    return found is not None and found[0] <= 1
