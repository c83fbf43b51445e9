"""Sessions: who signed in with which browser; a store that is read by others opens none of them.

The identifier has 256 random bits and is kept by the browser alone; the store has its SHA-256.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from sqlalchemy import ColumnElement, Engine, Row, delete, insert, select, update

from cityloom.signin.accounts import Account, account_of
from cityloom.signin.clock import Clock, present, read, written
from cityloom.signin.settings import SignInSettings
from cityloom.signin.tables import ACCOUNTS, SESSIONS

_NOTED = timedelta(minutes=1)
"""How much later a session has to be used for it to be written down."""

_BROWSER = 200


@dataclass(frozen=True)
class Session:
    """One session, by the digest of its identifier; ``browser`` is what the browser says it is."""

    digest: str
    account: str
    begun: str
    used: str
    address: str
    browser: str


class Sessions:
    """The sessions in a store."""

    def __init__(self, store: Engine, settings: SignInSettings, clock: Clock = present) -> None:
        self._store = store
        self._settings = settings
        self._clock = clock

    def begin(self, account: str, address: str = "", browser: str = "") -> str:
        """A new session's identifier; those that have expired are taken away."""
        identifier, now = token_urlsafe(32), written(self._clock())
        row = {
            "digest": digest_of(identifier),
            "account": account,
            "begun": now,
            "used": now,
            "address": address,
            "browser": browser[:_BROWSER],
        }
        with self._store.begin() as connection:
            connection.execute(delete(SESSIONS).where(~self._lasts()))
            connection.execute(insert(SESSIONS), row)
        return identifier

    def account(self, identifier: str) -> Account | None:
        """Whose session it is, if it has not ended; that it was used is remembered."""
        own = SESSIONS.c.digest == digest_of(identifier)
        query = select(ACCOUNTS, SESSIONS.c.used).join(SESSIONS)
        query = query.where(own & self._lasts() & ~ACCOUNTS.c.disabled)
        with self._store.connect() as connection:
            row = connection.execute(query).first()
        if row is None:
            return None
        self._note_use(own, row)
        return account_of(row)

    def of(self, account: str) -> list[Session]:
        """An account's sessions that have not ended, the newest first."""
        query = select(SESSIONS).where((SESSIONS.c.account == account) & self._lasts())
        with self._store.connect() as connection:
            rows = connection.execute(query.order_by(SESSIONS.c.begun.desc())).all()
        return [Session(*row) for row in rows]

    def end(self, identifier: str) -> None:
        """End a session."""
        self._delete(SESSIONS.c.digest == digest_of(identifier))

    def end_of(self, account: str, digest: str) -> None:
        """End a session of an account, by its digest."""
        self._delete((SESSIONS.c.account == account) & (SESSIONS.c.digest == digest))

    def _note_use(self, own: ColumnElement[bool], row: "Row[Any]") -> None:
        """Write down that a session is used, if that was not done just now."""
        now, used = self._clock(), read(row.used)
        if used is None or now - used >= _NOTED:
            with self._store.begin() as connection:
                connection.execute(update(SESSIONS).where(own).values(used=written(now)))

    def _lasts(self) -> ColumnElement[bool]:
        now: datetime = self._clock()
        idle = SESSIONS.c.used > written(now - self._settings.idle)
        return idle & (SESSIONS.c.begun > written(now - self._settings.longest))

    def _delete(self, which: ColumnElement[bool]) -> None:
        with self._store.begin() as connection:
            connection.execute(delete(SESSIONS).where(which))


def digest_of(identifier: str) -> str:
    """What the store knows an identifier by; it is random, so a plain hash keeps it."""
    return sha256(identifier.encode()).hexdigest()
