"""What a guess at a column says, and the words for what is doubtful in it."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from cityloom.contract.draft.values import Values

TYPE_SHARE = 0.9
"""The share of values that must be in a form for the column to be taken for that type."""


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


def strays(values: Values, judge: re.Pattern[str] | Callable[[str], object], what: str) -> str:
    """A doubt that some values are not what the others are; empty where all are."""
    if not (others := values.others(judge)):
        return ""
    count = values.weight(others)
    return f"{count:,} of {values.seen:,} values are not {what}, such as {quoted(others[:3])}"


def quoted(values: list[str]) -> str:
    """Values in quotes, each shortened to what a line of a comment can carry."""
    return ", ".join(repr(value if len(value) <= 40 else f"{value[:39]}…") for value in values)


def doubts(*texts: str) -> tuple[str, ...]:
    """The texts that say something."""
    return tuple(text for text in texts if text)


def span(values: Values, judge: Callable[[str], object] = bool) -> str:
    """The first and last of some values that sort as they are written."""
    fitting = [value for value in values.counts if judge(value)]
    return from_to(min(fitting), max(fitting), values) if fitting else ""


def from_to(least: str, most: str, values: Values) -> str:
    """Least and most in words, with how many values they were found among if not all."""
    looked_at = f", in {len(values.counts):,} of {values.distinct:,} values"
    return f"{least} to {most}{looked_at if values.is_partial else ''}"
