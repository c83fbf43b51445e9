"""Columns of numbers: their ranges and units as far as their names tell them."""

import re
from math import isfinite
from typing import NamedTuple

from cityloom.contract.draft.guesses import TYPE_SHARE, Guess, doubts, from_to, strays
from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.terms import (
    COUNTED,
    LATITUDES,
    LONGITUDES,
    MEASURED,
    MONEY,
    PERCENTS,
    SHARES,
    TIMED,
)
from cityloom.contract.draft.values import Values

_ENOUGH_ROWS = 100

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_SIGNED = r"[+-]?[0-9]+(\.[0-9]+)?"
_GROUPED = r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|-?[0-9]+(\.[0-9]+)?"
_SECONDS = re.compile(r"[0-9]{9,10}(\.[0-9]+)?")
_MILLISECONDS = re.compile(r"[0-9]{12,13}")


def guess_number(header: Header, values: Values) -> Guess | None:
    """A whole number, a number or an amount of money."""
    if values.matching(_NUMBER) < TYPE_SHARE:
        return _number_as_text(values)
    numbers = [float(value) for value in values.counts if _NUMBER.fullmatch(value)]
    finite = [number for number in numbers if isfinite(number)] or [0.0]
    whole = values.matching(_INTEGER) >= TYPE_SHARE
    meaning = _meaning(header, finite, whole and values.rows >= _ENOUGH_ROWS)
    form = _INTEGER if whole else _NUMBER
    return Guess(
        logical_type="integer" if whole else "number",
        physical_type=None if whole else _decimal(header, values),
        options=meaning.options,
        unit=header.unit or meaning.unit or unix_unit(header, values),
        doubts=doubts(
            meaning.doubt,
            _unit_doubt(header, values),
            strays(values, form, "whole numbers" if whole else "numbers"),
        ),
        seen=from_to(f"{min(finite):.10g}", f"{max(finite):.10g}", values),
    )


def _number_as_text(values: Values) -> Guess | None:
    """Numbers written in a way that no number of a contract is: text of their form."""
    for pattern, what in ((_SIGNED, "a plus sign"), (_GROUPED, "thousands separators")):
        if values.matching(re.compile(pattern)) >= TYPE_SHARE:
            doubt = f"numbers with {what}, which a number does not have: kept as text"
            odd = strays(values, re.compile(pattern), "of this form")
            return Guess(options={"pattern": pattern}, doubts=doubts(doubt, odd))
    return None


class _Meaning(NamedTuple):
    """What a column's name and numbers say of its range and unit, and what is doubtful."""

    options: dict[str, object]
    unit: str | None = None
    doubt: str = ""


def _meaning(header: Header, numbers: list[float], many_whole: bool) -> _Meaning:
    words = set(header.words)
    if limit := degrees(header, numbers):
        doubt = "0 occurs: does it stand for an unknown place?" if 0 in numbers else ""
        return _Meaning({"minimum": -limit, "maximum": limit}, "degree", doubt)
    if SHARES & words and _within(numbers, 0, 1):
        return _Meaning({"minimum": 0, "maximum": 1})
    if PERCENTS & words and _within(numbers, 0, 100):
        return _Meaning({"minimum": 0, "maximum": 100})
    counted = words & COUNTED or many_whole
    options: dict[str, object] = {"minimum": 0} if counted and min(numbers) >= 0 else {}
    return _Meaning(options, "person" if words & {"population", "people"} else None)


def degrees(header: Header, numbers: list[float]) -> int | None:
    """The limit of a column of degrees: 90 for a latitude, 180 for a longitude."""
    for names, limit in ((LATITUDES, 90), (LONGITUDES, 180)):
        if names & set(header.words) and any(n % 1 for n in numbers):
            return limit if _within(numbers, -limit, limit) else None
    return None


def _within(numbers: list[float], least: float, most: float) -> bool:
    return least <= min(numbers) and max(numbers) <= most


def _decimal(header: Header, values: Values) -> str | None:
    """The decimal type of an amount of money."""
    scales = {len(value.partition(".")[2]) for value in values.counts}
    if (
        not set(header.words) & MONEY
        or max(scales) > 4
        or any("e" in v.lower() for v in values.counts)
    ):
        return None
    return f"DECIMAL(18,{max(2, *scales)})"


def _unit_doubt(header: Header, values: Values) -> str:
    if unit := unix_unit(header, values):
        return f"looks like Unix time in {'milliseconds' if unit == 'ms' else 'seconds'}"
    if set(header.words) & MEASURED and not header.unit:
        return "its unit is not stated (customProperties: unit)"
    return ""


def unix_unit(header: Header, values: Values) -> str | None:
    """The unit of Unix times: large numbers under a name that tells of time."""
    if not set(header.words) & TIMED:
        return None
    if values.matching(_SECONDS) >= TYPE_SHARE:
        return "s"
    return "ms" if values.matching(_MILLISECONDS) >= TYPE_SHARE else None
