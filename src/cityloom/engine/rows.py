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
    """Rows in types that every engine has, also within lists, maps and structs.

    Each value stays as it was; times are to the microsecond.
    """
    kinds = [_plain(field.type) for field in rows.schema]
    pairs = zip(rows.columns, kinds, strict=True)
    return pa.table([c.cast(kind, safe=False) for c, kind in pairs], names=rows.column_names)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_timestamp(kind):
        return pa.timestamp("us", kind.tz)
    if pa.types.is_dictionary(kind):
        return _plain(kind.value_type)
    if pa.types.is_map(kind):
        return pa.map_(_plain(kind.key_type), _plain(kind.item_type))
    if pa.types.is_struct(kind):
        return pa.struct(list(map(_plain_field, kind)))
    if _is_list(kind):
        return pa.list_(_plain_field(kind.value_field))
    return _WIDER.get(kind, kind)


def _plain_field(field: pa.Field) -> pa.Field:
    return field.with_type(_plain(field.type))


def _is_list(kind: pa.DataType) -> bool:
    any_size = pa.types.is_list(kind) or pa.types.is_large_list(kind)
    return bool(any_size or pa.types.is_fixed_size_list(kind))
