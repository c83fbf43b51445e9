"""Rows in memory, in types that every engine reads."""

import pyarrow as pa

_WIDER = {
    pa.uint8(): pa.int16(),
    pa.uint16(): pa.int32(),
    pa.uint32(): pa.int64(),
    pa.uint64(): pa.decimal128(20, 0),
    pa.float16(): pa.float32(),
    pa.date64(): pa.date32(),
    pa.string_view(): pa.string(),
    pa.binary_view(): pa.binary(),
}
"""The types that some engine lacks, each with one that holds the same values."""


def plain(rows: pa.Table) -> pa.Table:
    """Rows in types that every engine has, each value as it was; times to the microsecond."""
    kinds = [_plain(field.type) for field in rows.schema]
    pairs = zip(rows.columns, kinds, strict=True)
    return pa.table([c.cast(kind, safe=False) for c, kind in pairs], names=rows.column_names)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    return _WIDER.get(kind, kind)
