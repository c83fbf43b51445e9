"""Columns that a contract has come to ask for, filled in the rows that a table has already."""

from collections.abc import Mapping
from pathlib import Path

import pyarrow as pa

from cityloom.contract import Column, Contract, Kind
from cityloom.contract.filled import filled
from cityloom.lake import ROWS_PER_GROUP, LakeTable, scan
from cityloom.sql import connect


def lacking(contract: Contract, kept: LakeTable) -> list[Column]:
    """The columns to be filled that a table lacks; none where it lacks the geometry too."""
    if not contract.filled or not kept.exists:
        return []
    stored = kept.schema()
    if not _has_geometries(contract, stored):
        return []
    return [column for column in contract.filled if column.name not in stored.names]


def fill_stored(
    contract: Contract,
    kept: LakeTable,
    scratch: Path | None = None,
    account: Mapping[str, object] | None = None,
) -> bool:
    """Fill what the contract asks for and the table lacks, in one commit with an account, if any.

    The rows stay as they are in every other column. Nothing happens where nothing is lacking.

    Returns:
        whether there was something to fill.
    """
    new = lacking(contract, kept)
    if not new:
        return False
    stored = kept.schema()
    schema = pa.schema([*stored, *(pa.field(c.name, c.arrow_type) for c in new)])
    rows = connect(scratch).execute(scan(kept.files(), stored))
    with kept.writer(schema) as writer:
        for batch in rows.to_arrow_reader(ROWS_PER_GROUP):
            rest = pa.Table.from_batches([batch])
            known = [name for name in stored.names if name not in {c.name for c in contract.filled}]
            writer.write(_in_order(filled(contract, rest.select(known)), rest, schema))
    kept.replace(writer.files, schema, dict(account or {}))
    return True


def _has_geometries(contract: Contract, stored: pa.Schema) -> bool:
    return all(c.name in stored.names for c in contract.columns if c.kind is Kind.GEOMETRY)


def _in_order(fresh: pa.Table, rest: pa.Table, schema: pa.Schema) -> pa.Table:
    """The freshly filled columns and what else was stored, in the order of a schema."""
    columns = [
        (fresh if name in fresh.column_names else rest).column(name) for name in schema.names
    ]
    return pa.table(columns, names=schema.names).cast(schema)
