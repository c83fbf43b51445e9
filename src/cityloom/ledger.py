"""The ledger: who asked for which data, why, and what they got, in a chain of hashes.

One JSON object a line; each carries the hash of the line before it, so a line that is changed or
taken out breaks the chain from there on.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path

from cityloom.errors import UsageError, faults_in_words

_START = "0" * 64


@dataclass(frozen=True)
class Entry:
    """One request for data and its answer; ``rows`` is how many a grant opened up."""

    principal: str
    purpose: str
    dataset: str
    granted: bool
    reason: str
    rows: int | None = None


class Ledger:
    """The ledger in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def record(self, entry: Entry) -> None:
        """Append an entry; it is on disk when this returns.

        Raises:
            StorageError: it cannot be written; whoever asked gets no data.
        """
        with faults_in_words(self._path), open(self._path, "a+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            _drop_cut_off_line(file.fileno())
            line = {
                "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
                **asdict(entry),
                "previous": _last_hash(file.fileno()),
            }
            file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())

    def verify(self) -> int:
        """How many entries there are, all in an unbroken chain.

        Raises:
            UsageError: an entry was changed, removed or put in; the message names its line.
        """
        expected, count = _START, 0
        for count, line in enumerate(self._lines(), start=1):
            try:
                previous = json.loads(line)["previous"]
            except (ValueError, KeyError, TypeError):
                raise UsageError(f"{self._path} line {count}: not a ledger entry") from None
            if previous != expected:
                raise UsageError(
                    f"{self._path} line {count}: the chain is broken; "
                    f"line {count - 1} was changed, or a line before this one taken out"
                )
            expected = sha256(line).hexdigest()
        return count

    def _lines(self) -> Iterator[bytes]:
        if self._path.exists():
            with open(self._path, "rb") as file:
                yield from (line.rstrip(b"\n") for line in file)


def _drop_cut_off_line(descriptor: int) -> None:
    """Take out an entry that a crash cut off; whoever asked for it was never answered."""
    size = os.fstat(descriptor).st_size
    end = size
    while end > 0 and os.pread(descriptor, 1, end - 1) != b"\n":
        end -= 1
    if end < size:
        os.ftruncate(descriptor, end)


def _last_hash(descriptor: int, step: int = 65_536) -> str:
    size = os.fstat(descriptor).st_size
    if size == 0:
        return _START
    tail, start = b"", size
    while start > 0 and b"\n" not in tail.rstrip(b"\n"):
        start = max(0, start - step)
        tail = os.pread(descriptor, size - start, start)
    return sha256(tail.rstrip(b"\n").rpartition(b"\n")[2]).hexdigest()
