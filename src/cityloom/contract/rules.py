"""A contract's rules for single rows, as conditions on typed columns.

The same conditions judge received rows once their text is cast, and derived rows. They are Ibis
expressions on one column each; for conditions over several see :mod:`cityloom.contract.conditions`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import MAX_EMAX, MAX_PREC, MIN_EMIN, ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from operator import ge, gt, le, lt
from typing import TYPE_CHECKING, Any

from cityloom.contract.forms import StatedValue, stated_bound, stated_value
from cityloom.contract.model import Column, Kind
from cityloom.contract.patterns import whole

if TYPE_CHECKING:
    import ibis.expr.types as ir

_EXACT = Context(prec=MAX_PREC, Emin=MIN_EMIN, Emax=MAX_EMAX)


@dataclass(frozen=True)
class Reason:
    """Why a row was refused: the column it concerns (or none), the rule, and words for a person."""

    column: str
    rule: str
    message: str


@dataclass(frozen=True)
class Rule:
    """A condition that is true or null for a row that may be kept."""

    reason: Reason
    met: ir.BooleanValue


def column_rules(
    column: Column, value: ir.Value, present: ir.BooleanValue | None = None
) -> Iterator[Rule]:
    """The rules on one column's typed value.

    ``present`` says whether anything was written, where that is not the same as having a value.
    """
    if column.required:
        reason = Reason(column.name, "required", f"{column.name}: missing")
        yield Rule(reason, value.notnull() if present is None else present)
    for rule, words, met in _conditions(column, value):
        yield Rule(Reason(column.name, rule, f"{column.name}: {words}"), met)


def _conditions(column: Column, value: ir.Value) -> Iterator[tuple[str, str, ir.BooleanValue]]:
    if column.enum:
        yield "enum", f"not one of {_listed(column.enum)}", _among(column, value)
    if column.pattern:
        yield "pattern", f"does not match {column.pattern}", matches(value, column.pattern)
    yield from _lengths(column, value)
    yield from _ranges(column, value)


def matches(text: ir.StringValue, pattern: str) -> ir.BooleanValue:
    """Whether a pattern (RE2 syntax) matches the whole text."""
    return text.re_search(whole(pattern))


def _among(column: Column, value: ir.Value) -> ir.BooleanValue:
    return value.isin([_literal(stated_value(column, item), value) for item in column.enum])


def _literal(stated: StatedValue, value: ir.Value) -> ir.Value:
    """A stated value in the type of a column's values."""
    import ibis

    if isinstance(stated, bool):
        return ibis.literal(stated)
    text = stated.isoformat(" ") if isinstance(stated, datetime) else str(stated)
    return ibis.literal(text).cast(value.type())


def _listed(values: tuple[str, ...], most: int = 12) -> str:
    more = f" and {len(values) - most} more" if len(values) > most else ""
    return ", ".join(values[:most]) + more


def _lengths(column: Column, value: ir.Value) -> Iterator[tuple[str, str, ir.BooleanValue]]:
    if column.min_length is not None:
        words = f"shorter than {column.min_length} characters"
        yield "min_length", words, value.length() >= column.min_length
    if column.max_length is not None:
        words = f"longer than {column.max_length} characters"
        yield "max_length", words, value.length() <= column.max_length


def _ranges(column: Column, value: ir.Value) -> Iterator[tuple[str, str, ir.BooleanValue]]:
    unit = f" {column.unit}" if column.unit else ""
    for rule, words, edge, holds in (
        ("minimum", "less than", column.minimum, ge),
        ("maximum", "more than", column.maximum, le),
        ("exclusive_minimum", "not more than", column.exclusive_minimum, gt),
        ("exclusive_maximum", "not less than", column.exclusive_maximum, lt),
    ):
        if edge is not None:
            yield rule, f"{words} {edge}{unit}", _within(column, value, edge, holds)


def _within(
    column: Column, value: ir.Value, edge: str | float, holds: Callable[[Any, Any], Any]
) -> ir.BooleanValue:
    """Whether a value is on the right side of a bound."""
    import ibis

    bound = stated_bound(column, edge)
    if isinstance(bound, Decimal):
        bound = _on_grid(column, bound, up=holds in (ge, lt))
        least, most = _limits(column)
        if not least <= bound <= most:
            return ibis.literal(True) if holds(Decimal(0), bound) else value.isnull()
    met: ir.BooleanValue = holds(value, _literal(bound, value))
    return met


def _on_grid(column: Column, bound: Decimal, up: bool) -> Decimal:
    """The value of the column's type that parts the same values as a finer bound does."""
    scale = column.decimal[1] if column.decimal and column.kind is Kind.NUMBER else 0
    grain = Decimal(1).scaleb(-scale)
    return bound.quantize(grain, ROUND_CEILING if up else ROUND_FLOOR, context=_EXACT)


def _limits(column: Column) -> tuple[Decimal, Decimal]:
    """The least and the most that a column of whole numbers or decimals can hold."""
    if column.decimal and column.kind is Kind.NUMBER:
        precision, scale = column.decimal
        most = Decimal(10**precision - 1).scaleb(-scale, context=_EXACT)
        return most.copy_negate(), most
    return Decimal(-(2**63)), Decimal(2**63 - 1)
