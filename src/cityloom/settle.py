"""Settling rows whose key comes more than once: further copies, contradictions, or neither."""

from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from cityloom.contract import Contract
from cityloom.lake import ORDINAL, scan
from cityloom.sql import literal, quoted

FIRST, VALUES, REASONS = "_first", "_values", "_reasons"
"""Columns of a row set aside: whether it is the first of its copies, what was received, what is
wrong with it."""


_EQUAL = "IS NOT DISTINCT FROM"
_SOUND = f"len({REASONS}) = 0"


def settle_sql(
    contract: Contract,
    files: Sequence[Path],
    schema: pa.Schema,
    held: str | None,
    replaces: bool = False,
) -> str:
    """SQL that tells, of rows set aside, which are further copies and which contradict each other.

    Gives the rows with ``_first`` (false for a further copy of a row) and with the reasons of the
    contradictions added to ``_reasons``. Copies are rows of equal values, or broken rows of equal
    text.

    Args:
        contract: whose keys are meant.
        files: the rows set aside.
        schema: their columns.
        held: SQL for the rows that are there already, if they count.
        replaces: whether a row takes the place of the row of its key that is there.
    """
    clashes, keys = [], []
    for number, group in enumerate(contract.uniques):
        names = [column.name for column in group]
        listed = ", ".join(names)
        readable = _readable(names)
        alike = f"OVER (PARTITION BY {', '.join(map(quoted, names))})"
        count = f"count(*) FILTER (WHERE _first AND {readable}) {alike}"
        keys.append(f"{readable} AND {count} > 1 AS _clash_{number}")
        message = f"{listed}: comes more than once in this delivery with different values"
        clashes.append(_reason_case(f"_clash_{number}", names, "unique", message))
        if held and not (replaces and group == contract.key):
            same_row = [column.name for column in contract.key] if replaces else []
            taken = _exists(names, "_others", but_for=same_row)
            keys.append(f"{readable} AND {taken} AS _held_{number}")
            message = f"{listed}: held already by a row of another delivery with different values"
            clashes.append(_reason_case(f"_held_{number}", names, "unique", message))
    values = contract.given.names
    same = "false"
    if held and not replaces:
        same = f"({_SOUND} AND {_exists(values, '_others', nulls_agree=True)})"
    alike = f"{', '.join(map(quoted, values))}, CASE WHEN {_SOUND} THEN NULL ELSE {VALUES} END"
    first = f"row_number() OVER (PARTITION BY {alike} ORDER BY {ORDINAL}) = 1"
    copies = f"{first} AND NOT {same}"
    reasons = f"list_filter([{', '.join(clashes)}], _reason -> _reason IS NOT NULL)"
    return (
        (f"WITH _others AS ({_of_same_keys(contract, files, schema, held)}), " if held else "WITH ")
        + f"_aside AS (SELECT *, {copies} AS _first FROM ({scan(files, schema)}) AS _aside), "
        + f"_marked AS (SELECT *, {', '.join(keys)} FROM _aside) "
        + f"SELECT * REPLACE (list_concat(_reasons, {reasons}) AS _reasons) FROM _marked "
        + f"ORDER BY {ORDINAL}"
    )


def _of_same_keys(contract: Contract, files: Sequence[Path], schema: pa.Schema, held: str) -> str:
    """SQL for those of the rows that are there which share a key with a row set aside.

    They are few; all others pass by one at a time.
    """
    shared = []
    for group in contract.uniques:
        names = ", ".join(quoted(column.name) for column in group)
        asked = scan(files, schema, [column.name for column in group])
        shared.append(f"({names}) IN ({asked})")
    return f"SELECT * FROM ({held}) WHERE {' OR '.join(shared)}"


def _readable(names: Sequence[str]) -> str:
    present = " AND ".join(f"{quoted(name)} IS NOT NULL" for name in names)
    listed = ", ".join(literal(name) for name in names)
    mistyped = f"_reason -> _reason.rule = 'type' AND _reason.\"column\" IN ({listed})"
    return f"({present} AND len(list_filter(_reasons, {mistyped})) = 0)"


def _exists(
    names: Sequence[str], relation: str, nulls_agree: bool = False, but_for: Sequence[str] = ()
) -> str:
    agree = _agree(names, relation, _EQUAL if nulls_agree else "=")
    other = f" AND NOT ({_agree(but_for, relation, _EQUAL)})" if but_for else ""
    return f"EXISTS (SELECT 1 FROM {relation} WHERE {agree}{other})"


def _agree(names: Sequence[str], relation: str, operator: str) -> str:
    return " AND ".join(f"{relation}.{quoted(n)} {operator} _aside.{quoted(n)}" for n in names)


def _reason_case(flag: str, names: Sequence[str], rule: str, message: str) -> str:
    column = names[0] if len(names) == 1 else ""
    reason = (
        f"{{'column': {literal(column)}, 'rule': {literal(rule)}, 'message': {literal(message)}}}"
    )
    return f"CASE WHEN {flag} THEN {reason} END"
