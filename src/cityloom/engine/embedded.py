"""DuckDB in this process."""

from collections.abc import Sequence
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pyarrow as pa
from ibis.backends.duckdb import Backend

from cityloom.engine.base import Engine
from cityloom.engine.rows import plain
from cityloom.lake import scan
from cityloom.sql import connect


class EmbeddedEngine(Engine):
    """DuckDB; what memory cannot hold goes to a folder below ``scratch``."""

    def __init__(self, scratch: Path) -> None:
        self.scratch = scratch
        self.backend: Backend = ibis.duckdb.from_connection(connect(scratch))

    def table(self, name: str, files: Sequence[Path], schema: pa.Schema) -> ir.Table:
        """See :class:`Engine`."""
        self.backend.raw_sql(f'CREATE OR REPLACE VIEW "{name}" AS {scan(files, schema)}')
        return self.backend.table(name)

    def hold(self, name: str, rows: pa.Table) -> ir.Table:
        """See :class:`Engine`."""
        self.backend.con.register(name, plain(rows))
        return self.backend.table(name)

    def batches(self, table: ir.Table) -> pa.RecordBatchReader:
        """See :class:`Engine`."""
        return self.backend.to_pyarrow_batches(table)

    def close(self) -> None:
        """See :class:`Engine`."""
        self.backend.disconnect()
