"""A process that makes a backup, or restores one, and kills itself at one of its writes.

``python -m tests.faults.backups save CITY TARGET AT`` or ``restore TARGET PATH KEY AT``; prints how
many writes, syncs, renames and removals there were in the folders that it writes to.
"""

import os
import signal
import sys
from pathlib import Path
from typing import IO, Any

from cityloom.backup.keys import read_identities
from cityloom.backup.restore import restore
from cityloom.backup.take import back_up
from cityloom.city import City


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


def main() -> None:
    """Do the work, counted."""
    work, *words, at = sys.argv[1:]
    places = [Path(word).resolve() for word in words]
    sync = os.fsync
    hidden = str(places[1].with_name(f".{places[1].name}."))
    counted = Countdown((str(places[1]), hidden), int(at))

    def fsync(file: int | IO[Any]) -> None:
        counted.synced(file)
        sync(file)

    os.fsync = fsync  # type: ignore[assignment]
    sys.addaudithook(counted.heard)
    if work == "save":
        back_up(City.open(places[0]), places[1], keep=1)
    else:
        restore(places[0], places[1], read_identities(places[2]))
    print(counted.count)


if __name__ == "__main__":
    main()
