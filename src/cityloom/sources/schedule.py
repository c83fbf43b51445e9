"""When a source is due, late or failing."""

from datetime import datetime, timedelta

from cityloom.sources.state import State
from cityloom.sources.stated import Stated

SLACK = 0.05
"""The part of its period by which a source may be pulled early: a timer is never quite on time."""

LATE = 2
"""How many of its periods a source may be without a pull before it is late."""


def is_due(source: Stated, state: State | None, now: datetime) -> bool:
    """Whether a source is to be pulled: one that failed, or has no period, always is."""
    if state is None or not state.pulled or state.error or source.every is None:
        return True
    return now - datetime.fromisoformat(state.pulled) >= source.every * (1 - SLACK)


def late_by(source: Stated, state: State | None, now: datetime) -> timedelta | None:
    """How long ago the last pull was that succeeded, where that is too long ago."""
    if source.every is None or state is None or not state.pulled:
        return None
    since = now - datetime.fromisoformat(state.pulled)
    return since if since > source.every * LATE else None
