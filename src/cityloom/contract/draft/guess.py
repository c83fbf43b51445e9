"""The type of a column and its rules, guessed from its name and its values."""

import re

from cityloom.contract.draft.codes import guess_code, guess_flag, guess_label
from cityloom.contract.draft.dates import guess_clock, guess_date, guess_moment
from cityloom.contract.draft.guesses import TYPE_SHARE, Guess, doubts, quoted, strays
from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.numbers import guess_number
from cityloom.contract.draft.shapes import guess_geometry, guess_json
from cityloom.contract.draft.values import Values

_MOST_ALLOWED_VALUES = 20


def guess_column(header: Header, values: Values, free: bool = False) -> Guess:
    """The type and rules of a column; ``free`` is a text whose values are not to be listed."""
    if values.is_empty:
        return Guess(doubts=("every value is empty: its type is not known",))
    for attempt in (
        guess_geometry,
        guess_json,
        guess_date,
        guess_code,
        guess_flag,
        guess_moment,
        guess_clock,
        guess_number,
        guess_label,
    ):
        if guess := attempt(header, values):
            return guess
    return _text(values, free)


LINK = r"https?://.+"
_MAIL = r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"


def _text(values: Values, free: bool) -> Guess:
    """Text, with the pattern of a known form or the list of values that come again and again."""
    for pattern in (_MAIL, LINK):
        if values.matching(re.compile(pattern)) >= TYPE_SHARE:
            odd = strays(values, re.compile(pattern), "of this form")
            return Guess(options={"pattern": pattern}, doubts=doubts(odd))
    few = 2 <= values.distinct <= _MOST_ALLOWED_VALUES and values.seen >= 5 * values.distinct
    if free or not few:
        return Guess()
    often = max(2, values.seen // 2000)
    common = sorted(value for value, count in values.counts.items() if count >= often)
    rare = sorted(set(values.counts) - set(common))
    doubt = f"left out of the list, being rare: {quoted(rare)}" if rare else ""
    return Guess(enum=tuple(common), doubts=doubts("is this list of values complete?", doubt))
