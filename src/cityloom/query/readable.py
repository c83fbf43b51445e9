"""Answers that people and JSON can read: bytes as text."""

import pyarrow as pa


def readable(rows: pa.Table) -> pa.Table:
    """The same rows, geometries as WKT and other bytes in hexadecimal."""
    for place, field in enumerate(rows.schema):
        if pa.types.is_binary(field.type) or pa.types.is_large_binary(field.type):
            texts = pa.array(map(_text, rows.column(place).to_pylist()), pa.string())
            rows = rows.set_column(place, field.name, texts)
    return rows


def _text(value: bytes | None) -> str | None:
    import shapely

    if value is None:
        return None
    shape = shapely.from_wkb(value, on_invalid="ignore")
    return value.hex() if shape is None else str(shapely.to_wkt(shape, rounding_precision=7))
