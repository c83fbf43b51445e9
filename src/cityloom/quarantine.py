"""Quarantine: refused rows with what was received and every reason, until they can be replayed."""

import json
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from cityloom.contract.split import REASONS_TYPE
from cityloom.lake import DELIVERY, ORDINAL, LakeTable, scan
from cityloom.readers.batch import Batch, Malformed
from cityloom.sql import connect, literal

SCHEMA = pa.schema(
    [
        (DELIVERY, pa.string()),
        (ORDINAL, pa.int64()),
        ("values", pa.string()),
        ("raw", pa.string()),
        ("reasons", REASONS_TYPE),
    ]
)
"""One refused row: its delivery and number there, its values as received (a JSON object of text) or
its raw text where it could not be split into fields, and its reasons."""

MARKER = "quarantine"
"""A dataset's commits remember under this name which version of its quarantine goes with them."""

_ROWS_AT_A_TIME = 50_000


def files_of(table: LakeTable, quarantine: LakeTable) -> list[Path]:
    """The quarantine's files as the dataset's newest commit knows them."""
    version = table.marker(MARKER)
    return [] if version is None else quarantine.files(version)


def undo_torn_commit(table: LakeTable, quarantine: LakeTable) -> None:
    """Forget a quarantine committed by a writer that never came to the dataset's commit."""
    named = table.marker(MARKER) or 0
    if quarantine.exists and quarantine.latest_version() > named:
        table.commit([], [], {}, {MARKER: quarantine.roll_back(named)})


def relation(files: Sequence[Path]) -> str:
    """SQL for the refused rows in some files."""
    return scan(files, SCHEMA)


def declared_only(rows: pa.RecordBatchReader, names: Collection[str]) -> pa.RecordBatchReader:
    """Refused rows, streamed: of their values those of some names alone, and no raw text."""
    batches = (_declared(batch, names) for batch in rows)
    return pa.RecordBatchReader.from_batches(rows.schema, batches)


def _declared(batch: pa.RecordBatch, names: Collection[str]) -> pa.RecordBatch:
    values = [text and _only(text, names) for text in batch.column("values").to_pylist()]
    columns = {
        **{name: batch.column(name) for name in batch.schema.names},
        "values": pa.array(values, pa.string()),
        "raw": pa.nulls(len(batch), pa.string()),
    }
    return pa.record_batch(list(columns.values()), schema=batch.schema)


def _only(values: str, names: Collection[str]) -> str:
    kept = {name: value for name, value in json.loads(values).items() if name in names}
    return json.dumps(kept, ensure_ascii=False, separators=(",", ":"))


def json_path(name: str) -> str:
    """SQL for the path of a name in the values of a refused row."""
    return literal("/" + name.replace("~", "~0").replace("/", "~1"))


class QuarantineReader:
    """The refused rows of one delivery, read again as if they had just come."""

    def __init__(
        self, files: Sequence[Path], delivery: str, columns: Sequence[str], scratch: Path
    ) -> None:
        self._files = files
        self._delivery = delivery
        self.columns = columns
        self._scratch = scratch

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`; rows keep the numbers of their first arrival."""
        fields = "".join(
            f', json_extract_string("values", {json_path(name)}) AS _{number}'
            for number, name in enumerate(columns)
        )
        rows = connect(self._scratch).execute(
            f"SELECT {ORDINAL}, raw AS _raw, reasons[1].message AS _why{fields} "
            f"FROM ({relation(self._files)}) WHERE {DELIVERY} = ? ORDER BY ALL",
            [self._delivery],
        )
        for batch in rows.to_arrow_reader(_ROWS_AT_A_TIME):
            yield _as_batch(pa.Table.from_batches([batch]), columns)


def _as_batch(table: pa.Table, columns: Sequence[str]) -> Batch:
    """A batch of rows whose first three columns are their number, their raw text and its reason."""
    whole = table.filter(pa.compute.is_null(table.column("_raw")))
    broken = table.filter(pa.compute.is_valid(table.column("_raw")))
    malformed = [
        Malformed(row[ORDINAL], row["_raw"], row["_why"])
        for row in broken.select([ORDINAL, "_raw", "_why"]).to_pylist()
    ]
    ordinals = whole.column(ORDINAL).to_numpy().astype(np.int64)
    fields = pa.table(whole.columns[3:], names=list(columns)) if columns else whole.select([])
    return Batch(fields, ordinals, malformed)
