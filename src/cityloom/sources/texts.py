"""Values of a database's driver or of JSON as the texts that a contract judges."""

import json
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from cityloom.contract.typed import as_text

_TYPED = {bool, int, float, str, bytes, date, datetime}
"""The types of which Arrow writes a whole column as it would write each value alone."""

_TRUTH = {None: None, True: "true", False: "false"}
_DAY = timedelta(days=1)


def column_as_text(values: Sequence[Any]) -> pa.Array:
    """Values of one column as texts: numbers digit for digit, times in ISO 8601, bytes in hex.

    What is an array or an object is written as JSON. An empty text is null. Each value is written
    as if it stood alone, so that a row that is read again among others has the same texts.
    """
    if _are_alike(values):
        try:
            return as_text(pa.array(values)).cast(pa.string())
        except (pa.ArrowException, ArithmeticError, ValueError):
            pass
    return pa.array([_text(value) for value in values], pa.string())


def _are_alike(values: Sequence[Any]) -> bool:
    """Whether all are of one type that Arrow writes; times all have a zone, or none has."""
    types = set(map(type, values)) - {type(None)}
    if types == {datetime}:
        return len({value.tzinfo is None for value in values if value is not None}) == 1
    return len(types) == 1 and types <= _TYPED


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, bool):
        return _TRUTH[value]
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).hex() or None
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, default=_text)
    if isinstance(value, date | time | timedelta):
        return _time(value)
    if isinstance(value, float):
        return _alone(value)
    return (f"{value:f}" if isinstance(value, Decimal) else str(value)) or None


def _time(value: date | time | timedelta) -> str:
    """A day or a time; a length of time is one of a day, as some drivers give it, or in seconds."""
    if isinstance(value, datetime):
        return _alone(value)
    if not isinstance(value, timedelta):
        return value.isoformat()
    if timedelta() <= value < _DAY:
        return (datetime.min + value).time().isoformat()
    return str(value.total_seconds())


def _alone(value: float | datetime) -> str:
    return str(as_text(pa.array([value]))[0])
