"""Half of a change on disk is no change: readers see the old truth, the next run heals."""

import errno
from pathlib import Path

import pytest

import cityloom.lake
from cityloom.city import City
from cityloom.lake import LakeTable
from tests.cities import csv_bytes, deliver, digests, new_city, quarantined, receipts, rows
from tests.faults.scene import CONTRACTS, VISIT

pytestmark = pytest.mark.faults

FIRST = csv_bytes(VISIT, [(1, "", 5), (2, "", -5)])
SECOND = csv_bytes(VISIT, [(3, "", 5), (4, "", -5), (5, "", -5)])


class PowerCut(BaseException):
    """Ends a run where it stands, as a kill does."""


@pytest.fixture
def city(tmp_path: Path) -> City:
    city = new_city(tmp_path / "city", CONTRACTS)
    deliver(city, "visit", "a.csv", FIRST)
    return city


def seen(city: City) -> object:
    """What readers see."""
    opened = City.open(city.path)
    return (
        digests(opened)["visit"],
        sorted(row["id"] for row in rows(opened, "visit")),
        [(row.delivery, row.received["id"]) for row in quarantined(opened, "visit")],
        [(f.rows, f.rows_quarantined) for f in opened.datasets() if f.dataset == "visit"],
    )


def fail_commit(patch: pytest.MonkeyPatch, folder: Path, error: BaseException) -> None:
    """Let the commit of one table fail before it does anything, and no file be removed."""
    commit = LakeTable.commit

    def failing(table: LakeTable, *args: object, **kwargs: object) -> int:
        if table.folder == folder:
            raise error
        return commit(table, *args, **kwargs)  # type: ignore[arg-type]

    patch.setattr(LakeTable, "commit", failing)
    patch.setattr(cityloom.lake.FileWriter, "discard", lambda writer: None)


@pytest.mark.parametrize("source", ["a.csv", "b.csv"])
def test_a_quarantine_without_its_dataset_is_not_seen_and_is_undone(
    source: str, city: City, tmp_path: Path
) -> None:
    before = seen(city)
    with pytest.MonkeyPatch.context() as patch:
        fail_commit(patch, city.kept("visit").folder, PowerCut())
        with pytest.raises(PowerCut):
            deliver(city, "visit", source, SECOND)
    assert city.quarantine("visit").latest_version() == 2
    assert seen(city) == before
    deliver(city, "visit", source, SECOND)
    whole = new_city(tmp_path / "whole", CONTRACTS)
    deliver(whole, "visit", "a.csv", FIRST)
    deliver(whole, "visit", source, SECOND)
    assert seen(city) == seen(whole)


