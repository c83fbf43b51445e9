"""JSON: a record is an object, and each value is read as it was written, digit for digit.

NDJSON has one object a line, a JSON file one array of objects, GeoJSON a FeatureCollection whose
features are rows of their properties, with the geometry in the column ``geometry``. A record is cut
out of its file before it is read, so that a broken one costs itself and no other.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

import msgspec
import numpy as np
import pyarrow as pa

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers.batch import Batch, Malformed
from cityloom.readers.nesting import DEEPEST, LONGEST_RECORD, is_too_deep, pieces
from cityloom.readers.stream import Source, open_bytes, utf8_blocks

GEOMETRY = "geometry"

MOST_COLUMNS = 10_000
"""Different keys after which a file is refused: they are values, not names of columns."""

_ROWS_AT_A_TIME = 16_384
_BYTES_AT_A_TIME = 16 << 20
_QUOTE = ord('"')
_TOO_DEEP = f"nested more than {DEEPEST} deep"

Fields = dict[str, msgspec.Raw]


class _Feature(msgspec.Struct):
    type: Literal["Feature"]
    properties: Fields | None = None
    id: msgspec.Raw = msgspec.Raw()
    geometry: msgspec.Raw = msgspec.Raw(b"null")


_object = msgspec.json.Decoder(Fields).decode
_feature = msgspec.json.Decoder(_Feature).decode
_string = msgspec.json.Decoder(str).decode
_any = msgspec.json.Decoder(msgspec.Raw).decode


class _Records:
    """What the JSON readers share: records become text columns."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self.columns = self._names()

    def texts(self) -> Iterator[bytes]:
        """The text of each record, in the order of the file."""
        raise NotImplementedError

    def fields(self, text: bytes) -> Fields:
        """A record's keys and values."""
        return _object(text)

    def not_expected(self, error: str) -> str:
        """What a text is not that is JSON but no record."""
        return "not a JSON object"

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        records: list[Fields | Malformed] = []
        first, size = 1, 0
        for number, text in enumerate(self.texts(), start=1):
            records.append(self._parsed(text, number))
            size += len(text)
            if len(records) == _ROWS_AT_A_TIME or size >= _BYTES_AT_A_TIME:
                yield _batch(records, first, columns)
                records, first, size = [], number + 1, 0
        yield _batch(records, first, columns)

    def _names(self) -> list[str]:
        """All keys of the file, in the order in which they first come."""
        names: dict[str, None] = {}
        broken = ""
        for number, text in enumerate(self.texts(), start=1):
            record = self._parsed(text, number)
            if isinstance(record, Malformed):
                broken = broken or f"; record {number}: {record.reason}"
                continue
            names |= dict.fromkeys(record)
            if len(names) > MOST_COLUMNS:
                raise self._refusal(
                    f"more than {MOST_COLUMNS:,} different keys by record {number}; "
                    "a key must name a column, not hold a value"
                )
        if not names:
            raise self._refusal(f"no records; expected JSON objects{broken}")
        return list(names)

    def _parsed(self, text: bytes, number: int) -> Fields | Malformed:
        try:
            text.decode()
            if not is_too_deep(text):
                return self.fields(text)
            reason = _TOO_DEEP
        except UnicodeDecodeError as error:
            reason = f"byte {error.start + 1} cannot be decoded in the contract's encoding"
        except msgspec.ValidationError as error:
            reason = self.not_expected(str(error))
        except msgspec.DecodeError as error:
            reason = f"not JSON: {_words(error)}"
        except RecursionError:
            reason = _TOO_DEEP
        return Malformed(number, text.decode(errors="backslashreplace").strip(), reason)

    def _blocks(self, stream: Source) -> Iterator[bytes]:
        return utf8_blocks(stream, self._files.encoding, self._path.name)

    def _refusal(self, why: str) -> DeliveryError:
        return DeliveryError(f"{self._path.name}: {why}")


