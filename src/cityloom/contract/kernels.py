"""Loops over the bytes of texts, compiled with Numba.

Each takes the edges and the bytes of an Arrow array of texts and sets, for each text, whether it
tells it and the value it stands for. Texts that are told already are passed over.
"""

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
from numba import njit

Edges = npt.NDArray[np.int32]
Octets = npt.NDArray[np.uint8]
Mask = npt.NDArray[np.bool_]
Numbers = npt.NDArray[Any]
Kernel = TypeVar("Kernel", bound=Callable[..., object])

_ZERO, _POINT, _MINUS = np.uint8(ord("0")), np.uint8(ord(".")), np.uint8(ord("-"))
_POWERS_OF_TEN = 10.0 ** np.arange(16)
_DAY = 86_400
_MICROSECONDS = 1_000_000


def _compiled(function: Kernel) -> Kernel:
    """The function compiled, and kept for the next process where there is a folder to keep it."""
    try:
        return cast(Kernel, njit(cache=True)(function))
    except RuntimeError:
        return cast(Kernel, njit(function))


@_compiled
def widths(
    edges: Edges, octets: Octets, lowest: Octets, highest: Octets, hours: Edges, told: Mask
) -> None:
    """Texts of a fixed width with, at each place, a byte in a range; hours are at most 23."""
    for row in range(len(told)):
        if not told[row]:
            told[row] = _is_within(octets, edges[row], edges[row + 1], lowest, highest) and (
                _hours_exist(octets, edges[row], hours)
            )


@_compiled
def lengths(edges: Edges, octets: Octets, least: int, most: int, told: Mask) -> None:
    """Texts of ``least`` to ``most`` characters; the bytes are UTF-8."""
    for row in range(len(told)):
        count = 0
        for at in range(edges[row], edges[row + 1]):
            count += (octets[at] & 0xC0) != 0x80
        told[row] |= least <= count <= most


@_compiled
def integers(edges: Edges, octets: Octets, values: Numbers, told: Mask) -> None:
    """Whole numbers of up to 18 digits, as int64."""
    for row in range(len(told)):
        if not told[row]:
            sound, value, _, fraction = _digits(octets, edges[row], edges[row + 1], 18)
            told[row] = sound and fraction < 0
            values[row] = value


@_compiled
def numbers(edges: Edges, octets: Octets, values: Numbers, told: Mask) -> None:
    """Numbers of up to 15 digits, as float64: both the digits and the power of ten are exact, so
    that the quotient is the nearest there is (Clinger 1990).
    """
    for row in range(len(told)):
        if not told[row]:
            start = edges[row]
            sound, value, _, fraction = _digits(octets, start, edges[row + 1], 15)
            told[row] = sound and fraction != 0
            quotient = value / _POWERS_OF_TEN[min(max(fraction, 0), 15)]
            values[row] = -0.0 if sound and value == 0 and octets[start] == _MINUS else quotient


@_compiled
def decimals(
    edges: Edges, octets: Octets, whole: int, scale: int, values: Numbers, told: Mask
) -> None:
    """Numbers of up to ``whole`` digits before and ``scale`` after the point, 18 together at most,
    as the low and the high half of 128-bit integers.
    """
    for row in range(len(told)):
        if not told[row]:
            sound, value, before, fraction = _digits(octets, edges[row], edges[row + 1], 18)
            shift = scale - max(fraction, 0)
            told[row] = (
                sound and fraction != 0 and before <= whole and shift >= 0 and before + scale <= 18
            )
            if told[row]:
                for _ in range(shift):
                    value *= 10
                values[row, 0] = value
                values[row, 1] = -1 if value < 0 else 0


@_compiled
def days(
    edges: Edges,
    octets: Octets,
    lowest: Octets,
    highest: Octets,
    fields: Edges,
    values: Numbers,
    told: Mask,
) -> None:
    """Dates of a fixed width, as days since 1970; ``fields`` are the places of year, month, day."""
    for row in range(len(told)):
        start = edges[row]
        if not told[row] and _is_within(octets, start, edges[row + 1], lowest, highest):
            told[row], values[row] = _day(octets, start, fields)


@_compiled
def moments(
    edges: Edges,
    octets: Octets,
    lowest: Octets,
    highest: Octets,
    fields: Edges,
    values: Numbers,
    told: Mask,
) -> None:
    """Times of a fixed width, as microseconds since 1970; ``fields`` are the places of year, month,
    day, hour, minute and second, of which the last may be -1.
    """
    for row in range(len(told)):
        start = edges[row]
        if not told[row] and _is_within(octets, start, edges[row + 1], lowest, highest):
            exists, day = _day(octets, start, fields)
            hour, minute = _two(octets, start + fields[3]), _two(octets, start + fields[4])
            second = _two(octets, start + fields[5]) if fields[5] >= 0 else 0
            told[row] = exists and hour < 24 and minute < 60 and second < 60
            seconds = day * _DAY + hour * 3600 + minute * 60 + second
            values[row] = seconds * _MICROSECONDS


@_compiled
def _is_within(octets: Octets, start: int, end: int, lowest: Octets, highest: Octets) -> bool:
    if end - start != len(lowest):
        return False
    text, odd = octets[start:end], 0
    for place in range(len(lowest)):
        odd += (text[place] < lowest[place]) | (text[place] > highest[place])
    return odd == 0


@_compiled
def _hours_exist(octets: Octets, start: int, hours: Edges) -> bool:
    exist = True
    for place in hours:
        exist &= _two(octets, start + place) < 24
    return exist


@_compiled
def _digits(octets: Octets, start: int, end: int, most: int) -> tuple[bool, Any, int, int]:
    """Whether these bytes are a number of at most so many digits, with a minus and a point perhaps;
    its digits as one signed number; how many are before the point, and after, -1 without a point.
    """
    value, count, fraction, sound = np.int64(0), 0, -1, True
    negative = start < end and octets[start] == _MINUS
    for octet in octets[start + negative : end]:
        digit = np.uint8(octet - _ZERO)
        if digit <= 9:
            value = value * 10 + np.int64(digit)
            count += 1
        elif octet == _POINT and fraction < 0 < count:
            fraction = count
        else:
            sound = False
    before = count if fraction < 0 else fraction
    after = -1 if fraction < 0 else count - fraction
    return sound and 0 < count <= most, -value if negative else value, before, after


@_compiled
def _two(octets: Octets, at: int) -> Any:
    place = np.uintp(at)
    tens, ones = np.int64(octets[place]), np.int64(octets[place + np.uintp(1)])
    return (tens - ord("0")) * 10 + (ones - ord("0"))


@_compiled
def _day(octets: Octets, start: int, fields: Edges) -> tuple[bool, int]:
    """Whether there is such a date, and its days since 1970 in the Gregorian calendar (Hinnant,
    "chrono-compatible low-level date algorithms", ``days_from_civil``).
    """
    at = start + fields[0]
    year = _two(octets, at) * 100 + _two(octets, at + 2)
    month, day = _two(octets, start + fields[1]), _two(octets, start + fields[2])
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    last = 28 + leap if month == 2 else 30 + ((month + month // 8) & 1)
    exists = 1 <= month <= 12 and 1 <= day <= last
    since_march = year - (month <= 2)
    era = since_march // 400
    year_of_era = since_march - era * 400
    day_of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return exists, era * 146_097 + day_of_era - 719_468
