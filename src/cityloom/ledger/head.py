"""The head of the ledger: the number and the hash of its newest entry.

Without it nobody could tell that the newest entries were cut off, or the last one changed. It lies
beside the ledger, and elsewhere as it was published.
"""

import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec

from cityloom.disk import sync
from cityloom.lines import decoded

_BYTES = 128
"""The bytes of the file, always as many and fewer than a sector: they are written at once."""


Number = Annotated[int, msgspec.Meta(ge=1, le=2**53)]
"""The number of an entry, counted from 1."""


@dataclass(frozen=True)
class Head:
    """An entry's number and its hash."""

    number: Number
    hash: str


@dataclass(frozen=True)
class Published(Head):
    """A head as it was published: of which city, and when (UTC)."""

    city: str
    at: str


_HEAD = msgspec.json.Decoder(Head)

START = Head(0, "0" * 64)
"""The head of a ledger without entries."""

sync_data = getattr(os, "fdatasync", os.fsync)
"""See to it that what was written to a file is on disk."""


class LocalHead:
    """The head in the file beside the ledger; whoever calls holds the ledger's lock."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> Head | None:
        """The head; ``None`` where the file is missing or is not what was written."""
        return decoded(self.path.read_bytes(), _HEAD) if self.path.exists() else None

    def write(self, head: Head) -> None:
        """Put a head in the place of the one before; it is on disk when this returns."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            is_new = os.fstat(descriptor).st_size != _BYTES
            if is_new:
                os.ftruncate(descriptor, _BYTES)
            os.pwrite(descriptor, as_text(head), 0)
            sync_data(descriptor)
        finally:
            os.close(descriptor)
        if is_new:
            sync(self.path.parent)


def as_text(head: Head) -> bytes:
    """A head as it lies beside the ledger."""
    said = json.dumps({"number": head.number, "hash": head.hash})
    return f"{said:{_BYTES - 1}}\n".encode()
