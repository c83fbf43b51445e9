"""What is on disk for good, also where the power fails."""

import os
from pathlib import Path


def sync(path: Path) -> None:
    """See to it that a file, or the names in a folder, are on disk for good."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def put(draft: Path, path: Path) -> None:
    """Give a file that is written its place, for good and in that of what is there."""
    sync(draft)
    os.replace(draft, path)
    sync(path.parent)
