"""A batch of text becomes typed rows that are kept and rows that are refused with their reasons.

Received text is split on DuckDB alone, in one projection compiled once for a contract. Rows that
fail are looked at a second time to say which rules they broke; as a rule they are few.

DuckDB gives the rows of an Arrow table back in another order at times (on several threads, and on
one when it makes a join of a list of values), so each row carries its number through the query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.contract.conditions import row_condition, row_rule_reason
from cityloom.contract.forms import form_of
from cityloom.contract.geometries import geometry_rules, read_geometries
from cityloom.contract.model import Column, Contract, Kind
from cityloom.contract.rules import Reason, Rule, column_rules, matches
from cityloom.errors import ContractError
from cityloom.policy import is_open
from cityloom.sql import connect, quoted

Mask = npt.NDArray[np.bool_]

REASON_TYPE = pa.struct([("column", pa.string()), ("rule", pa.string()), ("message", pa.string())])
REASONS_TYPE = pa.list_(REASON_TYPE)

_BATCH, _ROW = "batch", "_row"
_PROBLEM = "_problem_{}"


@dataclass(frozen=True)
class Split:
    """One batch, split.

    ``typed`` has the contract's columns for every row of the batch; ``met`` says which rows broke
    no rule. ``hashes`` has one column for each set of columns that was asked for, null where one of
    them is null.
    """

    typed: pa.Table
    met: Mask
    hashes: list[pa.ChunkedArray]


class Splitter:
    """Splits batches of text by one contract. Not thread-safe: it holds a DuckDB connection."""

    def __init__(self, contract: Contract, hashed: Sequence[Sequence[Column]] = ()) -> None:
        """Compile the split of a contract; ``hashed`` are the sets of columns to hash.

        Raises:
            ContractError: a condition does not fit the types of its columns.
        """
        self.contract = contract
        self._hashed = [f"_hash_{number}" for number in range(len(hashed))]
        self._connection = connect(threads=1)
        batch = ibis.table(_text_schema(contract), name=_BATCH)
        rules = _all_rules(contract, batch, guarded=True)
        self.reasons = [rule.reason for rule in rules]
        self.reasons += [row_rule_reason(rule) for rule in contract.rules]
        self._split_sql = _split_sql(contract, batch, hashed)
        self._explain_sql = _explain_sql(contract, batch, rules)
        self._hash_sql = _hash_sql(batch, hashed)
        self.split(self.prepare(pa.table({})))

    def prepare(self, rows: pa.Table) -> pa.Table:
        """The text columns under the contract's names, null where the file has no such column."""
        arrays: dict[str, pa.ChunkedArray | pa.Array] = {}
        for column in self.contract.columns:
            if column.source_name in rows.column_names:
                text = rows.column(column.source_name)
            else:
                text = pa.chunked_array([pa.nulls(len(rows), pa.string())])
            arrays[column.name] = text
        return pa.table(arrays)

    def split(self, text: pa.Table) -> Split:
        """The typed rows of a prepared batch and which of them broke no rule."""
        table = self._run(self._split_sql, text)
        typed = [
            text.column(column.name) if _as_written(column) else table.column(column.name)
            for column in self.contract.columns
        ]
        return Split(
            typed=pa.table(typed, names=self.contract.schema.names).cast(self.contract.schema),
            met=mask(table.column("_met")),
            hashes=[table.column(name) for name in self._hashed],
        )

    def hashes(self, text: pa.Table) -> list[pa.ChunkedArray]:
        """The hashes alone, of a batch that need hold no other columns."""
        return list(self._run(self._hash_sql, text).columns)

    def as_received(self, text: pa.Table) -> pa.ChunkedArray:
        """Each row of a prepared batch as a JSON object of the file's names and texts."""
        pairs = ", ".join(
            f"{quoted(column.source_name)} := {quoted(column.name)}"
            for column in self.contract.columns
        )
        sql = f"SELECT to_json(struct_pack({pairs}))::VARCHAR AS v, {_ROW} FROM {_BATCH}"
        return self._query(sql, text).column("v")

    def explain(self, text: pa.Table) -> pa.ListArray:
        """Every reason for each row of a prepared batch; a list of :data:`REASON_TYPE` a row."""
        if not self.reasons:
            return reason_lists([[]] * len(text))
        table = self._run(self._explain_sql, text)
        broken = np.column_stack([~mask(pc.fill_null(column, True)) for column in table.columns])
        rows, rules = np.nonzero(broken)
        offsets = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(text)))))
        catalogue = reason_array(self.reasons)
        return pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), catalogue.take(pa.array(rules))
        )

    def _run(self, sql: str, text: pa.Table) -> pa.Table:
        return self._query(sql, _with_geometries(self.contract, text))

    def _query(self, sql: str, batch: pa.Table) -> pa.Table:
        """The rows of a query over a batch, in the batch's order."""
        numbers = np.arange(len(batch), dtype=np.int32)
        numbered = batch.append_column(_ROW, pa.array(numbers))
        try:
            found = self._connection.from_arrow(numbered).query(_BATCH, sql).to_arrow_table()
        except duckdb.Error as error:
            named = is_open(self.contract.classification) or not len(batch)
            said = str(error).splitlines()[0] if named else type(error).__name__
            raise ContractError(
                f"{self.contract.origin}: its rules cannot be applied: {said}"
            ) from None
        order = found.column(_ROW).to_numpy()
        found = found.drop_columns([_ROW])
        return found if np.array_equal(order, numbers) else found.take(np.argsort(order))


