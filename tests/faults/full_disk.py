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


def command(name: str, city: Path) -> tuple[int, str]:
    """The exit status of a command and what it says of its failure."""
    done = subprocess.run(
        [sys.executable, "-m", "cityloom", name, str(city)],
        check=False,
        capture_output=True,
        text=True,
    )
    return done.returncode, done.stderr if done.returncode else ""


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
            status, error = command("weave", city)
        torn = half_written(city)
        again, wrong = command("weave", city)
        equal = again == 0 and content(city) == truth
        results.append(
            {"room": room, "status": status, "error": error, "torn": torn, "again": wrong,
             "equal": equal}
        )  # fmt: skip
        shutil.rmtree(city)
    print(json.dumps(results))


if __name__ == "__main__":
    main()
