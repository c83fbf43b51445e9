"""Engines: where dataset functions run. An engine URL names one; each is an Ibis backend."""

from collections.abc import Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from cityloom.errors import UsageError
from cityloom.lake import scan
from cityloom.sql import connect

DIALECT = "duckdb"


class Engine:
    """An open engine; files of the lake become Ibis tables on it."""

    def __init__(self, url: str, scratch: Path) -> None:
        """Open the engine at a URL; what memory cannot hold goes to a folder below ``scratch``.

        Raises:
            UsageError: the URL names no engine that is known.
        """
        if not url.startswith("duckdb://"):
            raise UsageError(f"engine '{url}' is not known; expected duckdb://")
        self.scratch = scratch
        self._backend: Backend = ibis.duckdb.from_connection(connect(scratch))

    def table(self, name: str, files: Sequence[Path], schema: pa.Schema) -> ir.Table:
        """The rows of some files as the table ``name``."""
        self._backend.raw_sql(f'CREATE OR REPLACE VIEW "{name}" AS {scan(files, schema)}')
        return self._backend.table(name)

    def hold(self, name: str, rows: pa.Table) -> ir.Table:
        """Rows in memory as the table ``name``."""
        self._backend.con.register(name, rows)
        return self._backend.table(name)

    def batches(self, table: ir.Table) -> pa.RecordBatchReader:
        """A table's rows, streamed."""
        return self._backend.to_pyarrow_batches(table)

    def values(self, column: ir.Column) -> list[object]:
        """The distinct values of a column, ascending."""
        found = column.name("value").as_table().distinct().order_by("value")
        return list(self._backend.to_pyarrow(found).column(0).to_pylist())
