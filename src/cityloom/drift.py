"""Drift: how a file's columns differ from its contract's."""

from collections.abc import Sequence
from difflib import get_close_matches

from cityloom.contract import Contract
from cityloom.errors import DeliveryError


def drift(contract: Contract, found: Sequence[str]) -> list[str]:
    """How a file's columns differ from the contract's, in words.

    Raises:
        DeliveryError: a required column is missing.
    """
    declared = [column.source_name for column in contract.columns]
    if not set(declared) & set(found):
        raise DeliveryError(
            f"none of the contract's columns is in the file; it has {', '.join(found)}. "
            "Nothing was kept: is it a delivery of another dataset?"
        )
    extra = [name for name in found if name not in declared]
    notes = []
    for column in contract.columns:
        if column.source_name in found:
            continue
        likely = get_close_matches(column.source_name, extra, n=1)
        renamed = f"; '{likely[0]}' may be its new name" if likely else ""
        if column.required:
            raise DeliveryError(
                f"required column '{column.source_name}' is missing{renamed}; the file has "
                f"{', '.join(found)}. Nothing was kept: mend the file, or the column's "
                "physicalName in the contract, and deliver it again"
            )
        notes.append(f"column '{column.source_name}' is missing{renamed}")
    notes += [f"column '{name}' is not in the contract and was not stored" for name in extra]
    return notes
