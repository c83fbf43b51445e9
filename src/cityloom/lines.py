"""Files that grow by whole lines: where the last one ends, and the lines from the end backwards."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

T = TypeVar("T")

_STEP = 65_536


def whole_lines(descriptor: int) -> int:
    """The bytes of a file up to the end of its last whole line; a line ends with a line feed."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(0, end - _STEP)
        if (place := os.pread(descriptor, end - start, start).rfind(b"\n")) >= 0:
            return start + place + 1
        end = start
    return 0


def drop_cut_off_line(descriptor: int) -> int:
    """Take out a line that a crash cut off; the bytes that are left."""
    end = whole_lines(descriptor)
    if end < os.fstat(descriptor).st_size:
        os.ftruncate(descriptor, end)
    return end


def backwards(descriptor: int, end: int) -> Iterator[bytes]:
    """The lines before the end of one, the last first, each without its line feed."""
    rest, at = b"", max(0, end - 1)
    while at > 0:
        start = max(0, at - _STEP)
        rest, *lines = (os.pread(descriptor, at - start, start) + rest).split(b"\n")
        yield from reversed(lines)
        at = start
    if end > 0:
        yield rest


def append_line(path: Path, line: bytes) -> None:
    """Put a line at the end of a file that many may write to; it is on disk when this returns."""
    with open(path, "a+b") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        drop_cut_off_line(file.fileno())
        file.write(line + b"\n")
        file.flush()
        os.fsync(file.fileno())


def decoded(line: bytes, decoder: "msgspec.json.Decoder[T]") -> T | None:
    """What a line of JSON says; ``None`` where it is nothing that the decoder is for."""
    try:
        return decoder.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
