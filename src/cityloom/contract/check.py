"""The rules of a contract on rows that are typed already: derived datasets, on any engine."""

from collections.abc import Iterator

import ibis.expr.datatypes as dt
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityloom.contract.conditions import row_condition, row_rule_reason
from cityloom.contract.model import Contract, Kind
from cityloom.contract.rules import Reason, column_rules
from cityloom.errors import ContractError

MARK = "_rule_{}"


def conforming(contract: Contract, table: ir.Table, maker: str) -> ir.Table:
    """The table with exactly the contract's columns, in its types and order.

    Raises:
        ContractError: a column is missing, or there is one too many.
    """
    declared = [column.name for column in contract.columns]
    if missing := [name for name in declared if name not in table.columns]:
        raise ContractError(f"{maker} does not give column '{missing[0]}' of {contract.origin}")
    if extra := [name for name in table.columns if name not in declared]:
        raise ContractError(f"{maker} gives column '{extra[0]}', which {contract.origin} lacks")
    return table.select(
        **{
            column.name: table[column.name].cast(dt.DataType.from_pyarrow(column.arrow_type))
            for column in contract.columns
        }
    )


def marked(contract: Contract, table: ir.Table) -> tuple[ir.Table, list[Reason]]:
    """The table with a boolean column a rule (null counts as met), and each rule's reason."""
    rules = [
        rule for column in contract.columns for rule in column_rules(column, table[column.name])
    ]
    marks = {MARK.format(number): rule.met for number, rule in enumerate(rules)}
    result = table.mutate(**marks) if marks else table
    reasons = [rule.reason for rule in rules]
    for number, rule in enumerate(contract.rules, start=len(rules)):
        condition = row_condition(contract, rule)
        result = result.alias(f"rows_{number}").sql(
            f"SELECT *, ({condition}) AS {MARK.format(number)} FROM rows_{number}", dialect="duckdb"
        )
        reasons.append(row_rule_reason(rule))
    return result, reasons


def geometry_verdicts(
    contract: Contract, rows: pa.Table
) -> Iterator[tuple[Reason, npt.NDArray[np.bool_]]]:
    """Each rule on the geometries of computed rows, and which rows meet it.

    No engine but one or two could say so in an expression, so Arrow batches are judged.
    """
    for column in contract.columns:
        if column.kind is Kind.GEOMETRY:
            from cityloom.contract.geometries import wkb_verdicts

            yield from wkb_verdicts(rows.column(column.name), column)
