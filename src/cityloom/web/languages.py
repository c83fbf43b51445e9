"""The languages of the pages: words, numbers and dates as their readers write them."""

import gettext
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from functools import cache
from io import BytesIO
from math import floor, log10
from pathlib import Path
from typing import Literal

from babel import Locale, dates, numbers
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from starlette.requests import Request

LANGUAGES = {"en": "English", "zh": "中文"}
"""The languages there are, each by its own name."""

COOKIE = "language"

_LOCALES = Path(__file__).parent / "locales"
_THIN = "\u2009"
_HAN = "\u2e80-\u2fdf\u3400-\u9fff\uf900-\ufaff"
_SEAM = re.compile(rf"(?<=[{_HAN}])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%])(?=[{_HAN}])")


class Language:
    """One language: its words, and how it writes numbers and dates."""

    def __init__(self, code: str, words: gettext.NullTranslations) -> None:
        """Use :func:`language`."""
        self.code = code
        self.name = LANGUAGES[code]
        self.locale = Locale.parse("en_GB" if code == "en" else code)
        self._words = words

    @property
    def is_chinese(self) -> bool:
        """Whether this is Chinese, whose readers look for a dataset's title before its name."""
        return self.code == "zh"

    def gettext(self, message: str, **values: object) -> str:
        """A message with its values; whole numbers among them are written as the language does."""
        return self._filled(self._words.gettext(message), values)

    def ngettext(self, one: str, many: str, n: int, **values: object) -> str:
        """A message that depends on a count, which it may name as ``%(n)s``."""
        return self._filled(self._words.ngettext(one, many, n), {"n": n, **values})

    def number(self, value: float, digits: int = 0) -> str:
        """A number with separators, rounded to some digits."""
        rounded = round(value, digits)
        return numbers.format_decimal(rounded, locale=self.locale, decimal_quantization=False)

    def rounded(self, value: float, figures: int = 3) -> str:
        """A number rounded to some significant figures."""
        digits = figures - 1 - floor(log10(abs(value))) if value else 0
        return self.number(round(value, digits), max(digits, 0))

    def percent(self, share: float) -> str:
        """A share, with as many digits as it takes to tell it from nothing."""
        pattern = "0%" if share == 0 or share >= 0.1 else "0.0%" if share >= 0.001 else "0.00%"
        return numbers.format_percent(share, format=pattern, locale=self.locale)

    def day(self, moment: date) -> str:
        """A day, in words."""
        return dates.format_date(moment, "long", locale=self.locale)

    def moment(self, moment: datetime) -> str:
        """A moment to the minute, in the server's time zone."""
        pattern = "y年M月d日 HH:mm" if self.is_chinese else "d MMM y, HH:mm"
        return dates.format_datetime(moment.astimezone(), pattern, locale=self.locale)

    def ago(self, moment: datetime) -> str:
        """How long ago a moment was."""
        since = moment - datetime.now(UTC)
        words = dates.format_timedelta(since, add_direction=True, locale=self.locale)
        return spaced(words)

    def seconds(self, value: float) -> str:
        """A duration that a person waited."""
        if value < 120:
            return self.gettext("%(n)s s", n=self.number(value, 1 if value < 10 else 0))
        return self.gettext("%(n)s min", n=self.number(value / 60, 1 if value < 600 else 0))

    def period(self, span: timedelta) -> str:
        """A span that somebody agreed on: 10 years, 3 months, 1 day."""
        unit = next((unit for unit, size in _UNITS if not span % size), _SMALLEST_UNIT)
        return spaced(dates.format_timedelta(span, unit, threshold=10**6, locale=self.locale))

    def listed(self, words: Iterable[str]) -> str:
        """Words in a row, with the language's comma."""
        return ("、" if self.is_chinese else ", ").join(words)

    def _filled(self, message: str, values: dict[str, object]) -> str:
        written = {
            name: self.number(value) if isinstance(value, int) else value
            for name, value in values.items()
        }
        return spaced(message % written if written else message)


_Unit = Literal["year", "month", "week", "day", "hour"]

_UNITS: tuple[tuple[_Unit, timedelta], ...] = (
    ("year", timedelta(days=365.25)),
    ("month", timedelta(days=30.4375)),
    ("week", timedelta(days=7)),
    ("day", timedelta(days=1)),
)
"""Spans as contracts count them, longest first."""

_SMALLEST_UNIT: _Unit = "hour"


def spaced(text: str) -> str:
    """A text with a thin space wherever Han meets Latin."""
    return _SEAM.sub(_THIN, text)


def has_han(text: str) -> bool:
    """Whether a text is Chinese, in part at least."""
    return re.search(f"[{_HAN}]", text) is not None


@cache
def language(code: str) -> Language:
    """A language by its code; English where there is none of that code."""
    code = code if code in LANGUAGES else "en"
    path = _LOCALES / code / "LC_MESSAGES" / "cityloom.po"
    compiled = BytesIO()
    with open(path, "rb") as file:
        write_mo(compiled, read_po(file, locale=code))
    compiled.seek(0)
    return Language(code, gettext.GNUTranslations(compiled))


def language_of(request: Request) -> Language:
    """The language that a request asks for: by its URL, its cookie, or its browser's wish."""
    for wish in (request.query_params.get("lang"), request.cookies.get(COOKIE)):
        if wish in LANGUAGES:
            return language(wish)
    return language(_wished(request.headers.get("accept-language", "")))


def _wished(header: str) -> str:
    wishes = []
    for place, part in enumerate(header.split(",")):
        name, _, quality = part.strip().partition(";q=")
        try:
            wishes.append((-float(quality or 1), place, name.lower().partition("-")[0]))
        except ValueError:
            continue
    return next((name for _, _, name in sorted(wishes) if name in LANGUAGES), "en")
