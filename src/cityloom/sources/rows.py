"""Pulling rows: a delivery of texts in Parquet, numbered where it is by watermark."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from cityloom.contract import Contract, Delivery
from cityloom.errors import PullError
from cityloom.sources import marks
from cityloom.sources.drop import Clock, check_size
from cityloom.sources.job import Job
from cityloom.sources.texts import column_as_text

WHOLE = "rows.parquet"
"""The name of a delivery that holds all rows: it takes the place of the one before."""

NUMBERED = "{:06d}.parquet"


@dataclass(frozen=True)
class Page:
    """Some rows, each a value a column, and the watermark of each where there is one."""

    rows: Sequence[Sequence[Any]]
    marks: Sequence[Any]


def check_contract(contract: Contract, numbered: bool) -> None:
    """See that a contract takes rows: by watermark, those that are read twice must be known.

    Raises:
        PullError: it is for files of another format or, by watermark, has no primary key or lets
            each delivery take the place of all before.
    """
    if contract.files.format not in (None, "parquet"):
        raise PullError(
            f"{contract.origin} states the format {contract.files.format}; rows are put into the "
            "inbox as parquet, so take format out"
        )
    if not numbered:
        return
    if contract.delivery is Delivery.SNAPSHOT or not contract.key:
        raise PullError(
            f"{contract.dataset} cannot be pulled by watermark: its contract needs a primary key "
            "and a delivery of append or upsert, so that rows read twice are kept once"
        )


def pull_rows(
    job: Job[Any],
    columns: Sequence[str],
    pages: Iterator[Page],
    overlap: int | timedelta | None,
    numbered: bool,
) -> None:
    """Put rows into the inbox, unless they are those that were put there last.

    The number of the next delivery is remembered after it has taken its place, together with its
    watermark: a pull that is killed in between writes that delivery again, with all its rows.

    Args:
        job: the pull.
        columns: the names of the columns, as in the contract.
        pages: the rows.
        overlap: how far before the highest watermark the next pull reads.
        numbered: by watermark; else the rows are all there are.

    Raises:
        PullError: there are more bytes, or it takes longer, than the source allows.
    """
    name = NUMBERED.format(job.state.number + 1) if numbered else WHOLE
    tail = marks.Tail(overlap)
    with job.drop.filling(name) as filling:
        _write(job, filling.path, columns, pages, tail)
        if tail.whole == job.state.tail or (numbered and not tail.rows):
            return
        filling.keep()
        size = filling.path.stat().st_size
    job.files, job.rows, job.size = 1, tail.rows, size
    if not numbered:
        job.log.note(job.name, tail=tail.whole)
        return
    mark = job.state.mark if tail.highest is None else marks.written(tail.highest)
    job.log.note(job.name, number=job.state.number + 1, mark=mark, tail=tail.again)


def _write(
    job: Job[Any], path: Path, columns: Sequence[str], pages: Iterator[Page], tail: marks.Tail
) -> None:
    clock = Clock(job.source.longest)
    schema = pa.schema([(name, pa.string()) for name in columns])
    with pq.ParquetWriter(path, schema, compression="zstd") as writer:
        for page in pages:
            clock.check()
            tail.add(page.rows, page.marks)
            values = zip(*page.rows, strict=True) if page.rows else ([] for _ in columns)
            writer.write_table(pa.table([column_as_text(list(v)) for v in values], schema=schema))
            check_size(path.stat().st_size, job.source.largest_mb)
