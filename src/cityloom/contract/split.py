"""A batch of text becomes typed rows that are kept and rows that are refused with their reasons.

Received text is split on DuckDB alone, in one projection compiled once for a contract. Rows that
fail are looked at a second time to say which rules they broke; as a rule they are few.

DuckDB gives the rows of an Arrow table back in another order at times (on several threads, and on
one when it makes a join of a list of values), so each row carries its number through the query.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.contract.model import Column, Contract, Kind
from cityloom.contract.queries import (
    BATCH,
    HASH,
    MET,
    ROW,
    SOUND,
    TEXT,
    VALUE,
    as_received_sql,
    as_written,
    column_sql,
    explanation,
    looked_at,
    placed,
    split_sql,
)
from cityloom.contract.rules import Reason
from cityloom.errors import ContractError
from cityloom.policy import is_open
from cityloom.sql import connect

Mask = npt.NDArray[np.bool_]

REASON_TYPE = pa.struct([("column", pa.string()), ("rule", pa.string()), ("message", pa.string())])
REASONS_TYPE = pa.list_(REASON_TYPE)

_ORDINAL = "ordinal"
_MANY_ROWS = 4_096
_FEW = 4
"""Rows for each different text of a column of few."""


@dataclass(frozen=True)
class Split:
    """Rows, split: one table of all that is known of each, so that they can wait on disk.

    ``rows`` has the texts as they were written, the values of the columns that are not stored as
    their text, whether no rule was broken, and a hash for each set of columns that was asked for.
    """

    contract: Contract
    rows: pa.Table

    @property
    def ordinals(self) -> npt.NDArray[np.int64]:
        """Each row's number in the file."""
        ordinals: npt.NDArray[np.int64] = self.rows.column(_ORDINAL).to_numpy()
        return ordinals

    @property
    def text(self) -> pa.Table:
        """What was written, by the contract's names."""
        columns = [self.rows.column(name) for name, _ in placed(TEXT, self.contract)]
        return pa.table(columns, names=self.contract.schema.names)

    @property
    def typed(self) -> pa.Table:
        """The contract's columns, for every row."""
        places = placed(VALUE, self.contract), placed(TEXT, self.contract)
        columns = [
            self.rows.column(text if as_written(column) else value)
            for (value, column), (text, _) in zip(*places, strict=True)
        ]
        return pa.table(columns, names=self.contract.schema.names).cast(self.contract.schema)

    @property
    def met(self) -> Mask:
        """Which rows broke no rule."""
        return mask(self.rows.column(MET))

    def hashes(self, number: int) -> pa.ChunkedArray:
        """The hashes of a set of columns, null where one of them is null."""
        return self.rows.column(HASH.format(number))

    def take(self, rows: npt.NDArray[np.int64]) -> "Split":
        """Some of the rows."""
        return Split(self.contract, self.rows.take(rows))


