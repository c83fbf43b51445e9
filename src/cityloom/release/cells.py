"""The cells of a release: of the finest table and of every total, and how they add up.

A *level* is the set of columns that its cells are told apart by: the finest table has all of them,
the grand total none. A cell of a coarser level is the sum of those below it in a finer one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from cityloom.errors import UsageError

Level = tuple[str, ...]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_KEYS = 2**62


@dataclass(frozen=True)
class Cells:
    """Which cells there are and what sums up to what.

    ``chains`` has the columns of each dimension, the finest first.
    ``level`` is the place of each cell's level in ``levels``, of which the first is the finest;
    ``columns`` has the code of each cell's category by column, and means nothing where the level
    has not the column. ``parent`` and ``child`` are pairs of cells: a parent is the sum of its
    children.
    """

    chains: tuple[Level, ...]
    levels: tuple[Level, ...]
    level: Ints
    columns: dict[str, Ints]
    parent: Ints
    child: Ints

    def __len__(self) -> int:
        return len(self.level)

    def add_up(self, finest: Floats) -> Floats:
        """What figures of the finest cells come to in all cells; others are not looked at."""
        found = np.where(self.level == 0, finest, 0.0)
        for place in range(1, len(self.levels)):
            pairs = self.level[self.parent] == place
            children = found[self.child[pairs]]
            found += np.bincount(self.parent[pairs], children, len(self))
        return found

    def keys(self, columns: Level) -> Ints:
        """One number for each combination of categories of some columns."""
        if not columns:
            return np.zeros(len(self), np.int64)
        return raveled([self.columns[name] for name in columns], ", ".join(columns))


def raveled(codes: Sequence[Ints], what: str) -> Ints:
    """One number for each combination of codes.

    Raises:
        UsageError: there may be too many of them.
    """
    sizes = [int(code.max(initial=0)) + 1 for code in codes]
    if float(np.prod(np.array(sizes, float))) > _KEYS:
        raise UsageError(f"{what}: too many categories together; group coarser")
    keys: Ints = np.ravel_multi_index(list(codes), sizes).astype(np.int64)
    return keys


def levels_of(chains: Sequence[Level], totals: str | Sequence[Level] = "all") -> tuple[Level, ...]:
    """The levels of a release, the finest first, each with what its columns roll up to.

    Args:
        chains: for each dimension its columns, the finest first.
        totals: ``all``, ``none``, or the levels that are wanted.
    """
    order = [column for chain in chains for column in chain]
    ends = product(*(range(len(chain) + 1) for chain in chains))
    every = [
        tuple(c for chain, end in zip(chains, level, strict=True) for c in chain[end:])
        for level in ends
    ]
    if totals == "all":
        return tuple(every)
    asked = [] if isinstance(totals, str) else totals
    closed = {_closed(level, chains) for level in asked}
    kept = [level for level in every[1:] if frozenset(level) in closed]
    return (tuple(order), *kept)


def _closed(level: Level, chains: Sequence[Level]) -> frozenset[str]:
    """A level's columns and those that they roll up to."""
    found = [chain[min(map(chain.index, own)) :] for chain in chains
             if (own := set(level) & set(chain))]  # fmt: skip
    return frozenset(column for chain in found for column in chain)


def cells_of(
    chains: Sequence[Level], levels: Sequence[Level], frame: pa.Table, level: Ints
) -> Cells:
    """The cells whose categories are the rows of a frame, and what sums up to what.

    Args:
        chains: the columns of each dimension, the finest first.
        levels: the levels, the finest first.
        frame: the category of each cell by column, at least those of the finest level.
        level: the place of each row's level.
    """
    nothing = np.empty(0, np.int64)
    codes = {name: _codes(frame.column(name)) for name in levels[0]}
    cells = Cells(tuple(chains), tuple(levels), level, codes, nothing, nothing)
    parents, children = [nothing], [nothing]
    members = [np.flatnonzero(level == place) for place in range(len(levels))]
    for place in range(1, len(levels)):
        finer = [p for p in range(len(levels)) if set(levels[p]) > set(levels[place])]
        below = members[min(finer, key=lambda p: len(members[p]))]
        parents.append(_matched(cells.keys(levels[place]), members[place], below))
        children.append(below)
    return replace(cells, parent=np.concatenate(parents), child=np.concatenate(children))


def _matched(keys: Ints, above: Ints, below: Ints) -> Ints:
    """For each cell below, the one above that it is part of."""
    order = above[np.argsort(keys[above], kind="stable")]
    return order[np.searchsorted(keys[order], keys[below])]


def _codes(column: pa.ChunkedArray) -> Ints:
    """A number for each category; null is one of its own."""
    encoded = pc.dictionary_encode(column, null_encoding="encode").combine_chunks()
    chunk = encoded if isinstance(encoded, pa.DictionaryArray) else encoded.chunk(0)
    codes: Ints = chunk.indices.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes
