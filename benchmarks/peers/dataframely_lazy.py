"""dataframely out of memory: `scan_csv`, lazy `Schema.filter`, both results sunk to Parquet.

The schema's own `sink` for failures runs the plan a second time; sinking both in one
`collect_all` shares the reading and the rules.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from benchmarks.peers.common import KEPT, REJECTED, Stages, Tally, tally_parquet
from benchmarks.peers.dataframely_schema import REASONS, MeterReading
from benchmarks.peers.polars_text import TEXTS, parsed


def receive(csv: Path, folder: Path) -> Stages:
    """Read, validate and write as one plan."""
    stages = Stages()
    with stages.stage("all in one"):
        kept, failure = MeterReading.filter(parsed(pl.scan_csv(csv, infer_schema=False)))
        sinks = [
            kept.drop(TEXTS).sink_parquet(folder / KEPT, lazy=True),
            failure._lf.sink_parquet(folder / REJECTED, lazy=True),
        ]
        pl.collect_all(sinks, engine="streaming")
    return stages


def tally(folder: Path) -> Tally:
    """Count what was written."""
    return tally_parquet(folder, REASONS)
