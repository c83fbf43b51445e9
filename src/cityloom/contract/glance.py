"""Texts written in a usual way, read at a glance by compiled code, without a pattern or an engine.

What a glance tells is certainly of the form, and has the value that the engine would find; most
texts of a column are told so at a fraction of the cost. The others are left to the engine.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityloom.masks import Mask, present

HOUR = "(?:[01][0-9]|2[0-3])"
"""A pattern for the hour of a day, which a glance knows as it stands here."""

_CHARACTER = r"\[([^\\^\]])-([^\\\]])\]|\\(d)|\\?([-/: ])|([A-Za-z0-9_])"
_PIECE = re.compile(rf"({re.escape(HOUR)})|(?:{_CHARACTER})(?:\{{([0-9]+)\}})?", re.ASCII)


class Seen(NamedTuple):
    """Which texts were told, and their values, null for the others; no values where a column's
    texts are its values.
    """

    told: Mask
    values: pa.Array | None = None


class Glance(Protocol):
    """A form that texts are looked at for."""

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """What certainly is of the form; a null is not."""
        ...


@dataclass(frozen=True)
class AnyText:
    """All texts."""

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        return Seen(present(texts))


@dataclass(frozen=True)
class Length:
    """Texts of so many characters."""

    least: int
    most: int

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        return Seen(_told(texts, _kernels().lengths, (self.least, self.most)))


@dataclass(frozen=True)
class FixedWidth:
    """Texts that have, byte by byte, one of a range of ASCII characters.

    ``hours`` are the places of two digits that are no more than 23.
    """

    lowest: bytes
    highest: bytes
    hours: tuple[int, ...] = ()

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        ranges = _octets(self.lowest), _octets(self.highest), np.array(self.hours, np.int32)
        return Seen(_told(texts, _kernels().widths, ranges))


@dataclass(frozen=True)
class Integers:
    """Up to 18 digits, perhaps after a minus, as 64-bit integers."""

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        values = np.zeros(len(texts), np.int64)
        return _seen(_told(texts, _kernels().integers, values=values), values, pa.int64())


@dataclass(frozen=True)
class Numbers:
    """Up to 15 digits, perhaps after a minus and with a point among them, as 64-bit floats."""

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        values = np.zeros(len(texts), np.float64)
        return _seen(_told(texts, _kernels().numbers, values=values), values, pa.float64())


@dataclass(frozen=True)
class Decimals:
    """Numbers with so many digits at most before and after the point."""

    precision: int
    scale: int

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        values = np.zeros((len(texts), 2), np.int64)
        digits = self.precision - self.scale, self.scale
        told = _told(texts, _kernels().decimals, digits, values)
        return _seen(told, values, pa.decimal128(self.precision, self.scale))


@dataclass(frozen=True)
class Dates:
    """Dates of a fixed width; ``fields`` are the places of year, month and day."""

    width: FixedWidth
    fields: tuple[int, ...]

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        values = np.zeros(len(texts), np.int32)
        told = _told(texts, _kernels().days, _placed(self.width, self.fields), values)
        return _seen(told, values, pa.date32())


@dataclass(frozen=True)
class Moments:
    """Times of one of some fixed widths, each with the places of year, month, day, hour, minute and
    second; no second is -1.
    """

    layouts: tuple[tuple[FixedWidth, tuple[int, ...]], ...]
    timezone: str | None = None

    def see(self, texts: pa.ChunkedArray) -> Seen:
        """See :class:`Glance`."""
        values = np.zeros(len(texts), np.int64)
        told = np.zeros(len(texts), bool)
        for width, fields in self.layouts:
            told = _told(texts, _kernels().moments, _placed(width, fields), values, told)
        return _seen(told, values, pa.timestamp("us", self.timezone))


def fixed_width(pattern: str) -> FixedWidth | None:
    """A glance for a pattern of letters, digits, ranges such as ``[0-9]{4}`` and hours, if it is
    one.
    """
    lowest, highest, hours, at = "", "", [], 0
    while at < len(pattern):
        if not (piece := _PIECE.match(pattern, at)):
            return None
        hour, low, high, digit, mark, letter, count = piece.groups()
        if hour:
            hours.append(len(lowest))
        least, most = (
            ("00", "29") if hour else (low, high) if low else ("0", "9") if digit
            else (mark or letter,) * 2
        )  # fmt: skip
        if not (least + most).isascii() or least > most:
            return None
        lowest += least * int(count or 1)
        highest += most * int(count or 1)
        at = piece.end()
    return FixedWidth(lowest.encode(), highest.encode(), tuple(hours)) if lowest else None


@cache
def can_glance() -> bool:
    """Whether the compiled loops can be had; what was kept of them may be damaged, or have no room
    to be kept.
    """
    day = FixedWidth(b"1000-00-00", b"9999-99-99")
    dates, moments = Dates(day, (0, 5, 8)), Moments(((day, (0, 5, 8, 0, 0, -1)),))
    try:
        for form in (Length(0, 9), day, Integers(), Numbers(), Decimals(4, 2), dates, moments):
            form.see(pa.chunked_array([["1"]]))
    except Exception:
        return False
    return True


def _kernels() -> Any:
    """The compiled loops, loaded only where there is much to read."""
    from cityloom.contract import kernels

    return kernels


def _told(
    texts: pa.ChunkedArray,
    kernel: Callable[..., None],
    stated: tuple[object, ...] = (),
    values: npt.NDArray[Any] | None = None,
    told: Mask | None = None,
) -> Mask:
    """What a kernel tells of some texts, but for nulls; it fills ``values``."""
    told = np.zeros(len(texts), bool) if told is None else told
    at = 0
    for chunk in texts.chunks:
        part = slice(at, at + len(chunk))
        results = (told[part],) if values is None else (values[part], told[part])
        kernel(*_edges_and_octets(chunk), *stated, *results)
        at = part.stop
    return told & present(texts)


def _edges_and_octets(texts: pa.Array) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.uint8]]:
    _, edges, octets = texts.buffers()
    return (
        np.frombuffer(edges, np.int32)[texts.offset : texts.offset + len(texts) + 1],
        np.frombuffer(octets or b"", np.uint8),
    )


def _octets(text: bytes) -> npt.NDArray[np.uint8]:
    return np.frombuffer(text, np.uint8)


def _placed(width: FixedWidth, fields: tuple[int, ...]) -> tuple[object, ...]:
    return _octets(width.lowest), _octets(width.highest), np.array(fields, np.int32)


def _seen(told: Mask, values: npt.NDArray[Any], kind: pa.DataType) -> Seen:
    validity = pa.py_buffer(np.packbits(told, bitorder="little"))
    return Seen(told, pa.Array.from_buffers(kind, len(told), [validity, pa.py_buffer(values)]))