def mask(flags: pa.ChunkedArray) -> Mask:
    """Arrow booleans without nulls as a NumPy mask."""
    found: Mask = flags.to_numpy().astype(bool)
    return found


def reason_array(reasons: Iterable[Reason]) -> pa.StructArray:
    """Reasons as an Arrow array."""
    rows = [{"column": r.column, "rule": r.rule, "message": r.message} for r in reasons]
    return pa.array(rows, REASON_TYPE)


def reason_lists(lists: Iterable[Iterable[Reason]]) -> pa.ListArray:
    """Lists of reasons as an Arrow array."""
    return pa.array([reason_array(reasons).to_pylist() for reasons in lists], REASONS_TYPE)


def _text_schema(contract: Contract) -> dict[str, str]:
    schema: dict[str, str] = {_ROW: "int32"}
    for column in contract.columns:
        schema[column.name] = "binary" if column.kind is Kind.GEOMETRY else "string"
        if column.kind is Kind.GEOMETRY:
            schema[_PROBLEM.format(column.name)] = "int8"
    return schema


def _with_geometries(contract: Contract, text: pa.Table) -> pa.Table:
    for column in contract.columns:
        if column.kind is Kind.GEOMETRY:
            place = text.column_names.index(column.name)
            wkb, problems = read_geometries(text.column(column.name), column)
            text = text.set_column(place, column.name, wkb)
            text = text.append_column(_PROBLEM.format(column.name), problems)
    return text


def _written(column: Column, batch: ir.Table) -> ir.StringValue:
    text = batch[column.name]
    return text.strip().nullif("") if column.trim else text


def _as_written(column: Column) -> bool:
    """Whether a column's value is its text, so that it need not pass through the engine."""
    return column.kind in (Kind.STRING, Kind.TIME, Kind.JSON) and not column.trim


def _value(column: Column, batch: ir.Table) -> ir.Value:
    if column.kind is Kind.GEOMETRY:
        return batch[column.name]
    return form_of(column).value(_written(column, batch))


def _all_rules(contract: Contract, batch: ir.Table, guarded: bool) -> list[Rule]:
    return [rule for column in contract.columns for rule in _received_rules(column, batch, guarded)]


def _received_rules(column: Column, batch: ir.Table, guarded: bool) -> list[Rule]:
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
    return rules + list(column_rules(column, value, present=text.notnull()))


def _type_rule(column: Column, batch: ir.Table) -> Rule | None:
    if column.kind is Kind.GEOMETRY:
        return None
    form, text, value = form_of(column), _written(column, batch), _value(column, batch)
    if not form.pattern:
        return None
    reason = Reason(column.name, "type", f"{column.name}: not {form.words}")
    met = matches(text, form.pattern) & value.notnull()
    if form.usual:
        return Rule(reason, ibis.ifelse(text.isnull() | form.usual(text, value), True, met))
    return Rule(reason, text.isnull() | met)


def _split_sql(contract: Contract, batch: ir.Table, hashed: Sequence[Sequence[Column]]) -> str:
    values = {column.name: _value(column, batch) for column in contract.columns}
    rules = _all_rules(contract, batch, guarded=False)
    met = reduce(and_, (rule.met for rule in rules), ibis.literal(True))
    projection = ibis.to_sql(batch.select(_ROW, **values, _met=met), dialect="duckdb")
    conditions = ["_met", *(f"({row_condition(contract, rule)})" for rule in contract.rules)]
    every = " AND ".join(f"coalesce({condition}, true)" for condition in conditions)
    hashes = "".join(
        f", {hash_sql([column.name for column in columns])} AS _hash_{number}"
        for number, columns in enumerate(hashed)
    )
    computed = "".join(f"{quoted(c.name)}, " for c in contract.columns if not _as_written(c))
    return f"SELECT {_ROW}, {computed}{every} AS _met{hashes} FROM ({projection})"


def hash_sql(columns: Sequence[str]) -> str:
    """SQL for one hash of several typed columns, null where one of them is null."""
    names = ", ".join(quoted(name) for name in columns)
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in columns)
    return f"CASE WHEN {present} THEN hash({names}) END"


def _hash_sql(batch: ir.Table, hashed: Sequence[Sequence[Column]]) -> str:
    columns = {column.name: _value(column, batch) for group in hashed for column in group}
    projection = ibis.to_sql(batch.select(_ROW, **columns), dialect="duckdb")
    hashes = (hash_sql([column.name for column in group]) for group in hashed)
    return f"SELECT {', '.join([_ROW, *hashes])} FROM ({projection})"


def _sound(column: Column, batch: ir.Table) -> ir.Value:
    """The value of a column, null where its text is not in the column's form."""
    value, typed = _value(column, batch), _type_rule(column, batch)
    return ibis.ifelse(typed.met, value, ibis.null(value.type())) if typed else value


def _explain_sql(contract: Contract, batch: ir.Table, rules: list[Rule]) -> str:
    values = {column.name: _sound(column, batch) for column in contract.columns}
    marks = {f"_rule_{number}": rule.met for number, rule in enumerate(rules)}
    projection = ibis.to_sql(batch.select(_ROW, **values, **marks), dialect="duckdb")
    conditions = [f"({row_condition(contract, rule)})" for rule in contract.rules]
    return f"SELECT {', '.join([_ROW, *marks, *conditions])} FROM ({projection})"
