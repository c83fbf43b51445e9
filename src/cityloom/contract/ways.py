"""Ways to judge the texts of a column: to find the values they stand for and which are sound.

The engine can be asked of any text. Where texts come again and again it is asked of each different
text once. And where there is much to read, texts written in a usual way are read at a glance, and
the engine is asked of the others alone. What comes typed, as the column stores it, is not read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.contract.forms import form_of
from cityloom.contract.glance import AnyText, Glance, Length, Seen, can_glance, fixed_width
from cityloom.contract.model import Column, Kind
from cityloom.contract.typed import exist, is_text
from cityloom.masks import Mask, mask, packed, present

_MANY_ROWS = 4_096
_FEW = 16
"""Rows for each different text of a column of few."""

_MUCH_TO_READ = 200_000
"""Rows of a batch, and surely more to come, for which it pays to load the compiled glances."""

_MOST_KNOWN = 100_000
_MOST_BYTES = 64 << 20
"""What is known of a column's texts at a time: so many of them, of so many bytes."""

_LONGEST = 1 << 40


@dataclass(frozen=True)
class Judged:
    """Texts, the values they stand for, null where one is not in its column's form, and which of
    them broke no rule.
    """

    texts: pa.ChunkedArray
    values: pa.ChunkedArray
    sound: Mask


class Look(NamedTuple):
    """What a look at some texts leaves to ask the engine, and what follows from its answer."""

    asked: pa.ChunkedArray
    judged: Callable[[Judged], Judged]


class Way(Protocol):
    """A way to judge the texts of a column, batch by batch."""

    def look(self, texts: pa.ChunkedArray) -> Look:
        """Look at the texts of a batch."""
        ...


class ByTheEngine:
    """The engine is asked of every text."""

    def look(self, texts: pa.ChunkedArray) -> Look:
        """See :class:`Way`."""
        return Look(texts, lambda answer: answer)


class EachOnce:
    """The engine is asked once of each different text; texts come out as dictionaries."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._known = nothing(column)

    def look(self, texts: pa.ChunkedArray) -> Look:
        """See :class:`Way`."""
        if len(self._known.sound) > _MOST_KNOWN or self._known.texts.nbytes > _MOST_BYTES:
            self._known = nothing(self._column)
        places = pc.index_in(texts, self._known.texts)
        if places.null_count == texts.null_count:
            return Look(texts.slice(0, 0), lambda _: self._from_known(places))
        new = pc.unique(texts.filter(pc.is_null(places))).drop_null()
        return Look(pa.chunked_array([new]), partial(self._learn, texts))

    def _learn(self, texts: pa.ChunkedArray, new: Judged) -> Judged:
        self._known = _together(self._known, new)
        return self._from_known(pc.index_in(texts, self._known.texts))

    def _from_known(self, places: pa.ChunkedArray) -> Judged:
        texts, values = self._known.texts.combine_chunks(), self._known.values.combine_chunks()
        sound = present(places) if self._column.required else np.ones(len(places), bool)
        if not self._known.sound.all():
            unsound = pc.is_in(places, pa.array(np.flatnonzero(~self._known.sound), pa.int32()))
            sound &= ~mask(unsound)
        in_values = (
            _dictionaries(places, values)
            if as_written(self._column)
            else pc.take(values, places, boundscheck=False)
        )
        return Judged(_dictionaries(places, texts), in_values, sound)


class AsTyped:
    """Values that came typed are what they are; the engine is asked for rules alone."""

    def __init__(self, column: Column) -> None:
        self._column = column

    def look(self, texts: pa.ChunkedArray) -> Look:
        """See :class:`Way`."""
        sound = exist(self._column, texts)
        if self._column.required:
            sound &= present(texts)
        return Look(pa.chunked_array([], pa.string()), lambda _: Judged(texts, texts, sound))


class AtAGlance:
    """What is written in a usual way is read at a glance, the engine is asked of the rest."""

    def __init__(self, column: Column, glance: Glance) -> None:
        self._column = column
        self._glance = glance

    def look(self, texts: pa.ChunkedArray) -> Look:
        """See :class:`Way`."""
        seen, written = self._glance.see(texts), present(texts)
        untold = written & ~seen.told
        sound = seen.told if self._column.required else ~untold
        asked = texts.filter(packed(untold)) if untold.any() else texts.slice(0, 0)
        return Look(asked, partial(self._judged, texts, seen, untold, sound))

    def _judged(
        self, texts: pa.ChunkedArray, seen: Seen, untold: Mask, sound: Mask, rest: Judged
    ) -> Judged:
        values = texts if seen.values is None else self._typed(seen.values)
        if not untold.any():
            return Judged(texts, values, sound)
        sound = sound.copy()
        sound[untold] = rest.sound
        others = rest.values.combine_chunks()
        return Judged(texts, pc.replace_with_mask(values, packed(untold), others), sound)

    def _typed(self, values: pa.Array) -> pa.ChunkedArray:
        return pa.chunked_array([values.cast(self._column.arrow_type)])


def way_to_judge(column: Column, texts: pa.ChunkedArray) -> Way:
    """The way that suits a column, as far as the texts of a first batch tell."""
    if not is_text(texts):
        return AsTyped(column)
    if column.kind is Kind.GEOMETRY or len(texts) < _MANY_ROWS:
        return ByTheEngine()
    if _FEW * pc.count_distinct(texts).as_py() <= len(texts):
        return EachOnce(column)
    glance = glance_of(column) if len(texts) >= _MUCH_TO_READ else None
    return AtAGlance(column, glance) if glance and can_glance() else ByTheEngine()


def glance_of(column: Column) -> Glance | None:
    """A glance that tells texts of the column's form, pattern and length, if there is one."""
    lengths = column.min_length or 0, _LONGEST if column.max_length is None else column.max_length
    any_length = lengths == (0, _LONGEST)
    if column.trim or column.kind is Kind.GEOMETRY:
        return None
    if column.kind is not Kind.STRING:
        return form_of(column).usual if any_length and not column.pattern else None
    if column.pattern:
        fixed = fixed_width(column.pattern)
        return fixed if fixed and lengths[0] <= len(fixed.lowest) <= lengths[1] else None
    return AnyText() if any_length else Length(*lengths)


def nothing(column: Column) -> Judged:
    """What is known of no text of a column."""
    texts, values = (pa.chunked_array([], kind) for kind in (pa.string(), column.arrow_type))
    return Judged(texts, values, np.empty(0, bool))


def as_written(column: Column) -> bool:
    """Whether a column's value is its text, so that only one of them need be kept."""
    return column.kind in (Kind.STRING, Kind.TIME, Kind.JSON) and not column.trim


def _together(some: Judged, more: Judged) -> Judged:
    return Judged(
        pa.chunked_array([*some.texts.chunks, *more.texts.chunks], some.texts.type),
        pa.chunked_array([*some.values.chunks, *more.values.chunks], some.values.type),
        np.concatenate([some.sound, more.sound]),
    )


def _dictionaries(places: pa.ChunkedArray, values: pa.Array) -> pa.ChunkedArray:
    kind = pa.dictionary(pa.int32(), values.type)
    chunks = [pa.DictionaryArray.from_arrays(chunk, values) for chunk in places.chunks]
    return pa.chunked_array(chunks, kind)
