"""What every contestant has in common: timed stages, and a tally of what it wrote."""

from __future__ import annotations

import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

KEPT, REJECTED = "kept.parquet", "rejected.parquet"


@dataclass
class Stages:
    """Wall and CPU seconds of each stage of a run, in order."""

    wall: dict[str, float] = field(default_factory=dict)
    cpu: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Time what is done inside, in this process and all its threads."""
        wall, cpu = time.perf_counter(), cpu_seconds()
        yield
        self.wall[name] = time.perf_counter() - wall
        self.cpu[name] = cpu_seconds() - cpu


@dataclass(frozen=True)
class Tally:
    """What a contestant made of a file.

    `reasons` counts the rejected rows that carry each rule's reason; `kept_key_sum` is the sum of
    the kept rows' keys, which tells whether the right rows were kept.
    """

    kept: int
    rejected: int
    duplicates: int
    unsplit: int
    kept_key_sum: int
    reasons: dict[str, int]


class Module(Protocol):
    """A contestant's module."""

    def receive(self, csv: Path, folder: Path) -> Stages:
        """Read the file and write kept and rejected rows into the folder."""

    def tally(self, folder: Path) -> Tally:
        """Count what was written, outside the measured run."""


def cpu_seconds() -> float:
    """User and system seconds of this process so far."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def tally_parquet(folder: Path, reasons: dict[str, Any]) -> Tally:
    """Count kept and rejected Parquet; `reasons` has a condition on rejected rows for each rule."""
    import polars as pl

    kept, rejected = pl.scan_parquet(folder / KEPT), pl.scan_parquet(folder / REJECTED)
    counts = rejected.select(
        pl.len().alias("rejected"), *(test.sum().alias(rule) for rule, test in reasons.items())
    )
    row = counts.collect().row(0, named=True)
    sums = kept.select(pl.len().alias("kept"), pl.col("reading_id").sum()).collect()
    return Tally(
        kept=sums["kept"].item(),
        rejected=row.pop("rejected"),
        duplicates=0,
        unsplit=0,
        kept_key_sum=int(sums["reading_id"].item()),
        reasons={rule: int(count or 0) for rule, count in row.items()},
    )
