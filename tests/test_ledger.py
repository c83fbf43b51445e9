"""The ledger records each read and refusal, and shows where anyone has been at it."""

import json
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.errors import AccessRefused, StorageError, UsageError
from cityloom.ledger import Entry, Ledger, Query
from cityloom.policy import Principal
from tests.cities import column, contract_text, deliver, new_city, rows

OLD_CITY = Path(__file__).parent / "old_cities" / "format_1.tar.xz"
ENTRY = Entry("王芳", "care", "visit", True, "public data", 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.ndjson"


@pytest.fixture
def ledger(path: Path) -> Ledger:
    """A ledger of five entries."""
    ledger = Ledger(path)
    for number in range(5):
        ledger.record(Entry("王芳", "care", f"d{number}", True, "public data", number))
    return ledger


def test_an_untouched_ledger_verifies(ledger: Ledger, path: Path) -> None:
    assert ledger.verify() == 5
    assert Ledger(path).verify() == 5


def test_a_ledger_that_was_never_written_verifies(path: Path) -> None:
    assert Ledger(path).verify() == 0


def test_an_entry_says_who_asked_for_what_and_why(ledger: Ledger, path: Path) -> None:
    last = json.loads(path.read_text("utf-8").splitlines()[-1])
    assert last["principal"] == "王芳"
    assert (last["purpose"], last["dataset"], last["granted"], last["rows"]) == (
        "care", "d4", True, 4,
    )  # fmt: skip
    assert last["at"].endswith("+00:00")


def _changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[2].replace(b"care", b"gain"), *lines[3:]]


def _taken_out(lines: list[bytes]) -> list[bytes]:
    return lines[:2] + lines[3:]


def _put_in(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[1], *lines[3:]]


def _swapped(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], lines[3], lines[2], *lines[4:]]


def _beheaded(lines: list[bytes]) -> list[bytes]:
    return lines[1:]


def _garbled(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"not json", *lines[3:]]


def _blanked(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"", *lines[3:]]


def _listed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:2], b"[1]", *lines[3:]]


TAMPERINGS = {
    _changed: 3, _taken_out: 3, _put_in: 4, _swapped: 3, _beheaded: 1, _garbled: 3, _blanked: 3,
    _listed: 3,
}  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_tampering_is_found_and_its_line_named(tamper, ledger: Ledger, path: Path) -> None:  # type: ignore[no-untyped-def]
    lines = tamper(path.read_bytes().splitlines())
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(UsageError, match=rf"line {TAMPERINGS[tamper]}:"):
        ledger.verify()


def test_each_byte_is_guarded_also_of_the_last_entry(ledger: Ledger, path: Path) -> None:
    whole = path.read_bytes()
    for place in range(0, len(whole), 7):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(UsageError):
            ledger.verify()


def test_an_entry_of_any_length_is_the_start_of_the_next(path: Path) -> None:
    ledger = Ledger(path)
    for length in (1, 65_000, 65_536, 200_000, 1):
        ledger.record(Entry("p", "x" * length, "visit", False, "no"))
    assert ledger.verify() == 5


def test_entries_written_at_once_form_one_chain(path: Path) -> None:
    def record() -> None:
        for _ in range(10):
            Ledger(path).record(ENTRY)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Ledger(path).verify() == 40


def test_entries_that_threads_bring_while_another_writes_are_all_there(path: Path) -> None:
    ledger = Ledger(path)
    names = [f"d{number}" for number in range(200)]
    with ThreadPoolExecutor(20) as threads:
        list(threads.map(lambda name: ledger.record(replace(ENTRY, dataset=name)), names))
    assert ledger.verify() == 200
    lines = path.read_text("utf-8").splitlines()
    assert sorted(json.loads(line)["dataset"] for line in lines) == sorted(names)


def test_each_thread_is_told_that_its_entry_cannot_be_written(path: Path) -> None:
    path.mkdir()
    ledger = Ledger(path)
    with ThreadPoolExecutor(8) as threads:
        told = [threads.submit(ledger.record, ENTRY) for _ in range(40)]
    assert all(isinstance(one.exception(), StorageError) for one in told)


def test_an_entry_cut_off_by_a_crash_does_not_swallow_the_next(path: Path) -> None:
    ledger = Ledger(path)
    ledger.record(ENTRY)
    with open(path, "ab") as file:
        file.write(b'{"at": "2024-01-01T00:0')
    ledger.record(ENTRY)
    lines = path.read_bytes().splitlines()
    assert json.loads(lines[-1])["dataset"] == "visit"
    assert ledger.verify() == 2


