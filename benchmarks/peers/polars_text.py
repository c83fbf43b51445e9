"""Typed columns out of a file of text, for the contestants that work on Polars frames.

A value that cannot be parsed becomes null beside its kept text; that a text has a value is then a
rule like any other, so that each row can carry all of its reasons.
"""

from __future__ import annotations

from typing import TypeVar

import polars as pl

Frame = TypeVar("Frame", pl.DataFrame, pl.LazyFrame)

TYPED = {
    "reading_id": pl.col("reading_id").cast(pl.Int64, strict=False),
    "read_at": pl.col("read_at").str.to_datetime("%Y-%m-%dT%H:%M:%S", strict=False),
    "period_start": pl.col("period_start").str.to_date("%Y-%m-%d", strict=False),
    "period_end": pl.col("period_end").str.to_date("%Y-%m-%d", strict=False),
    "value_m3": pl.col("value_m3").cast(pl.Float64, strict=False),
}
TEXTS = [f"{column}_text" for column in TYPED]


def parsed(rows: Frame) -> Frame:
    """The rows with their typed columns parsed, and the text of these beside them."""
    texts = [pl.col(column).alias(f"{column}_text") for column in TYPED]
    return rows.with_columns(*texts, **TYPED)
