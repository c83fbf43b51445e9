"""dlt with a Pydantic model, loaded as Parquet files into a folder.

A schema contract of dlt's discards a bad row or stops the load; neither keeps the row with its
reasons. What comes closest: the resource validates each row against the model and sends it to one
of two tables. dlt knows no rule between rows, so keys that occur twice are found in a pass of
their own beforehand.
"""

from __future__ import annotations

import csv as csv_format
import datetime as dt
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal

import dlt
import polars as pl
from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator

from benchmarks.peers.common import Stages, Tally
from benchmarks.readings import METER_PATTERN, REMARK_MAX, RULES, VALUE_MAX

BATCH = 5000
DATASET = "bench"
Row = dict[str, Any]

_KINDS = {
    "string_pattern_mismatch": "pattern",
    "greater_than_equal": "range",
    "less_than_equal": "range",
    "literal_error": "enum",
    "string_too_long": "length",
    "string_type": "required",
}


class MeterReading(BaseModel):
    """A meter reading."""

    reading_id: int | None
    meter_no: Annotated[str, Field(pattern=f"^{METER_PATTERN}$")] | None
    premise_no: str | None
    read_at: dt.datetime | None
    period_start: dt.date | None
    period_end: dt.date | None
    value_m3: Annotated[float, Field(ge=0, le=VALUE_MAX)] | None
    status: Literal["ok", "estimated", "no_access", "leak", "replaced"] | None
    method: str | None
    district_code: str | None
    remark: Annotated[str, Field(max_length=REMARK_MAX)] | None
    operator: str

    @field_validator("period_end")
    @classmethod
    def _ends_after_start(cls, end: dt.date | None, info: ValidationInfo) -> dt.date | None:
        start = info.data.get("period_start")
        if start and end and end < start:
            raise ValueError("period.order")
        return end


def receive(csv: Path, folder: Path) -> Stages:
    """Find repeated keys, then extract with validation, normalize and load."""
    stages = Stages()
    dlt.config["runtime.dlthub_telemetry"] = False
    pipeline = dlt.pipeline(
        "bench",
        pipelines_dir=str(folder / "pipelines"),
        destination=dlt.destinations.filesystem(bucket_url=folder.resolve().as_uri()),
        dataset_name=DATASET,
    )
    with stages.stage("find repeated keys"):
        repeated = _repeated_keys(csv)
    with stages.stage("extract and validate"):
        pipeline.extract(
            dlt.resource(_sorted_out(csv, repeated), name="meter_reading"),
            loader_file_format="parquet",
            write_disposition="replace",
        )
    with stages.stage("normalize"):
        pipeline.normalize()
    with stages.stage("load"):
        pipeline.load()
    return stages


def tally(folder: Path) -> Tally:
    """Count what was loaded."""
    kept = pl.scan_parquet(folder / DATASET / "kept" / "*.parquet")
    rejected = pl.scan_parquet(folder / DATASET / "rejected" / "*.parquet")
    reasons = pl.col("reasons").str.split(" ")
    counts = rejected.select(
        pl.len().alias("rejected"),
        *(reasons.list.contains(rule).sum().alias(rule) for rule in RULES),
    )
    row = counts.collect().row(0, named=True)
    sums = kept.select(pl.len().alias("kept"), pl.col("reading_id").sum()).collect()
    return Tally(
        kept=sums["kept"].item(),
        rejected=row.pop("rejected"),
        duplicates=0,
        unsplit=0,
        kept_key_sum=int(sums["reading_id"].item()),
        reasons={rule: int(count) for rule, count in row.items()},
    )


def _repeated_keys(csv: Path) -> set[str]:
    seen: set[str] = set()
    repeated: set[str] = set()
    with csv.open(encoding="utf-8", newline="") as lines:
        for row in csv_format.reader(lines):
            (repeated if row[0] in seen else seen).add(row[0])
    return {key for key in repeated if key.isdecimal()}


def _sorted_out(csv: Path, repeated: set[str]) -> Iterator[Any]:
    """Batches of rows, each marked with the table it belongs to."""
    with csv.open(encoding="utf-8", newline="") as lines:
        rows = csv_format.DictReader(lines)
        while batch := list(islice(rows, BATCH)):
            tables: dict[str, list[Row]] = {"kept": [], "rejected": []}
            for row in batch:
                table, item = _judge(row, repeated)
                tables[table].append(item)
            for table, items in tables.items():
                yield dlt.mark.with_table_name(items, table)


def _judge(row: Row, repeated: set[str]) -> tuple[str, Row]:
    """The table a row belongs to, and the row as it is written there."""
    reasons = ["reading_id.unique"] if row["reading_id"] in repeated else []
    try:
        reading = MeterReading.model_validate({name: text or None for name, text in row.items()})
    except ValidationError as failure:
        reasons += [_reason(error["loc"], error["type"]) for error in failure.errors()]
    else:
        if not reasons:
            return "kept", reading.model_dump()
    return "rejected", {**row, "reasons": " ".join(reasons)}


def _reason(place: tuple[int | str, ...], kind: str) -> str:
    return "period.order" if kind == "value_error" else f"{place[0]}.{_KINDS.get(kind, 'type')}"
