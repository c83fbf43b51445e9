"""Weave on a disk that is full, make room, and weave again.

``python -m tests.faults.full_disk mount FOLDER ROOM…`` mounts a small disk of its own at a folder,
for which it must be started by ``unshare --mount``; ``limit`` in place of ``mount`` forbids the
process files above so many bytes. Prints, as JSON, what came of each room in bytes.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cityloom.city import City
from cityloom.errors import UsageError
from tests.cities import digests, quarantined
from tests.faults.scene import first_act

MEGABYTES = 24


@contextmanager
def full_mount(folder: Path, room: int) -> Iterator[None]:
    """The disk at a folder is full but for so many bytes."""
    ballast = folder / "ballast"
    free = os.statvfs(folder).f_bavail * os.statvfs(folder).f_frsize
    with open(ballast, "wb") as file:
        file.write(b"\0" * max(free - room, 0))
    try:
        yield
    finally:
        ballast.unlink()


@contextmanager
def limited(folder: Path, room: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def content(path: Path) -> Any:
    """What a reader sees of a city."""
    city = City.open(path)
    return {
        name: (digest, [row.values for row in quarantined(city, name)])
        for name, digest in digests(city).items()
    }


def half_written(path: Path) -> list[str]:
    """Files that a commit names and that are not whole."""
    import pyarrow.parquet as pq

    broken = []
    city = City.open(path)
    for dataset in city.contracts:
        for file in [*city.kept(dataset).files(), *city.quarantine_files(dataset)]:
            try:
                pq.read_table(file)
            except (OSError, ValueError) as error:
                broken.append(f"{file.name}: {error}")
    return broken


def main() -> None:
    """Try each room."""
    how, place, rooms = sys.argv[1], Path(sys.argv[2]), [int(room) for room in sys.argv[3:]]
    if how == "mount":
        size = f"size={MEGABYTES}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(place)], check=True)
    full = full_mount if how == "mount" else limited
    first_act(place / "unbroken", size=20)
    City.open(place / "unbroken").weave()
    truth = content(place / "unbroken")
    shutil.rmtree(place / "unbroken")
    results = []
    for room in rooms:
        city = place / "city"
        first_act(city, size=20)
        with full(place, room):
            error, in_words = _woven(city)
        torn = half_written(city)
        again, _ = _woven(city)
        equal = not again and content(city) == truth
        results.append(
            {"room": room, "error": error, "in_words": in_words, "torn": torn, "again": again,
             "equal": equal}
        )  # fmt: skip
        shutil.rmtree(city)
    print(json.dumps(results))


def _woven(city: Path) -> tuple[str, bool]:
    """The error of a weave, empty where it succeeds, and whether it is one in words."""
    try:
        failed = [run.error for run in City.open(city).weave() if run.failed]
    except UsageError as error:
        return str(error), True
    except Exception as error:
        return f"{type(error).__name__}: {str(error)[:200]}", False
    return "; ".join(failed), True


if __name__ == "__main__":
    main()
