"""Typed values: which can be judged as they are, and how the others are written out as text."""

from datetime import date, datetime
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.contract.model import Column, Kind
from cityloom.masks import Mask, mask

_SPANS: Final = {
    Kind.DATE: (date(1, 1, 1), date(9999, 12, 31)),
    Kind.TIMESTAMP: (datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)),
}
_KINDS: Final = (Kind.INTEGER, Kind.NUMBER, Kind.BOOLEAN, *_SPANS)


def received(column: Column, values: pa.ChunkedArray) -> pa.ChunkedArray:
    """What is judged of a file's values: themselves where the column stores such, else their texts.

    A column that says how its values are written is judged by that, so by their texts. The type
    alone decides, so that every batch of a file comes in the same form.
    """
    if pa.types.is_string(values.type):
        return values
    stated = column.format or column.trim
    if column.kind not in _KINDS or stated:
        return as_texts(values)
    if column.kind is Kind.INTEGER and _fits(values.type):
        return values.cast(pa.int64())
    return values if values.type == column.arrow_type else as_texts(values)


def is_text(values: pa.ChunkedArray) -> bool:
    """Whether these are texts, perhaps as a dictionary, and not values of a type."""
    kind = values.type
    return bool(pa.types.is_string(kind.value_type if pa.types.is_dictionary(kind) else kind))


def exist(column: Column, values: pa.ChunkedArray) -> Mask:
    """Which values could also be written: finite numbers, days and times of the years 1 to 9999.

    A null could.
    """
    if pa.types.is_floating(values.type):
        return mask(pc.is_finite(values).fill_null(True))
    if column.kind not in _SPANS:
        return np.ones(len(values), bool)
    first, last = (_scalar(edge, values.type) for edge in _SPANS[column.kind])
    inside = pc.and_(pc.greater_equal(values, first), pc.less_equal(values, last))
    return mask(inside.fill_null(True))


def as_texts(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """Typed values as they would be written in a text file."""
    return pa.chunked_array([as_text(chunk) for chunk in values.chunks], pa.string())


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
    return without_empty(text)


def without_empty(texts: pa.Array) -> pa.Array:
    """Texts, null for an empty one."""
    if pc.min(pc.binary_length(texts)).as_py() != 0:
        return texts
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.string()), texts)


def _fits(kind: pa.DataType) -> bool:
    """Whether all values of a type are whole numbers that 64 bits with a sign hold."""
    return bool(pa.types.is_integer(kind) and kind != pa.uint64())


def _scalar(edge: date | datetime, kind: pa.DataType) -> pa.Scalar:
    plain = pa.timestamp("us") if pa.types.is_timestamp(kind) else kind
    return pa.scalar(edge, plain).cast(kind)


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
