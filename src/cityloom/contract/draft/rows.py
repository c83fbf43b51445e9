"""The rows of a delivered file as text: a sample of them, or some columns of them all."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from cityloom.contract.model import Files
from cityloom.readers import Reader, open_reader
from cityloom.readers.apart import ApartReader

_MOST_ROWS = 200_000
_MOST_BYTES = 256 << 20


@dataclass(frozen=True)
class Sample:
    """The first rows of a file; ``malformed`` counts those that could not be split.

    ``geometry`` is the column of the file's own geometries, and ``crs`` what it says of them.
    """

    rows: pa.Table
    is_whole: bool
    malformed: int
    geometry: str | None = None
    crs: str | None = None


def read_sample(path: Path, files: Files) -> Sample:
    """The first two hundred thousand rows of a file, or as many as fit a quarter of a gigabyte.

    Raises:
        DeliveryError: the file cannot be read.
    """
    reader = open_reader(path, files)
    tables = [_schema(reader.columns).empty_table()]
    rows = size = malformed = 0
    for batch in reader.batches(reader.columns):
        if rows >= _MOST_ROWS or size >= _MOST_BYTES:
            return _sample(reader, tables, False, malformed)
        tables.append(batch.rows)
        rows += len(batch.rows)
        size += batch.rows.nbytes
        malformed += len(batch.malformed)
    return _sample(reader, tables, True, malformed)


def _sample(reader: Reader, tables: list[pa.Table], is_whole: bool, malformed: int) -> Sample:
    rows = pa.concat_tables(tables)
    if not isinstance(reader, ApartReader):
        return Sample(rows, is_whole, malformed)
    return Sample(rows, is_whole, malformed, reader.geometry, reader.crs)


def read_columns(path: Path, files: Files, names: Sequence[str]) -> pa.RecordBatchReader:
    """Some columns of all rows of a file, as a stream.

    Raises:
        DeliveryError: the file cannot be read.
    """
    reader = open_reader(path, files)
    return pa.RecordBatchReader.from_batches(_schema(names), _record_batches(reader, names))


def _record_batches(reader: Reader, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    for batch in reader.batches(names):
        yield from batch.rows.to_batches()


def _schema(names: Sequence[str]) -> pa.Schema:
    return pa.schema([(name, pa.string()) for name in names])
