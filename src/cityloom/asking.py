"""A version of a dataset, asked for in part: its rows in an order that lasts as long as it does.

A row is known by its place, counted from 0 in the order of the version's data files.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityloom.contract import Contract
from cityloom.damage import read_whole, reading
from cityloom.errors import UsageError
from cityloom.lake import DELIVERY, ORDINAL, scan
from cityloom.policy import Principal
from cityloom.reading import only_whole, record
from cityloom.sql import quoted
from cityloom.tiles.encoding import spatial_engine

if TYPE_CHECKING:
    import duckdb

    from cityloom.city import City

Places = npt.NDArray[np.int64]
Answer = TypeVar("Answer")

PLACE = "_place"
ROWS_AT_ONCE = 20_000

_GONE = "this version of the rows is no longer there; begin again at the first page"


@dataclass(frozen=True, eq=False)
class Version:
    """The rows of one version of a dataset, under a contract."""

    contract: Contract
    number: int
    files: tuple[Path, ...]
    is_received: bool
    scratch: Path

    @cached_property
    def mark(self) -> str:
        """What tells it from any other version of the dataset, also of a table made anew."""
        names = "\n".join(path.name for path in self.files)
        return f"{self.number}-{sha256(names.encode()).hexdigest()[:8]}"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Version) and self._identity == other._identity

    def __hash__(self) -> int:
        return hash(self._identity)

    @cached_property
    def _identity(self) -> tuple[object, ...]:
        return self.scratch, self.contract.dataset, self.mark, self.contract.digest

    @property
    def key(self) -> tuple[str, ...]:
        """The columns that tell its rows apart; none where nothing but their place does."""
        own = tuple(column.name for column in self.contract.key)
        return own or ((DELIVERY, ORDINAL) if self.is_received else ())

    def rows(self, columns: Mapping[str, str]) -> pa.RecordBatchReader:
        """Its rows in their order, streamed; each column is an SQL expression on those there are.

        Raises:
            StorageError: a data file is damaged or missing.
        """
        with reading(self.files):
            found = self._ask(self._select(columns), ())
            return read_whole(found.to_arrow_reader(ROWS_AT_ONCE), self.files)

    def places(self, condition: str, values: Sequence[object] = ()) -> Places:
        """The places of the rows that meet an SQL condition, ascending; ``?`` stand for values.

        Raises:
            StorageError: a data file is damaged or missing.
        """
        sql = f"SELECT {PLACE} FROM ({self._placed}) WHERE {condition} ORDER BY {PLACE}"
        with reading(self.files):
            found = self._ask(sql, values).to_arrow_table()
        places: Places = found.column(PLACE).to_numpy().astype(np.int64)
        return places

    def totals(self, columns: Mapping[str, str]) -> dict[str, Any]:
        """SQL aggregates over all of its rows, by name.

        Raises:
            StorageError: a data file is damaged or missing.
        """
        with reading(self.files):
            found = self._ask(self._select(columns), ()).to_arrow_table()
        return dict(found.to_pylist()[0])

    def _select(self, columns: Mapping[str, str]) -> str:
        wanted = ", ".join(f"{sql} AS {quoted(name)}" for name, sql in columns.items())
        return f"SELECT {wanted} FROM ({self._placed})"

    @property
    def _placed(self) -> str:
        schema = self.contract.schema
        if self.is_received:
            schema = schema.append(pa.field(DELIVERY, pa.string()))
            schema = schema.append(pa.field(ORDINAL, pa.int64()))
        return (
            f"SELECT row_number() OVER () - 1 AS {PLACE}, * "
            f"FROM ({scan(self.files, schema)})"
        )  # fmt: skip

    def _ask(self, sql: str, values: Sequence[object]) -> "duckdb.DuckDBPyConnection":
        return _engine(self.scratch).cursor().execute(sql, list(values))


class Gone(UsageError):
    """A version that can no longer be had."""


def version_of(city: "City", dataset: str, mark: str | None = None) -> Version:
    """The newest version of a dataset, or the one that had a mark.

    Raises:
        Gone: what the mark stands for is no longer there.
        StorageError: its table is away.
    """
    contract = city.contract(dataset)
    city.see_tables([dataset])
    table = city.kept(dataset)
    newest = table.latest_version()
    number = newest if mark is None else int(mark.partition("-")[0])
    if number != newest and number not in table.versions():
        raise Gone(f"{dataset}: {_GONE}")
    files = tuple(table.files(None if number == newest else number))
    found = Version(contract, number, files, dataset in city.received, city.readers_scratch)
    if mark is not None and (mark != found.mark or not all(path.exists() for path in files)):
        raise Gone(f"{dataset}: {_GONE}")
    return found


def versions_of(city: "City", dataset: str) -> set[int]:
    """The numbers of the versions of a dataset that are there."""
    return city.kept(dataset).versions()


def is_offered(city: "City", dataset: str, principal: Principal) -> bool:
    """Whether a principal may ask for parts of a dataset: whoever may read all of it may."""
    return only_whole(city.may_read(dataset, principal)).granted


def answered(
    city: "City",
    dataset: str,
    principal: Principal,
    answer: Callable[[], Answer],
    rows: Callable[[Answer], int],
) -> Answer:
    """An answer made from a dataset's rows for who may read all of them; it is in the ledger.

    Args:
        city: the city.
        dataset: the dataset that is asked for.
        principal: who asks.
        answer: makes the answer; it is not called where policy does not permit the read.
        rows: how many rows an answer opens up.

    Raises:
        AccessRefused: policy does not permit it; the refusal is in the ledger.
    """
    contract = city.contract(dataset)
    decision = only_whole(city.may_read(dataset, principal))
    if not decision.granted:
        record(city, contract, principal, None, dataset, decision)
    made = answer()
    record(city, contract, principal, None, dataset, decision, rows(made))
    return made


@lru_cache(maxsize=4)
def _engine(scratch: Path) -> "duckdb.DuckDBPyConnection":
    """The DuckDB of a city's readers, which each read has a cursor of."""
    return spatial_engine(scratch)
