"""Physical erasure: rows leave the data, the quarantine, and every past version."""

from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.backup.carry import carry_everywhere
from cityloom.contract import Column, Kind
from cityloom.errors import ContractError, UsageError, pasteable
from cityloom.graph import DatasetFunction
from cityloom.inbox import delivered_files
from cityloom.intake import Account, begin
from cityloom.lake import DELIVERY, ORDINAL, LakeTable, scan
from cityloom.measure import Meter
from cityloom.quarantine import MARKER, files_of, json_path, relation, undo_torn_commit
from cityloom.runs import DERIVE, ERASE, Run
from cityloom.secret import city_secret
from cityloom.sql import connect, literal, quoted
from cityloom.weaving import derive_stale, tile_stale

if TYPE_CHECKING:
    from cityloom.city import City


class StillHeld(UsageError):
    """What derives from an erased row could not be made again, and holds it still."""


@dataclass(frozen=True)
class Erasure:
    """What was erased, what was made again without it, and which delivered files still hold it.

    ``found`` is false where there was nothing to erase and nothing was changed. ``unreached`` are
    folders of backups in which the erasure could not be made known.
    """

    rows_kept: int
    rows_quarantined: int
    derived: list[str]
    delivered: list[Path]
    found: bool = True
    unreached: list[Path] = field(default_factory=list)


def erase_subject(city: "City", dataset: str, column: str, value: str) -> Erasure:
    """Erase the rows of a received dataset that name a subject, and all that came of them.

    An erasure that was interrupted is finished by the next one of the same dataset. No version from
    before can be read any more, neither of the dataset nor of what derives from it. Whom it was
    about is written down as a name that tells nothing, for backups that still hold the subject.

    Raises:
        UsageError: there is no such dataset or column, or the dataset is derived; or something that
            derives from it could not be made again and still holds the subject.
        ContractError: a contract that this takes cannot be used; nothing was erased.
    """
    contract = city.delivered(dataset, "erase the subject from what it is made of")
    if column not in contract.schema.names:
        known = ", ".join(contract.schema.names)
        raise UsageError(f"'{dataset}' has no column '{column}'; it has {known}")
    downstream_of(city, dataset)
    secret, named = city_secret(city.path), contract.column(column)
    _subject(named, value)
    erased = city.erasures.begin(secret, dataset, named, value, city.scratch)
    unreached = carry_everywhere(city)
    found = erase_rows(city, dataset, column, value)
    is_found = any(found) or _unfinished(city, dataset) or _was_held(city, dataset, column, value)
    made = _without_past(city, dataset) if is_found else []
    city.erasures.finish(erased)
    delivered = delivered_files(city.path, contract) if is_found else []
    files = [part for file in delivered for part in file.parts]
    derived = [run.dataset for run in made if not run.failed]
    return Erasure(*found, derived, files, is_found, unreached)


def _without_past(city: "City", dataset: str) -> list[Run]:
    try:
        return leave_no_past(city, [dataset])
    except StillHeld as error:
        check = f"cityloom check {pasteable(city.path)}"
        raise UsageError(f"{error}. Mend what this finds, and erase again: {check}") from None


def leave_no_past(city: "City", datasets: Collection[str]) -> list[Run]:
    """Make again what derives from datasets of which rows were erased, and end their past.

    Raises:
        StillHeld: something could not be made again, and still holds what was erased.
    """
    downstream = {name for dataset in datasets for name in downstream_of(city, dataset)}
    made = derive_stale(city)
    tile_stale(city)
    if holding := sorted(run.dataset for run in made if run.failed and run.dataset in downstream):
        raise StillHeld(
            f"Rows are erased from {', '.join(sorted(datasets))}, but {', '.join(holding)} could "
            "not be made again and still holds them, as past versions do"
        )
    for name in [*datasets, *downstream]:
        city.kept(name).forget_past()
        city.quarantine(name).forget_past()
    return made


def _unfinished(city: "City", dataset: str) -> bool:
    """Whether an earlier erasure left versions from before it behind."""
    erased = city.newest_run(dataset, [ERASE])
    if erased is None or erased.version is None:
        return False
    return city.kept(dataset).oldest_version() < erased.version


def _was_held(city: "City", dataset: str, column: str, value: str) -> bool:
    """Whether a past version alone holds a subject, in a file that is still there."""
    contract, named = city.contract(dataset), city.contract(dataset).column(column)
    rows = scan(_past_files(city.kept(dataset)), contract.schema, [column])
    subject = (
        f"SELECT 1 FROM ({rows}) SEMI JOIN ({_subject(named, value)}) USING ({quoted(column)})"
    )
    refused = _naming(relation(_past_files(city.quarantine(dataset))), named, value)
    found = connect(city.scratch).execute(f"{subject} UNION ALL SELECT 1 FROM ({refused}) LIMIT 1")
    return found.fetchone() is not None


def _past_files(table: LakeTable) -> list[Path]:
    """The data files on disk that past versions alone name."""
    newest = set(table.files())
    files = table.all_files(table.latest_version()) if table.exists else []
    return [path for path in files if path.parent == table.folder and path not in newest]


def erase_rows(city: "City", dataset: str, column: str, value: str) -> tuple[int, int]:
    """Take a subject's rows out of a received dataset's newest version and its quarantine.

    How many were kept and how many refused.
    """
    contract, kept, quarantine = (
        city.contract(dataset),
        city.kept(dataset),
        city.quarantine(dataset),
    )
    undo_torn_commit(kept, quarantine)
    named = contract.column(column)
    doomed = _refused_rows(kept, quarantine, named, value)
    refused = quarantine.without(doomed, [DELIVERY, ORDINAL], city.scratch)
    rows = kept.without(_subject(named, value), [column], city.scratch)
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
    return _naming(relation(files_of(kept, quarantine)), column, value)


def _naming(refused: str, column: Column, value: str) -> str:
    """SQL for those of some refused rows in which a subject is named."""
    named = f'json_extract_string("values", {json_path(column.source_name)}) = {literal(value)}'
    return (
        f"SELECT {DELIVERY}, {ORDINAL} FROM ({refused}) "
        f"WHERE {named} OR contains(raw, {literal(value)})"
    )


def downstream_of(city: "City", dataset: str) -> list[str]:
    """The datasets that hold what came of a dataset, near or far.

    Those count too whose function cannot be run now, since the city lacks what else it reads.

    Raises:
        ContractError: one of them cannot be made again, since a contract for it cannot be used.
    """
    if lost := _made_elsewhere(city, dataset):
        raise ContractError(
            f"{', '.join(lost)} was made of '{dataset}' by a function that is not installed here, "
            "and cannot be made again without what is erased; nothing was erased. Install its "
            f"module, or remove lake/{lost[0]} and lake/_quarantine/{lost[0]} where it is given up"
        )
    reached, holding = {dataset}, []
    for function in city.graph.order:
        if reached.isdisjoint(function.inputs):
            continue
        reached.update(function.outputs)
        if held := [name for name in function.outputs if city.kept(name).exists]:
            _check_makeable(city, function, dataset)
            holding += held
    return sorted(holding)


def _made_elsewhere(city: "City", dataset: str) -> list[str]:
    """The datasets that hold what came of a dataset and that no function here makes."""
    made = {name for function in city.graph.order for name in function.outputs}
    inputs = {run.dataset: set(run.inputs) for run in city.runs() if run.kind == DERIVE}
    reached: set[str] = {dataset}
    while more := {name for name, read in inputs.items() if read & reached} - reached:
        reached |= more
    lost = reached - {dataset} - made - set(city.received)
    return sorted(name for name in lost if city.kept(name).exists)


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
