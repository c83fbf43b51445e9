"""Sets of 64-bit hashes that are too many for memory: which repeat, and which are members.

Two different keys share a hash once in 2**64 pairs; whoever asks settles it on the keys themselves.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

RUN_LENGTH = 1 << 25
"""Hashes held in memory at a time (8 bytes each); more are kept as sorted runs on disk."""


_BITS_LOOKED_AT = 20
_BITS_LEFT = np.uint64(64 - _BITS_LOOKED_AT)


class HashBag:
    """A multiset of hashes: fill it with :meth:`add`, then ask."""

    def __init__(self, scratch: Path, run_length: int = RUN_LENGTH) -> None:
        self._scratch = scratch
        self._run_length = run_length
        self._pending: list[Hashes] = []
        self._pending_length = 0
        self._runs: list[Hashes] = []
        self._files: list[IO[bytes]] = []

    def __len__(self) -> int:
        return self._pending_length + sum(map(len, self._runs))

    def add(self, hashes: Hashes) -> None:
        """Put some hashes in."""
        self._pending.append(hashes)
        self._pending_length += len(hashes)
        if self._pending_length >= self._run_length:
            self._runs.append(self._to_disk(self._sorted_pending()))

    def contains(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of these are in the bag."""
        found = np.zeros(len(hashes), bool)
        for run in self._all_runs():
            found |= _is_member(hashes, run)
        return found

    def repeated(self) -> Hashes:
        """The hashes that are in the bag more than once, ascending."""
        runs = self._all_runs()
        slices = 1 if len(runs) == 1 else 4 * len(runs)
        edges = np.linspace(0, 2**64 - 1, slices + 1)[1:-1].astype(np.uint64)
        parts = [_repeated(_slice(runs, low, high)) for low, high in _spans(edges)]
        return np.concatenate(parts) if parts else np.empty(0, np.uint64)

    def _all_runs(self) -> list[Hashes]:
        if self._pending:
            self._runs.append(self._sorted_pending())
        return self._runs

    def _sorted_pending(self) -> Hashes:
        run = np.empty(self._pending_length, np.uint64)
        at = 0
        while self._pending:
            part = self._pending.pop()
            run[at : at + len(part)] = part
            at += len(part)
        self._pending_length = 0
        run.sort()
        return run

    def _to_disk(self, run: Hashes) -> Hashes:
        file = TemporaryFile(dir=self._scratch)  # noqa: SIM115 - the mapped run needs it open
        file.write(run.data)
        file.flush()
        self._files.append(file)
        return np.memmap(file, np.uint64, mode="r", shape=run.shape)


class HashSet:
    """A few hashes, ascending, of which most that are asked for are not."""

    def __init__(self, ascending: Hashes) -> None:
        self._ascending = ascending
        self._begun = np.zeros(1 << _BITS_LOOKED_AT, bool)
        self._begun[ascending >> _BITS_LEFT] = True

    def contains(self, hashes: Hashes) -> npt.NDArray[np.bool_]:
        """Which of these are in the set."""
        found: npt.NDArray[np.bool_] = self._begun[hashes >> _BITS_LEFT]
        likely = np.flatnonzero(found)
        found[likely] = _is_member(hashes[likely], self._ascending)
        return found


def _is_member(hashes: Hashes, ascending: Hashes) -> npt.NDArray[np.bool_]:
    """Which hashes occur in an ascending array."""
    if len(ascending) == 0:
        return np.zeros(len(hashes), bool)
    places = np.searchsorted(ascending, hashes)
    found: npt.NDArray[np.bool_] = ascending[np.minimum(places, len(ascending) - 1)] == hashes
    return found


def _spans(edges: Hashes) -> Iterator[tuple[np.uint64 | None, np.uint64 | None]]:
    yield from pairwise([None, *edges, None])


def _slice(runs: list[Hashes], low: np.uint64 | None, high: np.uint64 | None) -> Hashes:
    parts = []
    for run in runs:
        start = 0 if low is None else np.searchsorted(run, low)
        stop = len(run) if high is None else np.searchsorted(run, high)
        parts.append(run[start:stop])
    if len(parts) == 1:
        return parts[0]
    merged = np.concatenate(parts) if parts else np.empty(0, np.uint64)
    merged.sort()
    return merged


def _repeated(ascending: Hashes) -> Hashes:
    return np.unique(ascending[1:][ascending[1:] == ascending[:-1]])
