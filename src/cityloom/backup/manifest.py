"""What a backup says of itself: in an encrypted manifest, and in an index that tells little."""

import json
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Annotated, TypeVar

import msgspec
import pyarrow as pa

from cityloom.errors import UsageError

FORMAT = 1
"""The version of what lies in a folder of backups."""

T = TypeVar("T")

Name = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
"""The name of a blob, or a SHA-256."""

Id = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{17}-[0-9a-f]{4}\Z")]
"""The id of a backup: when, and four digits by chance."""

Count = Annotated[int, msgspec.Meta(ge=0)]
Nanoseconds = Annotated[int, msgspec.Meta(ge=-(2**62), le=2**62)]
Mode = Annotated[int, msgspec.Meta(ge=0, le=0o777)]


@dataclass(frozen=True)
class Part:
    """Some bytes of a file, or all: the blob that holds them, their SHA-256, how many they are."""

    blob: Name
    sha256: Name
    size: Count


@dataclass(frozen=True)
class SavedFile:
    """A file of the city: its path there, its bytes in order, and whether blobs are gzipped."""

    path: str
    parts: list[Part]
    packed: bool
    mode: Mode
    modified: Nanoseconds

    def __post_init__(self) -> None:
        """See that it leads nowhere but into the city."""
        check_inside(self.path)

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

    def __post_init__(self) -> None:
        """See that it leads nowhere but into the lake."""
        check_inside(self.folder)


@dataclass(frozen=True)
class Manifest:
    """All that a backup holds."""

    id: Id
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

    id: Id
    at: str
    files: Count
    size: Count
    written: Count
    blobs: list[Name]
    erased: list[str] = field(default_factory=list)
    format: int = FORMAT


def check_inside(path: str) -> None:
    """See that a relative path leads to no place above where it begins.

    Whoever knows a public key can write a manifest, so what it says is not taken on trust.

    Raises:
        ValueError: it leads elsewhere, or is written in more than one way.
    """
    parts = PurePosixPath(path).parts
    if not parts or "\0" in path or ".." in parts or parts[0] == "/" or "/".join(parts) != path:
        raise ValueError(f"{path!r} is no path within a city")


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
