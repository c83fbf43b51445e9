"""cityloom by its public door: a new city, one contract, one delivery."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks.peers.common import Stages, Tally

DATASET = "meter_reading"
CONTRACT = Path(__file__).parents[1] / "contracts" / f"{DATASET}.odcs.yaml"
RULE_NAMES = {"minimum": "range", "maximum": "range", "max_length": "length"}
UNSPLIT = "malformed"
COUNTS = ("rows_read", "rows_kept", "rows_quarantined", "rows_duplicate")


def receive(csv: Path, folder: Path) -> Stages:
    """Receive the file into a new city; the stages are those that the run reports."""
    from cityloom.city import City

    stages = Stages()
    with stages.stage("create"):
        city = City.create(folder / "city", name="bench")
        shutil.copy(CONTRACT, city.path / "contracts")
    (run,) = city.receive(DATASET, csv)
    stages.wall.update(run.stages)
    counts = {name: getattr(run, name) for name in COUNTS}
    (folder / "run.json").write_text(json.dumps(counts), encoding="utf-8")
    return stages


def tally(folder: Path) -> Tally:
    """Count what lies in the lake and the quarantine; only duplicates are taken from the run."""
    from cityloom.city import City

    city = City.open(folder / "city")
    run = json.loads((folder / "run.json").read_text(encoding="utf-8"))
    keys = _column(city.kept(DATASET).files(), "reading_id")
    refused = _column(city.quarantine_files(DATASET), "reasons")
    reasons = _reasons(refused)
    return Tally(
        kept=len(keys),
        rejected=len(refused),
        duplicates=run["rows_duplicate"],
        unsplit=reasons.pop(UNSPLIT, 0),
        kept_key_sum=pc.sum(keys).as_py(),
        reasons=reasons,
    )


def _column(files: Sequence[Path], name: str) -> Any:
    """One column of some Parquet files."""
    return pa.concat_tables(pq.read_table(file, columns=[name]) for file in files)[name]


def _reasons(lists: Any) -> dict[str, int]:
    """How many rows carry each reason, by the names the benchmark gives its rules."""
    flat = pc.list_flatten(lists.combine_chunks())
    names = pc.binary_join_element_wise(
        pc.struct_field(flat, "column"), pc.struct_field(flat, "rule"), "."
    )
    counts: dict[str, int] = {}
    for pair in pc.value_counts(names).to_pylist():
        name = _rule(*pair["values"].split("."))
        counts[name] = counts.get(name, 0) + pair["counts"]
    return counts


def _rule(column: str, rule: str) -> str:
    if not column:
        return rule.replace("period_order", "period.order")
    return f"{column}.{RULE_NAMES.get(rule, rule)}"
