"""Columns of text made from columns of numbers."""

from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias, cast

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.sample.draws import Bools, Days, Ints

Strings: TypeAlias = pa.StringArray
Column: TypeAlias = "pa.Array[Any]"

_FIRST_DAY = date(1880, 1, 1)
_LAST_DAY = date(2060, 12, 31)
_EPOCH = date(1970, 1, 1)
_PAIRS = np.frombuffer("".join(f"{n:02d}" for n in range(100)).encode(), dtype=np.uint16)


def take(words: Strings | Sequence[str], codes: Ints) -> Strings:
    """The words at `codes`; none where a code is negative."""
    values = words if isinstance(words, pa.Array) else pa.array(words, pa.string())
    negative = codes < 0
    positions = pa.array(codes, mask=negative) if negative.any() else pa.array(codes)
    return values.take(cast("pa.Int64Array", positions))


def join(*parts: Strings | str) -> Strings:
    """Parts set side by side, row by row; a plain `str` is the same in every row."""
    operands: list[Any] = [_operand(part) for part in parts]
    return cast(Strings, pc.binary_join_element_wise(*operands, _operand("")))


def either(condition: Bools, yes: Strings | str, no: Strings | str) -> Strings:
    """`yes` where the condition holds, else `no`."""
    return cast(Strings, pc.if_else(pa.array(condition), _operand(yes), _operand(no)))


def only(condition: Bools, values: Strings) -> Strings:
    """The values where the condition holds, null elsewhere."""
    return cast(Strings, pc.if_else(pa.array(condition), values, pa.scalar(None, pa.string())))


def filled(values: Strings) -> Strings:
    """The values, empty text for null."""
    return cast(Strings, values.fill_null(""))


def overwritten(column: Strings, rows: Ints, values: Sequence[str | None]) -> Strings:
    """The column with other values at `rows`, which are in order."""
    if not len(rows):
        return column
    mask = np.zeros(len(column), dtype=bool)
    mask[rows] = True
    return cast(
        Strings, pc.replace_with_mask(column, pa.array(mask), pa.array(values, pa.string()))
    )


def digits(numbers: Ints, width: int = 0) -> Strings:
    """Whole numbers from 0, written out, padded with zeros to `width`."""
    if width and len(numbers) and int(numbers.max()) < 10**width:
        return _of_width(numbers, width)
    written = cast(Strings, pa.array(numbers).cast(pa.string()))
    return pc.utf8_lpad(written, width, "0") if width else written


def decimals(hundredths: Ints) -> Strings:
    """Numbers given in hundredths, written with two decimals."""
    return join(digits(hundredths // 100), ".", digits(hundredths % 100, 2))


def constant(word: str, count: int) -> Strings:
    """The same word in every row."""
    return pa.repeat(pa.scalar(word), count)


def dates(days: Days, form: str) -> Strings:
    """Days written in a strftime form."""
    return take(_calendar(form), days - day_number(_FIRST_DAY))


def day_number(day: date) -> int:
    """Days since 1 January 1970."""
    return (day - _EPOCH).days


def years(days: Days) -> Ints:
    """The calendar year of each day."""
    return days.astype("datetime64[D]").astype("datetime64[Y]").astype(np.int64) + 1970


def _of_width(numbers: Ints, width: int) -> Strings:
    """Numbers of at most `width` digits, two digits at a time."""
    pairs = -(-width // 2)
    letters = np.empty((len(numbers), pairs), dtype=np.uint16)
    rest = numbers
    for place in range(pairs - 1, -1, -1):
        tens = rest // 100
        letters[:, place] = _PAIRS[rest - tens * 100]
        rest = tens
    text = letters.view(np.uint8)[:, 2 * pairs - width :]
    offsets = np.arange(len(numbers) + 1, dtype=np.int32) * width
    return pa.StringArray.from_buffers(
        len(numbers), pa.py_buffer(offsets), pa.py_buffer(np.ascontiguousarray(text))
    )


@lru_cache(maxsize=8)
def _calendar(form: str) -> Strings:
    days = np.arange(day_number(_FIRST_DAY), day_number(_LAST_DAY) + 1, dtype=np.int32)
    return cast(Strings, pc.strftime(cast(Any, pa.array(days).cast(pa.date32())), form))


def _operand(part: Strings | str) -> Strings | pa.StringScalar:
    return pa.scalar(part) if isinstance(part, str) else part
