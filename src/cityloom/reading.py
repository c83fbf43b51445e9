"""Reading from a city: what policy leaves of a dataset, streamed, with an entry in the ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.contract import Contract
from cityloom.damage import read_whole
from cityloom.damage import reading as reading_files
from cityloom.engine.embedded import EmbeddedEngine
from cityloom.errors import AccessRefused, faults_in_words
from cityloom.ledger import Entry
from cityloom.policy import Decision, Principal, is_open, sees_undeclared
from cityloom.policy.condition import said
from cityloom.policy.narrow import narrowed
from cityloom.pseudonym import PseudonymKeys
from cityloom.quarantine import MARKER, SCHEMA, declared_only
from cityloom.tiles.steps import shown_archive

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa
    from ibis.backends.duckdb import Backend

    from cityloom.city import City

_NOT_WHOLE = "what was refused is for those alone who may read the whole dataset"
"""Said of what is shown whole or not at all: a quarantine, map tiles."""


def read(
    city: "City", dataset: str, principal: Principal, purpose: str | None, limit: int | None
) -> "pa.RecordBatchReader":
    """The rows of a dataset that a principal may read for a purpose, columns behind their masks."""
    contract = city.contract(dataset)
    city.see_tables([dataset])
    decision = city.may_read(dataset, principal, purpose)
    if not decision.granted:
        record(city, contract, principal, purpose, dataset, decision)
    files = city.kept(dataset).files()
    with _reading(city, dataset, files, contract.schema) as (engine, table):
        found, rows = left_of(city, engine.backend, table, contract, decision, purpose)
        record(city, contract, principal, purpose, dataset, decision, _at_most(limit, rows))
        batches = engine.batches(found if limit is None else found.limit(limit))
    return read_whole(batches, files)


def read_quarantine(
    city: "City", dataset: str, principal: Principal, purpose: str | None, limit: int | None
) -> "pa.RecordBatchReader":
    """A dataset's refused rows, for those who may read all of the dataset."""
    city.see_tables([dataset])
    contract, files = city.contract(dataset), city.quarantine_files(dataset)
    rows = city.quarantine(dataset).rows(city.kept(dataset).marker(MARKER)) if files else 0
    decision = only_whole(city.may_read(dataset, principal, purpose))
    what = f"{dataset} (quarantine)"
    record(city, contract, principal, purpose, what, decision, _at_most(limit, rows))
    with _reading(city, f"{dataset}_quarantine", files, SCHEMA) as (engine, table):
        batches = engine.batches(table if limit is None else table.limit(limit))
    found = read_whole(batches, files)
    if sees_undeclared(principal, purpose):
        return found
    return declared_only(found, _names_as_refused(city, contract))


def read_tiles(
    city: "City", dataset: str, principal: Principal, purpose: str | None, part: range | None
) -> Path | None:
    """The archive of a dataset's map tiles, for those who may read all of what is drawn there."""
    contract = city.contract(dataset)
    archive = shown_archive(city, dataset, city.runs(dataset))
    goes_on = archive is not None and part is not None and archive.is_tile(part)
    decision = only_whole(city.may_read(dataset, principal, purpose))
    if not goes_on or not decision.granted:
        rows = city.kept(dataset).rows()
        record(city, contract, principal, purpose, f"{dataset} (tiles)", decision, rows)
    return archive.path if archive else None


@contextmanager
def _reading(
    city: "City", name: str, files: list[Path], schema: "pa.Schema"
) -> "Iterator[tuple[EmbeddedEngine, ir.Table]]":
    """The rows of some data files; one that is damaged or missing is named."""
    with faults_in_words(city.path), reading_files(files):
        engine = EmbeddedEngine(city.readers_scratch)
        yield engine, engine.table(name, files, schema)


def left_of(
    city: "City",
    backend: "Backend",
    table: "ir.Table",
    contract: Contract,
    decision: Decision,
    purpose: str | None,
) -> "tuple[ir.Table, int]":
    """What a decision leaves of a dataset's table, and how many rows that are."""
    key = partial(PseudonymKeys(city.path).key, purpose or "")
    found = narrowed(table, contract, decision, key)
    if decision.is_of_all_rows:
        return found, city.kept(contract.dataset).rows()
    return found, int(backend.to_pyarrow(found.count()).as_py())


def only_whole(decision: Decision) -> Decision:
    """A decision on what is shown whole or not at all: a refusal where it leaves something out."""
    if decision.is_whole or not decision.granted:
        return decision
    return Decision(False, _NOT_WHOLE)


def _names_as_refused(city: "City", contract: Contract) -> set[str]:
    """The names under which a refused row has the columns that anyone here may read."""
    received = contract.dataset in city.received
    return {
        column.source_name if received else column.name
        for column in contract.columns
        if is_open(column.classification)
    }


def record(
    city: "City",
    contract: Contract,
    principal: Principal,
    purpose: str | None,
    what: str,
    decision: Decision,
    rows: int = 0,
) -> None:
    """Put a decision into the ledger, and refuse what it refuses.

    Raises:
        AccessRefused: it grants nothing; the message has the reason and whom to ask.
    """
    city.ledger.record(
        Entry(
            principal.name,
            purpose or "",
            what,
            decision.granted,
            decision.reason,
            rows=rows if decision.granted else None,
            roles=principal.roles,
            filter=_filter(decision),
            masked=tuple(sorted(decision.hidden)),
        )
    )
    if not decision.granted:
        owner = f"; ask its owner, {contract.owner}" if contract.owner else ""
        mend = f"; {decision.mend}" if decision.mend else ""
        raise AccessRefused(f"{what}: {decision.reason}{owner}{mend}")


def _filter(decision: Decision) -> str:
    """The condition of the rows that were opened; empty where all were, or none."""
    return said(decision.rows) if decision.granted and not decision.is_of_all_rows else ""


def _at_most(limit: int | None, rows: int) -> int:
    return rows if limit is None else min(limit, rows)
