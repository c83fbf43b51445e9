"""A process that makes a backup, or restores one, and kills itself at one of its writes.

It is forked from one that has all modules loaded.
"""

import os
import signal
import sys
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import IO, Any

from cityloom.backup.keys import read_identities
from cityloom.backup.restore import restore
from cityloom.backup.take import back_up
from cityloom.city import City

_LOADED = ("cityloom.modules.indicators.tables", "pandas", "pyrage")
"""Modules that are loaded only where they are used."""


class Countdown:
    """Counts what is done to files below some folders, and kills the process at one of them."""

    def __init__(self, folders: tuple[str, ...], at: int) -> None:
        self.count = 0
        self._folders = folders
        self._at = at

    def heard(self, event: str, arguments: tuple[object, ...]) -> None:
        """An audit event."""
        if event == "open" and not (isinstance(arguments[2], int) and arguments[2] & os.O_ACCMODE):
            return
        if event in ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.utime"):
            path = arguments[0]
            if isinstance(path, str | bytes | os.PathLike):
                self._count(os.fsdecode(path))

    def synced(self, file: int | IO[Any]) -> None:
        """A sync, before it is done."""
        descriptor = file if isinstance(file, int) else file.fileno()
        self._count(os.readlink(f"/proc/self/fd/{descriptor}"))

    def _count(self, path: str) -> None:
        if path.startswith(self._folders):
            self.count += 1
            if self.count == self._at:
                os.kill(os.getpid(), signal.SIGKILL)


def done(*words: str | Path, at: int = 0) -> int | None:
    """Do ``save CITY TARGET`` or ``restore TARGET PATH KEY``, killed at one of the writes.

    The answer is how many writes, syncs, renames and removals there were in the folders that are
    written to; ``None`` if it was killed.
    """
    context = get_context("forkserver")
    context.set_forkserver_preload([__name__, *_LOADED])
    count, tell = context.Pipe(duplex=False)
    process = context.Process(target=_do, args=(tell, at, *map(str, words)))
    process.start()
    tell.close()
    process.join()
    assert process.exitcode in (0, -signal.SIGKILL)
    return int(count.recv()) if process.exitcode == 0 else None


def _do(tell: Connection, at: int, work: str, *words: str) -> None:
    """Do the work, counted."""
    places = [Path(word).resolve() for word in words]
    sync = os.fsync
    hidden = str(places[1].with_name(f".{places[1].name}."))
    counted = Countdown((str(places[1]), hidden), at)

    def fsync(file: int | IO[Any]) -> None:
        counted.synced(file)
        sync(file)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(counted.heard)
    if work == "save":
        back_up(City.open(places[0]), places[1], keep=1)
    else:
        restore(places[0], places[1], read_identities(places[2]))
    tell.send(counted.count)
