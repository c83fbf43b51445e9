"""Conditions and masks as Ibis expressions, equal on every engine."""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial, reduce
from typing import Any

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from cityloom.contract import Contract
from cityloom.contract.masking import PSEUDONYM
from cityloom.policy.condition import (
    TRUE,
    Attribute,
    Condition,
    Constant,
    Has,
    Like,
    Operation,
    Value,
    certain,
)
from cityloom.policy.decision import Decision
from cityloom.policy.masks import masked


def narrowed(
    table: ir.Table, contract: Contract, decision: Decision, key: Callable[[], bytes]
) -> ir.Table:
    """What a decision leaves of a dataset's table: its rows, and its columns behind their masks.

    ``key`` gives the key of the purpose's pseudonyms, where one is asked for.
    """
    hidden = {
        name: _behind(contract.column(name).mask, table, name, seen, key)
        for name, seen in decision.hidden.items()
    }
    return permitted(table, decision.rows).mutate(**hidden)


def permitted(table: ir.Table, rows: Condition) -> ir.Table:
    """The rows of a table for which a condition is true; not those for which it is unknown."""
    return table if rows == TRUE else table.filter(_holds(rows, table))


def _behind(
    mask: str, table: ir.Table, name: str, seen: Condition, key: Callable[[], bytes]
) -> Any:
    values = table[name]
    behind = masked(mask, values, key() if mask == PSEUDONYM else b"")
    if certain(seen) is False:
        return behind
    return _holds(seen, table).ifelse(values, behind)


def _holds(condition: Condition, table: ir.Table) -> Any:
    """Whether a condition is true, and not false or unknown, for each row."""
    return ibis.coalesce(_asked(condition, table), False)


def _asked(condition: Condition, table: ir.Table) -> Any:
    match condition:
        case Value(value):
            return _constant(value)
        case Attribute(column):
            return _comparable(table[column])
        case Has(column):
            return table[column].notnull()
        case Like(text, pattern):
            return _asked(text, table).re_search(_regular(pattern))
        case Operation(name, operands):
            return _WAYS[name](*map(partial(_asked, table=table), operands))


def _constant(value: Constant) -> ir.Value:
    if value is None:
        return ibis.null("boolean")
    if isinstance(value, datetime):
        return ibis.literal(value, dt.Timestamp(timezone="UTC"))
    return ibis.literal(value)


def _comparable(column: ir.Value) -> ir.Value:
    """A column's values; of a date the moment at which it begins, in UTC."""
    kind = column.type()
    if kind.is_date() or (kind.is_timestamp() and kind.timezone is None):
        return column.cast("timestamp").cast(dt.Timestamp(timezone="UTC"))
    return column


def _regular(pattern: tuple[str | None, ...]) -> str:
    inner = "".join(".*" if part is None else re.escape(part) for part in pattern)
    return rf"(?s)\A{inner}\z"


def _if(test: Any, then: Any, otherwise: Any) -> Any:
    return ibis.cases((test, then), (~test, otherwise))


def _among(item: Any, *items: Any) -> Any:
    return reduce(lambda found, each: found | (item == each), items[1:], item == items[0])


_WAYS: Mapping[str, Any] = {
    "&&": lambda left, right: left & right,
    "||": lambda left, right: left | right,
    "!": lambda operand: ~operand,
    "==": lambda left, right: left == right,
    "<": lambda left, right: left < right,
    "<=": lambda left, right: left <= right,
    "+": lambda left, right: left + right,
    "*": lambda left, right: left * right,
    "-": lambda left, *right: left - right[0] if right else -left,
    "in": _among,
    "if": _if,
}
