"""What a request for features asks: its parameters, each of them checked."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from math import isfinite
from urllib.parse import quote

from cityloom.contract import Column, Contract, Kind
from cityloom.contract.forms import stated_value
from cityloom.geo.crs import Box
from cityloom.sql import quoted
from cityloom.web.features.writing import instant

Condition = tuple[str, tuple[object, ...]]
"""An SQL condition with ``?`` in it, and the values that they stand for."""

FEWEST, MOST, USUAL = 1, 10_000, 10
RESERVED = ("limit", "bbox", "datetime", "cursor")

_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_MOMENT = re.compile(
    r"(\d{4}-\d\d-\d\d)(?:[Tt](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:\d\d))?", re.ASCII
)
_CURSOR = re.compile(r"(\d{1,9}-[0-9a-f]{8})-(\d{1,15})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY = 86_400_000_000
_EVER = 2**62
_TIMES = "expected a date, a time such as 2026-01-31T12:00:00Z, or two of them as in START/END"


class Mistake(Exception):
    """A parameter that cannot be used, in words."""


@dataclass(frozen=True)
class Cursor:
    """Where a page begins: at a place in the version that has a mark."""

    mark: str
    place: int

    def __str__(self) -> str:
        return f"{self.mark}-{self.place}"


@dataclass(frozen=True)
class Query:
    """A request for features."""

    limit: int = USUAL
    boxes: tuple[Box, ...] = ()
    conditions: tuple[Condition, ...] = ()
    cursor: Cursor | None = None


def time_of(contract: Contract) -> Column | None:
    """The column by which features lie in time: the first of dates or times."""
    kinds = (Kind.DATE, Kind.TIMESTAMP)
    return next((column for column in contract.columns if column.kind in kinds), None)


def queryable(contract: Contract) -> list[Column]:
    """The columns that features can be asked for by a value of."""
    unasked = (Kind.GEOMETRY, Kind.JSON)
    return [c for c in contract.stored if c.kind not in unasked and c.name not in RESERVED]


def query_of(asked: Sequence[tuple[str, str]], contract: Contract) -> Query:
    """What the parameters of a request ask.

    Raises:
        Mistake: one is not known, comes twice or cannot be used.
    """
    given = _once(asked)
    columns = {column.name: column for column in queryable(contract)}
    if unknown := [name for name in given if name not in columns and name not in RESERVED]:
        raise Mistake(f"there is no parameter '{unknown[0]}'; known are {_known(columns)}")
    equal = tuple(_equal(columns[name], text) for name, text in given.items() if name in columns)
    during = (_during(given["datetime"], time_of(contract)),) if "datetime" in given else ()
    return Query(
        _limit(given["limit"]) if "limit" in given else USUAL,
        _boxes(given["bbox"]) if "bbox" in given else (),
        equal + during,
        _cursor(given["cursor"]) if "cursor" in given else None,
    )


def no_parameters(asked: Sequence[tuple[str, str]]) -> None:
    """See that a request has no parameters where none are known.

    Raises:
        Mistake: it has one.
    """
    for name, _ in asked:
        raise Mistake(f"there is no parameter '{name}' here")


def _once(asked: Sequence[tuple[str, str]]) -> Mapping[str, str]:
    given = dict(asked)
    if len(given) < len(asked):
        names = [name for name, _ in asked]
        twice = next(name for name in names if names.count(name) > 1)
        raise Mistake(f"{twice} is given twice")
    return given


def _known(columns: Mapping[str, Column]) -> str:
    return ", ".join([*RESERVED, *columns])


def _limit(text: str) -> int:
    if not re.fullmatch(r"\d+", text, re.ASCII) or not text.strip("0"):
        raise Mistake(f"limit={text}: expected a whole number from {FEWEST} to {MOST}")
    return MOST if len(text.lstrip("0")) > len(str(MOST)) else min(int(text), MOST)


def _boxes(text: str) -> tuple[Box, ...]:
    """The box; two where it lies across the 180th meridian. Heights are not looked at."""
    parts = text.split(",")
    numbers = [float(part) for part in parts if _NUMBER.fullmatch(part)]
    if len(parts) not in (4, 6) or len(numbers) < len(parts) or not all(map(isfinite, numbers)):
        raise Mistake(f"bbox={text}: expected 4 or 6 numbers with commas between them")
    low, high = numbers[: len(numbers) // 2], numbers[len(numbers) // 2 :]
    (west, south), (east, north) = low[:2], high[:2]
    if south > north or low[2:] > high[2:]:
        raise Mistake(f"bbox={text}: expected west, south, east, north; the south is beyond")
    if west <= east:
        return ((west, south, east, north),)
    return ((west, south, 180.0, north), (-180.0, south, east, north))


def _equal(column: Column, text: str) -> Condition:
    try:
        value = stated_value(column, text)
    except ValueError as error:
        raise Mistake(f"{column.name}={text}: {error}") from None
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
        return f"{instant(column)} = ?", (_microseconds(moment),)
    return f"{quoted(column.name)} = ?", (value,)


def _during(text: str, column: Column | None) -> Condition:
    """The condition that a feature is at some moment of an instant or interval, its ends included.

    A date is all of its day, in UTC.
    """
    first, last = _interval(text)
    if column is None:
        return "false", ()
    if column.kind is Kind.DATE:
        first -= first % _DAY
    return f"{instant(column)} BETWEEN ? AND ?", (first, last)


def _interval(text: str) -> tuple[int, int]:
    start, slash, end = text.partition("/")
    if not slash:
        return _span(text, text)
    is_open = [edge in ("", "..") for edge in (start, end)]
    if all(is_open):
        raise Mistake(f"datetime={text}: at least one end must be stated; {_TIMES}")
    first = -_EVER if is_open[0] else _span(start, text)[0]
    last = _EVER if is_open[1] else _span(end, text)[1]
    if first > last:
        raise Mistake(f"datetime={text}: the end is before the start")
    return first, last


def _span(moment: str, text: str) -> tuple[int, int]:
    """The first and the last microsecond of a moment, which may be a day."""
    found = _MOMENT.fullmatch(moment)
    if found is None:
        raise Mistake(f"datetime={text}: {_TIMES}")
    day, time, fraction, offset = found.groups()
    written = f"{day}T{time or '00:00:00'}{(fraction or '')[:7]}{(offset or 'Z').upper()}"
    try:
        first = _microseconds(datetime.fromisoformat(written))
    except (ValueError, OverflowError):
        raise Mistake(f"datetime={text}: there is no such day or time; {_TIMES}") from None
    return first, first if time else first + _DAY - 1


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND


def _cursor(text: str) -> Cursor:
    found = _CURSOR.fullmatch(text)
    if found is None:
        raise Mistake(f"cursor={quote(text)}: not one that a 'next' link has")
    return Cursor(found[1], int(found[2]))
