"""Rows that wait on disk, as Arrow streams them, until something is known of all of them."""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pyarrow as pa
from pyarrow import ipc


class WaitingRows:
    """Tables of one schema: put them in with :meth:`add`, then take them out in that order.

    They take about as much room below the folder as in memory; whoever owns it clears it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / f"waiting-{uuid4().hex}.arrows"
        self._writer: ipc.RecordBatchStreamWriter | None = None
        self._batches: list[int] = []

    def add(self, table: pa.Table) -> None:
        """Put a table in."""
        if self._writer is None:
            self._writer = ipc.new_stream(pa.OSFile(str(self._path), "wb"), table.schema)
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
