"""A file read by a parser in a process of its own, within bounds of memory and processor time."""

import json
import os
import subprocess
import sys
import weakref
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.apart import MEMORY, OUT_OF_MEMORY, PROCESSOR, REFUSED, WRONG
from cityloom.contract.typed import as_text
from cityloom.errors import DeliveryError, plain
from cityloom.readers.batch import Batch, Malformed

_PATIENCE = 60.0
"""Seconds that a child may take to end once nobody listens to it."""

_ONE_THREAD = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "GDAL_NUM_THREADS": "1"}


class ApartReader:
    """Rows that a child reads from a file.

    Args:
        path: the file as it was delivered, for messages.
        program: what the child is to run, ``sheets`` or ``layers``.
        form: what the file is to be, for messages.
        asked: what the child is to open.

    Raises:
        DeliveryError: the child refused the file, or could not read it.
    """

    def __init__(self, path: Path, program: str, form: str, asked: dict[str, Any]) -> None:
        self._path = path
        self._program = program
        self._form = form
        self._asked = asked
        self._is_reading = False
        self._start()
        self.columns: list[str] = self._facts["columns"]

    @property
    def crs(self) -> str | None:
        """The CRS that the file states for its geometries."""
        return self._facts.get("crs")

    @property
    def geometry(self) -> str | None:
        """The column of the file's geometries."""
        return self._facts.get("geometry")

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        if self._is_reading:
            self._end()
            self._start()
        self._is_reading = True
        self._tell(list(columns))
        ordinal = 1
        for rows in self._tables():
            yield _as_batch(rows, ordinal, columns)
            ordinal += len(rows)
        self._is_reading = False

    def _start(self) -> None:
        self._said: IO[bytes] = TemporaryFile()  # noqa: SIM115 (closed when the child ends)
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "cityloom.apart", self._program],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._said,
            env={**os.environ, **_ONE_THREAD},
        )  # fmt: skip
        self._end = weakref.finalize(self, _end, self._child, self._said)
        self._is_reading = False
        self._tell(self._asked)
        assert self._child.stdout is not None
        answer = self._child.stdout.readline()
        if not answer:
            raise self._refusal()
        self._facts: dict[str, Any] = json.loads(answer)

    def _tell(self, what: object) -> None:
        assert self._child.stdin is not None
        try:
            self._child.stdin.write(json.dumps(what).encode() + b"\n")
            self._child.stdin.flush()
        except BrokenPipeError:
            raise self._refusal() from None

    def _tables(self) -> Iterator[pa.Table]:
        try:
            with pa.ipc.open_stream(self._child.stdout) as stream:
                for batch in stream:
                    yield pa.Table.from_batches([batch])
        except (pa.ArrowException, OSError) as error:
            raise self._refusal(plain(error)) from None

    def _refusal(self, heard: str = "") -> DeliveryError:
        """Why the child ended before its time, or what was ``heard`` where it did not."""
        status = _status(self._child)
        self._said.seek(0)
        said = self._said.read().decode(errors="replace").strip().rpartition("\n")[2]
        said = heard if not said or said.startswith(BrokenPipeError.__name__) else said
        self._end()
        name = self._path.name
        if status == REFUSED:
            refused = json.loads(said)
            return DeliveryError(f"{name}: {refused['message']}", f"{name}: {refused['discreet']}")
        if status < 0 or status == OUT_OF_MEMORY or "MemoryError" in said:
            return DeliveryError(
                f"{name}: reading it as {self._form} took more than {MEMORY >> 30} GB of memory or "
                f"{PROCESSOR // 60} minutes of processor time, or crashed its parser; it is "
                "damaged or too large. Ask for it to be sent again, or in parts"
            )
        return DeliveryError(
            f"{name}: not a whole {self._form} ({said}); ask for it to be sent again",
            f"{name}: not a whole {self._form}; ask for it to be sent again",
        )


def _status(child: "subprocess.Popen[bytes]") -> int:
    """The exit status of a child that is listened to no more; 1 where it would not end."""
    _close(child.stdin, child.stdout)
    try:
        return child.wait(_PATIENCE)
    except subprocess.TimeoutExpired:
        return 1


def _end(child: "subprocess.Popen[bytes]", said: IO[bytes]) -> None:
    child.kill()
    child.wait()
    _close(child.stdin, child.stdout, said)


def _close(*pipes: IO[bytes] | None) -> None:
    for pipe in pipes:
        with suppress(BrokenPipeError):
            if pipe is not None:
                pipe.close()


def _as_batch(rows: pa.Table, first: int, columns: Sequence[str]) -> Batch:
    """A batch of rows whose last column says what is wrong with each."""
    ordinals = np.arange(first, first + len(rows), dtype=np.int64)
    wrong = rows.column(WRONG)
    texts = pa.table(
        [pa.chunked_array(list(map(as_text, rows.column(n).chunks)), pa.string()) for n in columns],
        names=list(columns),
    )
    if wrong.null_count == len(rows):
        return Batch(texts, ordinals)
    sound = pc.is_null(wrong)
    kept = sound.to_numpy().astype(bool)
    return Batch(texts.filter(sound), ordinals[kept], _malformed(texts, wrong, ordinals, ~kept))


def _malformed(
    texts: pa.Table, wrong: pa.ChunkedArray, ordinals: Any, broken: Any
) -> list[Malformed]:
    raw = texts.filter(pa.array(broken)).to_pylist()
    reasons = wrong.drop_null().to_pylist()
    return [
        Malformed(ordinal, json.dumps(row, ensure_ascii=False), reason)
        for ordinal, row, reason in zip(ordinals[broken].tolist(), raw, reasons, strict=True)
    ]
