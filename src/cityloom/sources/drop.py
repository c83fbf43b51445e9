"""A source's place in the inbox: files appear there whole or not at all."""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from sqlalchemy.exc import SQLAlchemyError

from cityloom.disk import put
from cityloom.errors import PullError, faults_in_words

_OF_DISKS = {errno.EDQUOT, errno.EIO, errno.ENOSPC, errno.EROFS}
_PARTIAL = ".pulling-"
_LONGEST_NAME = 200


class Busy(PullError):
    """Another process is pulling a source."""


class OutOfTime(PullError):
    """A pull that took longer than its source allows."""


class FileRefused(PullError):
    """One file of a source that cannot be pulled; the others can."""


class Drop:
    """The folder of one source below its dataset's folder of the inbox."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one that pulls this source; what a killed pull left half-written is taken away.

        Raises:
            Busy: another process is pulling it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with open(self.folder / ".lock", "a") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Busy(f"{self.folder.name} is being pulled by another process") from None
            for left in self.folder.rglob(f"{_PARTIAL}*"):
                left.unlink()
            yield

    def files(self) -> list[Path]:
        """The files that lie there."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        return [path for path in found if not path.name.startswith(".")]

    @contextmanager
    def filling(self, name: str) -> Iterator["Filling"]:
        """A file to write, which takes its place under its name if the block asks for it."""
        target = self.folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{_PARTIAL}{target.name}")
        filling = Filling(partial)
        try:
            yield filling
            if filling.wanted:
                put(partial, target)
        finally:
            partial.unlink(missing_ok=True)


class Filling:
    """A file that is being written."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.wanted = False

    def keep(self) -> None:
        """Let the file take its place."""
        self.wanted = True


class Sink:
    """Where the bytes of one file go, as long as they are not too many and do not take too long."""

    def __init__(self, out: BinaryIO, largest_mb: int, longest: timedelta) -> None:
        self.size = 0
        self._out = out
        self._largest_mb = largest_mb
        self._clock = Clock(longest)

    def write(self, data: bytes) -> int:
        """Take some bytes; how many.

        Raises:
            FileRefused: the file is larger than ``largest_mb``.
            OutOfTime: the pull has taken longer than ``longest``.
            StorageError: the disk is full or fails.
        """
        self._clock.check()
        check_size(self.size + len(data), self._largest_mb)
        self.size += len(data)
        with faults_in_words():
            return self._out.write(data)


def is_storage(error: Exception) -> bool:
    """Whether a pull failed with the city's own disk or store, not with its source."""
    own = isinstance(error, OSError) and error.errno in _OF_DISKS
    return own or isinstance(error, SQLAlchemyError)


class Clock:
    """How long a pull may still take."""

    def __init__(self, longest: timedelta) -> None:
        self._longest = longest
        self._end = time.monotonic() + longest.total_seconds()

    def check(self) -> None:
        """See that there is time left.

        Raises:
            OutOfTime: there is none.
        """
        if time.monotonic() > self._end:
            raise OutOfTime(f"it took longer than {self._longest}; raise longest if that is meant")


def check_size(size: int, largest_mb: int) -> None:
    """See that a file is not too large.

    Raises:
        FileRefused: it is.
    """
    if size > largest_mb * 1_000_000:
        raise FileRefused(f"larger than {largest_mb} MB; raise largest_mb if that is meant")


def is_plain(name: str) -> bool:
    """Whether a name from elsewhere may be that of a file below a folder of ours."""
    parts = PurePosixPath(name).parts
    return (
        bool(parts)
        and "\\" not in name
        and name.isprintable()
        and not name.startswith("/")
        and all(_is_plain_part(part) for part in parts)
    )


def _is_plain_part(part: str) -> bool:
    return not part.startswith((".", "~")) and len(os.fsencode(part)) <= _LONGEST_NAME
