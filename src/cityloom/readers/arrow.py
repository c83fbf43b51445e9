"""Parquet and Arrow files: typed columns, given as they are or written out as text."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from cityloom.contract.model import Files
from cityloom.contract.typed import as_texts, without_empty
from cityloom.errors import DeliveryError
from cityloom.readers.batch import Batch

_ROWS_AT_A_TIME = 65_536
_DAMAGE = (pa.ArrowException, OSError, ValueError, ArithmeticError)


class ParquetReader:
    """A Parquet file."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        try:
            self._file = pq.ParquetFile(path, page_checksum_verification=True)
        except _DAMAGE as error:
            raise _damaged(path, "Parquet", error) from None
        self.columns = _distinct(path, self._file.schema_arrow.names)

    @property
    def crs(self) -> dict[str, str | None]:
        """The CRS that a GeoParquet file states for its geometry columns, ``None`` if not known."""
        from cityloom.geo.parquet import KEY, stated_crs

        written = (self._file.metadata.metadata or {}).get(KEY.encode())
        return {} if written is None else stated_crs(written)

    def typed_batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.TypedReader`."""
        try:
            found = self._file.iter_batches(_ROWS_AT_A_TIME, columns=list(columns))
            yield from _numbered(found, columns)
        except _DAMAGE as error:
            raise _damaged(self._path, "Parquet", error) from None

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        yield from map(_written_out, self.typed_batches(columns))


class ArrowReader:
    """An Arrow IPC file (also called Feather, version 2)."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        try:
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
                self.columns = _distinct(path, file.schema.names)
        except _DAMAGE as error:
            raise _damaged(path, "Arrow", error) from None

    def typed_batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.TypedReader`."""
        try:
            with pa.OSFile(str(self._path)) as source, pa.ipc.open_file(source) as file:
                found = (file.get_batch(place) for place in range(file.num_record_batches))
                yield from _numbered(found, columns)
        except _DAMAGE as error:
            raise _damaged(self._path, "Arrow", error) from None

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        yield from map(_written_out, self.typed_batches(columns))


def _distinct(path: Path, names: Sequence[str]) -> list[str]:
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise DeliveryError(
            f"{path.name}: two columns are named '{twice}'",
            f"{path.name}: two columns share a name",
        )
    return list(names)


def _damaged(path: Path, form: str, error: Exception) -> DeliveryError:
    first = str(error).splitlines()[0] if str(error) else type(error).__name__
    return DeliveryError(
        f"{path.name}: not a whole {form} file ({first}); ask for it to be sent again"
    )


def _numbered(batches: Iterator[pa.RecordBatch], columns: Sequence[str]) -> Iterator[Batch]:
    ordinal = 1
    for whole in batches:
        batch = whole.select(list(columns))
        batch.validate(full=True)
        ordinals = np.arange(ordinal, ordinal + len(batch), dtype=np.int64)
        ordinal += len(batch)
        values = [_plain(batch.column(name)) for name in columns]
        yield Batch(pa.table(values, names=list(columns)), ordinals)


def _plain(values: pa.Array) -> pa.Array:
    """Values without a dictionary; an empty text is null."""
    if pa.types.is_dictionary(values.type):
        values = values.dictionary_decode()
    return without_empty(values) if pa.types.is_string(values.type) else values


def _written_out(batch: Batch) -> Batch:
    """The same rows as text."""
    texts = [as_texts(column) for column in batch.rows.columns]
    return Batch(pa.table(texts, names=batch.rows.column_names), batch.ordinals)
