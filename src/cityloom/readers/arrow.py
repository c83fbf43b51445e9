"""Parquet and Arrow files: typed columns, written out as text in the contract's written forms."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from cityloom.contract.model import Files
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

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        try:
            found = self._file.iter_batches(_ROWS_AT_A_TIME, columns=list(columns))
            yield from _numbered(found, columns)
        except _DAMAGE as error:
            raise _damaged(self._path, "Parquet", error) from None


class ArrowReader:
    """An Arrow IPC file (also called Feather, version 2)."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        try:
            with pa.OSFile(str(path)) as source, pa.ipc.open_file(source) as file:
                self.columns = _distinct(path, file.schema.names)
        except _DAMAGE as error:
            raise _damaged(path, "Arrow", error) from None

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        try:
            with pa.OSFile(str(self._path)) as source, pa.ipc.open_file(source) as file:
                found = (file.get_batch(place) for place in range(file.num_record_batches))
                yield from _numbered(found, columns)
        except _DAMAGE as error:
            raise _damaged(self._path, "Arrow", error) from None


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
        texts = [as_text(batch.column(name)) for name in columns]
        yield Batch(pa.table(texts, names=list(columns)), ordinals)


def as_text(values: pa.Array) -> pa.Array:
    """Typed values as they would be written in a text file; an empty text is null."""
    kind = values.type
    if pa.types.is_dictionary(kind):
        return as_text(values.dictionary_decode())
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        text = pa.array([None if v is None else v.hex() for v in values.to_pylist()], pa.string())
    elif pa.types.is_nested(kind):
        text = _as_json(values)
    elif pa.types.is_timestamp(kind):
        text = _instants(values)
    elif pa.types.is_time(kind):
        text = pc.replace_substring_regex(values.cast(pa.string()), r"\.0+$", "")
    elif pa.types.is_decimal(kind):
        text = pa.array([None if v is None else f"{v:f}" for v in values.to_pylist()], pa.string())
    else:
        text = values.cast(pa.string())
        text.validate(full=True)
    return pc.if_else(pc.equal(text, ""), pa.scalar(None, pa.string()), text)


def _instants(values: pa.Array) -> pa.Array:
    moments = values.cast(pa.timestamp("us", values.type.tz), safe=False)
    text = pc.strftime(moments.cast(pa.timestamp("us", "UTC")), format="%Y-%m-%dT%H:%M:%S")
    return pc.binary_join_element_wise(text, "Z", "") if values.type.tz else text


def _as_json(values: pa.Array) -> pa.Array:
    import json

    texts = [
        None if v is None else json.dumps(v, ensure_ascii=False, default=str)
        for v in values.to_pylist()
    ]
    return pa.array(texts, pa.string())
