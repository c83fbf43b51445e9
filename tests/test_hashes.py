"""A bag of hashes knows what repeats and what it holds, however little memory it may use."""

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.hashes import HashBag, HashSet

HASHES = st.one_of(st.integers(0, 5), st.integers(2**64 - 3, 2**64 - 1), st.integers(0, 2**64 - 1))
PARTS = st.lists(st.lists(HASHES, max_size=9), max_size=9)
SETTINGS = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def hashes(numbers: list[int]) -> np.ndarray:
    return np.array(numbers, np.uint64)


def filled(scratch: Path, parts: list[list[int]], run_length: int) -> HashBag:
    bag = HashBag(scratch, run_length)
    for part in parts:
        bag.add(hashes(part))
    return bag


@SETTINGS
@given(parts=PARTS, run_length=st.integers(1, 40))
def test_a_bag_finds_what_repeats(parts: list[list[int]], run_length: int, tmp_path: Path) -> None:
    counts = Counter(number for part in parts for number in part)
    repeated = sorted(number for number, count in counts.items() if count > 1)
    assert filled(tmp_path, parts, run_length).repeated().tolist() == repeated


@SETTINGS
@given(parts=PARTS, asked=st.lists(HASHES, max_size=20), run_length=st.integers(1, 40))
def test_a_bag_knows_its_members(
    parts: list[list[int]], asked: list[int], run_length: int, tmp_path: Path
) -> None:
    members = {number for part in parts for number in part}
    found = filled(tmp_path, parts, run_length).contains(hashes(asked))
    assert found.tolist() == [number in members for number in asked]


@SETTINGS
@given(parts=PARTS, more=PARTS, run_length=st.integers(1, 40))
def test_a_bag_may_be_asked_between_fillings(
    parts: list[list[int]], more: list[list[int]], run_length: int, tmp_path: Path
) -> None:
    bag = filled(tmp_path, parts, run_length)
    bag.repeated()
    bag.contains(hashes([1]))
    for part in more:
        bag.add(hashes(part))
    counts = Counter(number for part in parts + more for number in part)
    assert bag.repeated().tolist() == sorted(n for n, count in counts.items() if count > 1)


def test_an_empty_bag_holds_nothing(tmp_path: Path) -> None:
    bag = HashBag(tmp_path)
    assert bag.repeated().tolist() == []
    assert bag.contains(hashes([0, 1])).tolist() == [False, False]


def test_runs_beyond_memory_lie_on_disk_and_go_with_the_bag(tmp_path: Path) -> None:
    chance = np.random.default_rng(1)
    numbers = chance.integers(0, 2**64, 50_000, np.uint64)
    bag = HashBag(tmp_path, run_length=4_000)
    for part in np.array_split(np.concatenate([numbers, numbers[:7]]), 31):
        bag.add(part)
    on_disk = [
        os.readlink(link)
        for link in Path("/proc/self/fd").iterdir()
        if link.is_symlink() and str(tmp_path) in os.readlink(link)
    ]
    assert len(on_disk) >= 10
    assert bag.repeated().tolist() == sorted(numbers[:7].tolist())
    assert bag.contains(numbers).all()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("held", [[], [5], [1, 5, 9]])
def test_membership_at_the_ends_of_a_run(held: list[int]) -> None:
    asked = [0, 1, 4, 5, 6, 9, 10, 2**64 - 1]
    found = HashSet(hashes(held)).contains(hashes(asked))
    assert found.tolist() == [number in held for number in asked]


@given(held=st.sets(HASHES, max_size=9), asked=st.lists(HASHES, max_size=20))
def test_a_set_knows_its_members(held: set[int], asked: list[int]) -> None:
    near = [number ^ 1 for number in held]
    found = HashSet(hashes(sorted(held))).contains(hashes([*asked, *held, *near]))
    assert found.tolist() == [number in held for number in [*asked, *held, *near]]
