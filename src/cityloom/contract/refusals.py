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
import json
import re
import struct
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from itertools import accumulate
from math import isfinite
from typing import Any, cast

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
from cityloom.contract.model import Classification, Column, Contract, Kind
from cityloom.errors import ContractError

_STRETCHES = 20
_ROWS_LOOKED_AT = 5_000
_OBJECTS_LOOKED_AT = 500
_BLOBS_LOOKED_AT = 50
_MOST_SEEN = 500
_MOST_WORDS = 400
_LONGEST_WORD = 100
_SHORTEST_BLOB = 40
_LONGEST_VECTOR = 65_536


def refuse_forbidden(contract: Contract) -> None:
    """Raise ``ContractError`` where a column may not be held, or not without its own purpose."""
    subject = _subject(contract)
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


class Content:
    """What the columns of a delivery hold, sampled batch by batch in little memory.

    A column is refused when most of its different values are words of one forbidden matter or look
    like biometric templates. JSON is looked into: a key is judged as the name of a column is, and
    the texts under it as the values of one.
    """

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._seen: dict[tuple[str, ...], _Seen] = {}
        self._named: dict[str, str] = {}

    def look(self, rows: pa.Table) -> None:
        """Sample a batch, whose columns have the contract's names; only text is looked at."""
        for column in self._contract.columns:
            if column.name in rows.column_names and _is_text(rows[column.name]):
                values = rows[column.name]
                self._add((column.name,), _sample(values, _ROWS_LOOKED_AT))
                if column.kind is not Kind.GEOMETRY:
                    self._look_into(column.name, _sample(values, _OBJECTS_LOOKED_AT))

    def refusal(self) -> str | None:
        """Why no dataset may hold what was seen so far; ``None`` where it may."""
        for name, reason in self._named.items():
            return f"column '{name}' holds JSON with a key of which {reason}"
        for (name, *keys), seen in self._seen.items():
            if found := seen.refusal():
                return f"column '{name}'{' holds JSON in which' if keys else ':'} {found}"
        return None

    def _add(self, path: tuple[str, ...], values: pa.ChunkedArray) -> None:
        if path in self._seen or len(self._seen) < _MOST_SEEN:
            self._seen.setdefault(path, _Seen()).add(values)

    def _look_into(self, name: str, values: pa.ChunkedArray) -> None:
        found: dict[str, list[str | None]] = {}
        for key, text in _entries_of_json(values):
            found.setdefault(key, []).append(text)
        for key, texts in found.items():
            if (name, key) not in self._seen and (reason := self._forbidden_key(key)):
                self._named[name] = reason
            self._add((name, key), pa.chunked_array([pa.array(texts, pa.string())]))

    def _forbidden_key(self, key: str) -> str | None:
        return forbidden_column(Column(key, key, Kind.JSON), _subject(self._contract))


def forbidden_content(contract: Contract, sample: pa.Table) -> str | None:
    """Why a delivery is refused for what its columns hold; ``None`` where it may come in.

    ``sample`` holds rows as text, by column name; see :class:`Content` for more than one batch.
    """
    content = Content(contract)
    content.look(sample)
    return content.refusal()


def forbidden_values(values: "pa.ChunkedArray[pa.StringScalar]") -> str | None:
    """Why a column of such values is refused, whatever its name; ``None`` where it is not."""
    seen = _Seen()
    seen.add(values)
    return seen.refusal()


