"""Rows that wait on disk, as Arrow streams them, until something is known of all of them."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyarrow import ipc


class WaitingRows:
    """Tables of one schema: put them in with :meth:`add`, then take them out once, in that order.

    They take about as much room below the folder as in memory, until the ``with`` block ends.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"waiting-{uuid4().hex}.arrows"
        self._opened = ExitStack()
        self._writer: ipc.RecordBatchStreamWriter | None = None
        self._batches: list[int] = []

    def __enter__(self) -> "WaitingRows":
        return self

    def __exit__(self, *error: object) -> None:
        self._opened.close()
        self._path.unlink(missing_ok=True)

    def add(self, table: pa.Table) -> None:
        """Put a table in."""
        if self._writer is None:
            file = self._opened.enter_context(pa.OSFile(str(self._path), "wb"))
            self._writer = ipc.new_stream(file, table.schema)
        batches = table.to_batches()
        for batch in batches:
            self._writer.write_batch(batch)
        self._batches.append(len(batches))

    def __iter__(self) -> Iterator[pa.Table]:
        if self._writer is None:
            return
        self._writer.close()
        with pa.OSFile(str(self._path)) as file, ipc.open_stream(file) as stream:
            for count in self._batches:
                batches = [stream.read_next_batch() for _ in range(count)]
                yield pa.Table.from_batches(batches, stream.schema)
