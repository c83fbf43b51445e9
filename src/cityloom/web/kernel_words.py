"""What the kernel says in English (reasons, notes, refusals, findings), in the reader's language.

The kernel's log, ledger and quarantine speak English, whoever reads them. Here their sentences are
known by their shape and said again; what is not known is shown as it stands.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

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

_CONTRACTS = _sayings(
    (
        r"not YAML at line (?P<line>\d+): (?P<said>.+); look at the indentation, colons and quotes "
        r"there",
        N_("not YAML at line %(line)s: %(said)s; look at the indentation, colons and quotes there"),
    ),
    (r"field (?P<field>.+?): is missing", N_("field %(field)s is missing")),
    (
        r"field (?P<field>.+?): is not known; take it out",
        N_("field %(field)s is not known; take it out"),
    ),
    (
        r"field (?P<field>.+?): expected (?P<wanted>.+?), not (?P<found>.+); put it in quotes",
        N_("field %(field)s: expected %(wanted)s, not %(found)s; put it in quotes"),
    ),
    (
        r"field (?P<field>.+?): expected (?P<wanted>.+?), not (?P<found>.+)",
        N_("field %(field)s: expected %(wanted)s, not %(found)s"),
    ),
    (
        r"dataset '(?P<dataset>\w+)' already has a contract, (?P<file>.+?\.yaml); remove one of "
        r"them or rename the dataset",
        N_("dataset ‘%(dataset)s’ already has a contract, %(file)s; remove one of them"),
    ),
    (
        r"a dataset function makes '(?P<dataset>\w+)'; give the delivered dataset another name",
        N_("a dataset function makes ‘%(dataset)s’; give the delivered dataset another name"),
    ),
)

_WANTED = _sayings(
    (r"text", N_("text")),
    (r"true or false", N_("true or false")),
    (r"a number", N_("a number")),
    (r"a whole number", N_("a whole number")),
    (r"a list, each item after a dash", N_("a list, each item after a dash")),
    (r"keys and values, as in 'name: height'", N_("keys and values, as in ‘name: height’")),
)
_OR = re.compile(r" or (?!false)")

_SPAN = r"\d+ (?:days|hours)"

_FINDINGS = _sayings(
    (
        rf"(?P<dataset>\w+): nothing has come for (?P<span>{_SPAN}); expected every "
        rf"(?P<often>{_SPAN})",
        N_("%(dataset)s: nothing has come for %(span)s; expected every %(often)s"),
    ),
    (
        rf"(?P<dataset>\w+): nothing has come yet; expected every (?P<often>{_SPAN})",
        N_("%(dataset)s: nothing has come yet; expected every %(often)s"),
    ),
    (
        r"put its files into (?P<folder>\S+) and weave",
        N_("put its files into %(folder)s and weave"),
    ),
    (
        r"(?P<dataset>\w+): (?P<source>.+?) could not be received: (?P<why>.+)",
        N_("%(dataset)s: %(source)s could not be received: %(why)s"),
    ),
    (
        r"(?P<dataset>\w+) could not be replayed: (?P<why>.+)",
        N_("%(dataset)s: refused rows could not be replayed: %(why)s"),
    ),
    (
        r"(?P<dataset>\w+) could not be made: (?P<why>.+)",
        N_("%(dataset)s could not be made: %(why)s"),
    ),
    (
        r"(?P<dataset>\w+) keeps rows past retention: (?P<why>.+)",
        N_("%(dataset)s keeps rows past retention: %(why)s"),
    ),
    (
        r"mend the file or the contract and weave again",
        N_("mend the file or the contract and weave again"),
    ),
    (r"mend the contract and weave again", N_("mend the contract and weave again")),
    (
        r"mend the function or what it reads and weave again",
        N_("mend the function or what it reads and weave again"),
    ),
    (
        r"(?P<file>contracts/.+?\.yaml) still has (?P<doubts>\d+) open doubts?",
        N_("%(file)s still has open doubts: %(doubts)s"),
    ),
    (
        r"settle and remove each line that begins with '# doubt:', then set the status to active",
        N_(
            "settle and remove each line that begins with ‘# doubt:’, then set the status to active"
        ),
    ),
    (r"(?P<file>contracts/.+?\.yaml) is still a draft", N_("%(file)s is still a draft")),
    (
        r"set its status to active once its owner agrees",
        N_("set its status to active once its owner agrees"),
    ),
    (r"(?P<file>contracts/.+?\.yaml): (?P<why>.+)", N_("%(file)s cannot be used: %(why)s")),
    (
        r"mend it, or take it out of contracts/; until then its dataset stays as it is",
        N_("mend it, or take it out of contracts/; until then its dataset stays as it is"),
    ),
    (
        r"(?P<dataset>\w+) refers to (?P<target>[\w, ]+), whose contract cannot be used",
        N_("%(dataset)s refers to %(target)s, whose contract cannot be used"),
    ),
    (
        r"mend that contract; until then nothing is received for (?P<dataset>\w+)",
        N_("mend that contract; until then nothing is received for %(dataset)s"),
    ),
    (
        r"(?P<dataset>[\w, ]+) is made of (?P<target>[\w, ]+), whose contract cannot be used",
        N_("%(dataset)s is made of %(target)s, whose contract cannot be used"),
    ),
    (
        r"mend that contract; until then (?P<dataset>[\w, ]+) is not made again",
        N_("mend that contract; until then %(dataset)s is not made again"),
    ),
    (
        r"(?P<column>[\w.]+) refers to (?P<target>[\w.]+), which this city lacks",
        N_("%(column)s refers to %(target)s, which this city lacks"),
    ),
    (
        r"(?P<column>[\w.]+) refers to (?P<target>[\w.]+): no such column",
        N_("%(column)s refers to %(target)s, which is no column"),
    ),
    (
        r"(?P<column>[\w.]+) and (?P<target>[\w.]+) are not of one type",
        N_("%(column)s and %(target)s are not of one type"),
    ),
    (
        r"add a contract for '(?P<dataset>\w+)'; until then its rows wait in quarantine",
        N_("add a contract for ‘%(dataset)s’; until then its rows wait in quarantine"),
    ),
    (
        r"mend the relationship in (?P<file>.+)",
        N_("mend the relationship in %(file)s"),
    ),
    (
        r"give both the same logicalType, in (?P<file>.+) or (?P<other>.+)",
        N_("give both the same logicalType, in %(file)s or %(other)s"),
    ),
    (r"(?P<entry>inbox/.+) belongs to no dataset", N_("%(entry)s belongs to no dataset")),
    (
        r"put a contract named (?P<file>.+?\.yaml) into contracts/ .+",
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
        r"DuckDB is (?P<found>\S+); its extension packages are built for (?P<wanted>\S+)",
        N_("DuckDB is %(found)s; its extension packages are built for %(wanted)s"),
    ),
    (r"pip install (?P<package>\S+)", N_("install it: pip install %(package)s")),
    (
        r"(?P<file>.+) line (?P<line>\d+): not a ledger entry",
        N_("%(file)s line %(line)s is not a ledger entry"),
    ),
    (
        r"(?P<file>.+) line (?P<line>\d+): the chain is broken; .+",
        N_(
            "%(file)s line %(line)s: the chain is broken; a line before it was changed or taken out"
        ),
    ),
    (
        r"compare the ledger with the last copy kept elsewhere",
        N_("compare the ledger with the last copy kept elsewhere"),
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
    """What is wrong with a city, or its mend; in English as the check says it."""
    return _said(message, _FINDINGS, language) if language.is_chinese else message


def _said(message: str, sayings: Sequence[_Saying], language: Language) -> str:
    for shape, saying in sayings:
        if found := shape.fullmatch(message):
            values = {
                name: _valued(name, text, language) for name, text in found.groupdict().items()
            }
            return language.gettext(saying, **values)
    return message


def _valued(name: str, text: str, language: Language) -> str:
    """A value of a sentence, where it is itself a list, a span or a sentence."""
    if name == "values" and language.is_chinese:
        return text.replace(", ", "、")
    if name == "wanted" and language.is_chinese:
        return "或".join(_said(words, _WANTED, language) for words in _OR.split(text))
    if name in ("span", "often"):
        number, unit = text.split()
        return language.period(timedelta(**{unit: int(number)}))
    if name == "why":
        return _said(text, (*_ERRORS, *_CONTRACTS), language)
    return text


def _titles(columns: str, contract: Contract) -> list[str]:
    known = {column.name: column.title or column.name for column in contract.columns}
    names = columns.split(", ")
    return [known[name] for name in names] if all(name in known for name in names) else []