def _subject(contract: Contract) -> str:
    return f"{contract.dataset} {contract.title} {contract.description}"


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
            *(self.stems[start] for word in label.words for start in accumulate(word)
              if start in self.stems),
            *(self.runs[start] for run in label.runs for start in accumulate(run)
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
        return max(len(words.split()) for words in self.words)

    @cached_property
    def _longest_han(self) -> int:
        return max(map(len, self.han))


def _stretches(words: Sequence[str], longest: int) -> Iterator[str]:
    """Every stretch of up to ``longest`` words."""
    for start in range(len(words)):
        yield from accumulate(words[start : start + longest], lambda some, word: f"{some} {word}")


def _parts(text: str, longest: int) -> Iterator[str]:
    """Every part of a text that begins with a Chinese character, up to ``longest`` characters."""
    for start, letter in enumerate(text):
        if not letter.isascii():
            yield from accumulate(text[start : start + longest])


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
    if word.endswith(("ss", "us", "is")):
        return word
    if word.endswith("ies"):
        return f"{word[:-3]}y"
    return word.removesuffix("s")


def _english(phrase: str) -> str:
    return " ".join(_singular(word) for word in re.findall(r"[a-z]+|[0-9]+", phrase.lower()))


def _unglued(word: str) -> tuple[str, ...]:
    """``riskscore`` as the two words it is; any other word as it is."""
    for end in range(len(word)):
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


@dataclass
class _Seen:
    """What was seen of a column: its words while they are few, and what its long values look like.

    ``words`` is ``None`` once there are too many for a vocabulary.
    """

    words: dict[str, int] | None = field(default_factory=dict)
    looked_at: int = 0
    alike: Counter[str] = field(default_factory=Counter)

    def add(self, values: "pa.ChunkedArray[pa.StringScalar]") -> None:
        """See some more values."""
        if self.words is None:
            different = pc.unique(_thinned(values.drop_null(), _BLOBS_LOOKED_AT))
        else:
            counted = pc.value_counts(values.drop_null())
            self._count(counted.slice(0, _MOST_WORDS).to_pylist())
            different = counted.field("values")
        some = cast("list[str]", _thinned(different, _BLOBS_LOOKED_AT).to_pylist())
        blobs = [value.strip() for value in some if value.strip()]
        self.looked_at += len(blobs)
        self.alike.update(what for value in blobs for what in _looks_like(value))

    def _count(self, counted: Iterable[Mapping[str, Any]]) -> None:
        words = self.words or {}
        for found in counted:
            word = found["values"][:_LONGEST_WORD]
            words[word] = words.get(word, 0) + found["counts"]
        self.words = words if len(words) < _MOST_WORDS else None

    def refusal(self) -> str | None:
        """Why a column of what was seen is refused; ``None`` where it is not."""
        if self.words and (found := _vocabulary(self.words)):
            return found
        for what, alike in self.alike.items():
            if 2 * alike > self.looked_at:
                return (
                    f"{alike} of {self.looked_at} different values look like {what}, which no "
                    "dataset may hold: a body cannot be changed when its measure leaks; "
                    "remove the column from the contract"
                )
        return None


def _is_text(values: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(values.type) or pa.types.is_large_string(values.type))


def _sample(values: pa.ChunkedArray, most: int) -> pa.ChunkedArray:
    """Some values, in stretches over all of them; of a sparse column those that are there."""
    if 2 * values.null_count > len(values):
        values = values.drop_null()
    if len(values) <= most:
        return values
    apart = len(values) // _STRETCHES
    stretches = (values.slice(n * apart, most // _STRETCHES) for n in range(_STRETCHES))
    return pa.chunked_array([chunk for part in stretches for chunk in part.chunks])


def _thinned(values: pa.Array | pa.ChunkedArray, most: int) -> pa.Array | pa.ChunkedArray:
    """Some values, evenly apart."""
    apart = max(1, -(-len(values) // most))
    return values.take(pa.array(range(0, len(values), apart), pa.int64()))


def _entries_of_json(values: pa.ChunkedArray) -> Iterator[tuple[str, str | None]]:
    """The keys of what is JSON among some values, and the texts under them."""
    begun = values.filter(pc.match_substring_regex(values, r"^\s*[\[{]"))
    for text in cast("list[str]", begun.to_pylist()):
        with suppress(ValueError, RecursionError):
            yield from list(_entries(json.loads(text)))


def _entries(value: object, key: str = "") -> Iterator[tuple[str, str | None]]:
    """Each key of a JSON value, however deep, alone and with each text or vector under it."""
    if isinstance(value, dict):
        for name, inner in value.items():
            yield name, None
            yield from _entries(inner, name)
    elif value and isinstance(value, list) and all(isinstance(item, int | float) for item in value):
        yield key, str(value)
    elif isinstance(value, list):
        for inner in value:
            yield from _entries(inner, key)
    elif isinstance(value, str):
        yield key, value


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
            shown = ", ".join(
                f"'{word}'" for word in sorted({_head(word) for word in certain | likely})[:4]
            )
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
    return word in vocabulary or _head(word) in vocabulary


def _head(word: str) -> str:
    """What stands before an explanation: ``white`` of ``white: irish``."""
    return re.split(r"\s*[:,]", word)[0]


def _looks_like(value: str) -> list[str]:
    """The kinds of biometric template that a value looks like."""
    return [what for look, what in _LOOKS if len(value) >= _SHORTEST_BLOB and look(value)]


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
    if len(value) > _LONGEST_VECTOR:
        return False
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
