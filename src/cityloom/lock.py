"""One writer at a time: the lock of a city directory. Readers never take it."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cityloom.errors import CityLocked, StorageError, UsageError


@contextmanager
def writer_lock(city: Path) -> Iterator[bool]:
    """Hold the city's writer lock for the length of a ``with`` block.

    The operating system releases the lock when the process ends, however it ends. The block is told
    whether the writer before did not come to its end: one that did takes its name out of the lock,
    also where it ends by refusing what it was asked for.

    Raises:
        CityLocked: another process holds it; the message names that process and its start.
    """
    with open(city / ".lock", "a+", encoding="utf-8", errors="replace") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            raise CityLocked(_held_by(city, file.read())) from None
        file.seek(0)
        unended = bool(file.read())
        file.truncate(0)
        file.write(_this_process())
        file.flush()
        os.fsync(file)
        try:
            yield unended
        except StorageError:
            raise
        except UsageError:
            file.truncate(0)
            raise
        file.truncate(0)


def _this_process() -> str:
    since = datetime.now(UTC).isoformat(timespec="seconds")
    command = " ".join([Path(sys.argv[0]).name, *sys.argv[1:]])
    return json.dumps({"pid": os.getpid(), "command": command, "since": since})


def _held_by(city: Path, text: str) -> str:
    try:
        holder = json.loads(text)
        who = f"process {holder['pid']} ({holder['command']}), since {holder['since']}"
    except (ValueError, KeyError, TypeError):
        who = "another process"
    return f"{city}: {who} is writing to this city; wait until it is done, or stop it"
