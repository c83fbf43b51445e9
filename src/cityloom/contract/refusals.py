"""The lines a city does not cross, held against contracts and against delivered content.

Some matters may never be held: political opinion, religion, ethnicity, union membership, sexual
orientation, biometrics, a score of a person. A column is judged by its names, title and description
in Chinese and English, whatever its classification and whether it tells of one person or counts
many. Health, finance, minors and location traces may be held of persons for a purpose of their own.

Words are judged as they stand: a description that says "not their religion" is refused as well, and
is mended by leaving the word out.
"""

import base64
import binascii
import re
import struct
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import isfinite
from typing import cast

import pyarrow as pa
import pyarrow.compute as pc

from cityloom.contract.forbidden_words import (
    ASKED_OF_PEOPLE,
    CONDUCT,
    LINES,
    MEASURES,
    MEASURES_OF_CONDUCT,
    NEUTRAL_VALUES,
    NOT_OF_PEOPLE,
    PEOPLE,
    SCORE,
    SIMPLIFIED,
    SPECIAL,
    WHOLE_LABELS,
    Matter,
)
from cityloom.contract.model import Classification, Column, Contract
from cityloom.errors import ContractError

_MOST_WORDS = 400
_BLOBS_LOOKED_AT = 200
_SHORTEST_BLOB = 40


def refuse_forbidden(contract: Contract) -> None:
    """Raise ``ContractError`` where a column may not be held, or not without its own purpose."""
    subject = f"{contract.dataset} {contract.title} {contract.description}"
    for column in contract.columns:
        if reason := forbidden_column(column, subject) or unpurposed_column(column):
            raise ContractError(f"{contract.origin}: column '{column.name}': {reason}")


def forbidden_column(column: Column, subject: str = "") -> str | None:
    """Why no dataset may hold such a column and what to do; ``None`` where it may.

    ``subject`` is what the dataset says of itself: a bare ``risk_level`` is a person's until the
    column or the dataset names the thing at risk.
    """
    labels = [_label(text) for text in _labels(column)]
    described = _label(column.description)
    for label in (*labels, described):
        if found := _named(label, LINES):
            return _refusal(*found)
    context = [*labels, described, _label(subject)]
    for label in labels:
        if matter := WHOLE_LABELS.get(label.han):
            return _refusal(matter, label.han)
        if words := _scored_person(label, context):
            return _refusal(SCORE, words)
    return None


def special_matter(column: Column) -> str | None:
    """What the column holds that needs a purpose of its own, such as ``health``."""
    for text in (*_labels(column), column.description):
        if found := _named(_label(text), SPECIAL):
            return found[0].name
    return None


def unpurposed_column(column: Column) -> str | None:
    """Why a column of persons needs a purpose of its own; ``None`` where it has one or needs none.

    A value that anybody or any official may see is no person's: a zone's mean income passes.
    """
    if column.special_purpose or column.classification < Classification.PERSONAL:
        return None
    if not (matter := special_matter(column)):
        return None
    return (
        f"holds {matter}, which needs a purpose of its own; add 'special_purpose' to the column's "
        "customProperties, naming one of the contract's purposes, or classify the column "
        "'internal' or 'public' if it tells of no person"
    )


def forbidden_content(contract: Contract, sample: pa.Table) -> str | None:
    """Why a delivery is refused for what its columns hold; ``None`` where it may come in.

    ``sample`` holds some thousand rows as text, by column name. A column is refused when most of
    its different values are words of one forbidden matter or look like biometric templates.
    """
    for name in (column.name for column in contract.columns):
        if name in sample.column_names and (reason := forbidden_values(sample[name])):
            return f"column '{name}': {reason}"
    return None


def forbidden_values(values: "pa.ChunkedArray[pa.StringScalar]") -> str | None:
    """Why a column of such values is refused, whatever its name; ``None`` where it is not."""
    counted = pc.value_counts(values.drop_null())
    words = cast("list[str]", counted.field("values").slice(0, _MOST_WORDS).to_pylist())
    times = cast("list[int]", counted.field("counts").slice(0, _MOST_WORDS).to_pylist())
    counts = dict(zip(words, times, strict=True))
    if len(counted) < _MOST_WORDS and (found := _vocabulary(counts)):
        return found
    return _templates([value for value in words[:_BLOBS_LOOKED_AT] if value.strip()])


def _refusal(line: Matter, word: str) -> str:
    return (
        f"'{word}' says that it holds {line.name}, which no dataset may hold: {line.reason}; "
        "remove the column from the contract (a column that is not declared is not stored), "
        "or name it for what it holds if this is a mistake"
    )


# Names and descriptions


@dataclass(frozen=True)
class _Label:
    """A text made ready for searching: English words, unbroken runs, simplified Chinese."""

    words: tuple[str, ...]
    runs: tuple[str, ...]
    han: str


