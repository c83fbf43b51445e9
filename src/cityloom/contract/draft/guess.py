"""The type of a column and its rules, guessed from its name and its values."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from math import isfinite
from typing import NamedTuple

from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.terms import (
    COUNTED,
    IDENTIFYING,
    IDENTIFYING_AT_END,
    LATITUDES,
    LONGITUDES,
    MEASURED,
    MONEY,
    PERCENTS,
    SHARES,
    TIMED,
)
from cityloom.contract.draft.values import Values

_TYPE_SHARE = 0.9
"""The share of values that must be in a form for the column to be taken for that type."""

_MOST_ALLOWED_VALUES = 20
_ENOUGH_ROWS = 100


@dataclass(frozen=True)
class Guess:
    """What a column seems to be, in the words of a contract, with what is doubtful.

    ``options`` are ODCS ``logicalTypeOptions``; ``seen`` says in words what the values are like.
    """

    logical_type: str = "string"
    physical_type: str | None = None
    options: dict[str, object] = field(default_factory=dict)
    enum: tuple[str, ...] = ()
    unit: str | None = None
    doubts: tuple[str, ...] = ()
    seen: str = ""


def guess_column(header: Header, values: Values, free: bool = False) -> Guess:
    """The type and rules of a column; ``free`` is a text whose values are not to be listed."""
    if values.is_empty:
        return Guess(doubts=("every value is empty: its type is not known",))
    for attempt in (_geometry, _json, _date, _code, _flag, _moment, _clock, _number):
        if guess := attempt(header, values):
            return guess
    return _text(values, free)


def _strays(values: Values, judge: re.Pattern[str] | Callable[[str], object], what: str) -> str:
    """A doubt that some values are not what the others are; empty where all are."""
    if not (others := values.others(judge)):
        return ""
    count = values.weight(others)
    return f"{count:,} of {values.seen:,} values are not {what}, such as {quoted(others[:3])}"


def quoted(values: list[str]) -> str:
    """Values in quotes, each shortened to what a line of a comment can carry."""
    return ", ".join(repr(value if len(value) <= 40 else f"{value[:39]}…") for value in values)


def _doubts(*doubts: str) -> tuple[str, ...]:
    return tuple(doubt for doubt in doubts if doubt)


# Geometry and JSON

_WKT = re.compile(
    r"(?:SRID=[0-9]+;\s*)?(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\s*Z?\s*[(E].*",
    re.IGNORECASE | re.DOTALL,
)
_WKB = re.compile(r"0[01](?:[0-9A-Fa-f]{2}){20,}")
_GEOJSON = re.compile(r'\{.*"type"\s*:\s*"([A-Z][A-Za-z]+)".*', re.DOTALL)
_GEOMETRIES = {
    name.upper() for name in (
        "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon",
        "GeometryCollection",
    )
}  # fmt: skip


def geometry_type(text: str) -> str | None:
    """The kind of geometry a text is, such as ``POLYGON``; ``None`` where it is none."""
    if found := _WKT.fullmatch(text):
        return f"{found[1] or ''}{found[2]}".upper()
    if _WKB.fullmatch(text):
        return "GEOMETRY"
    found = _GEOJSON.fullmatch(text)
    kind = found[1].upper() if found and '"coordinates"' in text else ""
    return kind if kind in _GEOMETRIES else None


def _geometry(header: Header, values: Values) -> Guess | None:
    if values.matching(geometry_type) < _TYPE_SHARE:
        return None
    kinds = {kind for value in values.counts if (kind := geometry_type(value))}
    kind = kinds.pop() if len(kinds) == 1 else "GEOMETRY"
    numbers = [float(n) for n in re.findall(r"-?[0-9]+\.[0-9]+", next(iter(values.counts)))[:2]]
    degrees = len(numbers) == 2 and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90
    return Guess(
        logical_type="object",
        physical_type=kind,
        doubts=_doubts(
            "the CRS is not stated: WGS 84 (EPSG:4326) is assumed" if degrees
            else "its coordinates are not degrees: name the CRS (customProperties: crs)",
            _strays(values, geometry_type, "geometries"),
        ),
    )  # fmt: skip


def _json(header: Header, values: Values) -> Guess | None:
    if values.matching(lambda text: text[0] in "{[" and _loads(text)) < _TYPE_SHARE:
        return None
    return Guess("array" if next(iter(values.counts)).startswith("[") else "object")


def _loads(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


# Dates and times

_DATES = {
    "yyyy-MM-dd": r"[0-9]{4}-[0-9]{2}-[0-9]{2}",
    "yyyyMMdd": r"(1[6-9]|20)[0-9]{6}",
    "yyyy/MM/dd": r"[0-9]{4}/[0-9]{2}/[0-9]{2}",
    "yyyy.MM.dd": r"[0-9]{4}\.[0-9]{2}\.[0-9]{2}",
    "dd/MM/yyyy": r"[0-9]{2}/[0-9]{2}/[0-9]{4}",
    "MM/dd/yyyy": r"[0-9]{2}/[0-9]{2}/[0-9]{4}",
    "dd.MM.yyyy": r"[0-9]{2}\.[0-9]{2}\.[0-9]{4}",
    "dd-MM-yyyy": r"[0-9]{2}-[0-9]{2}-[0-9]{4}",
    "yyyy年MM月dd日": r"[0-9]{4}年[0-9]{2}月[0-9]{2}日",
    "yyyy/M/d": r"[0-9]{4}/[0-9]{1,2}/[0-9]{1,2}",
    "yyyy-M-d": r"[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}",
    "d/M/yyyy": r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}",
    "M/d/yyyy": r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}",
    "yyyy年M月d日": r"[0-9]{4}年[0-9]{1,2}月[0-9]{1,2}日",
}
_CLOCKS = {
    "T?HH:mm:ss": r"[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?",
    " HH:mm:ss": r" [0-9]{2}:[0-9]{2}:[0-9]{2}",
    " HH:mm": r" [0-9]{2}:[0-9]{2}",
    " H:mm:ss": r" [0-9]{1,2}:[0-9]{2}:[0-9]{2}",
    " H:mm": r" [0-9]{1,2}:[0-9]{2}",
    "HHmmss": r"[0-9]{6}",
}
_FIELDS = {"yyyy": "%Y", "MM": "%m", "dd": "%d", "HH": "%H", "mm": "%M", "ss": "%S",
           "M": "%m", "d": "%d", "H": "%H"}  # fmt: skip
_FIELD = re.compile("|".join(_FIELDS))
_CALENDAR_SHARE = 0.8


def _exists(form: str) -> Callable[[str], bool]:
    """Whether a text in a form is a moment of the calendar."""
    written = _FIELD.sub(lambda found: _FIELDS[found[0]], form)

    def exists(text: str) -> bool:
        try:
            datetime.strptime(text, written)
        except ValueError:
            return False
        return True

    return exists


def _date(header: Header, values: Values) -> Guess | None:
    fits = [form for form, pattern in _DATES.items() if _is_date(form, pattern, header, values)]
    if not fits:
        return None
    form = max(fits, key=lambda form: values.matching(_exists(form)))
    other = "MM".join(form.replace("MM", "_").replace("dd", "MM").split("_"))
    twin = {"dd/MM/yyyy": "MM/dd/yyyy", "d/M/yyyy": "M/d/yyyy"}.get(form, other)
    equal = twin in fits and values.matching(_exists(twin)) == values.matching(_exists(form))
    return Guess(
        "date",
        options={} if form == "yyyy-MM-dd" else {"format": form},
        doubts=_doubts(
            f"no value tells {form} from {twin}" if equal and twin != form else "",
            _strays(values, _exists(form), "dates"),
        ),
        seen=_span(values, _exists(form)),
    )


def _is_date(form: str, pattern: str, header: Header, values: Values) -> bool:
    if form == "yyyyMMdd" and is_identifier(header):
        return False
    fits = values.matching(re.compile(pattern)) >= _TYPE_SHARE
    enough = 0.95 if form == "yyyyMMdd" else _CALENDAR_SHARE
    return fits and values.matching(_exists(form)) >= enough


_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
_ISO = _DATES["yyyy-MM-dd"] + _CLOCKS["T?HH:mm:ss"]


def _moment(header: Header, values: Values) -> Guess | None:
    for pattern, options in ((_ISO, {}), (_ISO + _OFFSET, {"timezone": True})):
        if values.matching(re.compile(pattern)) >= _TYPE_SHARE:
            strays = _strays(values, re.compile(pattern), "times in ISO 8601")
            return Guess(
                "timestamp", options=dict(options), doubts=_doubts(strays), seen=_span(values)
            )
    for day, day_pattern in _DATES.items():
        for clock, clock_pattern in _CLOCKS.items():
            form = day + clock
            if (
                "?" in clock
                or values.matching(re.compile(day_pattern + clock_pattern)) < _TYPE_SHARE
            ):
                continue
            if values.matching(_exists(form)) >= _CALENDAR_SHARE:
                strays = _strays(values, _exists(form), "times")
                return Guess("timestamp", options={"format": form}, doubts=_doubts(strays))
    return None


_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")


def _clock(header: Header, values: Values) -> Guess | None:
    if values.matching(_TIME) < _TYPE_SHARE:
        return None
    return Guess("time", doubts=_doubts(_strays(values, _TIME, "times of day")))


def _span(values: Values, judge: Callable[[str], object] = bool) -> str:
    """The first and last of some values that sort as they are written."""
    fitting = [value for value in values.counts if judge(value)]
    return _from_to(min(fitting), max(fitting), values) if fitting else ""


def _from_to(least: str, most: str, values: Values) -> str:
    looked_at = f", in {len(values.counts):,} of {values.distinct:,} values"
    return f"{least} to {most}{looked_at if values.is_partial else ''}"


# Codes and flags

_DIGITS = re.compile(r"[0-9]+")
_LEADING_ZERO = re.compile(r"0[0-9]+")


def is_identifier(header: Header) -> bool:
    """Whether a column's name says that its values name things."""
    words = header.words
    return bool(set(words) & IDENTIFYING) or words[-1] in IDENTIFYING_AT_END or (
        len(words) > 2 and words[-2] in IDENTIFYING_AT_END
    )  # fmt: skip


