"""Physical erasure: rows leave the data, the quarantine, and every past version."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.contract import Column, Contract, Kind
from cityloom.errors import ContractError, UsageError, pasteable
from cityloom.graph import DatasetFunction
from cityloom.inbox import delivered_files
from cityloom.intake import Account, begin
from cityloom.lake import DELIVERY, ORDINAL, LakeTable
from cityloom.measure import Meter
from cityloom.quarantine import MARKER, files_of, json_path, relation, undo_torn_commit
from cityloom.runs import ERASE
from cityloom.sql import literal, quoted
from cityloom.weaving import derive_stale, tile_stale

if TYPE_CHECKING:
    from cityloom.city import City


@dataclass(frozen=True)
class Erasure:
    """What was erased, what was made again without it, and which delivered files still hold it.

    ``found`` is false where there was nothing to erase and nothing was changed.
    """

    rows_kept: int
    rows_quarantined: int
    derived: list[str]
    delivered: list[Path]
    found: bool = True


def erase_subject(city: "City", dataset: str, column: str, value: str) -> Erasure:
    """Erase the rows of a received dataset that name a subject, and all that came of them.

    An erasure that was interrupted is finished by the next one of the same dataset. No version from
    before can be read any more, neither of the dataset nor of what derives from it.

    Raises:
        UsageError: there is no such dataset or column, or the dataset is derived; or something that
            derives from it could not be made again and still holds the subject.
        ContractError: a contract that this takes cannot be used; nothing was erased.
    """
    contract = city.delivered(dataset, "erase the subject from what it is made of")
    if column not in contract.schema.names:
        known = ", ".join(contract.schema.names)
        raise UsageError(f"'{dataset}' has no column '{column}'; it has {known}")
    downstream = _downstream(city, dataset)
    kept, quarantine = city.kept(dataset), city.quarantine(dataset)
    undo_torn_commit(kept, quarantine)
    found = _erase(contract, contract.column(column), value, kept, quarantine, city.scratch)
    if not any(found) and not _unfinished(city, dataset):
        return Erasure(0, 0, derived=[], delivered=[], found=False)
    made = derive_stale(city)
    tile_stale(city)
    if holding := sorted(run.dataset for run in made if run.failed and run.dataset in downstream):
        raise UsageError(
            f"'{value}' is erased from {dataset}, but {', '.join(holding)} could not be made again "
            "and still holds it, as past versions do. Mend what this finds, and erase again: "
            f"cityloom check {pasteable(city.path)}"
        )
    for name in [dataset, *downstream]:
        city.kept(name).forget_past()
        city.quarantine(name).forget_past()
    files = [file.path for file in delivered_files(city.path, contract)]
    derived = [run.dataset for run in made if not run.failed]
    return Erasure(*found, derived=derived, delivered=files)


def _unfinished(city: "City", dataset: str) -> bool:
    """Whether an earlier erasure left versions from before it behind."""
    erased = city.newest_run(dataset, [ERASE])
    if erased is None or erased.version is None:
        return False
    return city.kept(dataset).oldest_version() < erased.version


def _erase(
    contract: Contract,
    column: Column,
    value: str,
    kept: LakeTable,
    quarantine: LakeTable,
    scratch: Path,
) -> tuple[int, int]:
    refused = quarantine.without(
        _refused_rows(kept, quarantine, column, value), [DELIVERY, ORDINAL], scratch
    )
    rows = kept.without(_subject(column, value), [column.name], scratch)
    if not rows.rows and not refused.rows:
        return 0, 0
    run = replace(begin(contract, ERASE, source=""), rows_read=rows.rows + refused.rows)
    account = dict(Account(run, Meter()))
    markers = {}
    if refused.rows:
        markers[MARKER] = quarantine.commit(refused.added, refused.removed, account)
    kept.commit(rows.added, rows.removed, account, markers)
    return rows.rows, refused.rows


def _subject(column: Column, value: str) -> str:
    """SQL for the one-row relation that names a subject by a column's value."""
    if column.kind is Kind.GEOMETRY:
        raise UsageError(f"column '{column.name}' is a geometry; name the subject by another")
    types = {Kind.INTEGER: "BIGINT", Kind.NUMBER: "DOUBLE", Kind.DATE: "DATE", Kind.BOOLEAN: "BOOL"}
    kind = types.get(column.kind, "VARCHAR")
    return f"SELECT TRY_CAST({literal(value)} AS {kind}) AS {quoted(column.name)}"


def _refused_rows(kept: LakeTable, quarantine: LakeTable, column: Column, value: str) -> str:
    """SQL for the refused rows in which a subject is named, split or as raw text."""
    named = f'json_extract_string("values", {json_path(column.source_name)}) = {literal(value)}'
    return (
        f"SELECT {DELIVERY}, {ORDINAL} FROM ({relation(files_of(kept, quarantine))}) "
        f"WHERE {named} OR contains(raw, {literal(value)})"
    )


def _downstream(city: "City", dataset: str) -> list[str]:
    """The datasets that hold what came of a dataset, near or far.

    Those count too whose function cannot be run now, since the city lacks what else it reads.

    Raises:
        ContractError: one of them cannot be made again, since a contract for it cannot be used.
    """
    reached, holding = {dataset}, []
    for function in city.graph.order:
        if reached.isdisjoint(function.inputs):
            continue
        reached.update(function.outputs)
        if held := [name for name in function.outputs if city.kept(name).exists]:
            _check_makeable(city, function, dataset)
            holding += held
    return sorted(holding)


def _check_makeable(city: "City", function: DatasetFunction, dataset: str) -> None:
    """Refuse an erasure that would leave the subject in what a function made."""
    for name in (*function.inputs, *function.outputs):
        try:
            city.contract(name)
        except UsageError as error:
            raise ContractError(
                f"{error}. Without it '{function.name}' cannot be made again and would still hold "
                f"what is erased from '{dataset}'; nothing was erased"
            ) from None
