"""Which further cells to suppress, so that none that must not be known can be worked out.

The method is the sequence of linear programmes of Kelly, Golden & Assad ("Cell suppression:
disclosure protection for sensitive tabular data", Networks 22, 1992), which Fischetti & Salazar
(2001) use as their heuristic: seek the table that differs least, by weight, from the true one while
a cell differs as much as it must be able to. The cells in which it differs are suppressed; after
that, they cost nothing. Here several cells are led apart at once, some up and some down, and each
table found is tried on all cells, and mirrored.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cityloom.release.attack import Programme, Quantity, Reach, audit, look_together, seek
from cityloom.release.cells import Cells, Flags, Floats, Ints
from cityloom.release.hypercube import Hypercubes

_SOLVED = {1: 20_000, 2: 10_000}
_SOLVED_OTHERWISE = 1_500
"""How many cells programmes are used for, by the number of dimensions; beyond, hypercubes."""

_PATIENCE = 20
"""Rounds without a cell less to be led apart after which the audit may say what is left."""

_BATCHES = 20
_BEFORE_LOOKING = 5
"""Cells are led apart in so many batches, of which so many go before it is looked again which
are led apart already."""


@dataclass(frozen=True)
class Protected:
    """Which cells are suppressed, the tables that show that it is enough, and the method."""

    suppressed: Flags
    reaches: tuple[Reach, ...]
    method: str


def weights(cells: Cells, rows: Floats) -> Floats:
    """What it costs to suppress each cell: a little more where it holds more, much in a total."""
    depth = np.array([len(cells.levels[0]) - len(level) for level in cells.levels])
    weighed: Floats = (1 + np.log1p(rows)) * (1.0 + 3.0 * depth[cells.level])
    return weighed


def protect(
    cells: Cells,
    quantities: Sequence[Quantity],
    primary: Flags,
    weight: Floats,
    by_hypercubes: bool | None = None,
) -> Protected:
    """The cells to suppress: the primary ones, and those that keep them from being worked out.

    Args:
        cells: all cells.
        quantities: the figures that can be known from the release.
        primary: the cells that must not be known.
        weight: what it costs to suppress each cell.
        by_hypercubes: whether to use them in place of programmes; by size where not said.
    """
    large = len(cells) > _SOLVED.get(len(cells.chains), _SOLVED_OTHERWISE)
    suppressed = primary.copy()
    if large if by_hypercubes is None else by_hypercubes:
        hypercubes = Hypercubes(cells, weight)
        found = [
            _completed(hypercubes.protect(quantity, suppressed), suppressed, weight)
            for quantity in quantities
        ]
        method = "hypercubes"
    else:
        found = [by_programmes(quantity, suppressed, weight) for quantity in quantities]
        method = "linear programmes"
    return Protected(suppressed, tuple(found), method)


def _completed(reach: Reach, suppressed: Flags, weight: Floats) -> Reach:
    """What hypercubes did; where an audit finds a cell that falls short, programmes go on."""
    audited = audit(reach.quantity, suppressed, reach.witnesses)
    if not np.logical_or(*audited.short()).any():
        return reach
    return by_programmes(reach.quantity, suppressed, weight)


def by_programmes(quantity: Quantity, suppressed: Flags, weight: Floats) -> Reach:
    """Suppress what one quantity needs; the tables that show that it is enough."""
    chance = np.random.default_rng(0)
    reach = Reach(quantity)
    every = Programme(quantity, np.arange(len(suppressed)), primal=False)
    left, fruitless = np.arange(0), 0
    while fruitless < _PATIENCE:
        look_together(Programme(quantity, np.flatnonzero(suppressed)), reach)
        before, left = left, np.flatnonzero(np.logical_or(*reach.short()))
        if not len(left):
            break
        fruitless = fruitless + 1 if len(left) == len(before) else 0
        batches = np.array_split(chance.permutation(left), min(len(left), _BATCHES))
        for batch in batches[:_BEFORE_LOOKING]:
            down, up = (_among(short, batch) for short in reach.short())
            heads = chance.random(len(suppressed)) < 0.5
            cost = np.where(suppressed, 0.0, weight)
            rising, falling = up & (heads | ~down), down & ~(heads & up)
            suppressed[seek(every, reach, rising, falling, cost)] = True
    return reach


def _among(flags: Flags, cells: Ints) -> Flags:
    """The flags of some cells, false elsewhere."""
    found = np.zeros(len(flags), bool)
    found[cells] = flags[cells]
    return found
