"""Tokens: for what they are for, as long as they last, and never to be read in the store."""

from pathlib import Path

import pytest

from cityloom.errors import UsageError
from cityloom.signin.door import Door
from cityloom.signin.roles import Role
from cityloom.signin.tokens import Scopes
from tests.signin.doors import PASSWORD, Clock, stored


def test_a_token_speaks_for_its_owner_as_they_are_now(door: Door, tmp_path: Path) -> None:
    token = door.tokens.add("li", "nightly figures", ["read:tree", "purpose:planning"])
    assert token.startswith("cityloom_")
    assert token.encode() not in stored(tmp_path)
    bearer = door.tokens.bearer(token)
    assert bearer is not None
    assert bearer.principal == door.accounts.get("li").principal
    assert bearer.principal.attributes == {"district": "north"}
    assert bearer.scopes == Scopes(("purpose:planning", "read:tree"))
    door.accounts.change("li", roles=[Role.AUDITOR], attributes={"district": "east"})
    bearer = door.tokens.bearer(token)
    assert bearer is not None
    assert (bearer.principal.roles, bearer.principal.attributes["district"]) == (
        ("auditor",),
        "east",
    )


@pytest.mark.parametrize(
    ("scope", "reads", "not_others"),
    [
        ("read:tree", ["tree"], ["trees", "a_tree", "Tree", ""]),
        ("read:zone_*", ["zone_", "zone_a", "zone_a_b"], ["zone", "azone_a"]),
        ("read:tree_?", ["tree_1"], ["tree_", "tree_12"]),
        ("read:*", ["tree", "anything"], []),
    ],
)
def test_a_scope_names_datasets(scope: str, reads: list[str], not_others: list[str]) -> None:
    scopes = Scopes((scope, "purpose:planning"))
    assert all(map(scopes.reads, reads))
    assert not any(map(scopes.reads, not_others))
    assert scopes.serves("planning")
    assert not scopes.serves("marketing")
    assert not scopes.serves("*")


def test_a_token_expires(door: Door, clock: Clock) -> None:
    token = door.tokens.add("li", "", ["read:tree"], days=2)
    clock.pass_(days=2, seconds=-1)
    assert door.tokens.bearer(token) is not None
    (listed,) = door.tokens.of("li")
    assert listed.used == "2026-05-06T07:59:59.000000+00:00"
    clock.pass_(seconds=1)
    assert door.tokens.bearer(token) is None


def test_a_token_is_revoked_by_its_owner_alone(door: Door, clock: Clock) -> None:
    token = door.tokens.add("li", "", ["read:tree"])
    (listed,) = door.tokens.of()
    door.accounts.add("wu", PASSWORD, [Role.ANALYST])
    with pytest.raises(UsageError, match="no token"):
        door.tokens.revoke(listed.id, "wu")
    assert door.tokens.bearer(token) is not None
    door.tokens.revoke(listed.id, "li")
    assert door.tokens.bearer(token) is None
    (first,) = door.tokens.of("li")
    clock.pass_(hours=1)
    door.tokens.revoke(listed.id)
    assert door.tokens.of("li") == [first]
    assert first.revoked


def test_what_is_no_token_opens_nothing(door: Door) -> None:
    token = door.tokens.add("li", "", ["read:tree"])
    (listed,) = door.tokens.of()
    for text in ("", "cityloom_", token[:-1], token + "x", token.upper(), listed.id):
        assert door.tokens.bearer(text) is None


@pytest.mark.parametrize(
    ("scopes", "days", "words"),
    [
        ([], 1, "a token needs a dataset"),
        (["purpose:planning"], 1, "a token needs a dataset"),
        (["write:tree"], 1, "'write:tree' is no scope"),
        (["read:tree.csv"], 1, "is no scope"),
        (["read:[a-z]"], 1, "is no scope"),
        (["read:tree"], 0, "a token lasts 1 to 366 days, not 0"),
        (["read:tree"], 367, "a token lasts 1 to 366 days, not 367"),
    ],
)
def test_what_cannot_be_a_token_is_refused_in_words(
    door: Door, scopes: list[str], days: int, words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        door.tokens.add("li", "", scopes, days)
    assert door.tokens.of() == []
