"""Values of a database's driver or of JSON as the texts that a contract judges."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cityloom.contract.typed import as_text

_TYPED = {bool, int, float, str, bytes, Decimal, date, datetime}
"""The types of which Arrow writes a whole column as a contract expects it."""

_TRUTH = {None: None, True: "true", False: "false"}
_DAY = timedelta(days=1)


def column_as_text(values: Sequence[Any]) -> pa.Array:
    """Values of one column as texts: numbers digit for digit, times in ISO 8601, bytes in hex.

    What is an array or an object is written as JSON. An empty text is null.
    """
    types = set(map(type, values)) - {type(None)}
    if len(types) == 1 and types <= _TYPED:
        try:
            return as_text(pa.array(values)).cast(pa.string())
        except (pa.ArrowException, ArithmeticError, ValueError):
            pass
    return pa.array([_text(value) for value in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return _TRUTH[value]
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex() or None
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_text)
    if isinstance(value, timedelta):
        return _time(value)
    if isinstance(value, date | time):
        return _moment(value)
    return (f"{value:f}" if isinstance(value, Decimal) else str(value)) or None


def _time(value: timedelta) -> str:
    """A time of day, as some drivers give it; what is none, as seconds."""
    if timedelta() <= value < _DAY:
        return (datetime.min + value).time().isoformat()
    return str(value.total_seconds())


def _moment(value: date | time) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        return str(as_text(pa.array([value]))[0])
    return value.isoformat()
