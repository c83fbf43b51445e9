"""What the kernel says in English (reasons, notes, refusals, findings), in the reader's language.

The kernel's log, ledger and quarantine speak English, whoever reads them. Here their sentences are
known by their shape and said again; what is not known is shown as it stands.
"""

import re
from collections.abc import Sequence

from cityloom.contract import Contract
from cityloom.web.languages import Language


def N_(message: str) -> str:  # noqa: N802
    """Mark a message for translation."""
    return message


_Saying = tuple[re.Pattern[str], str]


def _sayings(*pairs: tuple[str, str]) -> tuple[_Saying, ...]:
    return tuple((re.compile(f"(?:{shape})", re.DOTALL), message) for shape, message in pairs)


_REASONS = _sayings(
    (r"missing", N_("missing")),
    (r"not one of (?P<values>.+)", N_("not one of %(values)s")),
    (r"does not match (?P<pattern>.+)", N_("does not match %(pattern)s")),
    (r"shorter than (?P<n>\d+) characters", N_("shorter than %(n)s characters")),
    (r"longer than (?P<n>\d+) characters", N_("longer than %(n)s characters")),
    (r"not more than (?P<edge>.+)", N_("not more than %(edge)s")),
    (r"not less than (?P<edge>.+)", N_("not less than %(edge)s")),
    (r"less than (?P<edge>.+)", N_("less than %(edge)s")),
    (r"more than (?P<edge>.+)", N_("more than %(edge)s")),
    (r"not a (date|timestamp); expected (?P<form>.+)", N_("not a date; expected %(form)s")),
    (r"not a time(?: of day)?; expected (?P<form>.+)", N_("not a time; expected %(form)s")),
    (
        r"not a time with its offset from UTC; expected (?P<form>.+)",
        N_("not a time with its offset from UTC; expected %(form)s"),
    ),
    (r"not a whole number within 64 bits", N_("not a whole number")),
    (r"not a number; expected .+", N_("not a number")),
    (
        r"not a number of at most (?P<whole>\d+) digits before and (?P<scale>\d+) after the point",
        N_("not a number of at most %(whole)s digits before and %(scale)s after the point"),
    ),
    (r"not true or false; expected one of (?P<values>.+)", N_("not one of %(values)s")),
    (r"not \(yet\) in (?P<target>.+)", N_("not (yet) in %(target)s")),
    (
        r"comes more than once in this delivery with different values",
        N_("comes more than once in this delivery with different values"),
    ),
    (
        r"held already by a row of another delivery with different values",
        N_("held already by a row of another delivery with different values"),
    ),
    (r"not a geometry; expected .+", N_("not a geometry")),
    (
        r"not a valid geometry \(OGC Simple Features\): its edges cross or repeat",
        N_("not a valid geometry: its edges cross or repeat"),
    ),
    (r"outside the bounds (?P<edges>.+)", N_("outside the bounds %(edges)s")),
    (r"not a (?P<kind>[A-Z]+)", N_("not a %(kind)s")),
    (
        r"(?P<found>\d+) fields where the header names (?P<named>\d+)",
        N_("%(found)s fields where the header names %(named)s"),
    ),
    (r"not a JSON object", N_("not a JSON object")),
    (r"not a GeoJSON Feature", N_("not a GeoJSON Feature")),
    (r"not JSON: (?P<why>.+)", N_("not JSON: %(why)s")),
)

_NOTES = _sayings(
    (
        r"column '(?P<column>.+)' is missing; '(?P<likely>.+)' may be its new name",
        N_("column ‘%(column)s’ is missing; ‘%(likely)s’ may be its new name"),
    ),
    (r"column '(?P<column>.+)' is missing", N_("column ‘%(column)s’ is missing")),
    (
        r"column '(?P<column>.+)' is not in the contract and was not stored",
        N_("column ‘%(column)s’ is not in the contract and was not stored"),
    ),
    (
        r"(?P<n>\d+) undeclared columns? (?:was|were) not stored",
        N_("columns that are not in the contract and were not stored: %(n)s"),
    ),
)