class _Phrases:
    """Phrases to look for, found in a time that grows with the text and not with their number."""

    def __init__(self, phrases: Iterable[str]) -> None:
        listed = list(phrases)
        english = [phrase for phrase in listed if phrase.isascii()]
        self.stems = {phrase[:-1]: phrase[:-1] for phrase in english if phrase.endswith("*")}
        self.words = {_english(phrase): phrase for phrase in english if not phrase.endswith("*")}
        joined = {phrase.replace(" ", ""): phrase for phrase in english if " " in phrase}
        self.runs = {run: phrase for run, phrase in joined.items() if len(run) >= _SHORTEST_RUN}
        self.han = {phrase: phrase for phrase in listed if not phrase.isascii()}

    def found(self, label: _Label) -> list[str]:
        """The phrases in a label."""
        return [
            *(self.words[words] for words in _stretches(label.words, self._longest_words)
              if words in self.words),
            *(self.stems[start] for word in label.words for start in _starts(word)
              if start in self.stems),
            *(self.runs[start] for run in label.runs for start in _starts(run)
              if start in self.runs),
            *(part for part in _parts(label.han, self._longest_han) if part in self.han),
        ]  # fmt: skip

    def without(self, label: _Label) -> _Label:
        """The label with a dot for each of its phrases."""
        words, han = f" {' '.join(label.words)} ", label.han
        found = self.found(label)
        for phrase in found:
            words = words.replace(f" {_english(phrase)} ", " · ")
            han = han.replace(phrase, "·")
        return _Label(tuple(words.split()), () if found else label.runs, han)

    @cached_property
    def _longest_words(self) -> int:
        return max((words.count(" ") + 1 for words in self.words), default=0)

    @cached_property
    def _longest_han(self) -> int:
        return max(map(len, self.han), default=0)


def _stretches(words: Sequence[str], longest: int) -> Iterator[str]:
    """Every stretch of up to ``longest`` words."""
    for start in range(len(words)):
        for end in range(start + 1, min(start + longest, len(words)) + 1):
            yield " ".join(words[start:end])


def _parts(text: str, longest: int) -> Iterator[str]:
    """Every part of a text that begins with a Chinese character, up to ``longest`` characters."""
    for start in (start for start, letter in enumerate(text) if not letter.isascii()):
        for end in range(start + 1, min(start + longest, len(text)) + 1):
            yield text[start:end]


def _starts(word: str) -> Iterator[str]:
    return (word[:end] for end in range(4, len(word) + 1))


def _labels(column: Column) -> tuple[str, ...]:
    return column.name, column.source_name, column.title


@lru_cache(maxsize=4096)
def _label(text: str) -> _Label:
    plain = unicodedata.normalize("NFKC", text)
    words = tuple(
        word
        for token in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+", plain)
        for word in _unglued(_singular(token.lower()))
    )
    runs = tuple(re.findall(r"[a-z]+", plain.lower()))
    han = "" if plain.isascii() else re.sub(r"\s+", "", plain).translate(SIMPLIFIED)
    return _INNOCENT.without(_Label(words, runs, han))


def _singular(word: str) -> str:
    if len(word) <= 3 or word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("s")


def _english(phrase: str) -> str:
    return " ".join(_singular(word) for word in re.findall(r"[a-z]+|[0-9]+", phrase.lower()))


def _unglued(word: str) -> tuple[str, ...]:
    """``riskscore`` as the two words it is; any other word as it is."""
    for end in range(4, len(word) - 2):
        if word[end:] in _MEASURES_OF_CONDUCT.words and (
            word[:end] in _CONDUCT.words or word[:end] in _PEOPLE.words
        ):
            return word[:end], word[end:]
    return (word,)


def _named(label: _Label, matters: Sequence[Matter]) -> tuple[Matter, str] | None:
    """The first matter a label names, and the word by which it does."""
    found = [(_MATTERS[phrase], phrase) for phrase in _NAMED.found(label)]
    told = [(matters.index(matter), phrase) for matter, phrase in found if matter in matters]
    if not told:
        return None
    place, phrase = min(told, key=lambda one: one[0])
    return matters[place], phrase


def _scored_person(label: _Label, context: Iterable[_Label]) -> str | None:
    """The words by which a label measures a person or their conduct; ``None`` where it does not."""
    if not (measures := _MEASURES_OF_CONDUCT.found(label)):
        return None
    people, conduct = _PEOPLE.found(label), _CONDUCT.found(label)
    if people and conduct:
        return f"{people[0]} {conduct[0]} {measures[0]}"
    if people and (scores := _MEASURES.found(label)) and not _ASKED_OF_PEOPLE.found(label):
        return f"{people[0]} {scores[0]}"
    if conduct and not any(_NOT_OF_PEOPLE.found(one) for one in context):
        return f"{conduct[0]} {measures[0]}"
    return None


_SHORTEST_RUN = 8
_MATTERS = {
    phrase.removesuffix("*"): matter
    for matter in (*SPECIAL, *LINES)
    for phrase in (*matter.english, *matter.chinese)
}
_NAMED = _Phrases(p for matter in (*LINES, *SPECIAL) for p in (*matter.english, *matter.chinese))
_INNOCENT = _Phrases(phrase for matter in (*LINES, *SPECIAL) for phrase in matter.but)
_MEASURES = _Phrases(MEASURES)
_MEASURES_OF_CONDUCT = _Phrases((*MEASURES, *MEASURES_OF_CONDUCT))
_CONDUCT = _Phrases(CONDUCT)
_PEOPLE = _Phrases(PEOPLE)
_NOT_OF_PEOPLE = _Phrases(NOT_OF_PEOPLE)
_ASKED_OF_PEOPLE = _Phrases(ASKED_OF_PEOPLE)