class Splitter:
    """Splits batches of text by one contract. Not thread-safe: it holds a DuckDB connection."""

    def __init__(
        self,
        contract: Contract,
        hashed: Sequence[Sequence[Column]] = (),
        scratch: Path | None = None,
    ) -> None:
        """Compile the split of a contract.

        Args:
            contract: the contract.
            hashed: the sets of columns to hash.
            scratch: where to put what memory cannot hold.

        Raises:
            ContractError: a condition does not fit the types of its columns.
        """
        self.contract = contract
        self._connection = connect(scratch, threads=1)
        self._hashed = tuple(tuple(columns) for columns in hashed)
        self._reasons, self._explain_sql = explanation(contract)
        self._split_sql = ""
        self._few: dict[str, str] = {}
        self.explain(self.prepare(pa.table({})))

    def prepare(self, rows: pa.Table) -> pa.Table:
        """The text columns under the contract's names, null where the file has no such column."""
        arrays: dict[str, pa.ChunkedArray | pa.Array] = {}
        for column in self.contract.columns:
            if column.source_name in rows.column_names:
                text = rows.column(column.source_name)
            else:
                text = pa.chunked_array([pa.nulls(len(rows), pa.string())])
            arrays[column.name] = text
        return pa.table(arrays)

    def split(self, text: pa.Table, ordinals: npt.NDArray[np.int64]) -> Split:
        """A prepared batch, split; ``ordinals`` are the numbers of its rows in the file."""
        if not self._split_sql:
            self._plan(text)
        found = self._query(self._split_sql, self._with_values_of_few(text))
        texts = {place: text.column(column.name) for place, column in placed(TEXT, self.contract)}
        values = dict(zip(found.column_names, found.columns, strict=True))
        known = {_ORDINAL: pa.array(ordinals, pa.int64()), **texts, **values}
        return Split(self.contract, pa.table(known))

    def _plan(self, text: pa.Table) -> None:
        """Find, in the first batch, the columns of which it pays to look at each text once."""
        few = [c for c in self.contract.columns if _of_few_texts(c, text.column(c.name))]
        self._few = {column.name: column_sql(column) for column in few}
        self._split_sql = split_sql(self.contract, self._hashed, tuple(self._few))

    def _with_values_of_few(self, text: pa.Table) -> pa.Table:
        """A batch with what is known of its texts, and with the values of the columns of few."""
        others = [column for column in self.contract.columns if column.name not in self._few]
        batch = looked_at(others, text)
        for column in self.contract.columns:
            if column.name not in self._few:
                continue
            written = text.column(column.name).combine_chunks().dictionary_encode("encode")
            different = pa.table({column.name: written.dictionary})
            found = self._query(self._few[column.name], looked_at([column], different))
            value, met = (found.column(name).combine_chunks() for name in ("value", "met"))
            place = batch.column_names.index(column.name)
            batch = batch.set_column(place, column.name, value.take(written.indices))
            batch = batch.append_column(SOUND.format(column.name), met.take(written.indices))
        return batch

    def as_received(self, text: pa.Table) -> pa.ChunkedArray:
        """Each row of a prepared batch as a JSON object of the file's names and texts."""
        return self._query(as_received_sql(self.contract), text).column("v")

    def explain(self, text: pa.Table) -> pa.ListArray:
        """Every reason for each row of a prepared batch; a list of :data:`REASON_TYPE` a row."""
        if not self._reasons:
            return reason_lists([[]] * len(text))
        table = self._query(self._explain_sql, looked_at(self.contract.columns, text))
        broken = np.column_stack([~mask(pc.fill_null(column, True)) for column in table.columns])
        rows, rules = np.nonzero(broken)
        offsets = np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=len(text)))))
        catalogue = reason_array(self._reasons)
        return pa.ListArray.from_arrays(
            pa.array(offsets, pa.int32()), catalogue.take(pa.array(rules))
        )

    def _query(self, sql: str, batch: pa.Table) -> pa.Table:
        """The rows of a query over a batch, in the batch's order."""
        numbers = np.arange(len(batch), dtype=np.int32)
        numbered = batch.append_column(ROW, pa.array(numbers))
        try:
            found = self._connection.from_arrow(numbered).query(BATCH, sql).to_arrow_table()
        except duckdb.Error as error:
            named = is_open(self.contract.classification) or not len(batch)
            said = str(error).splitlines()[0] if named else type(error).__name__
            raise ContractError(
                f"{self.contract.origin}: its rules cannot be applied: {said}"
            ) from None
        order = found.column(ROW).to_numpy()
        found = found.drop_columns([ROW])
        return found if np.array_equal(order, numbers) else found.take(np.argsort(order))


def _of_few_texts(column: Column, texts: pa.ChunkedArray) -> bool:
    """Whether a column's values are best found from each of its different texts."""
    if as_written(column) or column.kind is Kind.GEOMETRY or len(texts) < _MANY_ROWS:
        return False
    return bool(_FEW * pc.count_distinct(texts).as_py() <= len(texts))


def mask(flags: pa.ChunkedArray) -> Mask:
    """Arrow booleans without nulls as a NumPy mask."""
    found: Mask = flags.to_numpy().astype(bool)
    return found


def reason_array(reasons: Iterable[Reason]) -> pa.StructArray:
    """Reasons as an Arrow array."""
    rows = [{"column": r.column, "rule": r.rule, "message": r.message} for r in reasons]
    return pa.array(rows, REASON_TYPE)


def reason_lists(lists: Iterable[Iterable[Reason]]) -> pa.ListArray:
    """Lists of reasons as an Arrow array."""
    return pa.array([reason_array(reasons).to_pylist() for reasons in lists], REASONS_TYPE)
