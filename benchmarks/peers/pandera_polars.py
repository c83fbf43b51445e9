"""pandera on Polars, in memory: lazy validation, failure cases turned into reasons a row.

A coercion that fails raises for the whole frame and skips the column's other checks, so the typed
columns are parsed beforehand (`polars_text`), and that a text has a value is a check.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData
from pandera.errors import SchemaErrors

from benchmarks.peers.common import KEPT, REJECTED, Stages, Tally, tally_parquet
from benchmarks.peers.polars_text import TEXTS, parsed
from benchmarks.readings import METER_PATTERN, REMARK_MAX, RULES, STATUSES, VALUE_MAX


def _check(name: str, test: Callable[[pl.Expr], pl.Expr]) -> pa.Check:
    """A named check of one column by an expression, which may look at others."""

    def apply(data: PolarsData) -> pl.LazyFrame:
        return data.lazyframe.select(test(pl.col(data.key)))

    return pa.Check(apply, name=name)


def _text(column: str) -> pa.Column:
    """The text of a typed column: it has a value."""
    name = f"{column}_text"
    rule = _check(f"{column}.type", lambda text: text.is_null() | pl.col(column).is_not_null())
    return pa.Column(pl.String, rule, name=name, nullable=True)


def _free() -> pa.Column:
    return pa.Column(pl.String, nullable=True)


SCHEMA = pa.DataFrameSchema(
    {
        "reading_id": pa.Column(
            pl.Int64,
            _check("reading_id.unique", lambda key: key.is_unique() | key.is_null()),
            nullable=True,
        ),
        "meter_no": pa.Column(
            pl.String,
            pa.Check.str_matches(f"^{METER_PATTERN}$", error="meter_no.pattern"),
            nullable=True,
        ),
        "premise_no": _free(),
        "read_at": pa.Column(pl.Datetime("us"), nullable=True),
        "period_start": pa.Column(pl.Date, nullable=True),
        "period_end": pa.Column(
            pl.Date,
            _check("period.order", lambda end: end >= pl.col("period_start")),
            nullable=True,
        ),
        "value_m3": pa.Column(
            pl.Float64, pa.Check.in_range(0, VALUE_MAX, error="value_m3.range"), nullable=True
        ),
        "status": pa.Column(pl.String, pa.Check.isin(STATUSES, error="status.enum"), nullable=True),
        "method": _free(),
        "district_code": _free(),
        "remark": pa.Column(
            pl.String,
            _check("remark.length", lambda remark: remark.str.len_chars() <= REMARK_MAX),
            nullable=True,
        ),
        "operator": pa.Column(pl.String, nullable=False),
        **{name: _text(name.removesuffix("_text")) for name in TEXTS},
    }
)


def receive(csv: Path, folder: Path) -> Stages:
    """Read, parse, validate, split and write, each in turn."""
    stages = Stages()
    with stages.stage("read"):
        rows = pl.read_csv(csv, infer_schema=False)
    with stages.stage("parse"):
        rows = parsed(rows)
    with stages.stage("validate"):
        cases = _failure_cases(rows)
    with stages.stage("split"):
        kept, rejected = _split(rows, cases)
        del rows
    with stages.stage("write"):
        kept.write_parquet(folder / KEPT)
        rejected.write_parquet(folder / REJECTED)
    return stages


def tally(folder: Path) -> Tally:
    """Count what was written."""
    return tally_parquet(folder, {rule: pl.col("reasons").list.contains(rule) for rule in RULES})


def _failure_cases(rows: pl.DataFrame) -> pl.DataFrame:
    """The rows' positions and broken rules, one line a failure."""
    try:
        SCHEMA.validate(rows, lazy=True)
    except SchemaErrors as errors:
        required = pl.col("check") == "not_nullable"
        cases: pl.DataFrame = errors.failure_cases
        return cases.select(
            pl.col("index").cast(pl.UInt32),
            pl.when(required).then(pl.col("column") + ".required").otherwise("check").alias("rule"),
        )
    return pl.DataFrame(schema={"index": pl.UInt32, "rule": pl.String})


def _split(rows: pl.DataFrame, cases: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The rows without a failure, and those with one beside their reasons."""
    reasons = cases.group_by("index").agg(pl.col("rule").alias("reasons"))
    good = pl.Series([True]).new_from_index(0, rows.height).scatter(reasons["index"], False)
    rejected = rows.with_row_index().filter(~good).join(reasons, on="index")
    return rows.filter(good).drop(TEXTS), rejected
