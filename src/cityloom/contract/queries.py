"""The queries that split text: DuckDB SQL, written once for the columns that are asked for.

They ask a table ``batch``, each row with its number (``_row``).
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import cached_property, lru_cache, reduce
from operator import and_, or_
from typing import NamedTuple

import ibis
import ibis.expr.types as ir

from cityloom.contract.conditions import row_condition
from cityloom.contract.forms import form_of
from cityloom.contract.geometries import geometry_rules
from cityloom.contract.model import Column, Contract, Kind
from cityloom.contract.rules import Reason, Rule, column_rules, matches
from cityloom.sql import quoted

BATCH, ROW = "batch", "_row"
TEXT, PROBLEMS, VALUE, MET = "text_{}", "problems_{}", "value_{}", "met_{}"
"""Names by the places of columns; geometries come read, with the flags of their problems."""

BROKEN, HASH = "broken_{}", "hash_{}"
"""Names by the numbers of rules and of sets of columns."""

_REMEMBERED = 256
"""Queries that are kept written: a city's deliveries come by the same contracts again and again."""


@lru_cache(_REMEMBERED)
def values_sql(columns: tuple[Column, ...]) -> str:
    """SQL for the values of texts, null where a text is not in its column's form, and for whether
    each text broke no rule.
    """
    batch = _texts(columns)
    wanted: dict[str, ir.Value] = {}
    for place, column in enumerate(columns):
        text = _Text(column, batch, place)
        wanted[VALUE.format(place)] = text.sound_value
        wanted[MET.format(place)] = _all(text.rules)
    return str(ibis.to_sql(batch.select(ROW, **wanted), dialect="duckdb"))


@lru_cache(_REMEMBERED)
def left_rules_sql(columns: tuple[Column, ...]) -> str:
    """SQL for the rows where a value that a glance told breaks a rule that it does not know of, and
    for whether it is this column's.
    """
    types = [_Text(column, _texts((column,)), 0).value.type() for column in columns]
    names = [VALUE.format(place) for place in range(len(columns))]
    batch = ibis.table({ROW: "int32", **dict(zip(names, types, strict=True))}, name=BATCH)
    broken = {
        BROKEN.format(place): _any_broken(column_rules(_unseen(column), batch[name]))
        for place, (column, name) in enumerate(zip(columns, names, strict=True))
    }
    found = batch.filter(reduce(or_, broken.values()))
    marks = {name: mark.fill_null(False) for name, mark in broken.items()}
    return str(ibis.to_sql(found.select(ROW, **marks), dialect="duckdb"))


def has_left_rules(column: Column) -> bool:
    """Whether a column has rules that a glance does not know of."""
    edges = (
        column.minimum, column.maximum, column.exclusive_minimum, column.exclusive_maximum
    )  # fmt: skip
    return bool(column.enum) or any(edge is not None for edge in edges)


class Explanation(NamedTuple):
    """All that texts may be refused for, column by column, and SQL for whether they are, in columns
    of that order.
    """

    reasons: tuple[tuple[Reason, ...], ...]
    sql: str


@lru_cache(_REMEMBERED)
def explanation(columns: tuple[Column, ...]) -> Explanation:
    """What the rules of columns have to say of their texts."""
    batch = _texts(columns)
    rules = [_Text(column, batch, place).rules for place, column in enumerate(columns)]
    every = (rule for of_column in rules for rule in of_column)
    marks = {BROKEN.format(n): (~rule.met).fill_null(False) for n, rule in enumerate(every)}
    sql = str(ibis.to_sql(batch.select(ROW, **marks), dialect="duckdb"))
    return Explanation(tuple(tuple(r.reason for r in of_column) for of_column in rules), sql)


