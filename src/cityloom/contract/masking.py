"""Masks: what is left of a column to those who may read its rows but not see it as it is.

``hide`` leaves nothing, ``year`` the first day of the year, ``area:6`` the first six characters of
a code (of an area, of an industry), ``pseudonym`` a name that is the same for the same value, and
another for each purpose.
"""

import re

from cityloom.contract.model import Kind
from cityloom.errors import ContractError

HIDE, YEAR, PSEUDONYM = "hide", "year", "pseudonym"
_AREA = re.compile(r"area:([1-9][0-9]?)")


def characters_of(mask: str) -> int | None:
    """How many characters a mask for areas leaves; ``None`` of any other mask."""
    found = _AREA.fullmatch(mask)
    return int(found[1]) if found else None


def check_mask(mask: object, kind: Kind) -> None:
    """Refuse a mask that is not known, or that does not suit the kind of values.

    Raises:
        ContractError: the message says which it was.
    """
    if mask == HIDE:
        return
    if mask == YEAR:
        suits, whose = kind in (Kind.DATE, Kind.TIMESTAMP), "dates and times"
    elif mask == PSEUDONYM or (isinstance(mask, str) and characters_of(mask)):
        suits, whose = kind is Kind.STRING, "text"
    else:
        raise ContractError(
            f"mask '{mask}' is none of hide, year, pseudonym, and area:6 or another count of "
            "characters"
        )
    if not suits:
        raise ContractError(f"mask '{mask}' is for {whose}, and the column is {kind}")
