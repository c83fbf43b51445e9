"""Retention: rows older than their contract allows leave the lake."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from cityloom.contract import Contract
from cityloom.intake import Account, begin
from cityloom.lake import DELIVERY, ORDINAL, LakeTable, Rewrite, scan
from cityloom.measure import Meter
from cityloom.quarantine import MARKER
from cityloom.runs import EXPIRE, RECEIVE, Run, deliveries
from cityloom.sql import literal, quoted

if TYPE_CHECKING:
    from cityloom.city import City


def due(contract: Contract, runs: Sequence[Run], moment: datetime | None = None) -> str | None:
    """Why rows of a dataset may have to go, or ``None``; asked of the log alone.

    Where retention counts from a column, its rows are looked at once a day.
    """
    moment = moment or datetime.now(UTC)
    if contract.retention is None or not any(run.kind == RECEIVE for run in runs):
        return None
    if contract.retention_column is None:
        old = expired_sources(contract, runs, moment)
        return f"{len(old)} deliveries are past retention" if old else None
    looked = [run.started for run in runs if run.kind == EXPIRE]
    if looked and datetime.fromisoformat(looked[-1]).date() >= moment.date():
        return None
    return f"rows are kept for {contract.retention.days:,} days from {contract.retention_column}"


def expired_sources(contract: Contract, runs: Sequence[Run], moment: datetime) -> list[str]:
    """The deliveries that came too long ago and have not gone yet."""
    assert contract.retention is not None
    gone = {
        source: run.started
        for run in runs
        if run.kind == EXPIRE
        for source in run.source.split("\n")
    }
    return [
        source
        for source, run in deliveries(runs).items()
        if moment - datetime.fromisoformat(run.started) > contract.retention
        and gone.get(source, "") < run.started
    ]


def expire_dataset(city: "City", dataset: str, moment: datetime | None = None) -> list[Run]:
    """Take out the rows of a dataset that are past retention, refused ones with their delivery.

    Their bytes are gone from disk once no version of the last seven days needs them.
    """
    moment = moment or datetime.now(UTC)
    contract = city.contract(dataset)
    kept, quarantine = city.kept(dataset), city.quarantine(dataset)
    meter = Meter()
    if contract.retention_column is None:
        sources = expired_sources(contract, city.runs(dataset), moment)
        rows = f"SELECT unnest([{', '.join(map(literal, sources))}]) AS {DELIVERY}"
        columns, source = [DELIVERY], "\n".join(sources)
        refused = quarantine.without(rows, columns)
    else:
        rows = _old_rows(contract, kept, moment)
        columns, source = [DELIVERY, ORDINAL], ""
        refused = Rewrite([], [], 0)
    markers = {}
    if refused.removed:
        markers[MARKER] = quarantine.commit(refused.added, refused.removed, {})
    old = kept.without(rows, columns)
    run = replace(begin(contract, EXPIRE, source), rows_read=old.rows + refused.rows)
    kept.commit(old.added, old.removed, dict(Account(run, meter)), markers)
    kept.vacuum()
    quarantine.vacuum()
    return city.runs(dataset)[-1:]


def _old_rows(contract: Contract, kept: LakeTable, moment: datetime) -> str:
    assert contract.retention is not None
    assert contract.retention_column is not None
    edge = (moment - contract.retention).isoformat(sep=" ", timespec="seconds")
    rows = scan(kept.files(), kept.schema(), [DELIVERY, ORDINAL, contract.retention_column])
    return (
        f"SELECT {DELIVERY}, {ORDINAL} FROM ({rows}) "
        f"WHERE {quoted(contract.retention_column)} < {literal(edge)}::TIMESTAMPTZ"
    )
