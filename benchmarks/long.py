"""What a long run needs: notes that stay if it is stopped, a look at the disk, a sign of life."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

_SECONDS_BETWEEN_SIGNS: Final = 60.0
_SECONDS_BETWEEN_LOOKS: Final = 5.0
_GB: Final = 1e9

Note = dict[str, Any]


@dataclass(frozen=True)
class Notes:
    """Results as they come: a file of JSON, a line each."""

    path: Path

    def add(self, **note: Any) -> Note:
        """Append a result, on disk before anything else happens."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(note, ensure_ascii=False) + "\n")
        say(json.dumps(note, ensure_ascii=False))
        return note

    def of(self, **wanted: Any) -> list[Note]:
        """The results that have these values."""
        if not self.path.exists():
            return []
        lines = self.path.read_text(encoding="utf-8").splitlines()
        notes = [json.loads(line) for line in lines]
        return [note for note in notes if wanted.items() <= note.items()]


@dataclass
class Disk:
    """The bytes that a folder has taken so far, at the most."""

    folder: Path
    peak: int = 0
    _done: threading.Event = field(default_factory=threading.Event)

    def look(self) -> int:
        """The bytes that it takes now."""
        now = size_of(self.folder)
        self.peak = max(self.peak, now)
        return now


def say(text: str) -> None:
    """A line of progress, with the time."""
    print(f"{time.strftime('%H:%M:%S')} {text}", flush=True)


def size_of(*paths: Path) -> int:
    """The bytes of the files in folders, with those in folders inside them."""
    total = 0
    for path in paths:
        for file in [path, *path.rglob("*")]:
            try:
                total += file.stat().st_size if file.is_file() else 0
            except FileNotFoundError:
                continue
    return total


def check_room(folder: Path, gb: float, what: str) -> None:
    """Stop where the disk has less room than is needed; what was noted stays."""
    folder.mkdir(parents=True, exist_ok=True)
    free = shutil.disk_usage(folder).free / _GB
    if free < gb:
        raise SystemExit(f"{what} needs {gb:.1f} GB, and {folder} has {free:.1f} GB left: stopped")


@contextmanager
def watched(folder: Path, what: str) -> Iterator[Disk]:
    """Say now and then how long it has taken, and keep the most that a folder takes."""
    disk = Disk(folder)
    thread = threading.Thread(target=_watch, args=(disk, what), daemon=True)
    thread.start()
    try:
        yield disk
    finally:
        disk._done.set()
        thread.join()
        disk.look()


def _watch(disk: Disk, what: str) -> None:
    began = said = time.monotonic()
    while not disk._done.wait(_SECONDS_BETWEEN_LOOKS):
        now = time.monotonic()
        taken = disk.look()
        if now - said >= _SECONDS_BETWEEN_SIGNS:
            said = now
            say(f"{what}: {now - began:,.0f} s, {taken / _GB:.1f} GB on disk")


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *rows])
