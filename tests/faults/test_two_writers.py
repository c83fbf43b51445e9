"""One process writes; a second is told who does; readers never wait."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cityloom.city import City
from cityloom.errors import CityLocked
from cityloom.lock import writer_lock
from tests.cities import csv_bytes, deliver, digests, quarantined, rows
from tests.faults.scene import VISIT, first_act
from tests.faults.weaver import ROOT

pytestmark = pytest.mark.faults

HOLD = """
import sys, time
from pathlib import Path
from cityloom.city import City
from cityloom.lock import writer_lock
with writer_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""

VISITS = csv_bytes(VISIT, [(1, "", 5), (2, "", -5)])


@pytest.fixture
def city(tmp_path: Path) -> City:
    first_act(tmp_path / "city")
    return City.open(tmp_path / "city")


@contextmanager
def another_writer(city: City) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the city's lock until it is told to end."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(city.path)],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_a_second_writer_is_told_which_process_writes(city: City) -> None:
    with another_writer(city) as holder:
        for write in (city.weave, lambda: deliver(city, "visit", "a.csv", VISITS),
                      lambda: city.replay("visit")):  # fmt: skip
            with pytest.raises(CityLocked, match=rf"process {holder.pid} \(.*\), since 20"):
                write()
    assert city.weave()


def test_a_writer_within_the_same_process_is_a_second_writer_too(city: City) -> None:
    def write_again(*_: object) -> None:
        with pytest.raises(CityLocked, match=f"process {os.getpid()}"):
            City.open(city.path).weave()
        told.append(True)

    told: list[bool] = []
    city.weave(write_again)
    assert told


@pytest.mark.parametrize("left", [b"", b"5", b"{}", b"\xff\xfe", b'{"pid": 1}'])
def test_a_lock_that_does_not_say_who_holds_it_is_held_by_another(left: bytes, city: City) -> None:
    with writer_lock(city.path):
        (city.path / ".lock").write_bytes(left)
        with pytest.raises(CityLocked, match="another process is writing to this city"):
            city.weave()


def test_a_killed_writer_holds_no_lock(city: City) -> None:
    with another_writer(city) as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert deliver(city, "visit", "a.csv", VISITS)


def test_readers_read_while_another_writes(city: City) -> None:
    deliver(city, "visit", "a.csv", VISITS)
    before = digests(city)
    with another_writer(city):
        reader = City.open(city.path)
        assert [row["id"] for row in rows(reader, "visit")] == [1]
        assert len(quarantined(reader, "visit")) == 1
        assert digests(reader) == before
        assert reader.runs("visit")
        assert reader.plan()


def test_a_reader_sees_whole_deliveries_only(city: City) -> None:
    """A snapshot is replaced time and again; whoever reads meets one delivery, not two or none."""
    seen: set[tuple[int, frozenset[str]]] = set()
    problems: list[BaseException] = []
    done = threading.Event()

    def read() -> None:
        try:
            while not done.is_set():
                found = rows(City.open(city.path), "district")
                seen.add((len(found), frozenset(row["name"] for row in found)))
        except BaseException as error:
            problems.append(error)

    deliver(city, "district", "d.csv", b"code,name\n0,0\n1,0\n2,0\n")
    reader = threading.Thread(target=read)
    reader.start()
    for number in range(1, 8):
        lines = "".join(f"{code},{number}\n" for code in range(3))
        deliver(city, "district", "d.csv", f"code,name\n{lines}".encode())
    done.set()
    reader.join()
    assert problems == []
    assert {(count, len(names)) for count, names in seen} == {(3, 1)}


READ = """
import sys
from cityloom.city import City
city = City.open(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
print(len(city.runs()))
"""


def test_many_readers_may_make_the_store_and_learn_of_the_runs(city: City) -> None:
    city.weave()
    expected = len([run for run in city.runs() if not run.failed])
    for file in city.path.glob("store.sqlite*"):
        file.unlink()
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", READ, str(city.path)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for reader in readers:
        assert reader.stdout is not None
        assert reader.stdout.readline() == "ready\n"
    for reader in readers:
        assert reader.stdin is not None
        reader.stdin.write("go\n")
        reader.stdin.flush()
    answers = [reader.communicate() for reader in readers]
    assert [(out.strip(), error) for out, error in answers] == [(str(expected), "")] * 4
