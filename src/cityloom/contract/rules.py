"""A contract's rules for single rows, as conditions on typed columns.

The same conditions judge received rows once their text is cast, and derived rows. Rules on one
column are Ibis expressions; a condition over several columns is SQL that a city wrote, and is
checked to be nothing but a condition.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import sqlglot
from sqlglot import exp

from cityloom.contract.model import Column, Contract, Kind, RowRule
from cityloom.errors import ContractError


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
    return text.re_search(f"^(?:{pattern})$")


def _among(column: Column, value: ir.Value) -> ir.BooleanValue:
    if column.kind in (Kind.INTEGER, Kind.NUMBER):
        return value.isin([ibis.literal(item).cast(value.type()) for item in column.enum])
    return value.cast("string").isin(column.enum)


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

    def bound(edge: str | float) -> ir.Value:
        return ibis.literal(str(edge)).cast(value.type())

    if (edge := column.minimum) is not None:
        yield "minimum", f"less than {edge}{unit}", value >= bound(edge)
    if (edge := column.maximum) is not None:
        yield "maximum", f"more than {edge}{unit}", value <= bound(edge)
    if (edge := column.exclusive_minimum) is not None:
        yield "exclusive_minimum", f"not more than {edge}{unit}", value > bound(edge)
    if (edge := column.exclusive_maximum) is not None:
        yield "exclusive_maximum", f"not less than {edge}{unit}", value < bound(edge)


def row_rule_reason(rule: RowRule) -> Reason:
    """The reason given for a row that breaks a rule over several columns."""
    return Reason("", rule.name, f"{rule.name}: {rule.description or f'not {rule.condition}'}")


def row_condition(contract: Contract, rule: RowRule, dialect: str = "duckdb") -> str:
    """A rule's condition as SQL of an engine's dialect.

    Raises:
        ContractError: the text is not one condition over the contract's columns.
    """
    where = f"{contract.origin}: rule '{rule.name}'"
    try:
        condition = sqlglot.parse_one(rule.condition, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise ContractError(f"{where}: not a condition: {str(error).splitlines()[0]}") from None
    if not isinstance(condition, exp.Condition) or condition.find(exp.Query, exp.Table):
        raise ContractError(f"{where}: '{rule.condition}' is not a condition over one row")
    known = {column.name for column in contract.columns}
    if unknown := {column.name for column in condition.find_all(exp.Column)} - known:
        raise ContractError(f"{where}: no column '{min(unknown)}' in this contract")
    return str(condition.sql(dialect=dialect))
