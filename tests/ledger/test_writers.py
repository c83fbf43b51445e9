"""Many processes write at once, and some are killed: no entry is lost and the chain stays whole."""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.ledger import Entry, Ledger, Query

FORK = multiprocessing.get_context("fork")
Purposes = list[str]


def record(path: Path, principal: str, purposes: Purposes) -> None:
    ledger = Ledger(path)
    for purpose in purposes:
        ledger.record(Entry(principal, purpose, "visit", True, "public data"))


@given(st.lists(st.lists(st.text(max_size=9), max_size=8), min_size=2, max_size=5))
@settings(max_examples=15, deadline=None)
def test_entries_of_processes_that_write_at_once_form_one_chain(writers: list[Purposes]) -> None:
    writers = [[purpose for purpose in purposes if purpose.isprintable()] for purposes in writers]
    with TemporaryDirectory() as folder:
        path = Path(folder) / "ledger.ndjson"
        processes = [
            FORK.Process(target=record, args=(path, str(number), purposes))
            for number, purposes in enumerate(writers)
        ]
        for process in processes:
            process.start()
        for process in processes:
            process.join()
        ledger = Ledger(path)
        entries = ledger.search(Query())
        assert ledger.verify() == len(entries) == sum(map(len, writers))
        assert ledger.unsettled() is None
        assert [entry.number for entry in entries] == list(range(len(entries), 0, -1))
        for number, purposes in enumerate(writers):
            own = [entry.purpose for entry in entries if entry.principal == str(number)]
            assert own == purposes[::-1]


def record_and_tell(path: Path, told: int) -> None:
    ledger = Ledger(path)
    while True:
        ledger.record(Entry("p", "care", "visit", True, "public data"))
        os.write(told, b".")


def test_what_was_recorded_outlives_a_kill_at_any_moment(tmp_path: Path) -> None:
    rng = random.Random(1)
    path, recorded, outcomes = tmp_path / "ledger.ndjson", 0, Counter[bool]()
    for _ in range(25):
        telling, told = os.pipe()
        writer = FORK.Process(target=record_and_tell, args=(path, told))
        writer.start()
        os.close(told)
        os.read(telling, 1)
        time.sleep(rng.random() / 20)
        os.kill(writer.pid or 0, signal.SIGKILL)
        writer.join()
        acknowledged = 1
        while block := os.read(telling, 65_536):
            acknowledged += len(block)
        os.close(telling)
        found = Ledger(path).verify()
        assert found - recorded in (acknowledged, acknowledged + 1)
        outcomes[Ledger(path).unsettled() is not None] += 1
        recorded = found
    assert outcomes[False]