_ERRORS = _sayings(
    (
        r"required column '(?P<column>[^']+)' is missing; '(?P<likely>[^']+)' may be its new name; "
        r"the file has (?P<values>.+?)\. Nothing was kept.+",
        N_(
            "required column ‘%(column)s’ is missing; ‘%(likely)s’ may be its new name; "
            "the file has %(values)s; nothing of it was kept"
        ),
    ),
    (
        r"required column '(?P<column>[^']+)' is missing; the file has (?P<values>.+?)\. "
        r"Nothing was kept.+",
        N_(
            "required column ‘%(column)s’ is missing; the file has %(values)s; "
            "nothing of it was kept"
        ),
    ),
)

_DECISIONS = _sayings(
    (
        r"personal data is not shown where nobody has signed in",
        N_("personal data is not shown where nobody has signed in"),
    ),
    (
        r"sensitive data is not shown where nobody has signed in",
        N_("sensitive data is not shown where nobody has signed in"),
    ),
)

_FINDINGS = _sayings(
    (
        r"(?P<dataset>\w+): nothing has come for (?P<n>\d+) days; "
        r"expected every (?P<often>\d+) days",
        N_("%(dataset)s: nothing has come for %(n)s days; expected every %(often)s days"),
    ),
    (
        r"(?P<dataset>\w+): (?P<source>.+) could not be received: (?P<why>.+)",
        N_("%(dataset)s: %(source)s could not be received: %(why)s"),
    ),
    (
        r"(?P<column>[\w.]+) refers to (?P<target>[\w.]+), which this city lacks",
        N_("%(column)s refers to %(target)s, which this city lacks"),
    ),
    (
        r"add a contract for '(?P<dataset>\w+)'; until then its rows wait in quarantine",
        N_("add a contract for ‘%(dataset)s’; until then its rows wait in quarantine"),
    ),
    (r"(?P<entry>inbox/.+) belongs to no dataset", N_("%(entry)s belongs to no dataset")),
    (
        r"put a contract named (?P<file>\S+) into contracts/ .+",
        N_("put a contract named %(file)s into contracts/, or rename it"),
    ),
    (
        r"scratch/ holds what an interrupted run left: (?P<files>.+)",
        N_("scratch/ holds what an interrupted run left: %(files)s"),
    ),
    (r"the next weave clears it", N_("the next weave clears it")),
    (r"ask its owner, (?P<owner>.+)", N_("ask its owner, %(owner)s")),
    (r"find out who owns it", N_("find out who owns it")),
    (
        r"mend the file or the contract and weave again",
        N_("mend the file or the contract and weave again"),
    ),
)


def reason_words(message: str, contract: Contract, language: Language) -> str:
    """Why rows were refused; in Chinese with the columns' titles."""
    if not language.is_chinese:
        return message
    columns, colon, words = message.partition(": ")
    titles = _titles(columns, contract)
    if colon and titles:
        return f"{language.listed(titles)}：{_said(words, _REASONS, language)}"
    rules = {rule.name for rule in contract.rules}
    if colon and columns in rules:
        return f"{columns}：{words}"
    return _said(message, _REASONS, language)


def note_words(message: str, language: Language) -> str:
    """What a run noted of a delivery's columns."""
    return _said(message, _NOTES, language)


def decision_words(message: str, language: Language) -> str:
    """Why a read was refused."""
    return _said(message, _DECISIONS, language)


def error_words(message: str, language: Language) -> str:
    """Why a run failed."""
    return _said(message, _ERRORS, language)


def finding_words(message: str, language: Language) -> str:
    """What is wrong with a city, or its mend."""
    start, colon, error = message.partition(" could not be received: ")
    return _said(start + colon + error_words(error, language), _FINDINGS, language)


def _said(message: str, sayings: Sequence[_Saying], language: Language) -> str:
    for shape, saying in sayings:
        if found := shape.fullmatch(message):
            values = found.groupdict()
            if language.is_chinese and "values" in values:
                values["values"] = values["values"].replace(", ", "、")
            return language.gettext(saying, **values)
    return message


def _titles(columns: str, contract: Contract) -> list[str]:
    known = {column.name: column.title or column.name for column in contract.columns}
    names = columns.split(", ")
    return [known[name] for name in names] if all(name in known for name in names) else []
