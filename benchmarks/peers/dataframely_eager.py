"""dataframely in memory: `read_csv`, `Schema.filter`, `FailureInfo.write_parquet`."""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.peers.common import KEPT, REJECTED, Stages, Tally, tally_parquet
from benchmarks.peers.dataframely_schema import REASONS, MeterReading
from benchmarks.peers.polars_text import TEXTS, parsed


def receive(csv: Path, folder: Path) -> Stages:
    """Read, parse, validate and write, each in turn."""
    stages = Stages()
    with stages.stage("read"):
        rows = pl.read_csv(csv, infer_schema=False)
    with stages.stage("parse"):
        rows = parsed(rows)
    with stages.stage("validate"):
        kept, failure = MeterReading.filter(rows)
        del rows
    with stages.stage("write"):
        kept.drop(TEXTS).write_parquet(folder / KEPT)
        failure.write_parquet(folder / REJECTED)
    return stages


def tally(folder: Path) -> Tally:
    """Count what was written."""
    return tally_parquet(folder, REASONS)
