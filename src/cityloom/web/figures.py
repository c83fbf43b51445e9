"""What a city's runs say of its datasets: how each stands, what came in, what waits and why."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from cityloom.contract import Contract
from cityloom.runs import DERIVE, RECEIVE, REPLAY, Run, deliveries

_SAME_WEAVE = timedelta(minutes=1)


class Standing(StrEnum):
    """How a dataset stands, worst first."""

    FAILED = "failed"
    LATE = "late"
    EMPTY = "empty"
    CURRENT = "current"


@dataclass(frozen=True)
class Intake:
    """Rows that came with the newest delivery of each source, and what became of them."""

    read: int = 0
    kept: int = 0
    quarantined: int = 0
    duplicate: int = 0


def ended(run: Run) -> datetime:
    """When a run ended."""
    return datetime.fromisoformat(run.started) + timedelta(seconds=run.seconds)


def last_change(runs: Iterable[Run]) -> datetime | None:
    """When rows last changed."""
    return max((ended(run) for run in runs if not run.failed), default=None)


def standing(contract: Contract, runs: Sequence[Run], failed: bool = False) -> Standing:
    """How a dataset stands now; ``failed`` where a failure of it was not made good."""
    if failed:
        return Standing.FAILED
    changed = last_change(runs)
    if changed is None:
        return Standing.EMPTY
    came = max((ended(run) for run in runs if run.kind == RECEIVE and not run.failed), default=None)
    if came and contract.frequency and datetime.now(UTC) - came > contract.frequency:
        return Standing.LATE
    return Standing.CURRENT


def last_weave(runs: Sequence[Run]) -> list[Run]:
    """The newest runs that followed each other without a pause, newest first."""
    woven: list[Run] = []
    for run in reversed(runs):
        if woven and datetime.fromisoformat(woven[-1].started) - ended(run) > _SAME_WEAVE:
            break
        woven.append(run)
    return woven


def intake(runs: Iterable[Run]) -> Intake:
    """What came in with the deliveries that count now."""
    counted = deliveries(runs).values()
    return Intake(
        read=sum(run.rows_read for run in counted),
        kept=sum(run.rows_kept for run in counted),
        quarantined=sum(run.rows_quarantined for run in counted),
        duplicate=sum(run.rows_duplicate for run in counted),
    )


def waiting_reasons(runs: Iterable[Run]) -> Counter[str]:
    """Why rows are in quarantine now: each reason and for how many rows it was given.

    A row may have several reasons. Of a delivery whose refused rows were judged again, the newest
    judgement counts.
    """
    judged = {
        run.source: run for run in runs if run.kind in (RECEIVE, REPLAY, DERIVE) and not run.failed
    }
    total: Counter[str] = Counter()
    for run in judged.values():
        total.update(run.reasons)
    return total
