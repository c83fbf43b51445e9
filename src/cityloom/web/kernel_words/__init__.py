"""What the kernel says in English (reasons, notes, refusals, findings), in the reader's language.

The kernel's log, ledger and quarantine speak English, whoever reads them. Here their sentences are
known by their shape and said again; what is not known is shown as it stands. Each file has what one
part of the kernel says.
"""

import re
from collections.abc import Sequence
from datetime import timedelta

from cityloom.contract import Contract
from cityloom.web.kernel_words.check import FINDINGS
from cityloom.web.kernel_words.contracts import MISTAKES, WANTED
from cityloom.web.kernel_words.damage import DAMAGE, HARMED
from cityloom.web.kernel_words.deliveries import ERRORS, NOTES
from cityloom.web.kernel_words.policy import DECISIONS
from cityloom.web.kernel_words.query import QUESTIONS
from cityloom.web.kernel_words.rows import REASONS
from cityloom.web.kernel_words.sayings import Saying
from cityloom.web.kernel_words.signin import SIGNIN
from cityloom.web.languages import Language

_MORE = re.compile(r" and (\d+) more$")
_OR = re.compile(r" or (?!false)")


def reason_words(message: str, contract: Contract, language: Language) -> str:
    """Why rows were refused; in Chinese with the columns' titles."""
    if not language.is_chinese:
        return message
    columns, colon, words = message.partition(": ")
    titles = _titles(columns, contract)
    if colon and titles:
        return f"{language.listed(titles)}：{_said(words, REASONS, language)}"
    rules = {rule.name for rule in contract.rules}
    if colon and columns in rules:
        return f"{columns}：{words}"
    return _said(message, REASONS, language)


def note_words(message: str, language: Language) -> str:
    """What a run noted of a delivery's columns."""
    return _said(message, NOTES, language)


def decision_words(message: str, language: Language) -> str:
    """Why a read was refused."""
    return _said(message, DECISIONS, language)


def error_words(message: str, language: Language) -> str:
    """Why a run failed or a page cannot be shown."""
    return _said(message, (*ERRORS, *HARMED, *SIGNIN, *QUESTIONS), language)


def finding_words(message: str, language: Language) -> str:
    """What is wrong with a city, or its mend; in English as the check says it."""
    return _said(message, (*FINDINGS, *DAMAGE), language) if language.is_chinese else message


def _said(message: str, sayings: Sequence[Saying], language: Language) -> str:
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
        return _MORE.sub(r"等（另有\1项）", text.replace(", ", "、"))
    if name == "wanted" and language.is_chinese:
        return "或".join(_said(words, WANTED, language) for words in _OR.split(text))
    if name in ("span", "often"):
        number, unit = text.split()
        return language.period(timedelta(**{f"{unit.rstrip('s')}s": int(number.replace(",", ""))}))
    if name in ("harm", "mend"):
        return _said(text, DAMAGE, language)
    if name == "why":
        return _said(text, (*ERRORS, *MISTAKES), language)
    return text


def _titles(columns: str, contract: Contract) -> list[str]:
    known = {column.name: column.title or column.name for column in contract.columns}
    names = columns.split(", ")
    return [known[name] for name in names] if all(name in known for name in names) else []