def test_a_torn_first_delivery_leaves_an_empty_quarantine(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    with pytest.MonkeyPatch.context() as patch:
        fail_commit(patch, city.kept("visit").folder, PowerCut())
        with pytest.raises(PowerCut):
            deliver(city, "visit", "a.csv", FIRST)
    assert quarantined(city, "visit") == []
    deliver(city, "visit", "a.csv", FIRST)
    assert [row.received["id"] for row in quarantined(city, "visit")] == ["2"]


def test_a_torn_replay_is_undone_by_the_next(city: City) -> None:
    before = seen(city)
    with pytest.MonkeyPatch.context() as patch:
        fail_commit(patch, city.kept("visit").folder, PowerCut())
        with pytest.raises(PowerCut):
            city.replay("visit")
    assert seen(city) == before
    city.replay("visit")
    assert seen(city) == before


def test_files_that_no_commit_names_are_not_seen_and_are_swept(city: City) -> None:
    before = seen(city)
    for table in (city.kept("visit"), city.quarantine("visit")):
        (table.folder / "part-stray.parquet").write_bytes(b"half a file")
        named = set(table.files())
        assert seen(city) == before
        assert table.sweep() == 1
        assert table.sweep() == 0
        assert all(path.exists() for path in named)
    assert seen(city) == before


def test_sweeping_keeps_the_files_of_past_versions(city: City) -> None:
    table = city.kept("visit")
    past = table.latest_version()
    old = table.files(past)
    deliver(city, "visit", "a.csv", SECOND)
    assert table.sweep() == 0
    assert table.files(past) == old
    assert all(path.exists() for path in old)


def test_what_a_killed_writer_left_is_swept(city: City) -> None:
    with pytest.MonkeyPatch.context() as patch:
        fail_commit(patch, city.quarantine("visit").folder, PowerCut())
        with pytest.raises(PowerCut):
            deliver(city, "visit", "b.csv", SECOND)
    before = seen(city)
    assert city.kept("visit").sweep() == 1
    assert city.quarantine("visit").sweep() == 1
    assert seen(city) == before


def test_the_next_writer_takes_away_what_a_killed_one_left(city: City) -> None:
    tables = [city.kept("visit"), city.quarantine("visit")]
    before = seen(city)
    strays = [table.folder / "part-stray.parquet" for table in tables]
    for stray in strays:
        stray.write_bytes(b"half a file")
    City.open(city.path).weave()
    assert all(stray.exists() for stray in strays), "nobody was killed"
    (city.path / ".lock").write_text('{"pid": 1}')
    City.open(city.path).weave()
    assert not any(stray.exists() for stray in strays)
    assert seen(city) == before


def test_a_delivery_that_fails_leaves_no_file_behind(city: City) -> None:
    with pytest.MonkeyPatch.context() as patch:
        commit = LakeTable.commit

        def failing(table: LakeTable, *args: object, **kwargs: object) -> int:
            if table.folder == city.quarantine("visit").folder:
                raise OSError(errno.EIO, "the disk failed")
            return commit(table, *args, **kwargs)  # type: ignore[arg-type]

        patch.setattr(LakeTable, "commit", failing)
        with pytest.raises(Exception, match="the disk failed"):
            deliver(city, "visit", "b.csv", SECOND)
    assert city.kept("visit").sweep() == 0
    assert city.quarantine("visit").sweep() == 0


@pytest.mark.parametrize("of_quarantine", [False, True])
def test_a_disk_that_fails_right_after_a_commit_loses_no_file_of_it(
    of_quarantine: bool, city: City, tmp_path: Path
) -> None:
    """The commit is written, to make it last fails: its files must not be taken for waste."""
    table = city.quarantine("visit") if of_quarantine else city.kept("visit")
    log = table.folder / "_delta_log"
    with pytest.MonkeyPatch.context() as patch:
        sync = cityloom.lake.sync

        def failing(path: Path) -> None:
            if log in (path, path.parent):
                raise OSError(errno.EIO, "the disk failed")
            sync(path)

        patch.setattr(cityloom.lake, "sync", failing)
        with pytest.raises(Exception, match="the disk failed"):
            deliver(city, "visit", "b.csv", SECOND)
    seen(city)
    deliver(city, "visit", "b.csv", SECOND)
    assert sorted(row["id"] for row in rows(city, "visit")) == [1, 3]
    assert len(quarantined(city, "visit")) == 3
    assert sorted(receipts(city, "visit")) == ["a.csv", "b.csv"]


def test_an_interrupt_right_after_a_commit_loses_no_file_of_it(city: City) -> None:
    with pytest.MonkeyPatch.context() as patch:
        commit = LakeTable.commit

        def interrupted(table: LakeTable, *args: object, **kwargs: object) -> int:
            version = commit(table, *args, **kwargs)  # type: ignore[arg-type]
            if table.folder == city.kept("visit").folder:
                raise KeyboardInterrupt
            return version

        patch.setattr(LakeTable, "commit", interrupted)
        with pytest.raises(KeyboardInterrupt):
            deliver(city, "visit", "b.csv", SECOND)
    assert sorted(row["id"] for row in rows(city, "visit")) == [1, 3]
    assert len(quarantined(city, "visit")) == 3
