"""A first contract for a delivered file, guessed, with every doubt marked for a person."""

from dataclasses import dataclass, replace
from pathlib import Path

from cityloom.contract.draft.columns import draft_columns
from cityloom.contract.draft.headers import read_header
from cityloom.contract.draft.rows import Sample, read_sample
from cityloom.contract.draft.sniff import how_written
from cityloom.contract.draft.write import (
    DraftedColumn,
    DraftedContract,
    all_doubts,
    write_contract,
)
from cityloom.contract.model import Classification
from cityloom.counts import counted
from cityloom.errors import ContractError

__all__ = ["Doubt", "Draft", "draft_contract"]


@dataclass(frozen=True)
class Doubt:
    """Something a person has to settle; ``column`` is empty where it is about the whole."""

    column: str
    text: str


@dataclass(frozen=True)
class Draft:
    """A drafted contract: its text, which loads as it stands, and its doubts."""

    dataset: str
    yaml: str
    doubts: tuple[Doubt, ...]


def draft_contract(
    path: Path, sheet: str | None = None, header: int | None = None, layer: str | None = None
) -> Draft:
    """A contract for a delivered file, guessed from its first rows; keys are tried on all rows.

    Columns that no city may hold, and those that need a purpose of their own, are left out as
    comments. Of a spreadsheet ``sheet`` and ``header`` (the number of a row, from 1) are read, of
    geodata ``layer``, where they are not plain.

    Raises:
        DeliveryError: the file cannot be read.
        ContractError: no column is left that a contract may hold.
    """
    written = how_written(path)
    if (sheet, header, layer) != (None, None, None):
        files = replace(written.files, sheet=sheet, header=header, layer=layer)
        written = replace(written, files=files, goes_without_saying=False)
    sample = read_sample(path, written.files)
    columns = draft_columns(path, written.files, sample)
    if not any(column.left_out is None for column in columns):
        raise ContractError(f"{path.name}: no column is left that a contract may hold")
    draft = DraftedContract(
        dataset=dataset_name(path),
        file=path.name,
        read=_read(sample),
        files=None if written.goes_without_saying else written.files,
        classification=_overall(columns),
        columns=columns,
        doubts=(*written.doubts, *_name_doubts(path), *_whole_doubts(sample, columns)),
    )
    whole = tuple(Doubt("", text) for text in draft.doubts)
    return Draft(
        dataset=draft.dataset,
        yaml=write_contract(draft),
        doubts=whole + tuple(Doubt(*doubt) for doubt in all_doubts(columns)),
    )


def dataset_name(path: Path) -> str:
    """A dataset's name made from a file's."""
    header = read_header(path.name.split(".")[0], 1)
    return "dataset" if header.doubt else header.name


def _name_doubts(path: Path) -> tuple[str, ...]:
    unnamed = dataset_name(path) == "dataset"
    return ("what is it called? its file's name gives no dataset name",) if unnamed else ()


def _read(sample: Sample) -> str:
    count = f"{counted(len(sample.rows), 'row')} of {counted(sample.rows.num_columns, 'column')}"
    return f"all {count}" if sample.is_whole else f"the first {count}"


def _overall(columns: tuple[DraftedColumn, ...]) -> Classification:
    """The classification that most columns have, the stricter of two that as many have."""
    kept = [column.classification for column in columns if column.left_out is None]
    return max(Classification, key=lambda level: (kept.count(level), level))


def _whole_doubts(sample: Sample, columns: tuple[DraftedColumn, ...]) -> tuple[str, ...]:
    strictest = max(column.classification for column in columns)
    doubts = [
        "who owns it? (team: name)",
        "how is it delivered: append, snapshot or upsert?",
        f"classified {strictest.label} by what its columns look like: does its owner agree?",
    ]
    if strictest >= Classification.PERSONAL:
        doubts.append("for which purposes may it be read, and how long kept? (purposes, retention)")
    if not any(column.key_position for column in columns):
        doubts.append("no column, and no few columns together, name a row: it has no key")
    if sample.malformed:
        doubts.append(f"{sample.malformed:,} records cannot be split into fields")
    return tuple(doubts)
