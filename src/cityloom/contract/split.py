"""A batch of text becomes typed rows that are kept and rows that are refused with their reasons.

Each column is judged for itself (:mod:`cityloom.contract.judge`), then the rules over several
columns on the values. Rows that fail are looked at a second time to say which rules they broke; as
a rule they are few.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import and_
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityloom.contract.asker import Asker
from cityloom.contract.conditions import row_rule_reason
from cityloom.contract.judge import Judge
from cityloom.contract.model import Column, Contract
from cityloom.contract.queries import (
    HASH,
    as_received_sql,
    hashes_sql,
    row_rules_sql,
)
from cityloom.contract.rules import Reason
from cityloom.contract.typed import as_texts, is_text, received
from cityloom.contract.ways import Judged, as_written
from cityloom.masks import Mask, mask, packed

REASON_TYPE = pa.struct([("column", pa.string()), ("rule", pa.string()), ("message", pa.string())])
REASONS_TYPE = pa.list_(REASON_TYPE)

_ORDINAL, _TEXT, _VALUE, _SOUND, _MEETS = "ordinal", "text_{}", "value_{}", "sound_{}", "meets_{}"


@dataclass(frozen=True)
class Split:
    """Rows, split: one table of all that is known of each, so that they can wait on disk.

    ``rows`` has the texts as they were written, or values that came typed; the values of the
    columns that are not stored as their text; which columns and rules over several columns are
    sound; and a hash for each set of columns that was asked for. The texts of a column of few are a
    dictionary.
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
        """What was written, or would be, by the contract's names."""
        places = range(len(self.contract.columns))
        columns = [self.rows.column(_TEXT.format(place)) for place in places]
        texts = [its if is_text(its) else as_texts(its) for its in columns]
        return pa.table(texts, names=self.contract.given.names)

    @property
    def typed(self) -> pa.Table:
        """The contract's columns, for every row."""
        columns = [self._values(place) for place in range(len(self.contract.columns))]
        return pa.table(columns, names=self.contract.given.names)

    def _values(self, place: int) -> pa.ChunkedArray:
        """The values of a column; a column that has no others is its own."""
        name = _VALUE.format(place)
        has_own = name in self.rows.column_names
        return self.rows.column(name if has_own else _TEXT.format(place))

    @property
    def met(self) -> Mask:
        """Which rows broke no rule."""
        columns = (self.sound(place) for place in range(len(self.contract.columns)))
        rules = (self.meets(number) for number in range(len(self.contract.rules)))
        return reduce(and_, [*columns, *rules])

    def sound(self, place: int) -> Mask:
        """Which rows broke no rule of a column."""
        return mask(self.rows.column(_SOUND.format(place)))

    def meets(self, number: int) -> Mask:
        """Which rows meet a rule over several columns."""
        return mask(self.rows.column(_MEETS.format(number)))

    def hashes(self, number: int) -> pa.ChunkedArray:
        """The hashes of a set of columns, null where one of them is null."""
        return self.rows.column(HASH.format(number))

    def take(self, rows: npt.NDArray[np.int64]) -> "Split":
        """Some of the rows, without dictionaries."""
        taken = self.rows.take(rows)
        plain = [
            field.with_type(field.type.value_type) if pa.types.is_dictionary(field.type) else field
            for field in taken.schema
        ]
        return Split(self.contract, taken.cast(pa.schema(plain)))


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
        self._asker = Asker(contract, scratch)
        self._judge = Judge(contract.columns, self._asker)
        self._rules_sql = row_rules_sql(contract)
        names = [[column.name for column in columns] for columns in hashed]
        self._hashes_sql = hashes_sql(names) if names else None
        self._over_rows(contract.given.empty_table())

    def prepare(self, rows: pa.Table) -> pa.Table:
        """What is judged, under the contract's names: text, or values as the column stores them;
        null where the file has no such column.
        """
        arrays: dict[str, pa.ChunkedArray | pa.Array] = {}
        for column in self.contract.columns:
            if column.source_name in rows.column_names:
                text = received(column, rows.column(column.source_name))
            else:
                text = pa.chunked_array([pa.nulls(len(rows), pa.string())])
            arrays[column.name] = text
        return pa.table(arrays)

    def split(self, text: pa.Table, ordinals: npt.NDArray[np.int64]) -> Split:
        """A prepared batch, split; ``ordinals`` are the numbers of its rows in the file."""
        columns = self.contract.columns
        judged = self._judge.judge(text)
        values = {c.name: its.values for c, its in zip(columns, judged, strict=True)}
        known = {_ORDINAL: pa.array(ordinals, pa.int64())}
        for place, (column, its) in enumerate(zip(columns, judged, strict=True)):
            known |= _known(place, column, its)
        return Split(self.contract, pa.table(known | self._over_rows(pa.table(values))))

    def as_received(self, text: pa.Table) -> pa.ChunkedArray:
        """Each row of a prepared batch as a JSON object of the file's names and texts."""
        return self._asker.ask(as_received_sql(self.contract), text).column("v")

    def explain(self, split: Split) -> pa.ListArray:
        """Every reason for each row, without dictionaries; a list of :data:`REASON_TYPE` a row."""
        text = split.text
        unsound = [np.flatnonzero(~split.sound(place)) for place in range(text.num_columns)]
        texts = {
            place: text.column(place).take(rows) for place, rows in enumerate(unsound) if len(rows)
        }
        broken = [
            (reason, unsound[place][refused])
            for place, reason, refused in self._judge.explain(texts)
        ]
        broken += [
            (row_rule_reason(rule), np.flatnonzero(~split.meets(number)))
            for number, rule in enumerate(self.contract.rules)
        ]
        return _lists(len(split.rows), broken)

    def _over_rows(self, values: pa.Table) -> dict[str, pa.ChunkedArray | pa.Array]:
        """Which rows of values meet each rule over several columns, and hashes of the columns."""
        known: dict[str, pa.ChunkedArray | pa.Array] = {}
        if self._rules_sql:
            rules = len(self.contract.rules)
            met = self._asker.met(self._rules_sql, values, rules)
            known |= {_MEETS.format(number): packed(rows) for number, rows in enumerate(met)}
        if self._hashes_sql:
            found = self._asker.ask(self._hashes_sql, values)
            known |= dict(zip(found.column_names, found.columns, strict=True))
        return known


