"""An engine that is asked of batches of rows."""

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from cityloom.contract.model import Contract
from cityloom.contract.queries import BATCH, BROKEN, ROW
from cityloom.errors import ContractError
from cityloom.masks import Mask
from cityloom.policy import is_open
from cityloom.sql import connect


class Asker:
    """Asks a DuckDB of batches of one contract's rows. Not thread-safe."""

    def __init__(self, contract: Contract, scratch: Path | None) -> None:
        self._contract = contract
        self._connection = connect(scratch, threads=1)

    def ask(self, sql: str, batch: pa.Table) -> pa.Table:
        """What a query says of every row of a batch, in the batch's order.

        DuckDB gives the rows of an Arrow table back in another order at times (on several threads,
        and on one when it makes a join of a list of values), so each carries its number.

        Raises:
            ContractError: the query fails on this batch.
        """
        found = self._find(sql, batch)
        order = found.column(ROW).to_numpy()
        found = found.drop_columns([ROW])
        in_order = np.array_equal(order, np.arange(len(batch)))
        return found if in_order else found.take(np.argsort(order))

    def met(self, sql: str, batch: pa.Table, rules: int) -> list[Mask]:
        """Which rows of a batch meet each of some rules, by a query that finds those that do not.

        Raises:
            ContractError: the query fails on this batch.
        """
        found = self._find(sql, batch)
        met = [np.ones(len(batch), bool) for _ in range(rules)]
        for number, rows in enumerate(met):
            rows[found[ROW].filter(found[BROKEN.format(number)]).to_numpy()] = False
        return met

    def _find(self, sql: str, batch: pa.Table) -> pa.Table:
        """The rows that a query finds in a batch, by their numbers."""
        numbered = batch.append_column(ROW, pa.array(np.arange(len(batch), dtype=np.int32)))
        try:
            return self._connection.from_arrow(numbered).query(BATCH, sql).to_arrow_table()
        except duckdb.Error as error:
            named = is_open(self._contract.classification) or not len(batch)
            said = str(error).splitlines()[0] if named else type(error).__name__
            raise ContractError(
                f"{self._contract.origin}: its rules cannot be applied: {said}"
            ) from None