def _code(header: Header, values: Values) -> Guess | None:
    """A string where the name says identifier, or the digits do: leading zeros, one long length."""
    named = is_identifier(header)
    digits = values.matching(_DIGITS)
    zeros = digits >= _TYPE_SHARE and any(_LEADING_ZERO.fullmatch(value) for value in values.counts)
    lengths = {len(value) for value in values.counts}
    serial = digits == 1 and len(lengths) == 1 and min(lengths) >= 8 and values.distinct > 1
    if not (named or zeros or (serial and not set(header.words) & (TIMED | COUNTED))):
        return None
    if not named and not zeros and _moment_in_seconds(header, values):
        return None
    doubt = (
        "digits with leading zeros: taken for a code"
        if zeros
        else ("digits of one length: taken for an identifier, not a quantity")
    )
    pattern = _pattern(values)
    return Guess(
        options={"pattern": pattern} if pattern else {},
        doubts=_doubts(
            "" if named else doubt,
            _strays(values, re.compile(pattern), "of this form") if pattern else "",
        ),
    )


def _pattern(values: Values) -> str | None:
    """The pattern that the values of a code share; ``None`` where they share none."""
    lengths = {len(value): 0 for value in values.counts}
    for value in values.counts:
        lengths[len(value)] += values.counts[value]
    length = max(lengths, key=lambda n: lengths[n])
    fixed = lengths[length] >= 0.98 * values.seen
    for letters in ("0-9", "0-9A-Z", "0-9a-f"):
        if values.matching(re.compile(f"[{letters}]{{{length}}}")) >= 0.98 and fixed and length > 1:
            return f"[{letters}]{{{length}}}"
    if values.matching(_DIGITS) >= 0.98:
        return "[0-9]+"
    shapes = {re.sub(r"[0-9]+", "0", value) for value in values.counts}
    if len(shapes) > 3 or len(values.counts) < 10 or not all("0" in shape for shape in shapes):
        return None
    return "|".join(sorted(_escaped(shape).replace("0", "[0-9]+") for shape in shapes))


