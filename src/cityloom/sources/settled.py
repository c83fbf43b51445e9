"""Change markers of files that have a size and a time of change in whole seconds."""

from datetime import UTC, datetime, timedelta

YOUNG = timedelta(seconds=3)
"""A file that changed so shortly ago may change again without another size or time."""


def marker_of(size: int, changed: datetime) -> str:
    """The change marker of a file; of a young one a marker that the next pull will not find."""
    moment = datetime.now(UTC)
    young = f" seen {moment.isoformat()}" if moment - changed < YOUNG else ""
    return f"{size} {changed.isoformat()}{young}"
