"""A child that reads a file is never waited for without end."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Timer

import pyarrow as pa
import pytest

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers import apart, open_reader
from cityloom.readers.apart import ApartReader
from tests.readers.test_layer_reader import POINTS, write

ROWS = 20_000

SILENT = """#!/bin/sh
read asked
echo '{"columns": ["a"]}'
read columns
exec >&-
exec sleep 600
"""


@contextmanager
def at_most(seconds: float, reader: ApartReader) -> Iterator[None]:
    """End the child after some time, which then is what the reader tells of."""
    timer = Timer(seconds, reader._child.kill)
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def test_a_child_that_still_writes_ends_when_its_answer_is_not_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def not_understood(source: object) -> object:
        raise pa.ArrowInvalid("no stream")

    path = write(tmp_path / "a.gpkg", {"text": ["x" * 100] * ROWS}, POINTS[:1] * ROWS)
    reader = open_reader(path, Files())
    assert isinstance(reader, ApartReader)
    monkeypatch.setattr(apart.pa.ipc, "open_stream", not_understood)
    with at_most(60, reader), pytest.raises(DeliveryError, match=r"not a whole .* \(no stream\)"):
        list(reader.batches(["text"]))
    assert reader._child.poll() is not None


def test_a_child_that_does_not_end_is_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "silent"
    program.write_text(SILENT)
    program.chmod(0o755)
    monkeypatch.setattr(apart.sys, "executable", str(program))
    monkeypatch.setattr(apart, "_PATIENCE", 0.1)
    reader = ApartReader(tmp_path / "a.gpkg", "layers", "GeoPackage", {})
    with at_most(60, reader), pytest.raises(DeliveryError, match="not a whole GeoPackage"):
        list(reader.batches(["a"]))
    assert reader._child.poll() is not None
