"""What a backup says of itself: in an encrypted manifest, and in an index that tells little."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
import pyarrow as pa

from cityloom.errors import UsageError

FORMAT = 1
"""The version of what lies in a folder of backups."""

T = TypeVar("T")


@dataclass(frozen=True)
class Part:
    """Some bytes of a file, or all: the blob that holds them, their SHA-256, how many they are."""

    blob: str
    sha256: str
    size: int


@dataclass(frozen=True)
class SavedFile:
    """A file of the city: its path there, its bytes in order, and whether blobs are gzipped."""

    path: str
    parts: list[Part]
    packed: bool
    mode: int
    modified: int

    @property
    def size(self) -> int:
        """Its bytes."""
        return sum(part.size for part in self.parts)


@dataclass(frozen=True)
class SavedTable:
    """A table of the lake: which version was saved, its rows and their digest.

    ``folder`` is its path below ``lake/``; the digest is over the columns of ``schema``.
    """

    folder: str
    version: int
    rows: int
    digest: str
    schema: str


@dataclass(frozen=True)
class Manifest:
    """All that a backup holds."""

    id: str
    at: str
    city: str
    cityloom: str
    files: list[SavedFile]
    tables: list[SavedTable]
    format: int = FORMAT


@dataclass(frozen=True)
class Index:
    """What may be known of a backup without a key: when, how much, which blobs, which erasures.

    ``erased`` are the ids of the erasures that were done in the city before the backup.
    """

    id: str
    at: str
    files: int
    size: int
    written: int
    blobs: list[str]
    erased: list[str] = field(default_factory=list)
    format: int = FORMAT


def as_json(item: Manifest | Index) -> bytes:
    """As it is written."""
    return json.dumps(msgspec.to_builtins(item)).encode()


def from_json(text: bytes, kind: type[T], origin: str) -> T:
    """From what was written.

    Raises:
        UsageError: it was not, or by a newer cityloom.
    """
    try:
        found = json.loads(text)
        if isinstance(stated := found["format"], int) and stated > FORMAT:
            raise UsageError(f"{origin}: of a newer cityloom; upgrade cityloom")
        return msgspec.convert(found, kind)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise UsageError(f"{origin} is damaged: {error}") from None


def written_schema(schema: pa.Schema) -> str:
    """A schema as text."""
    return b64encode(schema.remove_metadata().serialize().to_pybytes()).decode()


def read_schema(text: str) -> pa.Schema:
    """A schema from its text."""
    return pa.ipc.read_schema(pa.py_buffer(b64decode(text)))
