"""What the values of one column are like."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

_MOST_VALUES = 20_000
"""Different values that are looked at one by one."""


@dataclass(frozen=True)
class Values:
    """The different values of a column, stripped of blanks, with how often each occurs.

    ``distinct`` counts all of them; ``counts`` holds twenty thousand at most, taken evenly.
    """

    rows: int
    counts: dict[str, int]
    distinct: int
    nulls: int
    padded: bool

    @cached_property
    def seen(self) -> int:
        """How many rows ``counts`` stands for."""
        return sum(self.counts.values())

    @property
    def is_empty(self) -> bool:
        """Whether there is no value at all."""
        return not self.counts

    @property
    def is_partial(self) -> bool:
        """Whether there are more different values than ``counts`` holds."""
        return self.distinct > len(self.counts)

    @property
    def is_complete(self) -> bool:
        """Whether every row has a value."""
        return not self.nulls and not self.is_empty

    @property
    def is_distinct(self) -> bool:
        """Whether every row has a value of its own."""
        return self.is_complete and self.distinct == self.rows

    def matching(self, judge: re.Pattern[str] | Callable[[str], object]) -> float:
        """The share of rows whose value is in a form."""
        test = judge.fullmatch if isinstance(judge, re.Pattern) else judge
        return self.weight(value for value in self.counts if test(value)) / max(self.seen, 1)

    def others(self, judge: re.Pattern[str] | Callable[[str], object]) -> list[str]:
        """The values that are not in a form, the most frequent first."""
        test = judge.fullmatch if isinstance(judge, re.Pattern) else judge
        failing = [value for value in self.counts if not test(value)]
        return sorted(failing, key=lambda value: (-self.counts[value], value))

    def weight(self, values: Iterable[str]) -> int:
        """How many rows some values stand for."""
        return sum(self.counts[value] for value in values)


def values_of(column: "pa.ChunkedArray[pa.StringScalar]") -> Values:
    """What the values of a text column are like."""
    stripped = pc.utf8_trim_whitespace(column)
    padded = bool(pc.any(pc.not_equal(stripped, column)).as_py())
    kept = stripped.filter(pc.not_equal(stripped, pa.scalar("")))
    counted = pc.value_counts(kept)
    taken = pa.array(range(0, len(counted), max(1, -(-len(counted) // _MOST_VALUES))), pa.int64())
    words = cast("list[str]", counted.field("values").take(taken).to_pylist())
    times = cast("list[int]", counted.field("counts").take(taken).to_pylist())
    return Values(
        rows=len(column),
        counts=dict(zip(words, times, strict=True)),
        distinct=len(counted),
        nulls=len(column) - len(kept),
        padded=padded,
    )
