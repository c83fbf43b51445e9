"""Columns of identifiers, codes and flags."""

import re
from collections import Counter

from cityloom.contract.draft.guesses import TYPE_SHARE, Guess, doubts, strays
from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.terms import (
    COUNTED,
    IDENTIFYING,
    IDENTIFYING_AT_END,
    RENUMBERED,
    TIMED,
)
from cityloom.contract.draft.values import Values

_DIGITS = re.compile(r"[0-9]+")
_LEADING_ZERO = re.compile(r"0[0-9]+")


def is_identifier(header: Header) -> bool:
    """Whether a column's name says that its values name things."""
    words = header.words
    return bool(set(words) & IDENTIFYING) or words[-1] in IDENTIFYING_AT_END or (
        len(words) > 2 and words[-2] in IDENTIFYING_AT_END
    )  # fmt: skip


def is_renumbered(header: Header) -> bool:
    """Whether a column's name is that of a number which each export gives anew."""
    return header.source_name.lower() in RENUMBERED


def guess_code(header: Header, values: Values) -> Guess | None:
    """A string where the name says identifier, or the digits do: leading zeros, one long length."""
    named = is_identifier(header)
    digits = values.matching(_DIGITS)
    zeros = digits >= TYPE_SHARE and any(_LEADING_ZERO.fullmatch(value) for value in values.counts)
    lengths = {len(value) for value in values.counts}
    serial = digits == 1 and len(lengths) == 1 and min(lengths) >= 8 and values.distinct > 1
    if not (named or zeros or (serial and not set(header.words) & (TIMED | COUNTED))):
        return None
    doubt = (
        "digits with leading zeros: taken for a code"
        if zeros
        else ("digits of one length: taken for an identifier, not a quantity")
    )
    pattern = _pattern(values)
    return Guess(
        options={"pattern": pattern} if pattern else {},
        doubts=doubts(
            "" if named else doubt,
            strays(values, re.compile(pattern), "of this form") if pattern else "",
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


_LABEL = re.compile(r"([A-Z][a-z]+|[\u4e00-\u9fff]+) [0-9]+")
_FEWEST_LABELS = 10


def guess_label(_: Header, values: Values) -> Guess | None:
    """Text that is one and the same word before a number, as ``Block 1000``."""
    if values.distinct < _FEWEST_LABELS or values.matching(_LABEL) < TYPE_SHARE:
        return None
    words = Counter(value.partition(" ")[0] for value in values.counts if _LABEL.fullmatch(value))
    pattern = f"{words.most_common(1)[0][0]} [0-9]+"
    if values.matching(re.compile(pattern)) < TYPE_SHARE:
        return None
    odd = strays(values, re.compile(pattern), "of this form")
    doubt = "one word before a number: taken for a label, which names no person"
    return Guess(options={"pattern": pattern}, doubts=doubts(doubt, odd))


_FLAGS = re.compile(r"true|false|yes|no|1|0|是|否", re.IGNORECASE)


def guess_flag(header: Header, values: Values) -> Guess | None:
    """A boolean, where the values say yes and no, or the name does and they are 1 and 0."""
    if values.matching(_FLAGS) < TYPE_SHARE or values.distinct > 4:
        return None
    in_words = any(not value.isdigit() for value in values.counts)
    if not in_words and not {"is", "has", "flag", "valid"} & set(header.words):
        return None
    return Guess("boolean", doubts=doubts(strays(values, _FLAGS, "true or false")))
