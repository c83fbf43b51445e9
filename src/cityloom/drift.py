"""Drift: how a file's columns differ from its contract's.

A file without a header names its columns by the values of its first row. So where a dataset is
closely held, only the contract's own columns are named, and the others are counted.
"""

from collections.abc import Sequence
from difflib import get_close_matches

from cityloom.contract import Column, Contract
from cityloom.counts import counted
from cityloom.errors import DeliveryError
from cityloom.policy import is_open

_MOST_NAMED = 12
"""How many columns of a file a message names; of further ones it says how many there are."""


def drift(contract: Contract, found: Sequence[str]) -> list[str]:
    """How a file's columns differ from the contract's, in words.

    Raises:
        DeliveryError: a required column is missing.
    """
    declared = [column.source_name for column in contract.columns]
    named = is_open(contract.classification)
    extra = [name for name in found if name not in declared]
    columns = _listed(found) if named else _counted(declared, found)
    if len(extra) == len(found):
        raise DeliveryError(
            f"none of the contract's columns is in the file; it has {columns}. "
            "Nothing was kept: is it a delivery of another dataset?"
        )
    notes = []
    for column in contract.columns:
        if column.source_name in found:
            continue
        what = f"column '{column.source_name}' is missing"
        what += _renamed(column, extra) if named else ""
        if column.required:
            raise DeliveryError(
                f"required {what}; the file has {columns}. Nothing was kept: mend the file, or "
                "the column's physicalName in the contract, and deliver it again"
            )
        notes.append(what)
    return notes + _not_stored(extra, named)


def _counted(declared: Sequence[str], found: Sequence[str]) -> str:
    """The columns of a file, those that are not declared by their number alone."""
    known = [name for name in found if name in declared]
    others = len(found) - len(known)
    return ", ".join([*known, _undeclared(others)] if others else known)


def _listed(names: Sequence[str]) -> str:
    more = len(names) - _MOST_NAMED
    return ", ".join(names[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _undeclared(count: int) -> str:
    return counted(count, "undeclared column")


def _renamed(column: Column, extra: Sequence[str]) -> str:
    likely = get_close_matches(column.source_name, extra, n=1)
    return f"; '{likely[0]}' may be its new name" if likely else ""


def _not_stored(extra: Sequence[str], named: bool) -> list[str]:
    verb = "was" if len(extra) == 1 else "were"
    if not named:
        return [f"{_undeclared(len(extra))} {verb} not stored"] if extra else []
    notes = [
        f"column '{name}' is not in the contract and was not stored" for name in extra[:_MOST_NAMED]
    ]
    match len(extra) - len(notes):
        case 0:
            return notes
        case 1:
            return [*notes, "1 more column is not in the contract and was not stored"]
        case more:
            return [*notes, f"{more} more columns are not in the contract and were not stored"]