def _escaped(text: str) -> str:
    return re.sub(r"([.^$*+?()\[\]{}|\\])", r"\\\1", text)


_FLAGS = re.compile(r"true|false|yes|no|1|0|是|否", re.IGNORECASE)


def _flag(header: Header, values: Values) -> Guess | None:
    if values.matching(_FLAGS) < _TYPE_SHARE or values.distinct > 4:
        return None
    in_words = any(not value.isdigit() for value in values.counts)
    if not in_words and not {"is", "has", "flag", "valid"} & set(header.words):
        return None
    return Guess("boolean", doubts=_doubts(_strays(values, _FLAGS, "true or false")))


# Numbers

_INTEGER = re.compile(r"-?[0-9]{1,18}")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_GROUPED = re.compile(r"-?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]+)?|-?[0-9]+(\.[0-9]+)?")
_SECONDS = re.compile(r"[0-9]{9,10}(\.[0-9]+)?")
_MILLISECONDS = re.compile(r"[0-9]{12,13}")


def _number(header: Header, values: Values) -> Guess | None:
    if values.matching(_NUMBER) < _TYPE_SHARE:
        grouped = values.matching(_GROUPED) >= _TYPE_SHARE
        doubt = "numbers with thousands separators, which a number does not have: kept as text"
        return Guess(doubts=(doubt,)) if grouped else None
    numbers = [float(value) for value in values.counts if _NUMBER.fullmatch(value)]
    finite = [number for number in numbers if isfinite(number)] or [0.0]
    whole = values.matching(_INTEGER) >= _TYPE_SHARE
    meaning = _meaning(header, finite, whole and values.rows >= _ENOUGH_ROWS)
    form = _INTEGER if whole else _NUMBER
    return Guess(
        logical_type="integer" if whole else "number",
        physical_type=None if whole else _decimal(header, values),
        options=meaning.options,
        unit=header.unit or meaning.unit or _moment_in_seconds(header, values),
        doubts=_doubts(
            meaning.doubt,
            _unit_doubt(header, values),
            _strays(values, form, "whole numbers" if whole else "numbers"),
        ),
        seen=_from_to(f"{min(finite):.10g}", f"{max(finite):.10g}", values),
    )


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
    return f"DECIMAL(18,{max(2, *scales) if scales else 2})"