class NdjsonReader(_Records):
    """One JSON object a line."""

    def texts(self) -> Iterator[bytes]:
        """See :class:`_Records`."""
        with open_bytes(self._path) as stream:
            rest = b""
            for block in self._blocks(stream):
                *lines, rest = (rest + block).split(b"\n")
                yield from (line for line in lines if line.strip())
                if len(rest) > LONGEST_RECORD:
                    raise self._refusal(
                        f"a line that does not end within {LONGEST_RECORD >> 20} MB; "
                        "expected one JSON object a line"
                    )
            if rest.strip():
                yield rest


class JsonReader(_Records):
    """One array of objects."""

    depth = 1
    """How deep the array is nested."""

    before = re.compile(rb"\s*")
    """What stands before the array, after the mark before it."""

    def texts(self) -> Iterator[bytes]:
        """See :class:`_Records`."""
        frame = bytearray()
        with open_bytes(self._path) as stream:
            found = pieces(self._blocks(stream), self.depth, self._path.name)
            for text, mark in found:
                frame += text + mark
                if mark == b"[" and self.before.fullmatch(text):
                    yield from self._elements(found)
                    frame += b"]"
                if len(frame) > LONGEST_RECORD:
                    raise self._refusal(f"more than {LONGEST_RECORD >> 20} MB besides its records")
        self._check_frame(frame)

    def _elements(self, found: Iterator[tuple[bytes, bytes]]) -> Iterator[bytes]:
        """The texts between the marks up to the one that closes the array."""
        for number, (text, mark) in enumerate(found, start=1):
            empty = not text.strip()
            if mark not in (b",", b"]") or (empty and (number, mark) != (1, b"]")):
                raise self._not_whole(f"record {number} " + ("is empty" if empty else "breaks off"))
            if not empty:
                yield text
            if mark == b"]":
                return

    def _check_frame(self, frame: bytearray) -> None:
        """See that the file without its records is JSON."""
        try:
            _any(frame)
        except msgspec.DecodeError as error:
            raise self._not_whole(f"{_words(error)}, its records left out") from None
        except RecursionError:
            raise self._not_whole(_TOO_DEEP) from None

    def _not_whole(self, why: str) -> DeliveryError:
        return self._refusal(f"not whole JSON: {why}; ask for it to be sent again")


class GeoJsonReader(JsonReader):
    """A FeatureCollection (RFC 7946)."""

    depth = 2
    before = re.compile(rb'\s*"features"\s*:\s*')

    def fields(self, text: bytes) -> Fields:
        """See :class:`_Records`."""
        feature = _feature(text)
        fields = feature.properties or {}
        if bytes(feature.id):
            fields.setdefault("id", feature.id)
        return {**fields, GEOMETRY: feature.geometry}

    def not_expected(self, error: str) -> str:
        """See :class:`_Records`."""
        wrong_properties = "`$.properties`" in error
        return "its properties are not an object" if wrong_properties else "not a GeoJSON Feature"


def _words(error: msgspec.DecodeError) -> str:
    words = str(error).removeprefix("JSON is malformed: ")
    if "truncated" in words:
        return "it breaks off, or holds half of a surrogate pair"
    return words


def _batch(records: Sequence[Fields | Malformed], first: int, columns: Sequence[str]) -> Batch:
    whole = [record for record in records if isinstance(record, dict)]
    broken = [record for record in records if isinstance(record, Malformed)]
    texts = [pa.array([_text(row.get(name)) for row in whole], pa.string()) for name in columns]
    ordinals = np.arange(first, first + len(records), dtype=np.int64)
    ordinals = np.delete(ordinals, [record.ordinal - first for record in broken])
    return Batch(pa.table(texts, names=list(columns)), ordinals, broken)


def _text(value: msgspec.Raw | None) -> str | None:
    """A value as it was written; a string without its quotes, an object or array on one line."""
    if value is None:
        return None
    written = bytes(value)
    if written[0] == _QUOTE:
        return _string(written) or None
    if written[0] in b"{[":
        return msgspec.json.format(written, indent=0).decode()
    return None if written == b"null" else written.decode()