def test_a_line_that_is_cut_off_is_no_entry_and_no_fault(path: Path) -> None:
    ledger = Ledger(path)
    ledger.record(ENTRY)
    with open(path, "ab") as file:
        file.write(b'{"at": "2024-01-01T00:0')
    assert ledger.verify() == 1


def test_a_ledger_that_is_gone_is_told_by_its_head(ledger: Ledger, path: Path) -> None:
    path.unlink()
    with pytest.raises(UsageError, match="line 1: entries 1 to 5 were cut off"):
        ledger.verify()
    ledger.record(ENTRY)
    with pytest.raises(UsageError, match="line 1: entries 1 to 5 were taken out before it"):
        ledger.verify()


@pytest.mark.parametrize("content", [None, b"", b"{}", b"\xff", b'{"number": 0, "hash": ""}'])
def test_a_head_that_is_missing_or_damaged_is_told(
    content: bytes | None, ledger: Ledger, path: Path
) -> None:
    head = path.with_name("ledger.head")
    head.unlink()
    if content is not None:
        head.write_bytes(content)
    with pytest.raises(UsageError, match=r"ledger\.head is missing or damaged"):
        ledger.verify()
    ledger.record(ENTRY)
    assert ledger.verify() == 6


def test_an_entry_whose_head_could_not_be_written_is_settled_by_the_next(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("cityloom.ledger.head.LocalHead.write", full)
        with pytest.raises(StorageError, match="No space left"):
            ledger.record(ENTRY)
    assert (ledger.verify(), ledger.unsettled()) == (6, 6)
    ledger.record(ENTRY)
    assert (ledger.verify(), ledger.unsettled()) == (7, None)


def test_the_first_entry_may_be_without_a_head_as_any_other(path: Path) -> None:
    ledger = Ledger(path)
    ledger.record(ENTRY)
    path.with_name("ledger.head").unlink()
    assert (ledger.verify(), ledger.unsettled()) == (1, 1)
    ledger.record(ENTRY)
    assert (ledger.verify(), ledger.unsettled()) == (2, None)


def test_a_ledger_of_the_first_version_verifies_and_goes_on(tmp_path: Path) -> None:
    with tarfile.open(OLD_CITY) as archive:
        archive.extract("harbour/ledger.ndjson", tmp_path, filter="data")
    ledger = Ledger(tmp_path / "harbour" / "ledger.ndjson")
    assert (ledger.verify(), ledger.unsettled(), ledger.head().number) == (5, None, 5)
    oldest = ledger.search(Query())[-1]
    assert (oldest.kind, oldest.roles, oldest.number) == ("read", (), None)
    ledger.record(ENTRY)
    assert (ledger.verify(), ledger.search(Query())[0].number) == (6, 6)


@given(text=st.text(st.characters(codec=None), max_size=20))
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_asked_is_recorded_in_one_line_and_found(text: str, tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "ledger.ndjson")
    before = ledger.verify()
    ledger.record(Entry(text, text, text, False, text, masked=(text,)))
    assert ledger.verify() == before + 1
    (found,) = ledger.search(Query(), limit=1)
    sound = all(not "\ud800" <= sign <= "\udfff" for sign in text)
    assert (found.principal == text) is sound
    assert found.number == before + 1


def test_reads_and_refusals_through_a_city_are_recorded(tmp_path: Path) -> None:
    contracts = {
        "tree": contract_text("tree", [column("id", key=1)]),
        "patient": contract_text(
            "patient", [column("id", key=1)], classification="personal", purposes=["care"]
        ),
    }
    city = new_city(tmp_path / "city", contracts)
    deliver(city, "tree", "t.csv", b"id\n1\n2\n")
    assert len(rows(city, "tree")) == 2
    nurse = Principal("nurse", roles=("data_steward",))
    with pytest.raises(AccessRefused):
        city.read("patient", nurse, "advertising")
    with pytest.raises(AccessRefused):
        city.read_quarantine("patient", nurse)
    city.read("patient", nurse, "care").read_all()
    lines = (tmp_path / "city" / "ledger.ndjson").read_text("utf-8").splitlines()
    entries = [json.loads(line) for line in lines]
    assert [(e["dataset"], e["granted"], e["rows"]) for e in entries] == [
        ("tree", True, 2),
        ("patient", False, None),
        ("patient (quarantine)", False, None),
        ("patient", True, 0),
    ]
    assert City.open(city.path).ledger.verify() == 4
