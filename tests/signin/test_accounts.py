"""Accounts: passwords are Argon2id hashes, and whether a name exists is not told."""

from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher, Type, extract_parameters
from argon2.exceptions import VerifyMismatchError
from sqlalchemy import select

from cityloom.errors import UsageError
from cityloom.policy import Principal
from cityloom.signin.accounts import Accounts, Person
from cityloom.signin.door import Door
from cityloom.signin.roles import Role
from cityloom.signin.tables import ACCOUNTS
from tests.signin.doors import OTHER, PASSWORD, QUICK, Clock, stored


def kept(door: Door, name: str = "li") -> str:
    """The hash that the store has of a password."""
    with door.store.connect() as connection:
        query = select(ACCOUNTS.c.password).where(ACCOUNTS.c.name == name)
        return str(connection.execute(query).scalar_one())


def test_a_password_is_kept_as_rfc_9106_recommends(door: Door, tmp_path: Path) -> None:
    Accounts(door.store).set_password("li", PASSWORD)
    found = extract_parameters(kept(door))
    assert found.type is Type.ID
    assert (found.memory_cost, found.time_cost, found.parallelism) == (65_536, 3, 4)
    assert (found.salt_len, found.hash_len) == (16, 32)
    assert PasswordHasher().verify(kept(door), PASSWORD)
    with pytest.raises(VerifyMismatchError):
        PasswordHasher().verify(kept(door), OTHER)
    assert PASSWORD.encode() not in stored(tmp_path)


def test_the_same_password_is_kept_differently_each_time(door: Door) -> None:
    door.accounts.add("wu", PASSWORD, [Role.AUDITOR])
    assert kept(door, "wu") != kept(door)


def test_only_the_right_password_opens_an_account(door: Door) -> None:
    account = door.accounts.check("li", PASSWORD)
    assert account is not None
    assert account.principal == Principal("li", True, ("analyst",), {"district": "north"})
    for wrong in (PASSWORD + " ", PASSWORD.upper(), "", "x" * 100_000):
        assert door.accounts.check("li", wrong) is None
    assert door.accounts.check("nobody", PASSWORD) is None


def test_a_hash_of_weaker_parameters_is_made_again_at_the_next_sign_in(
    door: Door, clock: Clock
) -> None:
    weak = PasswordHasher(time_cost=1, memory_cost=32, parallelism=1)
    Accounts(door.store, clock, weak).set_password("li", OTHER)
    before = kept(door)
    assert extract_parameters(before).memory_cost == 32
    assert door.accounts.check("li", PASSWORD) is None
    assert kept(door) == before
    assert door.accounts.check("li", OTHER) is not None
    assert extract_parameters(kept(door)).memory_cost == QUICK.memory_cost
    assert door.accounts.check("li", OTHER) is not None


