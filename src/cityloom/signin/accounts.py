"""Accounts: who may sign in, with which roles; passwords are kept as Argon2id hashes alone.

Parameters are the second recommended option of RFC 9106, section 4. A password is checked by the
same steps whether there is an account of that name or not, so that the time taken tells nothing.
Passwords are compared after Unicode normalisation, as NIST SP 800-63B-4 has it, by whose rule one
that stands alone has at least 15 characters.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cache
from secrets import token_urlsafe
from threading import BoundedSemaphore
from typing import Any
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from argon2.profiles import RFC_9106_LOW_MEMORY
from sqlalchemy import Engine, Row, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from cityloom.errors import UsageError
from cityloom.policy import Principal
from cityloom.signin.clock import Clock, present, written
from cityloom.signin.roles import Role
from cityloom.signin.tables import ACCOUNTS, SESSIONS
from cityloom.store import insert_new

LOCAL = "local"
"""The origin of an account whose password the city keeps."""

SHORTEST, LONGEST = 15, 1024
"""Characters that a password has."""

_NAME = re.compile(r"[\w.@+-]{1,100}")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
HASHER = PasswordHasher.from_parameters(RFC_9106_LOW_MEMORY)
"""What makes hashes of passwords."""

_AT_ONCE = BoundedSemaphore(4)
"""A hash takes 64 MiB; more at once would let strangers fill the memory."""


@dataclass(frozen=True)
class Account:
    """One account; ``password_changed`` and ``created`` are ISO 8601, UTC."""

    name: str
    full_name: str
    origin: str
    roles: tuple[Role, ...]
    attributes: Mapping[str, str]
    disabled: bool
    created: str
    password_changed: str

    @property
    def principal(self) -> Principal:
        """Who the account's owner is to policy."""
        return Principal(self.name, True, tuple(map(str, self.roles)), self.attributes)

    @property
    def is_local(self) -> bool:
        """Whether the city keeps its password."""
        return self.origin == LOCAL


@dataclass(frozen=True)
class Person:
    """What a directory elsewhere says of somebody who has proved who they are.

    ``origin`` names the directory, ``subject`` is what it always knows the person by.
    """

    origin: str
    subject: str
    name: str
    full_name: str = ""
    roles: tuple[Role, ...] = ()
    attributes: Mapping[str, str] = field(default_factory=dict)


