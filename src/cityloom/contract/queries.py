"""The queries that split text: DuckDB SQL, written once for a contract.

They ask a table ``batch`` of texts by the contract's names, each row with its number (``_row``),
and of what was found out of the texts beforehand (:func:`looked_at`).
"""

from collections.abc import Collection, Iterable, Sequence
from functools import lru_cache, reduce
from operator import and_
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from cityloom.contract.conditions import row_condition, row_rule_reason
from cityloom.contract.forms import form_of
from cityloom.contract.geometries import geometry_rules, read_geometries
from cityloom.contract.glance import Glance, fixed_width, glance
from cityloom.contract.model import Column, Contract, Kind
from cityloom.contract.rules import Reason, Rule, column_rules, matches
from cityloom.sql import quoted

BATCH, ROW, SOUND = "batch", "_row", "_sound_{}"
TEXT, VALUE, MET, HASH = "text_{}", "value_{}", "met", "hash_{}"
"""Names in the tables that are asked and answered; ``SOUND`` says that a column broke no rule."""

_REMEMBERED = 256
"""Queries that are kept written: a city's deliveries come by the same contracts again and again."""

_PROBLEM, _USUAL, _ALIKE = "_problem_{}", "_usual_{}", "_alike_{}"


@lru_cache(_REMEMBERED)
def split_sql(
    contract: Contract, hashed: tuple[tuple[Column, ...], ...], typed: tuple[str, ...]
) -> str:
    """SQL for the values of a batch, for which rows broke no rule, and for hashes of some columns.

    The columns in ``typed`` have values in the batch already, and beside them whether they broke no
    rule.
    """
    batch = _batch(contract.columns, typed)
    values: dict[str, ir.Value] = {}
    conditions: list[ir.BooleanValue] = []
    for column in contract.columns:
        if column.name in typed:
            values[column.name] = batch[column.name]
            conditions.append(batch[SOUND.format(column.name)])
        else:
            values[column.name] = _value(column, batch)
            conditions += [rule.met for rule in _rules(column, batch, guarded=False)]
    met = _all(conditions)
    projection = ibis.to_sql(batch.select(ROW, **values, _met=met), dialect="duckdb")
    every = ["_met", *(f"({row_condition(contract, rule)})" for rule in contract.rules)]
    wanted = [
        ROW,
        *(
            f"{quoted(column.name)} AS {place}"
            for place, column in placed(VALUE, contract)
            if not as_written(column)
        ),
        " AND ".join(f"coalesce({condition}, true)" for condition in every) + f" AS {MET}",
        *(
            f"{hash_sql([column.name for column in columns])} AS {HASH.format(number)}"
            for number, columns in enumerate(hashed)
        ),
    ]
    return f"SELECT {', '.join(wanted)} FROM ({projection})"


@lru_cache(_REMEMBERED)
def column_sql(column: Column) -> str:
    """SQL for the values of one column's texts and for whether each broke no rule."""
    batch = _batch([column])
    met = _all(rule.met for rule in _rules(column, batch, guarded=False))
    answer = batch.select(ROW, value=_value(column, batch), met=met.fill_null(True))
    return str(ibis.to_sql(answer, dialect="duckdb"))


class Explanation(NamedTuple):
    """All that a row may be refused for, and SQL for whether it is, in columns of that order."""

    reasons: tuple[Reason, ...]
    sql: str


@lru_cache(_REMEMBERED)
def explanation(contract: Contract) -> Explanation:
    """What the rules of a contract have to say of received rows; true or null is well."""
    batch = _batch(contract.columns)
    rules = [rule for column in contract.columns for rule in _rules(column, batch, guarded=True)]
    values = {column.name: _sound(column, batch) for column in contract.columns}
    marks = {f"_rule_{number}": rule.met for number, rule in enumerate(rules)}
    projection = ibis.to_sql(batch.select(ROW, **values, **marks), dialect="duckdb")
    conditions = [f"({row_condition(contract, rule)})" for rule in contract.rules]
    reasons = [rule.reason for rule in rules] + [row_rule_reason(rule) for rule in contract.rules]
    sql = f"SELECT {', '.join([ROW, *marks, *conditions])} FROM ({projection})"
    return Explanation(tuple(reasons), sql)


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


def placed(place: str, contract: Contract) -> list[tuple[str, Column]]:
    """Where each column's text or value is in a table of split rows."""
    return [(place.format(number), column) for number, column in enumerate(contract.columns)]


