"""A full disk stops a weave in words, leaves nothing half-written, and hinders nothing later."""

import errno
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cityloom.city import City
from cityloom.errors import StorageError
from cityloom.lake import LakeTable
from tests.cities import csv_bytes, deliver, new_city, rows
from tests.faults.full_disk import command, limited
from tests.faults.scene import CONTRACTS, VISIT
from tests.faults.weaver import ROOT

pytestmark = pytest.mark.faults

KB = 1024
ROOMS = [0, 48 * KB, 120 * KB, 200 * KB, 312 * KB]
LIMITS = [1 * KB, 90 * KB]


@pytest.fixture(scope="module", params=["mount", "limit"])
def outcomes(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> list[dict[str, Any]]:
    folder = tmp_path_factory.mktemp("disk")
    command = [sys.executable, "-m", "tests.faults.full_disk", request.param, str(folder)]
    if request.param == "mount":
        if subprocess.run(["unshare", "--mount", "true"], check=False).returncode:
            pytest.skip("this user may not mount a disk")
        command = ["unshare", "--mount", *command]
    rooms = ROOMS if request.param == "mount" else LIMITS
    done = subprocess.run(
        [*command, *map(str, rooms)], cwd=ROOT, check=True, stdout=subprocess.PIPE
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def test_a_full_disk_stops_a_weave_somewhere(outcomes: list[dict[str, Any]]) -> None:
    assert [item for item in outcomes if item["error"]]


def test_a_full_disk_is_said_in_words(outcomes: list[dict[str, Any]]) -> None:
    found = [item for item in outcomes if item["status"]]
    assert [item for item in found if item["status"] != 1 or "Traceback" in item["error"]] == []
    assert [item["error"] for item in found if "has free space" not in item["error"]] == []


def test_a_full_disk_leaves_no_half_of_a_change(outcomes: list[dict[str, Any]]) -> None:
    assert [item["torn"] for item in outcomes if item["torn"]] == []


def test_with_room_again_the_same_command_ends_where_an_unbroken_one_does(
    outcomes: list[dict[str, Any]],
) -> None:
    assert [item for item in outcomes if not item["equal"]] == []


FULL = OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(
    "write",
    [
        City.weave,
        lambda city: city.receive("visit", city.path / "inbox" / "visit" / "b.csv"),
        lambda city: city.replay("visit"),
        lambda city: city.erase("visit", "id", "1"),
    ],
    ids=["weave", "receive", "replay", "erase"],
)
def test_whatever_writes_says_in_words_that_the_disk_is_full(
    write: Callable[[City], object], tmp_path: Path
) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    deliver(city, "visit", "a.csv", csv_bytes(VISIT, [(1, "", 5), (2, "", -5)]))
    (city.path / "inbox" / "visit").mkdir()
    (city.path / "inbox" / "visit" / "b.csv").write_bytes(csv_bytes(VISIT, [(3, "", 5)]))

    def full(*_: object, **__: object) -> int:
        raise FULL

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LakeTable, "commit", full)
        with pytest.raises(StorageError, match=r"/city: No space left on device\. .* free space"):
            write(city)
    assert [row["id"] for row in rows(city, "visit")] == [1]
    write(city)


def test_a_city_that_finds_no_room_leaves_its_folder_empty(tmp_path: Path) -> None:
    with limited(tmp_path, 10):
        status, error = command("new", tmp_path / "city")
    assert status == 1
    assert "Traceback" not in error
    assert "has free space" in error
    assert command("new", tmp_path / "city") == (0, "")


def test_words_in_brackets_come_through(tmp_path: Path) -> None:
    status, error = command("weave", tmp_path / "[/red] [errno 28]")
    assert status == 1
    assert "[/red] [errno 28]: no city here" in error