def _unit_doubt(header: Header, values: Values) -> str:
    if unit := _moment_in_seconds(header, values):
        return f"looks like Unix time in {'milliseconds' if unit == 'ms' else 'seconds'}"
    if set(header.words) & MEASURED and not header.unit:
        return "its unit is not stated (customProperties: unit)"
    return ""


def _moment_in_seconds(header: Header, values: Values) -> str | None:
    """The unit of Unix times: large numbers under a name that tells of time."""
    if not set(header.words) & TIMED:
        return None
    if values.matching(_SECONDS) >= _TYPE_SHARE:
        return "s"
    return "ms" if values.matching(_MILLISECONDS) >= _TYPE_SHARE else None


# Text


LINK = r"https?://.+"
_MAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"


def _text(values: Values, free: bool) -> Guess:
    """Text, with the pattern of a known form or the list of values that come again and again."""
    for pattern in (_MAIL, LINK):
        if values.matching(re.compile(pattern)) >= _TYPE_SHARE:
            strays = _strays(values, re.compile(pattern), "of this form")
            return Guess(options={"pattern": pattern}, doubts=_doubts(strays))
    few = 2 <= values.distinct <= _MOST_ALLOWED_VALUES and values.seen >= 5 * values.distinct
    if free or not few:
        return Guess()
    often = max(2, values.seen // 2000)
    common = sorted(value for value, count in values.counts.items() if count >= often)
    rare = sorted(set(values.counts) - set(common))
    doubt = f"left out of the list, being rare: {quoted(rare)}" if rare else ""
    return Guess(enum=tuple(common), doubts=_doubts("is this list of values complete?", doubt))
