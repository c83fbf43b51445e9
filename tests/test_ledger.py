"""The ledger records each read and refusal, and shows where anyone has been at it."""

import json
import threading
from pathlib import Path

import pytest

from cityloom.city import City
from cityloom.errors import AccessRefused, UsageError
from cityloom.ledger import Entry, Ledger
from cityloom.policy import Principal
from tests.cities import column, contract_text, deliver, new_city, rows

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
    _changed: 4, _taken_out: 3, _put_in: 4, _swapped: 3, _beheaded: 1, _garbled: 3, _blanked: 3,
    _listed: 3,
}  # fmt: skip


@pytest.mark.parametrize("tamper", TAMPERINGS)
def test_tampering_is_found_and_its_line_named(tamper, ledger: Ledger, path: Path) -> None:  # type: ignore[no-untyped-def]
    lines = tamper(path.read_bytes().splitlines())
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    with pytest.raises(UsageError, match=rf"line {TAMPERINGS[tamper]}:"):
        ledger.verify()


def test_each_byte_of_an_entry_before_the_last_is_guarded(ledger: Ledger, path: Path) -> None:
    whole = path.read_bytes()
    before_last = whole.rstrip(b"\n").rindex(b"\n")
    for place in range(0, before_last, 7):
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


def test_an_entry_cut_off_by_a_crash_does_not_swallow_the_next(path: Path) -> None:
    ledger = Ledger(path)
    ledger.record(ENTRY)
    with open(path, "ab") as file:
        file.write(b'{"at": "2024-01-01T00:0')
    ledger.record(ENTRY)
    lines = path.read_bytes().splitlines()
    assert json.loads(lines[-1])["dataset"] == "visit"


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
