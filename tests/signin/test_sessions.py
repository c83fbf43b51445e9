"""Sessions: they end when they should, and the store opens none of them."""

from pathlib import Path

import pytest

from cityloom.signin.door import Door, LetIn, Visit
from tests.signin.doors import OTHER, PASSWORD, Clock, new_door, stored


def test_a_session_is_whose_it_is(door: Door) -> None:
    account = door.sessions.account(door.sessions.begin("li", "10.0.0.1", "Browser"))
    assert account == door.accounts.get("li")
    (listed,) = door.sessions.of("li")
    assert (listed.address, listed.browser) == ("10.0.0.1", "Browser")
    for wrong in ("", "x", listed.digest):
        assert door.sessions.account(wrong) is None


def test_the_store_has_no_identifier(door: Door, tmp_path: Path) -> None:
    identifiers = {door.sessions.begin("li") for _ in range(20)}
    assert len(identifiers) == 20
    assert all(len(identifier) == 43 for identifier in identifiers)
    found = stored(tmp_path)
    assert not any(identifier.encode() in found for identifier in identifiers)


def test_a_session_that_is_not_used_ends(door: Door, clock: Clock) -> None:
    session = door.sessions.begin("li")
    clock.pass_(minutes=29, seconds=59)
    assert door.sessions.account(session) is not None
    clock.pass_(minutes=30)
    assert door.sessions.account(session) is None
    assert door.sessions.of("li") == []


def test_a_session_ends_however_much_it_is_used(door: Door, clock: Clock) -> None:
    session = door.sessions.begin("li")
    for _ in range(47):
        clock.pass_(minutes=15)
        assert door.sessions.account(session) is not None
    clock.pass_(minutes=15)
    assert door.sessions.account(session) is None


def test_how_long_sessions_last_is_set(tmp_path: Path, door: Door, clock: Clock) -> None:
    strict = new_door(tmp_path, clock, idle_minutes=1, longest_hours=0.05)
    session = strict.sessions.begin("li")
    clock.pass_(seconds=59)
    assert strict.sessions.account(session) is not None
    clock.pass_(seconds=59)
    assert strict.sessions.account(session) is None
    session = strict.sessions.begin("li")
    for _ in range(4):
        clock.pass_(seconds=50)
        lasts = strict.sessions.account(session)
    assert lasts is None


def test_expired_sessions_are_taken_away_when_another_begins(
    door: Door, clock: Clock, tmp_path: Path
) -> None:
    door.sessions.begin("li", browser="the first")
    clock.pass_(hours=1)
    door.sessions.begin("li", browser="the second")
    with door.store.connect() as connection:
        found = connection.exec_driver_sql("SELECT browser FROM session").scalars().all()
    assert found == ["the second"]


def test_signing_in_gives_a_new_session_and_ends_the_one_that_was_sent(door: Door) -> None:
    planted = door.sessions.begin("li")
    for session in (planted, "an identifier that somebody made up"):
        done = door.enter("li", PASSWORD, Visit(session=session))
        assert isinstance(done, LetIn)
        assert done.session != session
        assert door.sessions.account(session) is None
        assert door.sessions.account(done.session) is not None


def test_a_password_that_changes_ends_all_sessions(door: Door) -> None:
    sessions = [door.sessions.begin("li") for _ in range(3)]
    assert not door.change_password(door.accounts.get("li"), OTHER, "a third one, and longer")
    assert all(map(door.sessions.account, sessions))
    assert door.change_password(door.accounts.get("li"), PASSWORD, OTHER)
    assert not any(map(door.sessions.account, sessions))
    assert door.accounts.check("li", PASSWORD) is None
    assert door.accounts.check("li", OTHER) is not None


def test_one_session_is_ended_by_its_owner_alone(door: Door) -> None:
    session = door.sessions.begin("li")
    (listed,) = door.sessions.of("li")
    door.sessions.end_of("wu", listed.digest)
    assert door.sessions.account(session) is not None
    door.sessions.end_of("li", listed.digest)
    assert door.sessions.account(session) is None


@pytest.mark.parametrize("beyond", [{"idle_minutes": 0}, {"longest_hours": -1}])
def test_a_session_lasts_some_time(beyond: dict[str, float], tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(ValueError, match="greater than 0"):
        new_door(tmp_path, clock, **beyond)