# Content


def _vocabulary(counts: dict[str, int]) -> str | None:
    """The matter whose words make up most of some values, in words."""
    told: dict[str, int] = {}
    for value, count in counts.items():
        word = _comparable(value)
        if word and word not in NEUTRAL_VALUES:
            told[word] = told.get(word, 0) + count
    for line in LINES:
        certain = {word for word in told if _is_value(word, line.certain)}
        likely = {word for word in told if _is_value(word, line.likely)} - certain
        if _is_vocabulary(line, told, certain, likely):
            shown = ", ".join(f"'{word}'" for word in sorted(certain | likely)[:4])
            return (
                f"{len(certain | likely)} of its {len(told)} different values are words of "
                f"{line.name} ({shown}), which no dataset may hold: {line.reason}; "
                "remove the column from the contract"
            )
    return None


def _is_vocabulary(line: Matter, told: dict[str, int], certain: set[str], likely: set[str]) -> bool:
    """Whether words come to most of the different values and are too many to be a chance."""
    found = certain | likely
    if 2 * len(found) <= len(told):
        return False
    if certain:
        return len(found) > 1 or sum(told[word] for word in found) >= 3
    return line.likely_tell and len(likely) >= 3 and len(likely) == len(told)


def _comparable(value: str) -> str:
    plain = unicodedata.normalize("NFKC", value).casefold().strip()
    if plain.isascii():
        return " ".join(plain.split())
    return re.sub(r"\s+", "", plain).translate(SIMPLIFIED)


def _is_value(word: str, vocabulary: frozenset[str]) -> bool:
    return word in vocabulary or re.split(r"\s*[:,]", word, maxsplit=1)[0] in vocabulary


def _templates(values: Sequence[str]) -> str | None:
    """What kind of biometric template most of some values look like, in words."""
    if not values:
        return None
    for look, what in _LOOKS:
        alike = [value for value in values if len(value) >= _SHORTEST_BLOB and look(value.strip())]
        if 2 * len(alike) > len(values):
            return (
                f"{len(alike)} of {len(values)} different values look like {what}, which no "
                "dataset may hold: a body cannot be changed when its measure leaks; "
                "remove the column from the contract"
            )
    return None


_MAGIC = (b"FMR\0", b"FAC\0", b"FIR\0", b"IIR\0", b"VIR\0", b"FSP\0", b"FSK\0", b"HND\0", b"DNA\0")
_VECTOR_LENGTHS = (128, 192, 256, 512, 1024, 2048)
_HEX = re.compile(r"(?:0x|\\x)?((?:[0-9A-Fa-f]{2})+)")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]+={0,2}")


def _is_interchange_record(value: str) -> bool:
    """Whether a text is a record of ISO/IEC 19794 (finger, face, iris, vein, hand, DNA)."""
    return _bytes(value).startswith(_MAGIC)


def _is_feature_vector(value: str) -> bool:
    """Whether a text is a vector of features, as numbers or as packed 32-bit floats."""
    return _is_written_vector(value) or _is_packed_vector(_bytes(value))


def _is_written_vector(value: str) -> bool:
    parts = re.split(r"[\s,;|]+", value.strip("[](){} \t"))
    if len(parts) not in _VECTOR_LENGTHS:
        return False
    try:
        return _are_features([float(part) for part in parts])
    except ValueError:
        return False


def _is_packed_vector(packed: bytes) -> bool:
    if len(packed) not in [4 * length for length in _VECTOR_LENGTHS]:
        return False
    return _are_features(struct.unpack(f"<{len(packed) // 4}f", packed))


def _are_features(numbers: Sequence[float]) -> bool:
    """Whether numbers are small, of both signs and none of them counts."""
    return (
        all(isfinite(number) and abs(number) < 100 for number in numbers)
        and min(numbers) < 0 < max(numbers)
        and max(map(abs, numbers)) > 1e-3
        and sum(number == int(number) for number in numbers) * 2 < len(numbers)
    )


def _is_dna(value: str) -> bool:
    return re.fullmatch(r"[ACGTNacgtn]{40,}", value) is not None


def _bytes(value: str) -> bytes:
    """What a hexadecimal or base64 text stands for; nothing where it is neither."""
    if found := _HEX.fullmatch(value):
        return bytes.fromhex(found[1])
    if not _BASE64.fullmatch(value):
        return b""
    body = value.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return base64.b64decode(body + "=" * (-len(body) % 4))
    except binascii.Error:
        return b""


_LOOKS: tuple[tuple[Callable[[str], bool], str], ...] = (
    (_is_interchange_record, "biometric records (ISO/IEC 19794)"),
    (_is_feature_vector, "feature vectors, as of faces or voices"),
    (_is_dna, "DNA sequences"),
)