def as_written(column: Column) -> bool:
    """Whether a column's value is its text, so that it need not pass through the engine."""
    return column.kind in (Kind.STRING, Kind.TIME, Kind.JSON) and not column.trim


def looked_at(columns: Iterable[Column], text: pa.Table) -> pa.Table:
    """Texts with the geometries read, and with what a glance tells of the others."""
    for column in columns:
        for place, looks in _looks(column).items():
            text = text.append_column(place, glance(text.column(column.name), looks))
        if column.kind is Kind.GEOMETRY:
            wkb, problems = read_geometries(text.column(column.name), column)
            text = text.set_column(text.column_names.index(column.name), column.name, wkb)
            text = text.append_column(_PROBLEM.format(column.name), problems)
    return text


def _batch(columns: Iterable[Column], typed: Collection[str] = ()) -> ir.Table:
    schema: dict[str, object] = {ROW: "int32"}
    for column in columns:
        if column.name in typed:
            text = ibis.table({column.name: "string"}, name=BATCH)
            schema |= {column.name: _value(column, text).type(), SOUND.format(column.name): "bool"}
            continue
        schema[column.name] = "binary" if column.kind is Kind.GEOMETRY else "string"
        if column.kind is Kind.GEOMETRY:
            schema[_PROBLEM.format(column.name)] = "int8"
        schema |= dict.fromkeys(_looks(column), "bool")
    return ibis.table(schema, name=BATCH)


def _all(conditions: Iterable[ir.BooleanValue]) -> ir.BooleanValue:
    return reduce(and_, conditions, ibis.literal(True))


def _looks(column: Column) -> dict[str, Sequence[Glance]]:
    """What a column's text is looked at for before it is matched with a pattern, by the name under
    which the engine is told.
    """
    if column.trim or column.kind is Kind.GEOMETRY:
        return {}
    looks = {_USUAL.format(column.name): form_of(column).usual}
    if column.kind is Kind.STRING and column.pattern and (look := fixed_width(column.pattern)):
        looks[_ALIKE.format(column.name)] = (look,)
    return {place: usual for place, usual in looks.items() if usual}


def _written(column: Column, batch: ir.Table) -> ir.StringValue:
    text = batch[column.name]
    return text.strip().nullif("") if column.trim else text


def _value(column: Column, batch: ir.Table) -> ir.Value:
    if column.kind is Kind.GEOMETRY:
        return batch[column.name]
    return form_of(column).value(_written(column, batch))


def _rules(column: Column, batch: ir.Table, guarded: bool) -> list[Rule]:
    """The rules on a received column.

    ``guarded`` hides a value of the wrong type from the rules after its type, so that they add no
    reasons of their own; to find out only whether all rules are met, it can be left out.
    """
    if column.kind is Kind.GEOMETRY:
        problems = batch[_PROBLEM.format(column.name)]
        return list(geometry_rules(column, batch[column.name], problems))
    text, value = _written(column, batch), _value(column, batch)
    typed = _type_rule(column, batch)
    if typed and guarded:
        value = ibis.ifelse(typed.met, value, ibis.null(value.type()))
    rules = [typed] if typed else []
    return rules + [
        _unless_alike(rule, column, batch)
        for rule in column_rules(column, value, present=text.notnull())
    ]


def _unless_alike(rule: Rule, column: Column, batch: ir.Table) -> Rule:
    """A rule as it is, but that of a pattern which a glance may have told."""
    if rule.reason.rule != "pattern" or _ALIKE.format(column.name) not in _looks(column):
        return rule
    return Rule(rule.reason, ibis.ifelse(batch[_ALIKE.format(column.name)], True, rule.met))


def _type_rule(column: Column, batch: ir.Table) -> Rule | None:
    if column.kind is Kind.GEOMETRY:
        return None
    form, text, value = form_of(column), _written(column, batch), _value(column, batch)
    if not form.pattern:
        return None
    reason = Reason(column.name, "type", f"{column.name}: not {form.words}")
    met = text.isnull() | (matches(text, form.pattern) & value.notnull())
    if _USUAL.format(column.name) in _looks(column):
        met = ibis.ifelse(batch[_USUAL.format(column.name)], value.notnull(), met)
    return Rule(reason, met)


def _sound(column: Column, batch: ir.Table) -> ir.Value:
    """The value of a column, null where its text is not in the column's form."""
    value, typed = _value(column, batch), _type_rule(column, batch)
    return ibis.ifelse(typed.met, value, ibis.null(value.type())) if typed else value