class Accounts:
    """The accounts in a store."""

    def __init__(
        self, store: Engine, clock: Clock = present, hasher: PasswordHasher = HASHER
    ) -> None:
        self._store = store
        self._clock = clock
        self._hasher = hasher

    def all(self) -> list[Account]:
        """Every account, by name."""
        with self._store.connect() as connection:
            rows = connection.execute(select(ACCOUNTS).order_by(ACCOUNTS.c.name)).all()
        return list(map(account_of, rows))

    def keeps_passwords(self) -> bool:
        """Whether there is an account whose password the city keeps."""
        query = select(ACCOUNTS.c.name).where(ACCOUNTS.c.origin == LOCAL).limit(1)
        with self._store.connect() as connection:
            return connection.execute(query).first() is not None

    def get(self, name: str) -> Account:
        """The account of a name.

        Raises:
            UsageError: there is none.
        """
        if (row := self._row(name)) is None:
            raise UsageError(f"no account '{name}' in this city; 'cityloom users list' names all")
        return account_of(row)

    def has_administrator(self) -> bool:
        """Whether somebody who may sign in is an administrator."""
        return any(Role.ADMINISTRATOR in a.roles for a in self.all() if not a.disabled)

    def add(
        self,
        name: str,
        password: str,
        roles: Iterable[Role],
        attributes: Mapping[str, str] | None = None,
        full_name: str = "",
    ) -> Account:
        """A new account whose password the city keeps.

        Raises:
            UsageError: the name is taken or no name, the password too short, or there is no role.
        """
        name = _checked_name(name)
        row = {
            "name": name,
            "full_name": full_name,
            "origin": LOCAL,
            "subject": "",
            "password": self._hash(name, password),
            "roles": _checked_roles(roles),
            "attributes": _checked_attributes(attributes or {}),
        }
        try:
            with self._store.begin() as connection:
                connection.execute(insert(ACCOUNTS), self._dated(row))
        except IntegrityError:
            raise UsageError(
                f"there is an account '{name}' already; change it with: cityloom users change"
            ) from None
        return self.get(name)

    def change(
        self,
        name: str,
        roles: Iterable[Role] | None = None,
        attributes: Mapping[str, str] | None = None,
        full_name: str | None = None,
    ) -> Account:
        """Give an account other roles, attributes or another full name; what is not said stays.

        Raises:
            UsageError: there is no such account, or there is no role.
        """
        said = {
            "roles": None if roles is None else _checked_roles(roles),
            "attributes": None if attributes is None else _checked_attributes(attributes),
            "full_name": full_name,
        }
        if changed := {column: value for column, value in said.items() if value is not None}:
            self._update(self.get(name), **changed)
        return self.get(name)

    def set_password(self, name: str, password: str) -> None:
        """Give an account another password; its sessions end.

        Raises:
            UsageError: there is no such account, its password is kept elsewhere or is too short.
        """
        account = self.get(name)
        if not account.is_local:
            raise UsageError(
                f"the password of '{account.name}' is kept by {account.origin}; change it there"
            )
        hashed = self._hash(account.name, password)
        self._update(account, True, password=hashed, password_changed=written(self._clock()))

    def disable(self, name: str) -> None:
        """Let nobody sign in to an account any more; its sessions end, its tokens open nothing."""
        self._update(self.get(name), True, disabled=True)

    def enable(self, name: str) -> None:
        """Let an account be signed in to again."""
        self._update(self.get(name), disabled=False)

    def check(self, name: str, password: str) -> Account | None:
        """The account of a name, if this is its password and it is not disabled."""
        row = self._row(name)
        known = row.password if row and row.password else _of_nobody(self._hasher)
        fits = self._fits(known, password)
        if row is None or not row.password or not fits or row.disabled:
            return None
        if self._hasher.check_needs_rehash(known):
            self._update(account_of(row), password=self._hasher.hash(_normal(password)))
        return account_of(row)

    def is_local(self, name: str) -> bool:
        """Whether there is an account of a name whose password the city keeps."""
        row = self._row(name)
        return row is not None and row.origin == LOCAL

    def meet(self, person: Person) -> Account | None:
        """The account of a person as their directory describes them now, made at first sight.

        ``None`` where the account of that name is disabled, or belongs to somebody else.
        """
        name = _checked_name(person.name)
        said = {
            "full_name": person.full_name,
            "roles": _checked_roles(person.roles),
            "attributes": _checked_attributes(person.attributes),
        }
        whose = {"name": name, "origin": person.origin, "subject": person.subject}
        with self._store.begin() as connection:
            row = self._dated({**whose, "password": "", **said})
            connection.execute(insert_new(self._store, ACCOUNTS), row)
        known = self._row(name)
        if known is None or known.disabled:
            return None
        if (known.origin, known.subject) != (person.origin, person.subject):
            return None
        self._update(account_of(known), **said)
        return self.get(name)

    def _row(self, name: str) -> "Row[Any] | None":
        query = select(ACCOUNTS).where(ACCOUNTS.c.name == called(name))
        with self._store.connect() as connection:
            return connection.execute(query).first()

    def _dated(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A new account's row, with the moment at which it is made."""
        now = written(self._clock())
        changed = now if row["password"] else ""
        return {**row, "created": now, "password_changed": changed, "disabled": False}

    def _update(self, account: Account, ends_sessions: bool = False, /, **values: Any) -> None:
        with self._store.begin() as connection:
            own = update(ACCOUNTS).where(ACCOUNTS.c.name == account.name)
            connection.execute(own.values(**values))
            if ends_sessions:
                connection.execute(delete(SESSIONS).where(SESSIONS.c.account == account.name))

    def _hash(self, name: str, password: str) -> str:
        password = _normal(password)
        if not SHORTEST <= len(password) <= LONGEST:
            raise UsageError(f"a password has {SHORTEST} to {LONGEST:,} characters; choose another")
        if name in password.casefold() and len(password) - len(name) < SHORTEST:
            raise UsageError("the password is little more than the name; choose another")
        with _AT_ONCE:
            return self._hasher.hash(password)

    def _fits(self, hashed: str, password: str) -> bool:
        try:
            with _AT_ONCE:
                return self._hasher.verify(hashed, _normal(password)[: LONGEST + 1])
        except (VerificationError, InvalidHashError):
            return False


def called(name: str) -> str:
    """A name as it is compared and kept."""
    return normalize("NFKC", name).strip().casefold()


def account_of(row: "Row[Any]") -> Account:
    """The account in a row of its table."""
    return Account(
        row.name,
        row.full_name,
        row.origin,
        tuple(map(Role, row.roles)),
        row.attributes,
        row.disabled,
        row.created,
        row.password_changed,
    )


@cache
def _of_nobody(hasher: PasswordHasher) -> str:
    """A hash that no password is known for, made as all others are."""
    return hasher.hash(token_urlsafe())


def _normal(password: str) -> str:
    return normalize("NFKC", password)


def _checked_name(name: str) -> str:
    found = called(name)
    if not _NAME.fullmatch(found):
        raise UsageError(
            f"'{name}' cannot name an account; expected 1 to 100 letters, digits and . @ + - _"
        )
    return found


def _checked_roles(roles: Iterable[Role]) -> list[str]:
    found = sorted({str(role) for role in roles})
    if not found:
        raise UsageError(f"an account needs a role; there are {', '.join(Role)}")
    return found


def _checked_attributes(attributes: Mapping[str, str]) -> dict[str, str]:
    for key in attributes:
        if not _KEY.fullmatch(key):
            raise UsageError(
                f"'{key}' cannot name an attribute; expected letters a-z, digits and underscores, "
                "as in district"
            )
    return dict(sorted(attributes.items()))