@lru_cache(_REMEMBERED)
def row_rules_sql(contract: Contract) -> str | None:
    """SQL for the rows of values that break a rule over several columns, and for whether they break
    each of them; nothing where there are none.
    """
    broken = [f"NOT ({row_condition(contract, rule)})" for rule in contract.rules]
    if not broken:
        return None
    marks = [f"coalesce({b}, false) AS {BROKEN.format(n)}" for n, b in enumerate(broken)]
    return f"SELECT {ROW}, {', '.join(marks)} FROM {BATCH} WHERE {' OR '.join(broken)}"


def hashes_sql(hashed: Sequence[Sequence[str]]) -> str:
    """SQL for a hash of each of some sets of columns."""
    hashes = (f"{hash_sql(names)} AS {HASH.format(n)}" for n, names in enumerate(hashed))
    return f"SELECT {', '.join([ROW, *hashes])} FROM {BATCH}"


def hash_sql(columns: Sequence[str]) -> str:
    """SQL for one hash of several typed columns, null where one of them is null."""
    names = ", ".join(quoted(name) for name in columns)
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in columns)
    return f"CASE WHEN {present} THEN hash({names}) END"


def as_received_sql(contract: Contract) -> str:
    """SQL for each row as a JSON object of the file's names and texts."""
    pairs = ", ".join(
        f"{quoted(column.source_name)} := {quoted(column.name)}" for column in contract.columns
    )
    return f"SELECT to_json(struct_pack({pairs}))::VARCHAR AS v, {ROW} FROM {BATCH}"


def _texts(columns: Sequence[Column]) -> ir.Table:
    schema = {ROW: "int32"}
    for place, column in enumerate(columns):
        schema[TEXT.format(place)] = "binary" if column.kind is Kind.GEOMETRY else "string"
        if column.kind is Kind.GEOMETRY:
            schema[PROBLEMS.format(place)] = "int8"
    return ibis.table(schema, name=BATCH)


def _all(rules: Iterable[Rule]) -> ir.BooleanValue:
    return reduce(and_, (rule.met for rule in rules), ibis.literal(True)).fill_null(True)


def _any_broken(rules: Iterable[Rule]) -> ir.BooleanValue:
    return reduce(or_, (~rule.met for rule in rules))


def _unseen(column: Column) -> Column:
    """A column with the rules alone that a glance does not know of."""
    return replace(column, required=False, pattern=None, min_length=None, max_length=None)


class _Text:
    """The text of a column as expressions: what was written, what it stands for, and its rules."""

    def __init__(self, column: Column, batch: ir.Table, place: int) -> None:
        self.column = column
        self.written = batch[TEXT.format(place)]
        if column.kind is Kind.GEOMETRY:
            self.problems = batch[PROBLEMS.format(place)]
        elif column.trim:
            self.written = self.written.strip().nullif("")

    @cached_property
    def value(self) -> ir.Value:
        if self.column.kind is Kind.GEOMETRY:
            return self.written
        return form_of(self.column).value(self.written)

    @cached_property
    def sound_value(self) -> ir.Value:
        """The value, null where the text is not in the column's form."""
        value, typed = self.value, self.type_rule
        return ibis.ifelse(typed.met, value, ibis.null(value.type())) if typed else value

    @cached_property
    def type_rule(self) -> Rule | None:
        form = None if self.column.kind is Kind.GEOMETRY else form_of(self.column)
        if form is None or not form.pattern:
            return None
        name, written = self.column.name, self.written
        met = written.isnull() | (matches(written, form.pattern) & self.value.notnull())
        return Rule(Reason(name, "type", f"{name}: not {form.words}"), met)

    @cached_property
    def rules(self) -> list[Rule]:
        """The rules; a value of the wrong type is hidden from those after its type, so that they
        add no reasons of their own.
        """
        if self.column.kind is Kind.GEOMETRY:
            return list(geometry_rules(self.column, self.written, self.problems))
        typed = [self.type_rule] if self.type_rule else []
        return [*typed, *column_rules(self.column, self.sound_value, self.written.notnull())]
