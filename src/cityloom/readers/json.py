"""JSON: a record is an object; numbers keep the digits they were written with.

NDJSON has one object a line, a JSON file one array of objects, GeoJSON a FeatureCollection whose
features are rows of their properties, with the geometry in the column ``geometry``.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import ijson
import numpy as np
import pyarrow as pa

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers.batch import Batch, Malformed
from cityloom.readers.stream import open_bytes, utf8_blocks

GEOMETRY = "geometry"

_ROWS_AT_A_TIME = 16_384
_ROWS_LOOKED_AT = 1_000

Record = dict[str, Any] | Malformed


class _Records:
    """What the JSON readers share: records become text columns."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self.columns = self._first_names()

    def records(self) -> Iterator[Record]:
        """The records of the file, in its order."""
        raise NotImplementedError

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        numbered = enumerate(self.records(), start=1)
        while chunk := list(islice(numbered, _ROWS_AT_A_TIME)):
            yield _batch(chunk, columns)

    def _first_names(self) -> list[str]:
        names: dict[str, None] = {}
        for record in islice(self.records(), _ROWS_LOOKED_AT):
            if isinstance(record, dict):
                names |= dict.fromkeys(record)
        if not names:
            raise DeliveryError(f"{self._path.name}: no records; expected JSON objects")
        return list(names)


class NdjsonReader(_Records):
    """One JSON object a line."""

    def records(self) -> Iterator[Record]:
        """See :class:`_Records`."""
        for number, line in enumerate(self._lines(), start=1):
            yield _parsed(line, number)

    def _lines(self) -> Iterator[bytes]:
        with open_bytes(self._path) as stream:
            rest = b""
            for block in utf8_blocks(stream, self._files.encoding, self._path.name):
                *lines, rest = (rest + block).split(b"\n")
                yield from (line for line in lines if line.strip())
            if rest.strip():
                yield rest


class JsonReader(_Records):
    """One array of objects."""

    _prefix = "item"

    def records(self) -> Iterator[Record]:
        """See :class:`_Records`."""
        with open_bytes(self._path) as stream:
            try:
                items = ijson.items(_Blocks(stream, self._files, self._path), self._prefix)
                for number, item in enumerate(items, start=1):
                    yield self._record(item, number)
            except ijson.JSONError as error:
                raise DeliveryError(
                    f"{self._path.name}: not whole JSON: {str(error).splitlines()[0]}; "
                    "ask for it to be sent again"
                ) from None

    def _record(self, item: Any, number: int) -> Record:
        if isinstance(item, dict):
            return item
        return Malformed(number, _text(item) or "null", "not a JSON object")


class GeoJsonReader(JsonReader):
    """A FeatureCollection (RFC 7946)."""

    _prefix = "features.item"

    def _record(self, item: Any, number: int) -> Record:
        if not isinstance(item, dict) or item.get("type") != "Feature":
            return Malformed(number, _text(item) or "null", "not a GeoJSON Feature")
        properties = item.get("properties") or {}
        if not isinstance(properties, dict):
            return Malformed(number, _text(item) or "null", "its properties are not an object")
        record = dict(properties)
        if "id" in item and "id" not in record:
            record["id"] = item["id"]
        return {**record, GEOMETRY: item.get("geometry")}


class _Blocks:
    """A file-like view of the decoded blocks, for a parser that asks for so many bytes."""

    def __init__(self, stream: Any, files: Files, path: Path) -> None:
        self._blocks = utf8_blocks(stream, files.encoding, path.name)

    def read(self, size: int) -> bytes:
        """The next block, whatever its size; empty at the end."""
        return b"" if size == 0 else next((block for block in self._blocks if block), b"")


def _parsed(line: bytes, number: int) -> Record:
    raw = line.decode("utf-8", errors="backslashreplace").strip()
    try:
        record = json.loads(line.decode("utf-8"), parse_float=Decimal, parse_int=Decimal)
    except UnicodeDecodeError as error:
        return Malformed(number, raw, f"byte {error.start + 1} cannot be decoded")
    except json.JSONDecodeError as error:
        return Malformed(number, raw, f"not JSON: {error.msg}")
    except (ValueError, RecursionError):
        return Malformed(number, raw, "not JSON: a number or a nesting beyond all measure")
    if not isinstance(record, dict):
        return Malformed(number, raw, "not a JSON object")
    return record


def _batch(numbered: Sequence[tuple[int, Record]], columns: Sequence[str]) -> Batch:
    whole = [(number, record) for number, record in numbered if isinstance(record, dict)]
    broken = [record for _, record in numbered if isinstance(record, Malformed)]
    texts = [pa.array(_texts(whole, name), pa.string()) for name in columns]
    ordinals = np.array([number for number, _ in whole], np.int64)
    return Batch(pa.table(texts, names=list(columns)), ordinals, broken)


def _texts(records: Iterable[tuple[int, dict[str, Any]]], name: str) -> list[str | None]:
    return [_text(record.get(name)) for _, record in records]


def _text(value: Any) -> str | None:
    """A JSON value as it would be written in a text file."""
    if value is None or value == "":
        return None
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return str(value).lower()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=_number)
    return str(value)


def _number(value: Any) -> int | float:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    raise TypeError(f"not a JSON value: {value!r}")
