"""What the columns that others refer to hold, remembered from one delivery to the next.

Files come by the hundred, and each would read its parents' keys again.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from cityloom.contract import Contract
from cityloom.contract.queries import hash_sql
from cityloom.hashes import HashBag, Hashes
from cityloom.lake import ROWS_PER_GROUP, LakeTable, scan
from cityloom.sql import connect

_MOST_REMEMBERED = 1 << 25
"""Hashes that are kept, of 8 bytes each."""


class _Asked(NamedTuple):
    """A column of some data files, whose names are never given twice, as versions are."""

    folder: Path
    files: tuple[Path, ...]
    column: str


@dataclass
class References:
    """The values of columns as hashes, the newest asked for kept as far as there is room."""

    _known: dict[_Asked, HashBag] = field(default_factory=dict)

    def values(self, contract: Contract, table: LakeTable, column: str, scratch: Path) -> HashBag:
        """The hashes of a column of a table's newest version."""
        asked = _Asked(table.folder, tuple(table.files()), column)
        bag = self._known.pop(asked, None)
        if bag is None:
            bag = _read(contract, asked, scratch)
        self._known = {
            other: its
            for other, its in self._known.items()
            if (other.folder, other.column) != (asked.folder, asked.column)
        }
        self._known[asked] = bag
        self._make_room()
        return bag

    def _make_room(self) -> None:
        while self._known and sum(map(len, self._known.values())) > _MOST_REMEMBERED:
            self._known.pop(next(iter(self._known)))


def _read(contract: Contract, asked: _Asked, scratch: Path) -> HashBag:
    bag = HashBag(scratch)
    rows = connect(scratch).execute(
        f"SELECT DISTINCT {hash_sql([asked.column])} AS h "
        f"FROM ({scan(asked.files, contract.schema, [asked.column])})"
    )
    for batch in rows.to_arrow_reader(ROWS_PER_GROUP):
        bag.add(present_hashes(pa.chunked_array([batch.column("h")])))
    return bag


def present_hashes(hashes: pa.ChunkedArray) -> Hashes:
    """The hashes that are not null."""
    present: Hashes = hashes.drop_null().to_numpy()
    return present
