"""The written form of each type, and the value that a text in that form stands for.

Everything is an Ibis expression on a text column. A form is a pattern that is checked before
anything is cast, because engines cast '1.5', '0x1F' and '1_000' each in its own way.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, NamedTuple

from cityloom.contract.glance import (
    HOUR,
    Dates,
    Decimals,
    FixedWidth,
    Glance,
    Integers,
    Moments,
    Numbers,
    fixed_width,
)
from cityloom.contract.model import Column, Kind
from cityloom.errors import ContractError

if TYPE_CHECKING:
    import ibis.expr.types as ir

StatedValue = bool | int | float | Decimal | date | datetime | str


class Form(NamedTuple):
    """How a column's values are written.

    ``usual`` is a glance for ways of writing that only texts of the pattern follow, and most do.
    """

    pattern: str | None
    words: str
    value: Callable[[ir.StringValue], ir.Value]
    usual: Glance | None = None


_TRUE = ("true", "yes", "1", "是")
_FALSE = ("false", "no", "0", "否")
_YEAR = r"(?:[0-9]{3}[1-9]|[0-9]{2}[1-9][0-9]|[0-9][1-9][0-9]{2}|[1-9][0-9]{3})"
_ISO_DATE = _YEAR + r"-[0-9]{2}-[0-9]{2}"
_SIXTY = r"[0-5][0-9]"
_ISO_TIME = f"{HOUR}:{_SIXTY}:{_SIXTY}"
_FRACTION = r"(?:\.[0-9]{1,6})?"
_OFFSET = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):?[0-5][0-9]|14:?00))"
_NUMBER = r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"
_DATE_WRITTEN = "yyyy-MM-dd"
_TIMES_WRITTEN = (f"{_DATE_WRITTEN}THH:mm:ss", f"{_DATE_WRITTEN} HH:mm:ss")
_FIELDS = {
    "yyyy": _YEAR, "MM": "[0-9]{2}", "dd": "[0-9]{2}", "HH": HOUR, "mm": _SIXTY, "ss": _SIXTY,
    "M": "[0-9]{1,2}", "d": "[0-9]{1,2}", "H": "(?:[01]?[0-9]|2[0-3])",
}  # fmt: skip
_USUAL_FIELDS = {
    "y": (b"1000", b"9999"), "M": (b"00", b"99"), "d": (b"00", b"99"), "H": (b"00", b"29"),
    "m": (b"00", b"59"), "s": (b"00", b"59"),
}  # fmt: skip
"""The least and the most that each byte of a field may be, all its digits written out."""

_TOKEN = re.compile("|".join(_FIELDS) + "|.", re.DOTALL)
_NO_LITERAL = re.compile("[A-SU-Za-z'\"]")
_FIRST_INSTANT = "0001-01-01 00:00:00+00:00"
_LAST_INSTANT = "9999-12-31 23:59:59.999999+00:00"


def form_of(column: Column) -> Form:
    """The written form of a column.

    Raises:
        ContractError: the column's date format is not understood.
    """
    if column.kind is Kind.NUMBER and column.decimal:
        return _decimal(*column.decimal)
    if column.kind is Kind.DATE and column.format is not None:
        return _formatted(column.format, "date")
    if column.kind is Kind.TIMESTAMP and column.format is not None:
        return _formatted(column.format, "timestamp")
    if column.kind is Kind.TIMESTAMP:
        return _instant() if column.timezone else _local_time()
    return _FORMS[column.kind]


def stated_value(column: Column, text: str) -> StatedValue:
    """The value that a contract states for a column, in the type's own form or ISO 8601.

    Raises:
        ValueError: the text is not in that form; the message says what was expected.
    """
    form = form_of(replace(column, format=None))
    if form.pattern and not re.fullmatch(form.pattern, text):
        raise ValueError(f"not {form.words}")
    try:
        return _read(column, text)
    except (ValueError, OverflowError):
        raise ValueError(f"not {form.words}") from None


def stated_bound(column: Column, edge: str | float) -> StatedValue:
    """The bound that a contract states; exact, and perhaps finer than a column of whole numbers.

    Raises:
        ValueError: the bound is not in the form of the column's values.
    """
    text = str(edge)
    if column.kind is Kind.NUMBER and not column.decimal:
        return stated_value(column, text)
    if column.kind in (Kind.INTEGER, Kind.NUMBER):
        if not re.fullmatch(_NUMBER, text) or not isfinite(float(text)):
            raise ValueError("not a number")
        return Decimal(text)
    if column.kind is Kind.STRING and not isinstance(edge, str):
        raise ValueError("not text; put it in quotes")
    return stated_value(column, text)


def _read(column: Column, text: str) -> StatedValue:
    match column.kind:
        case Kind.INTEGER:
            if not -(2**63) <= int(text) < 2**63:
                raise OverflowError
            return int(text)
        case Kind.NUMBER:
            return Decimal(text) if column.decimal else _finite(float(text))
        case Kind.BOOLEAN:
            return text.lower() in _TRUE
        case Kind.DATE:
            return date.fromisoformat(text)
        case Kind.TIMESTAMP:
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if column.timezone else moment
    return text


def _finite(value: float) -> float:
    if not isfinite(value):
        raise OverflowError
    return value


def _decimal(precision: int, scale: int) -> Form:
    whole = precision - scale
    pattern = rf"-?0*[0-9]{{1,{max(whole, 1)}}}" + (rf"(\.[0-9]{{1,{scale}}}0*)?" if scale else "")
    words = f"a number of at most {whole} digits before and {scale} after the point"
    usual = Decimals(precision, scale) if whole else None
    return Form(pattern, words, lambda text: text.try_cast(f"decimal({precision}, {scale})"), usual)


def _local_time() -> Form:
    return Form(
        rf"{_ISO_DATE}[T ]{_ISO_TIME}{_FRACTION}",
        "a time; expected YYYY-MM-DDTHH:MM:SS",
        lambda text: text.try_cast("timestamp(6)"),
        _usual_times(*_TIMES_WRITTEN),
    )


def _instant() -> Form:
    return Form(
        rf"{_ISO_DATE}[T ]{_ISO_TIME}{_FRACTION}{_OFFSET}",
        "a time with its offset from UTC; expected YYYY-MM-DDTHH:MM:SS+HH:MM",
        _instant_value,
        _usual_times(*(f"{written}Z" for written in _TIMES_WRITTEN), timezone="UTC"),
    )


def _instant_value(text: ir.StringValue) -> ir.Value:
    """The instant, null where its year in UTC is before 1 or after 9999."""
    import ibis

    value = text.try_cast("timestamp('UTC', 6)")
    first, last = (ibis.literal(t).cast(value.type()) for t in (_FIRST_INSTANT, _LAST_INSTANT))
    return ibis.ifelse(value.between(first, last), value, ibis.null(value.type()))


def _formatted(written: str, kind: str) -> Form:
    tokens = _TOKEN.findall(written)
    fields = [token for token in tokens if token in _FIELDS]
    needed = {"y", "M", "d"} | ({"H", "m"} if kind == "timestamp" else set())
    letters = {field[0] for field in fields}
    unknown = [token for token in tokens if token not in _FIELDS and _NO_LITERAL.match(token)]
    if not letters >= needed or len(letters) != len(fields) or unknown:
        raise ContractError(
            f"format '{written}' is not a {kind} format; "
            "expected one such as yyyyMMdd, dd/MM/yyyy or yyyy/M/d HH:mm:ss"
        )
    pattern = "".join(_token_pattern(token) for token in tokens)
    groups = {field[0]: number for number, field in enumerate(fields, start=1)}

    def value(text: ir.StringValue) -> ir.Value:
        part = {
            letter: text.re_extract(f"^{pattern}$", group).lpad(4 if letter == "y" else 2, "0")
            for letter, group in groups.items()
        }
        day = part["y"] + "-" + part["M"] + "-" + part["d"]
        if kind == "date":
            return day.try_cast("date")
        moment = day + " " + part["H"] + ":" + part["m"] + ":" + part.get("s", "00")
        return moment.try_cast("timestamp(6)")

    usual = _usual_dates(written) if kind == "date" else _usual_times(written)
    return Form(pattern, f"a {kind}; expected {written}", value, usual)


def _token_pattern(token: str) -> str:
    return f"({_FIELDS[token]})" if token in _FIELDS else re.escape(token)


def _usual_dates(written: str) -> Glance | None:
    """A glance for dates with all their digits written out, after the year 999."""
    layout = _layout(written, "yMd")
    return Dates(*layout) if layout else None


def _usual_times(*written: str, timezone: str | None = None) -> Glance | None:
    """A glance for times with all their digits written out, after the year 999."""
    layouts = [layout for form in written if (layout := _layout(form, "yMdHms"))]
    return Moments(tuple(layouts), timezone) if layouts else None


def _layout(written: str, letters: str) -> tuple[FixedWidth, tuple[int, ...]] | None:
    """The width of a written form and the places of its fields, if it has but ASCII in it."""
    lowest, highest, places = b"", b"", {}
    for token in _TOKEN.findall(written):
        if token in _FIELDS:
            places[token[0]] = len(lowest)
        elif not token.isascii():
            return None
        least, most = _USUAL_FIELDS[token[0]] if token in _FIELDS else (token.encode(),) * 2
        lowest, highest = lowest + least, highest + most
    return FixedWidth(lowest, highest), tuple(places.get(letter, -1) for letter in letters)


def _in_any_case(word: str) -> str:
    """A pattern for a word in ASCII capitals or not: '(?i:s)' would match the long 'ſ' as well."""
    return "".join(f"[{c}{c.upper()}]" if c.isascii() and c.isalpha() else c for c in word)


def _finite_value(text: ir.StringValue) -> ir.Value:
    import ibis

    value = text.try_cast("float64")
    return ibis.ifelse(value.isinf(), ibis.null("float64"), value)


def _json_value(text: ir.StringValue) -> ir.Value:
    """The text, null where it is not JSON as RFC 8259 has it.

    DuckDB lets commas at the end, NaN and Infinity pass; outside of strings nothing else in JSON
    looks like them.
    """
    import ibis

    bare = text.re_replace(r'"(?:[^"\\]|\\.)*"', '""')
    loose = bare.re_search(r",\s*[\]}]|[iI]|[nN][aA]")
    return ibis.ifelse(_json_valid()(text) & ~loose, text, ibis.null("string"))


@cache
def _json_valid() -> Callable[[ir.StringValue], ir.BooleanValue]:
    import ibis

    def json_valid(text):  # type: ignore[no-untyped-def]
        """DuckDB's own judgement."""

    signature = ((ibis.dtype("string"),), ibis.dtype("boolean"))
    made: Callable[[ir.StringValue], ir.BooleanValue] = ibis.udf.scalar.builtin(
        json_valid, signature=signature
    )
    return made


_FORMS = {
    Kind.STRING: Form(None, "text", lambda text: text),
    Kind.INTEGER: Form(
        r"-?[0-9]+", "a whole number within 64 bits", lambda text: text.try_cast("int64"),
        Integers(),
    ),
    Kind.NUMBER: Form(
        _NUMBER, "a number; expected digits with '.' as the decimal mark", _finite_value,
        Numbers(),
    ),
    Kind.BOOLEAN: Form(
        f"(?:{'|'.join(map(_in_any_case, _TRUE + _FALSE))})",
        f"true or false; expected one of {', '.join(_TRUE + _FALSE)}",
        lambda text: text.lower().isin(_TRUE),
    ),
    Kind.DATE: Form(
        _ISO_DATE, "a date; expected YYYY-MM-DD", lambda text: text.try_cast("date"),
        _usual_dates(_DATE_WRITTEN),
    ),
    Kind.TIME: Form(
        r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]", "a time of day; expected HH:MM:SS",
        lambda text: text, fixed_width(_ISO_TIME),
    ),
    Kind.JSON: Form(
        r'\s*[\[{"tfn0-9-](?s:.*)', 'JSON: expected text such as {"a": 1} or [1, 2]', _json_value
    ),
}  # fmt: skip
