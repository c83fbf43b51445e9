"""A full disk stops a weave in words, leaves nothing half-written, and hinders nothing later."""

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.faults.weaver import ROOT

pytestmark = pytest.mark.faults

KB = 1024
ROOMS = [0, 16 * KB, 64 * KB, 120 * KB, 200 * KB, 300 * KB]
LIMITS = [1 * KB, 90 * KB, 160 * KB]


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
    assert [item["error"] for item in outcomes if not item["in_words"]] == []


def test_a_full_disk_leaves_no_half_of_a_change(outcomes: list[dict[str, Any]]) -> None:
    assert [item["torn"] for item in outcomes if item["torn"]] == []


def test_with_room_again_the_same_command_ends_where_an_unbroken_one_does(
    outcomes: list[dict[str, Any]],
) -> None:
    assert [item for item in outcomes if not item["equal"]] == []
