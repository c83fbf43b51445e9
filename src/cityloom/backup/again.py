"""Erasing again: who was erased after a backup is looked for in what was restored from it.

The record of erasures has names of values, not values. So each value that a restored dataset holds
is given its name; one whose name is in the record is erased by the code that erased it first.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from shutil import rmtree
from typing import TYPE_CHECKING

from cityloom.contract import Column
from cityloom.erasure import erase_rows, leave_no_past
from cityloom.erasures import Erased, name_of
from cityloom.errors import ContractError, DeliveryError
from cityloom.inbox import delivered_files
from cityloom.lake import scan
from cityloom.plan import parents_first
from cityloom.quarantine import json_path, relation
from cityloom.runs import deliveries
from cityloom.secret import city_secret
from cityloom.sql import connect, quoted

if TYPE_CHECKING:
    from cityloom.city import City

_ROWS = 50_000


@dataclass
class ErasedAgain:
    """What came of erasing again; files are named by their paths in the city."""

    erasures: int = 0
    rows: int = 0
    files_left_out: list[str] = field(default_factory=list)
    tables_left_out: list[str] = field(default_factory=list)
    not_received: list[str] = field(default_factory=list)


def erase_again(city: "City", pending: Collection[Erased]) -> ErasedAgain:
    """Repeat some erasures, by a writer that holds the lock; see :meth:`City.erase_again`."""
    done = ErasedAgain(erasures=len(pending))
    city.erasures.add(item for item in pending if item.id not in city.erasures.all())
    named = {item.dataset for item in pending}
    concerned = [contract for contract in parents_first(city.received) if contract.dataset in named]
    _leave_out_tables(city, named - {contract.dataset for contract in concerned}, done)
    for contract in concerned:
        _empty_inbox(city, contract.dataset, done)
    for contract in concerned:
        of_it = [item for item in pending if item.dataset == contract.dataset]
        for column, value in sorted(held_values(city, contract.dataset, of_it)):
            done.rows += sum(erase_rows(city, contract.dataset, column, value))
    held = [contract.dataset for contract in concerned if city.kept(contract.dataset).exists]
    leave_no_past(city, held)
    for item in pending:
        city.erasures.finish(item)
    return done


def _leave_out_tables(city: "City", datasets: Collection[str], done: ErasedAgain) -> None:
    """Take away the tables that no contract claims, so that nobody can be erased from them."""
    for name in sorted(datasets):
        if why := city.what_broke(name):
            raise ContractError(f"{why}. Without it nobody can be erased from '{name}' again")
        for table in (city.kept(name), city.quarantine(name)):
            if table.exists:
                rmtree(table.folder)
                done.tables_left_out.append(table.folder.relative_to(city.path).as_posix())
        city.log.forget(name)


def _empty_inbox(city: "City", dataset: str, done: ErasedAgain) -> None:
    """Take a dataset's delivered files away, which may hold the erased; what is new is received."""
    known = {source: run.sha256 for source, run in deliveries(city.runs(dataset)).items()}
    files = delivered_files(city.path, city.contract(dataset))
    parts = {part: None for file in files for part in file.parts}
    for file in files:
        name = file.path.relative_to(city.path).as_posix()
        try:
            if known.get(file.source) != city.fingerprints.of(file.path):
                city.take_in(dataset, file)
        except DeliveryError as error:
            done.not_received.append(f"{name}: {error}")
    for part in parts:
        part.unlink()
        done.files_left_out.append(part.relative_to(city.path).as_posix())


def held_values(city: "City", dataset: str, wanted: Collection[Erased]) -> set[tuple[str, str]]:
    """The values of a received dataset's columns that were erased elsewhere, with their columns."""
    secret, found = city_secret(city.path), set()
    for name in {item.column for item in wanted}:
        of_it = [item for item in wanted if item.column == name]
        names = {item.kept for item in of_it} | {item.given for item in of_it}
        if name in city.contract(dataset).schema.names:
            column = city.contract(dataset).column(name)
            lengths = {item.length for item in of_it}
            for value in _values(city, dataset, column, lengths):
                if name_of(secret, (dataset, name), value) in names:
                    found.add((name, value))
    return found


def _values(city: "City", dataset: str, column: Column, lengths: set[int]) -> Iterator[str]:
    """Every text that may be a value of a column: of kept rows, of refused ones, in raw text."""
    kept = scan(city.kept(dataset).files(), city.contract(dataset).schema, [column.name])
    yield from _distinct(city, f"SELECT CAST({quoted(column.name)} AS VARCHAR) AS v FROM ({kept})")
    refused = relation(city.quarantine_files(dataset))
    value = f'json_extract_string("values", {json_path(column.source_name)})'
    yield from _distinct(city, f"SELECT {value} AS v FROM ({refused})")
    for raw in _distinct(city, f"SELECT raw AS v FROM ({refused})"):
        for length in lengths:
            starts = range(len(raw) - length + 1)
            yield from {raw[start : start + length] for start in starts}


def _distinct(city: "City", rows: str) -> Iterator[str]:
    connection = connect(city.scratch)
    found = connection.execute(f"SELECT DISTINCT v FROM ({rows}) WHERE v IS NOT NULL")
    for batch in found.to_arrow_reader(_ROWS):
        yield from batch.column(0).to_pylist()
