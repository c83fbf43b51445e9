"""What every engine can do: files of the lake become tables, and tables become streams of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    import ibis.expr.types as ir
    import pyarrow as pa


class Engine(ABC):
    """An open engine; close it, or use it in a ``with`` block."""

    scratch: Path

    @abstractmethod
    def table(self, name: str, files: Sequence[Path], schema: pa.Schema) -> ir.Table:
        """The rows of some Parquet files as the table ``name``, null in columns a file lacks."""

    @abstractmethod
    def hold(self, name: str, rows: pa.Table) -> ir.Table:
        """Rows in memory as the table ``name``, in place of those that it held before.

        Their types become those that every engine has; see :func:`cityloom.engine.rows.plain`.
        """

    @abstractmethod
    def batches(self, table: ir.Table) -> pa.RecordBatchReader:
        """A table's rows, streamed: no more than some batches are in memory at a time."""

    def values(self, column: ir.Column) -> list[object]:
        """The distinct values of a column, ascending, null last."""
        found = self.batches(column.name("value").as_table().distinct()).read_all()
        return list(found.sort_by("value").column(0).to_pylist())

    @abstractmethod
    def close(self) -> None:
        """Give back what the engine holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()
