"""A weave that is killed at any moment ends, woven again, where an unbroken one ends."""

from pathlib import Path

import pytest

from cityloom.city import City
from tests.faults.everywhere import Act, kill_at, unbroken
from tests.faults.scene import ACTS, copied
from tests.faults.sigkill import kill_spread
from tests.faults.weaver import Weaver

pytestmark = pytest.mark.faults

STRIDE = 16
"""Of the points that are not commits of the lake, the suite takes one in so many."""


@pytest.fixture(scope="module")
def acts(weaver: Weaver, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Act]:
    return {act.name: act for act in unbroken(weaver, tmp_path_factory.mktemp("acts"))}


def chosen(act: str, events: list[str]) -> list[int]:
    """The numbers of the events that the suite kills at; the store's making has its own test."""
    start = events.index("before table created") if act == "first_act" else 0
    return [
        number
        for number, what in enumerate(events, start=1)
        if number > start and (what == "after lake commit" or number % STRIDE == 0)
    ]


@pytest.mark.parametrize("act", [act.__name__ for act in ACTS])
def test_a_kill_at_a_write_a_sync_or_a_commit_changes_nothing_in_the_end(
    act: str, weaver: Weaver, acts: dict[str, Act], tmp_path: Path
) -> None:
    events = acts[act].events
    numbers = chosen(act, events)
    found = {number: kill_at(weaver, tmp_path, acts[act], number) for number in numbers}
    wrong = [f"{events[number - 1]} ({number}): {text}" for number, text in found.items() if text]
    assert wrong == []


def test_kills_spread_over_a_weave_change_nothing_in_the_end(tmp_path: Path) -> None:
    outcome = kill_spread(12, tmp_path, size=4)
    assert outcome.wrong == []
    assert outcome.share >= 0.5  # the whole command aims at 80%; a busy machine is forgiven here


def test_a_store_that_was_killed_while_it_was_made_can_be_opened(
    weaver: Weaver, acts: dict[str, Act], tmp_path: Path
) -> None:
    act = acts["first_act"]
    first = act.events.index("after store commit") + 1
    found = [kill_at(weaver, tmp_path, act, number) for number in range(1, first + 1)]
    assert [text for text in found if text] == []


def test_no_data_file_of_a_killed_weave_stays_after_the_next(
    weaver: Weaver, acts: dict[str, Act], tmp_path: Path
) -> None:
    act = acts["first_act"]
    city = copied(act.before, tmp_path / "city")
    assert weaver.weave(city, kill_at=act.events.index("before lake commit") + 1)["killed"]
    left = {path for path in (city / "lake").rglob("*.parquet") if "_delta_log" not in path.parts}
    weaver.weave(city)
    opened = City.open(city)
    named = {
        path
        for dataset in opened.contracts
        for table in (opened.kept(dataset), opened.quarantine(dataset))
        for path in table.files()
    }
    assert left, "the kill came after a file was written"
    assert not any(path.exists() for path in left - named)


def test_the_scene_derives_replays_refuses_and_replaces(acts: dict[str, Act]) -> None:
    truth = acts["third_act"].truth
    kinds = {(run[0], run[1]) for run in truth["received"]}
    modes = {("district", "receive"), ("account", "receive"), ("visit", "receive")}
    assert kinds >= modes | {("visit", "replay")}
    read, kept, refused, *_ = truth["made"]["visit_count"]
    assert read == kept + refused
    assert kept
    assert refused
    for run in truth["received"]:
        read, kept, refused, duplicate = run[4:8]
        assert read == kept + refused + duplicate
