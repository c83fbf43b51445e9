"""Texts written in a usual way, told at a glance: all bytes of a column at once, without a pattern.

A glance says of a text only that it certainly is of a form, which most texts of a column are at a
fraction of what matching a pattern costs. What it does not tell is left to the pattern.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Mask = npt.NDArray[np.bool_]
Octets = npt.NDArray[np.uint8]
Places = npt.NDArray[np.int64]

_LONGEST_NUMBER = 16
HOUR = "(?:[01][0-9]|2[0-3])"
"""A pattern for the hour of a day, which a glance knows as it stands here."""

_CHARACTER = r"\[([^\\^])-([^\\])\]|\\(d)|\\?([-/: ])|([A-Za-z0-9_])"
_PIECE = re.compile(rf"({re.escape(HOUR)})|(?:{_CHARACTER})(?:\{{([0-9]+)\}})?", re.ASCII)


class Glance(Protocol):
    """A form that texts are looked at for."""

    def tells(self, texts: "Texts") -> Mask:
        """Which of the texts certainly are of the form."""
        ...


def glance(texts: pa.ChunkedArray, looks: Sequence[Glance]) -> pa.ChunkedArray:
    """Which texts are of one of some forms; false says nothing."""
    return pa.chunked_array([pa.array(_told(chunk, looks)) for chunk in texts.chunks], pa.bool_())


def _told(chunk: pa.Array, looks: Sequence[Glance]) -> Mask:
    told = np.zeros(len(chunk), bool)
    if not pa.types.is_string(chunk.type) or chunk.buffers()[2] is None:
        return told
    if chunk.null_count:
        chunk = chunk.fill_null("")
    for look in looks:
        rest = np.flatnonzero(~told)
        told[rest] = look.tells(Texts(chunk if len(rest) == len(told) else chunk.take(rest)))
    return told


class Texts:
    """An Arrow array of texts as bytes."""

    def __init__(self, array: pa.Array) -> None:
        _, edges, octets = array.buffers()
        self._array = array
        self._edges = np.frombuffer(edges, np.int32)[array.offset : array.offset + len(array) + 1]
        self._octets = np.frombuffer(octets, np.uint8)

    @cached_property
    def lengths(self) -> npt.NDArray[np.int32]:
        """How many bytes each text has."""
        lengths: npt.NDArray[np.int32] = np.diff(self._edges)
        return lengths

    @cached_property
    def octets(self) -> Octets:
        """The bytes of all texts, one after the other."""
        return self._octets[self._edges[0] : self._edges[-1]]

    @cached_property
    def starts(self) -> npt.NDArray[np.int32]:
        """Where among the bytes each text begins."""
        starts: npt.NDArray[np.int32] = self._edges[:-1] - self._edges[0]
        return starts

    def owners(self, places: Places) -> Places:
        """The texts to which the bytes at some places belong."""
        owners: Places = np.searchsorted(self._edges, places + self._edges[0], side="right") - 1
        return owners

    def filter(self, wanted: Mask) -> "Texts":
        """Some of the texts."""
        return self if wanted.all() else Texts(self._array.filter(pa.array(wanted)))


@dataclass(frozen=True)
class FixedWidth:
    """Texts that have, byte by byte, one of a range of ASCII characters.

    ``hours`` are the places of two digits that are no more than 23.
    """

    lowest: bytes
    highest: bytes
    hours: tuple[int, ...] = ()

    def tells(self, texts: Texts) -> Mask:
        """See :class:`Glance`."""
        width = len(self.lowest)
        fit: Mask = texts.lengths == width
        octets = texts.filter(fit).octets
        rows = len(octets) // width
        least, most = (np.frombuffer(edge * rows, np.uint8) for edge in (self.lowest, self.highest))
        odd = (octets < least) | (octets > most)
        fits = np.flatnonzero(fit)
        for at in self.hours:
            late = (octets[at::width] == ord("2")) & (octets[at + 1 :: width] > ord("3"))
            fit[fits[late]] = False
        fit[fits[np.flatnonzero(odd) // width]] = False
        return fit


@dataclass(frozen=True)
class PlainNumber:
    """Up to sixteen digits, with a point among them or, if ``whole``, without."""

    whole: bool = False

    def tells(self, texts: Texts) -> Mask:
        """See :class:`Glance`."""
        octets = texts.octets
        fit: Mask = (texts.lengths > 0) & (texts.lengths <= _LONGEST_NUMBER)
        if not len(octets):
            return fit
        digit = octets - ord("0") <= 9
        if not self.whole:
            point = octets == ord(".")
            digit |= point
            ends = np.minimum(texts.starts, len(octets) - 1), texts.starts + texts.lengths - 1
            fit &= np.add.reduceat(point, ends[0], dtype=np.uint8) <= 1
            fit &= ~(point[ends[0]] | point[ends[1]])
        fit[texts.owners(np.flatnonzero(~digit))] = False
        return fit


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
