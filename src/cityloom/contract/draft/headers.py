"""Names for columns: identifiers made from headers in English or Chinese, and the units in them."""

import re
import unicodedata
from collections.abc import Collection
from itertools import accumulate
from typing import NamedTuple

from cityloom.contract.draft.terms import ABBREVIATIONS, CHINESE, UNITS
from cityloom.contract.forbidden_words import SIMPLIFIED

_BRACKETS = re.compile(r"\s*[(\[（【]([^()\[\]（）【】]{1,8})[)\]）】]\s*$")
_HAN = re.compile(r"[\u3400-\u9fff]")
_LONGEST_NAME = 60


class Header(NamedTuple):
    """A column's name in the lake, as it is in the file, the unit in it, and what is doubtful."""

    name: str
    source_name: str
    unit: str | None
    doubt: str | None

    @property
    def is_chinese(self) -> bool:
        """Whether the file's header is in Chinese, and so worth keeping as the title."""
        return _HAN.search(self.source_name) is not None

    @property
    def words(self) -> tuple[str, ...]:
        """The words of the name."""
        return tuple(self.name.split("_"))


def read_header(text: str, position: int, taken: Collection[str] = ()) -> Header:
    """The header of the column at a position (from 1), its name different from those taken."""
    body, unit = _unit(unicodedata.normalize("NFKC", text).strip())
    if _HAN.search(body):
        translated = _translation(body.translate(SIMPLIFIED))
        doubt = None if translated else f"'{text}' is not in the dictionary: name it"
        name = translated or f"column_{position}"
    else:
        identifier = _identifier(body)
        name = ABBREVIATIONS.get(identifier, identifier) or f"column_{position}"
        doubt = None if identifier else "the file gives it no name"
    return Header(_untaken(name, taken), text, unit, doubt)


def _unit(text: str) -> tuple[str, str | None]:
    """A header without the unit in its brackets or at its end, and the unit."""
    found = _BRACKETS.search(text)
    if found and (unit := UNITS.get(found[1].strip()) or UNITS.get(found[1].strip().lower())):
        return text[: found.start()], unit
    ending = re.search(r"[_\s]([A-Za-z%][A-Za-z0-9/]{0,8})$", text)
    return text, UNITS.get(ending[1].lower()) if ending else None


def _identifier(text: str) -> str:
    """Lower-case words joined by underscores, from any way of writing them together."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    parted = re.sub(r"([a-z0-9])([A-Z])|([A-Z]+)([A-Z][a-z])", r"\1\3_\2\4", plain)
    name = re.sub(r"[^a-z0-9]+", "_", parted.lower()).strip("_")[:_LONGEST_NAME].strip("_")
    return f"n_{name}" if name[:1].isdigit() else name


def _translation(text: str) -> str | None:
    """The English of a Chinese header that is made of known terms alone."""
    rest = re.sub(r"[\s的之及和与、,，/_\-]+", "", text)
    parts: list[str] = []
    while rest:
        term = next((s for s in reversed([*accumulate(rest)]) if s in CHINESE), None)
        latin = re.match(r"[A-Za-z0-9]+", rest)
        if term is None and latin is None:
            return None
        taken = term or (latin[0] if latin else "")
        parts.append(CHINESE[term] if term else taken.lower())
        rest = rest[len(taken) :]
    name = "_".join(parts)[:_LONGEST_NAME].strip("_")
    return f"n_{name}" if name[:1].isdigit() else name or None


def _untaken(name: str, taken: Collection[str]) -> str:
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name}_{number}"
    return free
