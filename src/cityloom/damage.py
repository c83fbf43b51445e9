"""Damage: what a dataset's newest commit names and is not there as the commit says."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from cityloom.errors import UsageError, harmed
from cityloom.lake import NO_VERSION, LakeTable
from cityloom.quarantine import MARKER
from cityloom.runs import newest_version

if TYPE_CHECKING:
    from cityloom.city import City


@contextmanager
def reading(files: Sequence[Path]) -> Iterator[None]:
    """Raise what says which of some data files is to blame, where reading them fails.

    Raises:
        StorageError: a file is damaged or missing; the message names it and says what to do.
    """
    try:
        yield
    except (duckdb.Error, OSError, pa.ArrowException) as error:
        for file in files:
            if not _readable(file):
                raise harmed(file) from error
        raise


def read_whole(reader: pa.RecordBatchReader, files: Sequence[Path]) -> pa.RecordBatchReader:
    """The same rows, streamed; a data file that proves damaged on the way is named."""

    def batches() -> Iterator[pa.RecordBatch]:
        with reading(files):
            yield from reader

    return pa.RecordBatchReader.from_batches(reader.schema, batches())


def lake_damage(city: "City", dataset: str) -> list[str]:
    """What is missing or of another size in a dataset's tables; no rows are read."""
    kept = city.kept(dataset)
    try:
        gaps = list(_gaps(kept, newest_version(city.log.all(dataset))))
        hurt = _hurt(kept, None)
        if (version := kept.marker(MARKER)) is not None:
            hurt += _hurt(city.quarantine(dataset), version)
    except UsageError as error:
        return [str(error)]
    return [f"{dataset}: {what}" for what in [*gaps, *hurt]]


def _gaps(table: LakeTable, known: int) -> Iterator[str]:
    """Log entries that are missing; ``known`` is the newest version that the log of runs has."""
    there = table.versions()
    newest = max(there, default=NO_VERSION)
    if missing := sorted(set(range(min(there, default=0), newest)) - there):
        listed = ", ".join(map(str, missing[:3])) + ("…" if len(missing) > 3 else "")
        yield f"its log in {table.folder / '_delta_log'} lacks the entry of version {listed}"
    if known > newest:
        had = "nothing" if newest == NO_VERSION else f"version {newest}"
        yield f"the log of runs knows version {known}, but {table.folder} has {had}"


def _hurt(table: LakeTable, version: int | None) -> list[str]:
    """The data files of a version that are missing or not of the size that its commit says."""
    hurt = []
    for file, size in table.sizes(version).items():
        if not file.exists():
            hurt.append(f"the data file {file} is missing")
        elif (found := file.stat().st_size) != size:
            hurt.append(f"the data file {file} is damaged: {found:,} bytes instead of {size:,}")
    return hurt


def _readable(file: Path) -> bool:
    """Whether a data file is whole; what the system fails at says nothing of it."""
    try:
        with pq.ParquetFile(file) as opened:
            for group in range(opened.num_row_groups):
                opened.read_row_group(group)
    except FileNotFoundError:
        return False
    except (OSError, pa.ArrowException) as error:
        return getattr(error, "errno", None) is not None
    return True
