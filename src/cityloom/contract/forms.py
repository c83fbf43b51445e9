"""The written form of each type, and the value that a text in that form stands for.

Everything is an Ibis expression on a text column. A form is a pattern that is checked before
anything is cast, because engines cast '1.5', '0x1F' and '1_000' each in its own way.
"""

import re
from collections.abc import Callable
from typing import NamedTuple

import ibis
import ibis.expr.datatypes as dt
import ibis.expr.types as ir

from cityloom.contract.model import Column, Kind
from cityloom.errors import ContractError


class Form(NamedTuple):
    """How a column's values are written."""

    pattern: str | None
    words: str
    value: Callable[[ir.StringValue], ir.Value]


_TRUE = ("true", "yes", "1", "是")
_FALSE = ("false", "no", "0", "否")
_ISO_DATE = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"
_ISO_TIME = r"[0-9]{2}:[0-9]{2}:[0-9]{2}"
_FRACTION = r"(\.[0-9]{1,6})?"
_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
_FIELDS = {"yyyy": 4, "MM": 2, "dd": 2, "HH": 2, "mm": 2, "ss": 2, "M": 1, "d": 1, "H": 1}
_TOKEN = re.compile("|".join(_FIELDS) + "|.", re.DOTALL)


def form_of(column: Column) -> Form:
    """The written form of a column.

    Raises:
        ContractError: the column's date format is not understood.
    """
    if column.kind is Kind.NUMBER and column.decimal:
        return _decimal(*column.decimal)
    if column.kind is Kind.DATE and column.format:
        return _formatted(column, "date")
    if column.kind is Kind.TIMESTAMP and column.format:
        return _formatted(column, "timestamp")
    if column.kind is Kind.TIMESTAMP:
        return _instant() if column.timezone else _local_time()
    return _FORMS[column.kind]


def _decimal(precision: int, scale: int) -> Form:
    whole = precision - scale
    pattern = rf"-?0*[0-9]{{1,{max(whole, 1)}}}" + (rf"(\.[0-9]{{1,{scale}}}0*)?" if scale else "")
    target = dt.Decimal(precision, scale)
    words = f"a number of at most {whole} digits before and {scale} after the point"
    return Form(pattern, words, lambda text: text.try_cast(target))


def _local_time() -> Form:
    return Form(
        rf"{_ISO_DATE}[T ]{_ISO_TIME}{_FRACTION}",
        "a time; expected YYYY-MM-DDTHH:MM:SS",
        lambda text: text.try_cast(dt.Timestamp(scale=6)),
    )


def _instant() -> Form:
    return Form(
        rf"{_ISO_DATE}[T ]{_ISO_TIME}{_FRACTION}{_OFFSET}",
        "a time with its offset from UTC; expected YYYY-MM-DDTHH:MM:SS+HH:MM",
        lambda text: text.try_cast(dt.Timestamp(timezone="UTC", scale=6)),
    )


def _formatted(column: Column, kind: str) -> Form:
    tokens = _TOKEN.findall(column.format or "")
    fields = [token for token in tokens if token in _FIELDS]
    needed = {"y", "M", "d"} | ({"H", "m"} if kind == "timestamp" else set())
    if {field[0] for field in fields} < needed or len({f[0] for f in fields}) != len(fields):
        raise ContractError(
            f"column '{column.name}': format '{column.format}' is not a {kind} format; "
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
            return day.try_cast(dt.date)
        seconds = part.get("s", ibis.literal("00"))
        moment = day + " " + part["H"] + ":" + part["m"] + ":" + seconds
        return moment.try_cast(dt.Timestamp(scale=6))

    return Form(pattern, f"a {kind}; expected {column.format}", value)


def _token_pattern(token: str) -> str:
    if token not in _FIELDS:
        return re.escape(token)
    width = _FIELDS[token]
    return f"([0-9]{{{width}}})" if width > 1 else "([0-9]{1,2})"


_FORMS = {
    Kind.STRING: Form(None, "text", lambda text: text),
    Kind.INTEGER: Form(
        r"-?[0-9]+", "a whole number within 64 bits", lambda text: text.try_cast(dt.int64)
    ),
    Kind.NUMBER: Form(
        r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?",
        "a number; expected digits with '.' as the decimal mark",
        lambda text: text.try_cast(dt.float64),
    ),
    Kind.BOOLEAN: Form(
        rf"(?i:{'|'.join(_TRUE + _FALSE)})",
        f"true or false; expected one of {', '.join(_TRUE + _FALSE)}",
        lambda text: text.lower().isin(_TRUE),
    ),
    Kind.DATE: Form(
        _ISO_DATE, "a date; expected YYYY-MM-DD", lambda text: text.try_cast(dt.date)
    ),
    Kind.TIME: Form(
        r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]", "a time of day; expected HH:MM:SS",
        lambda text: text,
    ),
    Kind.JSON: Form(None, "JSON", lambda text: text),
}  # fmt: skip
