"""Which entries are asked for."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property

from cityloom.errors import UsageError
from cityloom.ledger.entry import Recorded

_DAY = len("2026-01-31")
_LATEST = "~"
"""What comes after every moment as it is written."""


@dataclass(frozen=True)
class Query:
    """What entries have to be to be found; what is ``None`` may be anything.

    Args:
        principal: who asked.
        dataset: of which dataset; also of its quarantine and its tiles.
        purpose: for which purpose.
        since: at this moment or later.
        until: before this moment.
        kind: of which kind.
        refused: only what was refused.
    """

    principal: str | None = None
    dataset: str | None = None
    purpose: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    kind: str | None = None
    refused: bool = False

    def matches(self, entry: Recorded) -> bool:
        """Whether an entry is what is asked for."""
        return (
            self.principal in (None, entry.principal)
            and self.purpose in (None, entry.purpose)
            and self.kind in (None, entry.kind)
            and self.dataset in (None, entry.dataset, entry.dataset.partition(" (")[0])
            and not (self.refused and entry.granted)
            and self._earliest <= entry.at < self._end
        )

    @cached_property
    def _earliest(self) -> str:
        return _as_recorded(self.since) if self.since else ""

    @cached_property
    def _end(self) -> str:
        return _as_recorded(self.until) if self.until else _LATEST


def moment(text: str, end: bool = False) -> datetime:
    """A moment from a date or a date and time, in UTC if not said.

    Args:
        text: as ISO 8601 writes it.
        end: of a date alone, the end of that day is meant, not its beginning.

    Raises:
        UsageError: it is none.
    """
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(
            f"'{text}' is no date or time; expected one as in 2026-01-31 or 2026-01-31T12:00"
        ) from None
    found = found if found.tzinfo else found.replace(tzinfo=UTC)
    return found + timedelta(days=1) if end and len(text) == _DAY else found


def _as_recorded(at: datetime) -> str:
    """A moment as entries have it, so that the order of texts is that of moments."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")
