"""Retention: rows older than their contract allows leave the lake."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pyarrow as pa

from cityloom.contract import Contract
from cityloom.counts import counted
from cityloom.intake import Account, begin
from cityloom.lake import DELIVERY, ORDINAL, LakeTable, scan
from cityloom.measure import Meter
from cityloom.quarantine import MARKER, undo_torn_commit
from cityloom.runs import EXPIRE, Run, deliveries
from cityloom.sql import literal, quoted

if TYPE_CHECKING:
    from cityloom.city import City


GRACE = timedelta(days=7)
"""How long what went stays on disk for versions that still need it."""


def due(contract: Contract, runs: Sequence[Run], moment: datetime | None = None) -> str | None:
    """Why rows of a dataset may have to go, or ``None``; asked of the log alone.

    Where retention counts from a column, its rows are looked at once a day.
    """
    moment = moment or datetime.now(UTC)
    if contract.retention is None or not deliveries(runs):
        return None
    looked = [run for run in runs if run.kind == EXPIRE and not run.failed]
    if contract.retention_column is None:
        if old := expired_sources(contract, runs, moment):
            return counted(len(old), "delivery is", "deliveries are") + " past retention"
        lingering = looked and looked[-1].rows_read and _age(looked[-1], moment) > GRACE
        return "what went may leave the disk" if lingering else None
    if looked and datetime.fromisoformat(looked[-1].started).date() >= moment.date():
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
        if _age(run, moment) > contract.retention and gone.get(source, "") < run.started
    ]


def expire_dataset(city: "City", dataset: str, moment: datetime | None = None) -> list[Run]:
    """Take out the rows of a dataset that are past retention, refused ones by their delivery's age.

    Their bytes are gone from disk once no version of the last seven days needs them.
    """
    moment = moment or datetime.now(UTC)
    contract = city.contract(dataset)
    kept, quarantine = city.kept(dataset), city.quarantine(dataset)
    undo_torn_commit(kept, quarantine)
    meter = Meter()
    sources = expired_sources(contract, city.runs(dataset), moment)
    delivered = f"SELECT unnest([{', '.join(map(literal, sources))}]::VARCHAR[]) AS {DELIVERY}"
    refused = quarantine.without(delivered, [DELIVERY], city.scratch)
    if contract.retention_column is None:
        old = kept.without(delivered, [DELIVERY], city.scratch)
    else:
        rows = _old_rows(contract, kept, moment)
        old = kept.without(rows, [DELIVERY, ORDINAL], city.scratch)
    markers = {}
    if refused.removed:
        markers[MARKER] = quarantine.commit(refused.added, refused.removed, {})
    run = begin(contract, EXPIRE, "\n".join(sources))
    run = replace(run, rows_read=old.rows + refused.rows)
    kept.commit(old.added, old.removed, dict(Account(run, meter)), markers)
    kept.vacuum()
    quarantine.vacuum()
    return city.runs(dataset)[-1:]


def _age(run: Run, moment: datetime) -> timedelta:
    return moment - datetime.fromisoformat(run.started)


def _old_rows(contract: Contract, kept: LakeTable, moment: datetime) -> str:
    assert contract.retention is not None
    assert contract.retention_column is not None
    edge = (moment - contract.retention).isoformat(sep=" ", timespec="seconds")
    places = pa.schema([(DELIVERY, pa.string()), (ORDINAL, pa.int64())])
    schema = pa.unify_schemas([contract.schema, places])
    rows = scan(kept.files(), schema, [*places.names, contract.retention_column])
    return (
        f"SELECT {DELIVERY}, {ORDINAL} FROM ({rows}) "
        f"WHERE {quoted(contract.retention_column)} < {literal(edge)}::TIMESTAMPTZ"
    )
