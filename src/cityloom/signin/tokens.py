"""Tokens: how a program asks in its owner's name, for some datasets and purposes alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from secrets import token_hex, token_urlsafe
from typing import Any

from sqlalchemy import Engine, Row, insert, select, update

from cityloom.errors import UsageError
from cityloom.policy import Principal
from cityloom.signin.accounts import account_of
from cityloom.signin.clock import Clock, present, written
from cityloom.signin.sessions import digest_of
from cityloom.signin.tables import ACCOUNTS, TOKENS

PREFIX = "cityloom_"
"""How every token begins, so that one that was published by mistake is found."""

MOST_DAYS = 366
"""Days that a token may last."""

_SCOPE = re.compile(r"(read:[\w*?]+|purpose:\S+)")


@dataclass(frozen=True)
class Token:
    """A token as it is listed: all but what opens anything. Moments are ISO 8601, UTC."""

    id: str
    account: str
    title: str
    scopes: tuple[str, ...]
    created: str
    expires: str
    used: str
    revoked: str


@dataclass(frozen=True)
class Scopes:
    """What a token is for: datasets by glob, and purposes by name."""

    stated: tuple[str, ...]

    def reads(self, dataset: str) -> bool:
        """Whether the token may be used to read a dataset."""
        return any(fnmatchcase(dataset, glob) for glob in self._of("read:"))

    def serves(self, purpose: str) -> bool:
        """Whether the token may be used for a purpose."""
        return purpose in self._of("purpose:")

    def _of(self, kind: str) -> list[str]:
        return [scope.removeprefix(kind) for scope in self.stated if scope.startswith(kind)]


@dataclass(frozen=True)
class Bearer:
    """Who asks with a token, and for what it may be used."""

    principal: Principal
    scopes: Scopes


class Tokens:
    """The tokens in a store."""

    def __init__(self, store: Engine, clock: Clock = present) -> None:
        self._store = store
        self._clock = clock

    def add(self, account: str, title: str, scopes: Iterable[str], days: int = 90) -> str:
        """A new token of an account; this is the only time that it is told.

        Raises:
            UsageError: a scope is none, or it would last too long.
        """
        text, now = PREFIX + token_urlsafe(32), self._clock()
        if not 1 <= days <= MOST_DAYS:
            raise UsageError(f"a token lasts 1 to {MOST_DAYS} days, not {days}")
        row = {
            "id": token_hex(4),
            "digest": digest_of(text),
            "account": account,
            "title": title,
            "scopes": _checked(scopes),
            "created": written(now),
            "expires": written(now + timedelta(days=days)),
            "used": "",
            "revoked": "",
        }
        with self._store.begin() as connection:
            connection.execute(insert(TOKENS), row)
        return text

    def bearer(self, text: str) -> Bearer | None:
        """Who asks with a token, if it was not revoked, has not expired and has an owner."""
        now = written(self._clock())
        query = select(ACCOUNTS, TOKENS.c.id, TOKENS.c.scopes).join(TOKENS)
        query = query.where(
            (TOKENS.c.digest == digest_of(text))
            & (TOKENS.c.revoked == "")
            & (TOKENS.c.expires > now)
            & ~ACCOUNTS.c.disabled
        )
        with self._store.begin() as connection:
            row = connection.execute(query).first()
            if row is None:
                return None
            connection.execute(update(TOKENS).where(TOKENS.c.id == row.id).values(used=now))
        return Bearer(account_of(row).principal, Scopes(tuple(row.scopes)))

    def of(self, account: str | None = None) -> list[Token]:
        """An account's tokens, or all, the newest first."""
        query = select(TOKENS).order_by(TOKENS.c.created.desc())
        if account is not None:
            query = query.where(TOKENS.c.account == account)
        with self._store.connect() as connection:
            return list(map(_listed, connection.execute(query).all()))

    def revoke(self, id: str, account: str | None = None) -> None:
        """Let a token open nothing any more; only one of an account, if that is said.

        Raises:
            UsageError: there is no such token.
        """
        own = TOKENS.c.id == id
        if account is not None:
            own &= TOKENS.c.account == account
        with self._store.begin() as connection:
            if connection.execute(select(TOKENS.c.id).where(own)).first() is None:
                raise UsageError(f"no token '{id}'; 'cityloom users tokens list' names all")
            once = own & (TOKENS.c.revoked == "")
            connection.execute(update(TOKENS).where(once).values(revoked=written(self._clock())))


def _checked(scopes: Iterable[str]) -> list[str]:
    found = sorted(set(scopes))
    for scope in found:
        if not _SCOPE.fullmatch(scope):
            raise UsageError(
                f"'{scope}' is no scope; expected read:DATASET, where * and ? stand for signs, "
                "or purpose:NAME"
            )
    if not any(scope.startswith("read:") for scope in found):
        raise UsageError("a token needs a dataset that it reads, as in read:tree or read:zone_*")
    return found


def _listed(row: "Row[Any]") -> Token:
    return Token(
        row.id,
        row.account,
        row.title,
        tuple(row.scopes),
        row.created,
        row.expires,
        row.used,
        row.revoked,
    )
