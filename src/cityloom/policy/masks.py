"""Columns behind their masks, as Ibis expressions."""

from typing import Any

import ibis
import ibis.expr.types as ir

from cityloom.contract.masking import PSEUDONYM, YEAR, characters_of
from cityloom.pseudonym import pseudonyms


def masked(mask: str, values: ir.Value, key: bytes) -> Any:
    """A column's values behind a mask, of the same type; ``key`` is that of the pseudonyms."""
    if mask == YEAR:
        return values.cast("timestamp").truncate("Y").cast(values.type())
    if mask == PSEUDONYM:
        return pseudonyms(key)(values)
    if count := characters_of(mask):
        return values[:count]
    return ibis.null(values.type())
