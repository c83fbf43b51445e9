"""Signing in with a directory: a real OpenLDAP, by TLS."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlsplit

import pytest

from cityloom.errors import PullError
from cityloom.signin.door import Door, LetIn, TurnedAway, Visit, Why
from cityloom.signin.ldap import Directory, DirectoryError
from cityloom.signin.roles import Role
from cityloom.signin.settings import LdapSettings, SignInSettings
from cityloom.sources.network import Network
from tests.signin import directory as openldap
from tests.signin.doors import PASSWORD


@pytest.fixture(scope="module")
def running() -> Iterator[openldap.Directory]:
    if openldap.SLAPD is None:
        if os.environ.get("CI") == "true":
            pytest.fail("slapd is missing: apt-get install slapd")
        pytest.skip("slapd is missing: apt-get install slapd")
    with TemporaryDirectory() as folder:
        found = openldap.Directory(Path(folder))
        yield found
        found.stop()


def settings(address: str, **more: Any) -> LdapSettings:
    stated = {
        "url": address,
        "user": "uid={name},ou=people,dc=town",
        "people": "ou=people,dc=town",
        "groups": "ou=groups,dc=town",
        "roles": {"stewards": Role.DATA_STEWARD},
        "attributes": {"district": "l"},
    }
    return LdapSettings(**{**stated, **more})


def asked(running: openldap.Directory, stated: LdapSettings, ca: str | None = None) -> Directory:
    host = urlsplit(stated.url).netloc
    network = Network(internal=(host,), ca=str(running.ca) if ca is None else ca)
    return Directory(stated, network, running.folder)


@pytest.mark.parametrize("how", ["plain", "encrypted"])
def test_who_is_bound_is_described(running: openldap.Directory, how: str) -> None:
    person = asked(running, settings(getattr(running, how))).person("wu", openldap.PASSWORDS["wu"])
    assert person is not None
    assert (person.origin, person.subject) == ("ldap", "uid=wu,ou=people,dc=town")
    assert (person.name, person.full_name) == ("wu", "Wu Lan")
    assert (person.roles, person.attributes) == ((Role.DATA_STEWARD,), {"district": "east"})


@pytest.mark.parametrize(
    ("name", "password"),
    [
        ("wu", "wrong"),
        ("wu", ""),
        ("", ""),
        ("nobody", openldap.PASSWORDS["wu"]),
        ("*", openldap.PASSWORDS["wu"]),
        ("wu,ou=people,dc=town", openldap.PASSWORDS["wu"]),
        ("wu)(uid=*", openldap.PASSWORDS["wu"]),
        ("w\0u", openldap.PASSWORDS["wu"]),
    ],
    ids=range(8),
)
def test_nobody_else_is(running: openldap.Directory, name: str, password: str) -> None:
    assert asked(running, settings(running.encrypted)).person(name, password) is None


def test_a_filter_takes_nothing_that_was_typed_for_its_own(running: openldap.Directory) -> None:
    """Whoever binds by an address of their own choice still has to be the one that is found."""
    stated = settings(running.encrypted, user="{name}", person_filter="(uid={name})")
    directory = asked(running, stated)
    whole = "uid=lu,ou=people,dc=town"
    assert directory.person(whole, openldap.PASSWORDS["lu"]) is None


def test_a_directory_that_is_not_verified_learns_no_password(running: openldap.Directory) -> None:
    for url in (running.plain, running.encrypted):
        with pytest.raises(DirectoryError, match="its certificate is trusted"):
            asked(running, settings(url), ca="").person("wu", openldap.PASSWORDS["wu"])
        other = url.replace("localhost", "127.0.0.2")
        with pytest.raises(DirectoryError):
            asked(running, settings(other)).person("wu", openldap.PASSWORDS["wu"])


def test_a_directory_that_is_not_listed_is_not_asked(running: openldap.Directory) -> None:
    stated = settings(running.encrypted)
    with pytest.raises(PullError, match="is not under internal of"):
        Directory(stated, Network(), running.folder).person("wu", "x")


def test_a_directory_that_does_not_answer_is_said_in_words(running: openldap.Directory) -> None:
    with pytest.raises(DirectoryError, match="does not answer as it should"):
        asked(running, settings("ldaps://localhost:9")).person("wu", "x")


def test_who_the_directory_knows_comes_in_by_the_door(
    door: Door, running: openldap.Directory
) -> None:
    stated = settings(running.encrypted)
    network = Network(internal=(urlsplit(stated.url).netloc,), ca=str(running.ca))
    door = replace(door, settings=SignInSettings(ldap=stated), network=network)
    done = door.enter("WU", openldap.PASSWORDS["wu"], Visit())
    assert isinstance(done, LetIn)
    assert done.account.roles == (Role.DATA_STEWARD,)
    assert door.enter("wu", "wrong", Visit()) == TurnedAway(Why.WRONG)
    assert door.enter("lu", openldap.PASSWORDS["lu"], Visit()) == TurnedAway(Why.NO_ROLE)
    door.accounts.disable("wu")
    done = door.enter("wu", openldap.PASSWORDS["wu"], Visit())
    assert done == TurnedAway(Why.NOT_THEIRS)
    assert isinstance(door.enter("li", PASSWORD, Visit()), LetIn)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"url": "http://localhost"}, "is none of LDAP"),
        ({"user": "uid=wu,dc=town"}, "lacks {name}"),
        ({"person_filter": "(uid=*)"}, "lacks {name}"),
        ({"group_filter": "(cn=*)"}, "lacks {dn}"),
        ({"roles": {}}, "at least 1"),
        ({"roles": {"a": "boss"}}, "data_steward"),
    ],
    ids=range(6),
)
def test_settings_that_would_let_anybody_in_are_refused(more: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        settings("ldaps://localhost", **more)
