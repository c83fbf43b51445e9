"""Users and their tokens at the command line, and what the console may be served to."""

import json
import re
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityloom.city import City
from cityloom.cli import _app
from cityloom.cli.serve import Asked, how_served
from cityloom.errors import UsageError
from cityloom.signin.accounts import Accounts
from cityloom.signin.door import door_of
from cityloom.signin.roles import Role
from cityloom.web.signin.served import LOCAL_HOSTS, Served
from tests.signin.doors import OTHER, PASSWORD


@pytest.fixture
def city(tmp_path: Path) -> Path:
    return City.create(tmp_path / "city", "Town").path


def said(city: Path, *words: str, typed: str = "") -> str:
    done = CliRunner().invoke(_app(), ["users", *words, "--city", str(city)], input=typed)
    if isinstance(done.exception, UsageError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_users_are_made_listed_changed_and_disabled(city: Path) -> None:
    twice = f"{PASSWORD}\n{PASSWORD}\n"
    made = said(city, "add", "Li", "--role", "analyst", "--full-name", "Li Lei", typed=twice)
    assert "Made the account 'li': analyst." in made
    assert "There is no administrator yet" in made
    assert PASSWORD not in made
    more = ["--role", "administrator", "--attribute", "district=north", "--json"]
    (facts,) = json.loads(said(city, "change", "li", *more))
    assert facts["roles"] == ["administrator"]
    assert facts["attributes"] == {"district": "north"}
    assert "password" not in facts
    said(city, "change", "li", "--password-stdin", typed=OTHER + "\n")
    accounts = door_of(City.open(city)).accounts
    assert accounts.check("li", OTHER) is not None
    assert "There is no administrator" in said(city, "disable", "li")
    assert json.loads(said(city, "list", "--json"))[0]["disabled"] is True
    assert "Enabled the account 'li'" in said(city, "enable", "li")
    assert "district=north" in said(city, "list")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("add", "li", "--role", "analyst", "--password-stdin"), "a password has 15 to 1,024"),
        (("add", "li", "--password-stdin"), "an account needs a role"),
        (("change", "li", "--role", "analyst"), "no account 'li'"),
        (("disable", "li"), "no account 'li'"),
        (("tokens", "add", "li", "--scope", "read:tree"), "no account 'li'"),
        (("tokens", "revoke", "abc"), "no token 'abc'"),
    ],
    ids=range(6),
)
def test_what_cannot_be_is_said_in_words(city: Path, words: tuple[str, ...], told: str) -> None:
    typed = "short\n" if "--role" in words else f"{PASSWORD}\n"
    with pytest.raises(UsageError, match=told):
        said(city, *words, typed=typed)


def test_an_attribute_has_a_value(city: Path) -> None:
    words = ("add", "li", "--role", "analyst", "--attribute", "district", "--password-stdin")
    with pytest.raises(UsageError, match="--attribute district: expected a name and a value"):
        said(city, *words, typed=PASSWORD)


def test_tokens_are_made_listed_and_revoked(city: Path) -> None:
    said(city, "add", "li", "--role", "analyst", "--password-stdin", typed=PASSWORD)
    token = said(city, "tokens", "add", "li", "--scope", "read:tree*").strip()
    tokens = door_of(City.open(city)).tokens
    bearer = tokens.bearer(token)
    assert bearer is not None
    assert bearer.scopes.reads("tree_2")
    (listed,) = json.loads(said(city, "tokens", "list", "li", "--json"))
    assert listed["scopes"] == ["read:tree*"]
    assert token not in said(city, "tokens", "list")
    said(city, "tokens", "revoke", listed["id"])
    assert tokens.bearer(token) is None


def test_the_console_is_served_beyond_this_machine_to_those_alone_who_can_sign_in(
    city: Path, tmp_path: Path
) -> None:
    pem = tmp_path / "city.pem"
    pem.write_text("a certificate")
    far = Asked("0.0.0.0", pem, pem)

    def refused(asked: Asked, words: str) -> None:
        with pytest.raises(UsageError, match=words):
            how_served(City.open(city), asked)

    for asked in (far, Asked("192.0.2.1"), Asked("data.town"), Asked(behind_proxy=True)):
        refused(asked, "nobody could sign in")
    Accounts(City.open(city).store).add("li", PASSWORD, [Role.ADMINISTRATOR])
    refused(far, r"\[serve\] hosts = ")
    toml = city / "city.toml"
    toml.write_text(toml.read_text() + '\n[serve]\nhosts = ["data.town"]\n')
    refused(Asked("0.0.0.0"), "would cross the network unencrypted")
    refused(Asked("0.0.0.0", tmp_path / "none.pem"), "no such file")
    hosts = (*LOCAL_HOSTS, "data.town")
    for asked in (far, Asked(behind_proxy=True), Asked("::", behind_proxy=True)):
        assert how_served(City.open(city), asked) == Served(True, hosts, True)
    toml.write_text(toml.read_text() + "anonymous = true\n")
    assert how_served(City.open(city), far) == Served(True, hosts, False)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_this_machine_nobody_has_to_sign_in(city: Path, host: str) -> None:
    assert how_served(City.open(city), Asked(host)) == Served()


@pytest.mark.parametrize("entry", ["https://data.town", "data.town:8000", "*", ""])
def test_a_name_that_is_none_is_refused(city: Path, entry: str) -> None:
    toml = city / "city.toml"
    toml.write_text(toml.read_text() + f'\n[serve]\nhosts = ["{entry}"]\n')
    with pytest.raises(UsageError, match=f"'{re.escape(entry)}' is not a name"):
        City.open(city)
