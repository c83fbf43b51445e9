"""A backup or a restore that is killed at any write leaves earlier backups and cities whole."""

import subprocess
import sys
from pathlib import Path

import pytest

from cityloom.backup.keys import read_identities
from cityloom.backup.restore import Asked, restore
from cityloom.backup.take import back_up
from cityloom.backup.target import Target
from cityloom.city import City
from tests.backup.conftest import with_backups
from tests.cities import digests
from tests.faults.backups import done
from tests.faults.scene import copied, first_act, second_act

pytestmark = pytest.mark.faults

STRIDE = 16
"""Of the points in a work the suite takes one in so many, and the last few."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city that was backed up once and woven once more since."""
    folder = tmp_path_factory.mktemp("kills")
    first_act(folder / "city")
    with_backups(folder / "city", folder / "key")
    City.open(folder / "city").weave()
    back_up(City.open(folder / "city"), folder / "backups")
    second_act(folder / "city")
    City.open(folder / "city").weave()
    City.open(folder / "city").erase("account", "number", "55")
    return folder


def points(count: int) -> list[int]:
    return sorted({*range(1, count + 1, STRIDE), *range(max(1, count - 4), count + 1)})


def test_a_backup_that_is_killed_leaves_the_earlier_ones_whole(
    folder: Path, tmp_path: Path
) -> None:
    keys = read_identities(folder / "key")
    count = done("save", copied(folder / "city", tmp_path / "city"),
                 copied(folder / "backups", tmp_path / "whole"))  # fmt: skip
    assert count is not None
    truth = digests(City.open(folder / "city"))
    (first,) = Target.opened(folder / "backups").backups()
    for at in points(count):
        city = copied(folder / "city", tmp_path / f"city-{at}")
        target = copied(folder / "backups", tmp_path / f"target-{at}")
        assert done("save", city, target, at=at) is None, at
        left = [index.id for index in Target.opened(target).backups()]
        assert left in ([first.id], [first.id, left[-1]], [left[-1]]), at
        for backup in left:
            restored = restore(target, tmp_path / f"r-{at}-{backup}", keys)
            assert restored.again.not_received == []
        taken = back_up(City.open(city), target, keep=1)
        assert [index.id for index in Target.opened(target).backups()] == [taken.id]
        blobs = {path.name for path in (target / "blobs").glob("*/*")}
        assert blobs == set(Target.opened(target).backups()[0].blobs)
        assert not [path for path in target.rglob("*") if "unfinished" in path.name]
        restore(target, tmp_path / f"again-{at}", keys)
        assert digests(City.open(tmp_path / f"again-{at}")) == truth


def test_a_restore_that_is_killed_leaves_no_city_and_is_done_by_the_next(
    folder: Path, tmp_path: Path
) -> None:
    keys, target = read_identities(folder / "key"), folder / "backups"
    count = done("restore", target, tmp_path / "whole", folder / "key")
    assert count is not None
    for at in points(count)[::2]:
        path = tmp_path / f"city-{at}"
        killed = done("restore", target, path, folder / "key", at=at) is None
        if path.exists():
            assert City.open(path).plan() == []
            continue
        assert killed
        restore(target, path, keys)
        assert digests(City.open(path)) == digests(City.open(tmp_path / "whole"))
        assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]


def test_backups_made_while_another_process_weaves_are_each_of_one_moment(tmp_path: Path) -> None:
    from cityloom.check import findings

    city = tmp_path / "city"
    first_act(city, size=20)
    with_backups(city, tmp_path / "key")
    weaving = subprocess.Popen([sys.executable, "-m", "cityloom", "weave", str(city)])
    while not (city / "lake" / "account" / "_delta_log").exists():
        assert weaving.poll() is None
    while weaving.poll() is None:
        back_up(City.open(city), tmp_path / "backups")
    assert weaving.wait() == 0
    back_up(City.open(city), tmp_path / "backups")
    truth, keys = digests(City.open(city)), read_identities(tmp_path / "key")
    made = Target.opened(tmp_path / "backups").backups()
    assert len(made) > 1
    for index in made:
        path = tmp_path / index.id
        restore(tmp_path / "backups", path, keys, Asked(backup=index.id))
        restored = City.open(path)
        assert [item.what for item in findings(restored) if item.serious] == []
        assert restored.left_in_scratch() == []
        restored.weave()
        assert digests(City.open(path)) == truth