def test_a_name_that_is_not_known_costs_what_a_known_one_does(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    door.accounts.add("gone", PASSWORD, [Role.ANALYST])
    door.accounts.disable("gone")
    door.accounts.meet(Person("oidc", "s", "elsewhere", roles=(Role.ANALYST,)))
    verify, seen = PasswordHasher.verify, []

    def spied(self: PasswordHasher, hashed: Any, password: Any) -> Any:
        seen.append(extract_parameters(hashed))
        return verify(self, hashed, password)

    monkeypatch.setattr(PasswordHasher, "verify", spied)
    for name in ("li", "nobody", "gone", "elsewhere"):
        assert door.accounts.check(name, OTHER) is None
    assert len(seen) == 4
    assert len(set(map(repr, seen))) == 1


def test_names_and_passwords_are_compared_however_they_are_typed(door: Door) -> None:
    door.accounts.add("Ｗang", "ﬁve ﬂoating ﬁsh swim", [Role.ANALYST])
    assert door.accounts.get(" WANG ").name == "wang"
    assert door.accounts.check("wang", "five floating fish swim") is not None
    with pytest.raises(UsageError, match="there is an account 'wang' already"):
        door.accounts.add("wang", PASSWORD, [Role.ANALYST])


@pytest.mark.parametrize(
    ("name", "password", "roles", "attributes", "words"),
    [
        ("wu", "x" * 14, ["analyst"], {}, "a password has 15 to 1,024 characters"),
        ("wu", "x" * 1_025, ["analyst"], {}, "a password has 15 to 1,024 characters"),
        ("wu.from.accounts", "wu.from.accounts1", ["analyst"], {}, "little more than the name"),
        ("wu", PASSWORD, [], {}, "an account needs a role; there are data_steward, analyst"),
        ("", PASSWORD, ["analyst"], {}, "cannot name an account"),
        ("a b", PASSWORD, ["analyst"], {}, "'a b' cannot name an account"),
        ("<script>", PASSWORD, ["analyst"], {}, "cannot name an account"),
        ("x" * 101, PASSWORD, ["analyst"], {}, "cannot name an account"),
        ("wu", PASSWORD, ["analyst"], {"Di strict": "n"}, "cannot name an attribute"),
    ],
    ids=range(9),
)
def test_what_cannot_be_an_account_is_refused_in_words(
    door: Door, name: str, password: str, roles: list[str], attributes: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        door.accounts.add(name, password, map(Role, roles), attributes)
    assert [account.name for account in door.accounts.all()] == ["li"]


def test_an_account_is_changed_in_what_is_said_alone(door: Door) -> None:
    changed = door.accounts.change("li", roles=[Role.AUDITOR, Role.ADMINISTRATOR])
    assert changed.roles == (Role.ADMINISTRATOR, Role.AUDITOR)
    assert (changed.full_name, changed.attributes) == ("Li Lei", {"district": "north"})
    assert door.accounts.change("li", attributes={}).attributes == {}
    assert door.accounts.has_administrator()
    door.accounts.disable("li")
    assert not door.accounts.has_administrator()
    with pytest.raises(UsageError, match="no account 'wu' in this city"):
        door.accounts.change("wu", full_name="Wu")


def test_a_disabled_account_opens_nothing_until_it_is_enabled(door: Door) -> None:
    session, token = door.sessions.begin("li"), door.tokens.add("li", "", ["read:tree"])
    door.accounts.disable("li")
    assert door.accounts.check("li", PASSWORD) is None
    assert door.sessions.account(session) is None
    assert door.tokens.bearer(token) is None
    door.accounts.enable("li")
    assert door.accounts.check("li", PASSWORD) is not None
    assert door.sessions.account(session) is None
    assert door.tokens.bearer(token) is not None


def test_a_person_of_a_directory_is_met_again_as_it_describes_them_now(door: Door) -> None:
    first = Person("oidc", "id 7", "wu", "Wu", (Role.OPERATOR,), {"district": "east"})
    later = Person("oidc", "id 7", "wu", "Wu Lan", (Role.AUDITOR,))
    assert door.accounts.meet(first) == door.accounts.get("wu")
    met = door.accounts.meet(later)
    assert met is not None
    assert (met.full_name, met.roles, met.attributes) == ("Wu Lan", (Role.AUDITOR,), {})
    with pytest.raises(UsageError, match="kept by oidc; change it there"):
        door.accounts.set_password("wu", OTHER)
    assert door.accounts.check("wu", "") is None


@pytest.mark.parametrize(("origin", "subject"), [("oidc", "id 8"), ("ldap", "id 7")])
def test_nobody_else_gets_the_account_of_a_name(door: Door, origin: str, subject: str) -> None:
    door.accounts.meet(Person("oidc", "id 7", "wu", roles=(Role.OPERATOR,)))
    for name in ("wu", "li"):
        other = Person(origin, subject, name, roles=(Role.ADMINISTRATOR,))
        assert door.accounts.meet(other) is None
        assert Role.ADMINISTRATOR not in door.accounts.get(name).roles
    door.accounts.disable("wu")
    assert door.accounts.meet(Person("oidc", "id 7", "wu", roles=(Role.OPERATOR,))) is None
