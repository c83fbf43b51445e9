"""The rules of a meter reading as a dataframely schema.

Polars no longer casts text to dates and times, so `filter(cast=True)` cannot take a file of text.
The typed columns are parsed beforehand (`polars_text`), and that a text has a value is a rule. This
also yields every reason of a row, where a failed cast would leave the row's other rules unknown.
"""

from __future__ import annotations

import dataframely as dy
import polars as pl

from benchmarks.readings import METER_PATTERN, REMARK_MAX, STATUSES, VALUE_MAX


class MeterReading(dy.Schema):
    """A meter reading, with the text of its typed columns."""

    reading_id = dy.Int64(nullable=True)
    meter_no = dy.String(nullable=True, regex=f"^{METER_PATTERN}$")
    premise_no = dy.String(nullable=True)
    read_at = dy.Datetime(nullable=True)
    period_start = dy.Date(nullable=True)
    period_end = dy.Date(nullable=True)
    value_m3 = dy.Float64(nullable=True, min=0, max=VALUE_MAX)
    status = dy.String(nullable=True, check=lambda column: column.is_in(STATUSES))
    method = dy.String(nullable=True)
    district_code = dy.String(nullable=True)
    remark = dy.String(nullable=True, check=lambda column: column.str.len_chars() <= REMARK_MAX)
    operator = dy.String(nullable=False)
    reading_id_text = dy.String(nullable=True)
    read_at_text = dy.String(nullable=True)
    period_start_text = dy.String(nullable=True)
    period_end_text = dy.String(nullable=True)
    value_m3_text = dy.String(nullable=True)

    @dy.rule()
    def reading_id_unique(cls) -> pl.Expr:
        """No two readings have one key; a key that is no number is its own fault."""
        return cls.reading_id.col.is_unique() | cls.reading_id.col.is_null()

    @dy.rule()
    def reading_id_type(cls) -> pl.Expr:
        """The key is a whole number."""
        return cls.reading_id.col.is_not_null() | cls.reading_id_text.col.is_null()

    @dy.rule()
    def read_at_type(cls) -> pl.Expr:
        """The time of reading is a time."""
        return cls.read_at.col.is_not_null() | cls.read_at_text.col.is_null()

    @dy.rule()
    def period_start_type(cls) -> pl.Expr:
        """The first day is a day."""
        return cls.period_start.col.is_not_null() | cls.period_start_text.col.is_null()

    @dy.rule()
    def period_end_type(cls) -> pl.Expr:
        """The last day is a day."""
        return cls.period_end.col.is_not_null() | cls.period_end_text.col.is_null()

    @dy.rule()
    def value_m3_type(cls) -> pl.Expr:
        """The volume is a number."""
        return cls.value_m3.col.is_not_null() | cls.value_m3_text.col.is_null()

    @dy.rule()
    def period_order(cls) -> pl.Expr:
        """A period does not end before it starts."""
        return cls.period_end.col >= cls.period_start.col


_RULE_COLUMNS = {
    "reading_id.type": "reading_id_type",
    "reading_id.unique": "reading_id_unique",
    "meter_no.pattern": "meter_no|regex",
    "read_at.type": "read_at_type",
    "period_start.type": "period_start_type",
    "period_end.type": "period_end_type",
    "period.order": "period_order",
    "value_m3.type": "value_m3_type",
    "status.enum": "status|check",
    "remark.length": "remark|check",
    "operator.required": "operator|nullability",
}

REASONS: dict[str, pl.Expr] = {
    **{rule: ~pl.col(column) for rule, column in _RULE_COLUMNS.items()},
    "value_m3.range": ~(pl.col("value_m3|min") & pl.col("value_m3|max")),
}
