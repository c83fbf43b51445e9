"""One writer at a time, and a second is told of the first."""

import json
import os
from pathlib import Path
from typing import TextIO

import pytest

from cityloom.errors import CityLocked, DeliveryError, StorageError, UsageError
from cityloom.lock import writer_lock


def test_a_second_writer_is_refused_while_the_first_writes(tmp_path: Path) -> None:
    with (
        writer_lock(tmp_path),
        pytest.raises(CityLocked, match="wait until it is done, or stop it"),
        writer_lock(tmp_path),
    ):
        pytest.fail("two writers at once")


def test_the_lock_is_free_after_its_block(tmp_path: Path) -> None:
    for _ in range(2):
        with writer_lock(tmp_path):
            pass
    with pytest.raises(RuntimeError), writer_lock(tmp_path):
        raise RuntimeError
    with writer_lock(tmp_path):
        pass


def test_the_lock_names_its_holder_and_forgets_it(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        holder = json.loads((tmp_path / ".lock").read_text("utf-8"))
        assert set(holder) == {"pid", "command", "since"}
    assert (tmp_path / ".lock").read_text("utf-8") == ""


@pytest.mark.parametrize("left", ["", "{", '{"pid": 1}', "\x00\x00"])
def test_a_holder_that_cannot_be_read_is_another_process(left: str, tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        (tmp_path / ".lock").write_text(left, encoding="utf-8")
        with pytest.raises(CityLocked, match="another process"), writer_lock(tmp_path):
            pytest.fail("two writers at once")


def test_a_refused_writer_leaves_the_holder_named(tmp_path: Path) -> None:
    with writer_lock(tmp_path):
        before = (tmp_path / ".lock").read_bytes()
        with pytest.raises(CityLocked), writer_lock(tmp_path):
            pytest.fail("two writers at once")
        assert (tmp_path / ".lock").read_bytes() == before


def test_words_left_by_a_killed_writer_do_not_hold_the_lock(tmp_path: Path) -> None:
    (tmp_path / ".lock").write_text('{"pid": 1, "command": "x", "since": "2024"}', "utf-8")
    with writer_lock(tmp_path) as unended:
        assert unended
        assert json.loads((tmp_path / ".lock").read_text("utf-8"))["pid"] != 1
    with writer_lock(tmp_path) as unended:
        assert not unended


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (OSError, True),
        (StorageError, True),
        (KeyboardInterrupt, True),
        (UsageError, False),
        (DeliveryError, False),
    ],
)
def test_the_next_writer_is_told_of_one_that_did_not_come_to_its_end(
    error: type[BaseException], expected: bool, tmp_path: Path
) -> None:
    with pytest.raises(error), writer_lock(tmp_path):
        raise error("what happened")
    with writer_lock(tmp_path) as unended:
        assert unended == expected
    with writer_lock(tmp_path) as unended:
        assert not unended


def test_the_name_in_the_lock_is_on_disk_before_anything_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []

    def sync(file: TextIO) -> None:
        assert os.path.samestat(os.fstat(file.fileno()), (tmp_path / ".lock").stat())
        synced.append((tmp_path / ".lock").read_text("utf-8"))

    monkeypatch.setattr(os, "fsync", sync)
    with writer_lock(tmp_path):
        assert [json.loads(name)["pid"] for name in synced] == [os.getpid()]
