"""Columns of dates, times and moments, and the formats they are written in."""

import re
from collections.abc import Callable
from datetime import datetime

from cityloom.contract.draft.codes import is_identifier
from cityloom.contract.draft.guesses import TYPE_SHARE, Guess, doubts, span, strays
from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.values import Values

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


def guess_date(header: Header, values: Values) -> Guess | None:
    """A date, where most values are in one format and exist in the calendar."""
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
        doubts=doubts(
            f"no value tells {form} from {twin}" if equal and twin != form else "",
            strays(values, _exists(form), "dates"),
        ),
        seen=span(values, _exists(form)),
    )


def _is_date(form: str, pattern: str, header: Header, values: Values) -> bool:
    if form == "yyyyMMdd" and is_identifier(header):
        return False
    fits = values.matching(re.compile(pattern)) >= TYPE_SHARE
    enough = 0.95 if form == "yyyyMMdd" else _CALENDAR_SHARE
    return fits and values.matching(_exists(form)) >= enough


_OFFSET = r"(Z|[+-][0-9]{2}:?[0-9]{2})"
_ISO = _DATES["yyyy-MM-dd"] + _CLOCKS["T?HH:mm:ss"]


def guess_moment(header: Header, values: Values) -> Guess | None:
    """A timestamp, in ISO 8601 or another format."""
    for pattern, options in ((_ISO, {}), (_ISO + _OFFSET, {"timezone": True})):
        if values.matching(re.compile(pattern)) >= TYPE_SHARE:
            odd = strays(values, re.compile(pattern), "times in ISO 8601")
            return Guess("timestamp", options=dict(options), doubts=doubts(odd), seen=span(values))
    for day, day_pattern in _DATES.items():
        for clock, clock_pattern in _CLOCKS.items():
            form = day + clock
            if (
                "?" in clock
                or values.matching(re.compile(day_pattern + clock_pattern)) < TYPE_SHARE
            ):
                continue
            if values.matching(_exists(form)) >= _CALENDAR_SHARE:
                odd = strays(values, _exists(form), "times")
                return Guess("timestamp", options={"format": form}, doubts=doubts(odd))
    return None


_TIME = re.compile(r"([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]")


def guess_clock(header: Header, values: Values) -> Guess | None:
    """A time of day."""
    if values.matching(_TIME) < TYPE_SHARE:
        return None
    return Guess("time", doubts=doubts(strays(values, _TIME, "times of day")))
