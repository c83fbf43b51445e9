"""The ledger is searched, and says to a person who opened their record."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.errors import UsageError
from cityloom.ledger import Entry, Ledger, Query, Recorded, delay
from cityloom.ledger.search import moment
from cityloom.ledger.subject import seen_by

ENTRIES = [
    Entry("nurse", "care", "patient", True, "personal data", 1, subjects=("a",)),
    Entry("nurse", "sales", "patient", False, "purpose 'sales' is not permitted"),
    Entry("clerk", "care", "patient (quarantine)", True, "personal data", 2),
    Entry("clerk", "planning", "patients", True, "public data", 3),
    Entry("mayor", "", "policy", True, "two signatures", kind="policy"),
]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    found = Ledger(tmp_path / "ledger.ndjson")
    for entry in ENTRIES:
        found.record(entry)
    return found


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({}, [5, 4, 3, 2, 1]),
        ({"principal": "nurse"}, [2, 1]),
        ({"dataset": "patient"}, [3, 2, 1]),
        ({"dataset": "patient (quarantine)"}, [3]),
        ({"purpose": "care", "principal": "clerk"}, [3]),
        ({"refused": True}, [2]),
        ({"kind": "policy"}, [5]),
        ({"principal": "nobody"}, []),
        ({"since": datetime.now(UTC) + timedelta(days=1)}, []),
        ({"until": datetime.now(UTC) - timedelta(days=1)}, []),
        ({"since": datetime.now(UTC) - timedelta(days=1)}, [5, 4, 3, 2, 1]),
    ],
)
def test_entries_are_found_newest_first(
    asked: dict[str, Any], numbers: list[int], ledger: Ledger
) -> None:
    found = ledger.search(Query(**asked))
    assert [entry.number for entry in found] == numbers
    assert [entry.number for entry in ledger.search(Query(**asked), limit=1)] == numbers[:1]


def test_moments_bound_what_is_found_to_the_millisecond(ledger: Ledger) -> None:
    at = datetime.fromisoformat(ledger.search(Query(), limit=1)[0].at)
    later = at + timedelta(milliseconds=1)
    assert 5 in [entry.number for entry in ledger.search(Query(since=at, until=later))]
    assert 5 not in [entry.number for entry in ledger.search(Query(until=at))]
    assert 5 not in [entry.number for entry in ledger.search(Query(since=later))]


def test_a_date_is_its_beginning_or_its_end_in_utc() -> None:
    assert moment("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)
    assert moment("2026-01-31", end=True) == datetime(2026, 2, 1, tzinfo=UTC)
    assert moment("2026-01-31T12:00", end=True) == datetime(2026, 1, 31, 12, tzinfo=UTC)
    assert moment("2026-01-31T12:00+08:00") == datetime(2026, 1, 31, 4, tzinfo=UTC)
    with pytest.raises(UsageError, match="'yesterday' is no date or time"):
        moment("yesterday")


def test_entries_are_read_across_blocks_and_damaged_lines_are_passed_over(tmp_path: Path) -> None:
    path = tmp_path / "ledger.ndjson"
    ledger = Ledger(path)
    lengths = (1, 65_000, 65_536, 200_000, 1)
    for length in lengths:
        ledger.record(Entry("p", "x" * length, "visit", False, "no"))
    deep = b'{"previous": ' + b"[" * 100_000
    path.write_bytes(b"no entry\n\n\xff\n" + deep + b"\n" + path.read_bytes() + b"cut o")
    assert [len(entry.purpose) for entry in ledger.search(Query())] == list(reversed(lengths))


def kept(number: int, entry: Entry) -> Recorded:
    return Recorded(**vars(entry), at="2026-01-01T00:00:00.000+00:00", number=number)


ABOUT = Entry("officer", "investigation", "phone_call", True, "warrant", 1, subjects=("a", "b"))
CARE = Entry("nurse", "care", "patient", True, "personal data", 1, subjects=("a",))
OTHER = Entry("nurse", "care", "patient", True, "personal data", 1, subjects=("c",))
TODAY = date(2026, 6, 1)


def view(*entries: Entry, subject: str = "a", today: date = TODAY) -> list[int | None]:
    """The numbers of what a subject sees of some entries, which are counted from 1."""
    recorded = [kept(number, entry) for number, entry in enumerate(entries, start=1)]
    return [entry.number for entry in seen_by(reversed(recorded), subject, today)]


def test_a_subject_sees_what_names_them_newest_first_and_nothing_else() -> None:
    assert view(ABOUT, CARE, OTHER, ENTRIES[1]) == [2, 1]
    assert view(ABOUT, CARE, OTHER, subject="b") == [1]
    assert view(ABOUT, CARE, OTHER, subject="nobody") == []


def court(until: date = date(2026, 6, 2), order: str = "12 Gs 7/26", **what: str) -> Entry:
    return delay("registrar", order, until, **what)


def test_a_delay_hides_its_purpose_before_and_after_it_until_the_date_and_is_shown_then() -> None:
    order = court(purpose="investigation")
    assert view(ABOUT, order, ABOUT, CARE) == [4]
    assert view(ABOUT, order, ABOUT, CARE, today=date(2026, 6, 2)) == [4, 3, 2, 1]
    assert view(OTHER, order, subject="c", today=date(2026, 6, 2)) == [1]


def test_a_delay_may_be_of_a_dataset_and_of_all_that_is_told_of_it() -> None:
    refused = Entry("o", "x", "phone_call (quarantine)", False, "no", subjects=("a",))
    assert view(ABOUT, refused, CARE, court(dataset="phone_call")) == [3]
    assert view(ABOUT, CARE, court(dataset="phone_call", purpose="care")) == [2, 1]


def test_the_newest_entry_of_an_order_counts_and_orders_do_not_lift_each_other() -> None:
    long, ended = court(date(2027, 1, 1), purpose="care"), court(TODAY, purpose="care")
    assert view(CARE, long) == []
    assert view(CARE, long, ended) == [3, 1]
    assert view(CARE, ended, long) == []
    another = court(TODAY, order="13 Gs 8/26", purpose="care")
    assert view(CARE, long, another) == []


def test_a_delay_that_says_nothing_of_what_it_hides_hides_nothing() -> None:
    with pytest.raises(UsageError, match="a dataset or a purpose"):
        court()
    with pytest.raises(UsageError, match="a court's order"):
        court(order="", purpose="care")
    bare = Entry("o", "", "", True, "1", kind="delay", until="2027-01-01")
    assert view(CARE, bare) == [1]


@given(
    st.lists(
        st.sampled_from([ABOUT, CARE, OTHER, court(purpose="care"), court(dataset="patient")])
    ),
    st.dates(date(2026, 5, 1), date(2026, 7, 1)),
)
def test_nothing_is_hidden_for_good_and_nothing_of_others_is_shown(
    entries: list[Entry], today: date
) -> None:
    now, after = view(*entries, today=today), view(*entries, today=date(2026, 6, 2))
    assert set(now) <= set(after)
    named = {n for n, entry in enumerate(entries, start=1) if "a" in entry.subjects}
    assert named == {n for n in after if n and entries[n - 1].kind == "read"}


def test_a_ledger_says_to_a_subject_who_opened_their_record(ledger: Ledger) -> None:
    assert [entry.number for entry in ledger.seen_by_subject("a", TODAY)] == [1]
    ledger.record(court(date(2999, 1, 1), purpose="care"))
    assert ledger.seen_by_subject("a", TODAY) == []
    (entered,) = ledger.search(Query(kind="delay"))
    assert (entered.reason, entered.until, entered.purpose) == ("12 Gs 7/26", "2999-01-01", "care")
