"""Moments as the store keeps them: texts whose order is the order of time."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]
"""What tells the present moment, in UTC."""


def present() -> datetime:
    """The present moment, in UTC."""
    return datetime.now(UTC)


def written(moment: datetime) -> str:
    """A moment as the store keeps it: ISO 8601, UTC, to the microsecond."""
    return moment.astimezone(UTC).isoformat(timespec="microseconds")


def read(text: str) -> datetime | None:
    """The moment of a text of the store; ``None`` where it is empty."""
    return datetime.fromisoformat(text) if text else None
