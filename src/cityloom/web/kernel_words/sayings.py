"""Sentences of the kernel, each known by its shape and with the message that says it again."""

import re
from typing import NamedTuple


class Saying(NamedTuple):
    """A sentence's shape, whose groups are its values, and the message for those values."""

    shape: re.Pattern[str]
    message: str


_SPAN = r"[\d,]+ (?:day|hour)s?"
_VALUES = {
    "dataset": r"[\w, ]+",
    "kind": "[A-Z]+",
    "line": r"\d+",
    "n": r"\d+",
    "often": _SPAN,
    "span": _SPAN,
}
"""What the values of some names look like; one of another name may be anything."""

_PLACE = re.compile(r"%\((\w+)\)s")
_PLAIN_QUOTES = str.maketrans("‘’", "''")


def N_(message: str) -> str:  # noqa: N802
    """Mark a message for translation."""
    return message


def sayings(*known: str | tuple[str, str]) -> tuple[Saying, ...]:
    """Sayings: messages that are as the kernel says them, others after the shape they are for."""
    pairs = (item if isinstance(item, tuple) else (_shape(item), item) for item in known)
    return tuple(Saying(re.compile(shape, re.DOTALL), message) for shape, message in pairs)


def _shape(message: str) -> str:
    """The pattern of a sentence that differs from its message in the quotes alone."""
    shape = ""
    for place, part in enumerate(_PLACE.split(message.translate(_PLAIN_QUOTES))):
        if place % 2 == 0:
            shape += re.escape(part)
        elif f"(?P<{part}>" in shape:
            shape += f"(?P={part})"
        else:
            shape += f"(?P<{part}>{_VALUES.get(part, '.+?')})"
    return shape
