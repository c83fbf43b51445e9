"""Regular expressions that mean the same to every engine.

Contracts are written in RE2's syntax, DuckDB's own. To Spark, which has Java's, and Sail, which has
Rust's, some of it says something else: ``$`` lets a last line end pass, ``.`` leaves out other line
ends than the newline, ``\\d`` and its like know digits of all scripts, a ``[`` or ``&&`` in a set
has a meaning.
"""

import re

_TOKEN = re.compile(
    r"\\Q.*?(?:\\E|$)|\\[pP]\{[^}]*\}|\\.|(?P<set>\[\^?\]?(?:\[:\^?[a-z]+:\]|\\.|[^\]\\])*\])|.",
    re.DOTALL,
)
_IN_SET = re.compile(r"\[:(?P<name>\^?[a-z]+):\]|\\.|[\[&~]|.", re.DOTALL)
_OWN_LINES = re.compile(r"\(\?[a-zA-Z]*[sm]")
"""A flag that gives ``.`` or ``$`` another meaning, which is then left to it."""

_RANGES = {"d": "0-9", "w": "0-9A-Za-z_", "s": r"\t\n\f\r "}
_NAMED = {
    "alnum": "0-9A-Za-z", "alpha": "A-Za-z", "ascii": r"\x00-\x7F", "blank": r"\t ",
    "cntrl": r"\x00-\x1F\x7F", "digit": "0-9", "graph": "!-~", "lower": "a-z", "print": " -~",
    "punct": r"!-/:-@\[-`{-~", "space": r"\t\n\x0B\f\r ", "upper": "A-Z", "word": "0-9A-Za-z_",
    "xdigit": "0-9A-Fa-f",
}  # fmt: skip


def portable(pattern: str) -> str:
    """A pattern of RE2's syntax in words that all engines understand alike.

    Left as they are, and not alike everywhere: ``\\b``, case-insensitive letters beyond ASCII, and
    in a set ``\\D``, ``\\W``, ``\\S`` and ``[:^alpha:]``.
    """
    lines = {} if _OWN_LINES.search(pattern) else {".": r"[^\n]", "$": r"\z"}
    return "".join(_said(token, lines) for token in _TOKEN.finditer(pattern))


def whole(pattern: str) -> str:
    """A pattern for texts that a pattern matches from end to end."""
    return rf"^(?:{portable(pattern)})\z"


def _said(token: re.Match[str], lines: dict[str, str]) -> str:
    text = token[0]
    if text.startswith(r"\Q"):
        return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text[2:].removesuffix(r"\E"))
    if token["set"]:
        return "[" + _IN_SET.sub(_said_in_set, text[1:-1]) + "]"
    if text.startswith("\\") and (ranges := _RANGES.get(text[1:].lower())):
        return f"[{'^' if text[1:].isupper() else ''}{ranges}]"
    return lines.get(text, text)


def _said_in_set(token: re.Match[str]) -> str:
    text = token[0]
    if token["name"]:
        return _NAMED.get(token["name"], text)
    if text in "[&~":
        return f"\\{text}"
    return _RANGES.get(text[1:], text) if text.startswith("\\") else text
