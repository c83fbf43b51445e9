"""Doors of small cities, with a clock that tests set."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

from argon2 import PasswordHasher

from cityloom.signin.door import Door
from cityloom.signin.settings import SignInSettings
from cityloom.store import open_store

PASSWORD = "correct horse battery"
OTHER = "another staple entirely"
SECRET = b"s" * 32
QUICK = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)
"""Makes hashes at a hundredth of the cost."""


class Clock:
    """Tells the moment that a test sets."""

    def __init__(self) -> None:
        self.now = datetime(2026, 5, 4, 8, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def pass_(self, **span: float) -> None:
        """Let some time pass."""
        self.now += timedelta(**span)


def new_door(folder: Path, clock: Clock, **settings: float) -> Door:
    """A door over a store in a folder."""
    store = open_store(folder, "sqlite:///store.sqlite")
    return Door(store, SECRET, SignInSettings(**settings), city=folder, clock=clock, hasher=QUICK)


def stored(folder: Path) -> bytes:
    """Every byte of a store in a folder."""
    return b"".join(path.read_bytes() for path in folder.glob("store.sqlite*"))