def _known(place: int, column: Column, judged: Judged) -> dict[str, pa.ChunkedArray | pa.Array]:
    """What a split keeps of a column."""
    values_are_texts = as_written(column) or not is_text(judged.texts)
    values = {} if values_are_texts else {_VALUE.format(place): judged.values}
    sound = {_SOUND.format(place): packed(judged.sound)}
    return {_TEXT.format(place): judged.texts} | values | sound


def _lists(count: int, broken: Sequence[tuple[Reason, npt.NDArray[np.int64]]]) -> pa.ListArray:
    """A list of reasons for each of so many rows, from the rows that each reason is given for."""
    places = np.concatenate([np.empty(0, np.int64), *(rows for _, rows in broken)])
    reasons = np.repeat(np.arange(len(broken)), [len(rows) for _, rows in broken])
    order = np.argsort(places, kind="stable")
    offsets = np.concatenate(([0], np.cumsum(np.bincount(places, minlength=count))))
    chosen = reason_array(reason for reason, _ in broken).take(pa.array(reasons[order]))
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), chosen)


def reason_array(reasons: Iterable[Reason]) -> pa.StructArray:
    """Reasons as an Arrow array."""
    rows = [{"column": r.column, "rule": r.rule, "message": r.message} for r in reasons]
    return pa.array(rows, REASON_TYPE)


def reason_lists(lists: Iterable[Iterable[Reason]]) -> pa.ListArray:
    """Lists of reasons as an Arrow array."""
    return pa.array([reason_array(reasons).to_pylist() for reasons in lists], REASONS_TYPE)
