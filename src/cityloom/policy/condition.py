"""Conditions on a row: what is left of a policy when all but the row is known.

A condition is true, false or unknown. What is unknown (a null, an attribute that the principal does
not have, an operation that cannot be put to an engine) never opens a row.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from typing import Final

Constant = bool | int | str | datetime | None
"""A value; ``None`` is unknown."""


@dataclass(frozen=True)
class Value:
    """A value that is known, or ``None`` where it is unknown for all rows."""

    value: Constant


@dataclass(frozen=True)
class Attribute:
    """A column's value in the row."""

    column: str


@dataclass(frozen=True)
class Has:
    """Whether a column has a value in the row."""

    column: str


@dataclass(frozen=True)
class Like:
    """Whether a text agrees with a pattern, in which ``None`` stands for any characters."""

    text: "Condition"
    pattern: tuple[str | None, ...]


@dataclass(frozen=True)
class Operation:
    """An operation on conditions: ``&&``, ``||``, ``!``, ``==``, ``<``, ``<=``, ``+``, ``-``,
    ``*``, ``in`` (the first among the others) or ``if`` (the first decides between the others)."""

    name: str
    operands: "tuple[Condition, ...]"


Condition = Value | Attribute | Has | Like | Operation

TRUE: Final[Condition] = Value(True)
FALSE: Final[Condition] = Value(False)
UNKNOWN: Final[Condition] = Value(None)


def all_of(*conditions: Condition) -> Condition:
    """True where all are, false where one is not."""
    return reduce(_and, conditions, TRUE)


def any_of(*conditions: Condition) -> Condition:
    """True where one is, false where none is."""
    return reduce(_or, conditions, FALSE)


def negated(condition: Condition) -> Condition:
    """True where a condition is false."""
    match condition:
        case Value(None):
            return UNKNOWN
        case Value(value):
            return Value(not value)
        case Operation("!", (inner,)):
            return inner
    return Operation("!", (condition,))


def applied(name: str, *operands: Condition) -> Condition:
    """An operation; unknown where an operand is unknown for all rows."""
    return UNKNOWN if UNKNOWN in operands else Operation(name, operands)


def certain(condition: Condition) -> bool | None:
    """Whether a condition is true for every row, or for none; ``None`` where it depends on it."""
    return bool(condition.value) if isinstance(condition, Value) else None


def said(condition: Condition) -> str:
    """A condition as a policy would write it, on one line."""
    match condition:
        case Value(value):
            return _constant(value)
        case Attribute(column):
            return column
        case Has(column):
            return f"has {column}"
        case Like(text, pattern):
            glob = "".join("*" if part is None else part.replace("*", r"\*") for part in pattern)
            return f'{_inner(text)} like "{glob}"'
        case Operation(name, operands):
            return _operation(name, operands)


def _operation(name: str, operands: tuple[Condition, ...]) -> str:
    match name, operands:
        case "!", (Operation("==", (left, right)),):
            return f"{_inner(left)} != {_inner(right)}"
        case "!" | "-", (operand,):
            return f"{name}{_inner(operand)}"
        case "in", (item, *items):
            return f"{_inner(item)} in [{', '.join(map(said, items))}]"
        case "if", (test, then, otherwise):
            return f"if {said(test)} then {said(then)} else {said(otherwise)}"
    return f" {name} ".join(
        said(each) if isinstance(each, Operation) and each.name == name else _inner(each)
        for each in operands
    )


def _and(left: Condition, right: Condition) -> Condition:
    return _joined("&&", left, right, neutral=TRUE, deciding=FALSE)


def _or(left: Condition, right: Condition) -> Condition:
    return _joined("||", left, right, neutral=FALSE, deciding=TRUE)


def _joined(
    name: str, left: Condition, right: Condition, neutral: Condition, deciding: Condition
) -> Condition:
    if deciding in (left, right):
        return deciding
    if left in (neutral, right):
        return right
    return left if right == neutral else Operation(name, (left, right))


def _inner(condition: Condition) -> str:
    alone = isinstance(condition, Value | Attribute)
    return said(condition) if alone else f"({said(condition)})"


def _constant(value: Constant) -> str:
    if value is None:
        return "unknown"
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, datetime):
        return value.isoformat()
    return f'"{value}"' if isinstance(value, str) else str(value)
