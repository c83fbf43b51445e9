"""Limits: who guesses passwords waits, each time longer; in the store, so that all workers know.

Attempts are counted by the address they come from and by the account they are for. From a browser
that has signed in to the account before they are counted by that browser alone: a stranger who
guesses does not make its owner wait (OWASP, Slow Down Online Guessing Attacks with Device Cookies).
An attempt is counted before the password is looked at, so that many at once are not all let in.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv6Address, ip_address, ip_network

from sqlalchemy import Connection, Engine, delete, select, update

from cityloom.signin.clock import Clock, present, read, written
from cityloom.signin.tables import ATTEMPTS
from cityloom.store import insert_new

LONGEST = timedelta(minutes=5)
"""How long anyone waits at most."""

FORGOTTEN = timedelta(days=1)
"""How long after the newest attempt the earlier ones count no more."""

_TRIES = 10


@dataclass(frozen=True)
class Counted:
    """Something that attempts are counted by, and how many may fail before there is a wait."""

    key: str
    free: int


def by_account(digest: str) -> Counted:
    """Attempts for an account, by a digest of its name."""
    return Counted(f"account {digest}", free=5)


def by_browser(digest: str) -> Counted:
    """Attempts from a browser that has signed in to the account before."""
    return Counted(f"browser {digest}", free=5)


def by_address(address: str) -> Counted:
    """Attempts from an address; of IPv6, from the network that one household has."""
    return Counted(f"address {_household(address)}", free=20)


class Limits:
    """The attempts in a store."""

    def __init__(self, store: Engine, clock: Clock = present) -> None:
        self._store = store
        self._clock = clock

    def admit(self, counted: Sequence[Counted]) -> timedelta:
        """Count an attempt and let it in: zero; or how long to wait, and nothing is counted."""
        now = self._clock()
        with self._store.begin() as connection:
            connection.execute(delete(ATTEMPTS).where(ATTEMPTS.c.newest < written(now - FORGOTTEN)))
        for _ in range(_TRIES):
            if wait := self._wait(counted, now):
                return wait
            if self._count(counted, now):
                return timedelta()
        return timedelta(seconds=1)

    def succeeded(self, counted: Sequence[Counted]) -> None:
        """Take back the attempt that was counted; the account's or browser's earlier ones too."""
        with self._store.begin() as connection:
            for item in counted:
                own = ATTEMPTS.c.key == item.key
                if item.key.startswith("address "):
                    fewer = {"failures": ATTEMPTS.c.failures - 1, "until": ""}
                    connection.execute(update(ATTEMPTS).where(own).values(**fewer))
                else:
                    connection.execute(delete(ATTEMPTS).where(own))

    def _wait(self, counted: Sequence[Counted], now: datetime) -> timedelta:
        keys = [item.key for item in counted]
        query = select(ATTEMPTS.c.until).where(ATTEMPTS.c.key.in_(keys))
        with self._store.connect() as connection:
            moments = filter(None, map(read, connection.execute(query).scalars()))
            return max((moment - now for moment in moments if moment > now), default=timedelta())

    def _count(self, counted: Sequence[Counted], now: datetime) -> bool:
        """Count an attempt by everything; not at all where another was counted meanwhile."""
        with self._store.begin() as connection:
            if all(self._count_by(connection, item, now) for item in counted):
                return True
            connection.rollback()
            return False

    def _count_by(self, connection: Connection, item: Counted, now: datetime) -> bool:
        own = ATTEMPTS.c.key == item.key
        new = {"key": item.key, "failures": 0, "newest": written(now), "until": ""}
        connection.execute(insert_new(self._store, ATTEMPTS), new)
        failures = connection.execute(select(ATTEMPTS.c.failures).where(own)).scalar_one()
        unchanged = own & (ATTEMPTS.c.failures == failures)
        unchanged &= ATTEMPTS.c.until <= written(now)
        until = written(now + delay(failures + 1 - item.free))
        counted = {"failures": failures + 1, "newest": written(now), "until": until}
        done = connection.execute(update(ATTEMPTS).where(unchanged).values(**counted))
        return done.rowcount == 1


def delay(beyond: int) -> timedelta:
    """How long to wait after so many failures beyond those that are free: a second, then twice."""
    if beyond < 0:
        return timedelta()
    return min(timedelta(seconds=2 ** min(beyond, 20)), LONGEST)


def _household(address: str) -> str:
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address) and found.ipv4_mapped is None:
        return str(ip_network((found, 64), strict=False))
    return str(found)
