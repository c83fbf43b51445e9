"""Who read my record: what the ledger says to the person whom entries are about."""

from collections.abc import Iterable
from datetime import date

from cityloom.ledger.entry import DELAY, Recorded


def seen_by(newest_first: Iterable[Recorded], subject: str, today: date) -> list[Recorded]:
    """The entries that name a subject, newest first, but for those that are delayed until later.

    A delay holds for the entries of its dataset and purpose, made before it or after. Of the
    entries of one court's order the newest counts, so a term can be lengthened and cut. When the
    term is over, what was kept back is shown, and so is the delay.

    Args:
        newest_first: the entries of a ledger.
        subject: the keyed hash by which entries name the subject.
        today: the date that terms are compared with; a delay ends on the day it names.
    """
    about: list[Recorded] = []
    delays: dict[str, Recorded] = {}
    for entry in newest_first:
        if entry.kind == DELAY:
            delays.setdefault(entry.reason, entry)
        elif subject in entry.subjects:
            about.append(entry)
    running = [item for item in delays.values() if item.until > today.isoformat()]
    over = [item for item in delays.values() if item not in running]
    shown = [entry for entry in about if not any(_holds(item, entry) for item in running)]
    ended = [item for item in over if any(_holds(item, entry) for entry in shown)]
    return sorted([*shown, *ended], key=lambda entry: entry.number or 0, reverse=True)


def _holds(delay: Recorded, entry: Recorded) -> bool:
    """Whether a delay is about an entry."""
    dataset = entry.dataset.partition(" (")[0]
    named = delay.dataset or delay.purpose
    return bool(named) and delay.dataset in ("", dataset) and delay.purpose in ("", entry.purpose)
