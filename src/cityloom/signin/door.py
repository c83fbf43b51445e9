"""The door of a city: whoever comes is known, made to wait, or turned away."""

from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from functools import cached_property
from hmac import compare_digest
from pathlib import Path
from secrets import token_hex
from typing import TYPE_CHECKING

from argon2 import PasswordHasher
from sqlalchemy import Engine

from cityloom.errors import UsageError
from cityloom.secret import city_secret, keyed
from cityloom.signin.accounts import HASHER, Account, Accounts, Person, called
from cityloom.signin.clock import Clock, present
from cityloom.signin.ldap import Directory
from cityloom.signin.limits import Counted, Limits, by_account, by_address, by_browser
from cityloom.signin.sessions import Sessions, digest_of
from cityloom.signin.settings import SignInSettings
from cityloom.signin.tokens import Tokens
from cityloom.sources.network import Network

if TYPE_CHECKING:
    from cityloom.city import City


class Why(Enum):
    """Why somebody is turned away."""

    WRONG = "wrong"
    WAIT = "wait"
    NO_ROLE = "no role"
    NOT_THEIRS = "not theirs"


@dataclass(frozen=True)
class TurnedAway:
    """Somebody who is not let in, and after how long they may try again."""

    why: Why
    wait: timedelta = timedelta()


@dataclass(frozen=True)
class LetIn:
    """Somebody who is let in: the identifier of their session, and what marks their browser."""

    account: Account
    session: str
    browser: str


@dataclass(frozen=True)
class Visit:
    """Where somebody stands who comes: their address, what their browser says it is, its mark."""

    address: str = ""
    browser: str = ""
    mark: str = ""
    session: str = ""


@dataclass(frozen=True)
class Door:
    """The one way in to a city, over its store.

    Args:
        store: the city's store, migrated.
        secret: the secret of the city.
        settings: ``[signin]`` of ``city.toml``.
        network: ``[network]`` of it.
        city: its folder.
        clock: tells the present moment.
        hasher: makes hashes of passwords.
    """

    store: Engine
    secret: bytes
    settings: SignInSettings = field(default_factory=SignInSettings)
    network: Network = field(default_factory=Network)
    city: Path = Path()
    clock: Clock = present
    hasher: PasswordHasher = HASHER

    @cached_property
    def accounts(self) -> Accounts:
        """The city's accounts."""
        return Accounts(self.store, self.clock, self.hasher)

    @cached_property
    def sessions(self) -> Sessions:
        """The city's sessions."""
        return Sessions(self.store, self.settings, self.clock)

    @cached_property
    def tokens(self) -> Tokens:
        """The city's tokens."""
        return Tokens(self.store, self.clock)

    @cached_property
    def limits(self) -> Limits:
        """The attempts to come in that failed."""
        return Limits(self.store, self.clock)

    def takes_passwords(self) -> bool:
        """Whether anyone could sign in with a name and a password."""
        return self.settings.ldap is not None or self.accounts.keeps_passwords()

    def is_in_use(self) -> bool:
        """Whether anyone could sign in at all."""
        return self.settings.oidc is not None or self.takes_passwords()

    def enter(self, name: str, password: str, visit: Visit) -> LetIn | TurnedAway:
        """Let somebody in who has a name and a password that fit, kept here or in the directory.

        Raises:
            UsageError: the directory does not answer.
        """
        counted = self._counted(name, visit)
        if wait := self.limits.admit(counted):
            return TurnedAway(Why.WAIT, wait)
        found = self.accounts.check(name, password)
        if found is None and self.settings.ldap and not self.accounts.is_local(name):
            person = Directory(self.settings.ldap, self.network, self.city).person(name, password)
            if person is not None:
                self.limits.succeeded(counted)
                return self.meet(person, visit)
        if found is None:
            return TurnedAway(Why.WRONG)
        self.limits.succeeded(counted)
        return self.let_in(found, visit)

    def meet(self, person: Person, visit: Visit) -> LetIn | TurnedAway:
        """Let somebody in for whom a directory elsewhere vouches, if it gives them a role here."""
        if not person.roles:
            return TurnedAway(Why.NO_ROLE)
        account = self.accounts.meet(person)
        return TurnedAway(Why.NOT_THEIRS) if account is None else self.let_in(account, visit)

    def let_in(self, account: Account, visit: Visit) -> LetIn:
        """A new session of an account, in the place of the one that the browser had."""
        if visit.session:
            self.sessions.end(visit.session)
        session = self.sessions.begin(account.name, visit.address, visit.browser)
        return LetIn(account, session, self._mark(account.name))

    def change_password(self, account: Account, old: str, new: str) -> bool:
        """Change an account's password, if the old one is right; its sessions end.

        Raises:
            UsageError: the new one is too short, or the old one was guessed at too often.
        """
        counted = [by_account(digest_of(f"password {account.name}"))]
        if wait := self.limits.admit(counted):
            raise UsageError(f"wait {wait.total_seconds():.0f} seconds and try again")
        if self.accounts.check(account.name, old) is None:
            return False
        self.limits.succeeded(counted)
        self.accounts.set_password(account.name, new)
        return True

    def _counted(self, name: str, visit: Visit) -> list[Counted]:
        """By what an attempt is counted; the store learns neither a name nor what was typed."""
        random, _, mac = visit.mark.partition(".")
        if compare_digest(mac.encode(), self._mac(name, random).encode()):
            return [by_browser(digest_of(visit.mark))]
        name = keyed(self.secret, "attempt", called(name))
        return [by_account(name), by_address(visit.address)]

    def _mark(self, name: str) -> str:
        """What marks a browser as one that has signed in to an account."""
        random = token_hex(16)
        return f"{random}.{self._mac(name, random)}"

    def _mac(self, name: str, random: str) -> str:
        return keyed(self.secret, "browser", called(name), random)


def door_of(city: "City", clock: Clock = present) -> Door:
    """The door of an open city."""
    settings = city.settings
    secret = city_secret(city.path)
    return Door(city.store, secret, settings.signin, settings.network, city.path, clock)
