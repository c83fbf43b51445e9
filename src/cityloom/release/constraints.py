"""What ties the cells of a release together: linear constraints on how they may deviate at once."""

from dataclasses import dataclass

import numpy as np

from cityloom.release.cells import Cells, Floats, Ints

_NEAR = 1e-9


@dataclass(frozen=True)
class Constraints:
    """Sums over cells, each between bounds.

    Entries are sorted by cell: those of cell ``i`` are at ``start[i]`` up to ``start[i + 1]``.
    """

    start: Ints
    row: Ints
    factor: Floats
    lower: Floats
    upper: Floats

    def of_cells(self, cells: Ints) -> tuple[Ints, Ints, Floats]:
        """The entries of some cells: which of those cells, which row, which factor."""
        counts = self.start[cells + 1] - self.start[cells]
        place = np.repeat(np.arange(len(cells)), counts)
        first = np.repeat(self.start[cells] - (np.cumsum(counts) - counts), counts)
        entry = first + np.arange(len(place))
        return place, self.row[entry], self.factor[entry]

    def hold(self, cells: Ints, deviation: Floats, near: float) -> bool:
        """Whether all sums stay between their bounds where some cells deviate so."""
        place, row, factor = self.of_cells(cells)
        used, inverse = np.unique(row, return_inverse=True)
        sums = np.bincount(inverse, factor * deviation[place], len(used))
        low, high = self.lower[used] - near, self.upper[used] + near
        return bool(((sums >= low) & (sums <= high)).all())


def constraints(cells: Cells, value: Floats, additive: bool) -> Constraints:
    """The constraints on deviations from the values of cells.

    Sums stay sums. Of distinct values, a parent is at most the sum of its children and at least
    each of them; where it is their sum throughout a level, it has to stay that.
    """
    parents, row = np.unique(cells.parent, return_inverse=True)
    slack = np.bincount(row, value[cells.child], len(parents)) - value[parents]
    entries = [(row, cells.child, 1.0), (np.arange(len(parents)), parents, -1.0)]
    lower, upper = np.zeros(len(parents)), np.zeros(len(parents))
    if not additive:
        partial = np.unique(cells.level[parents[slack > _NEAR]])
        loose = np.isin(cells.level[parents], partial)
        lower[loose], upper[loose] = -slack[loose], np.inf
        pairs = np.flatnonzero(loose[row])
        above, below = cells.parent[pairs], cells.child[pairs]
        own = len(parents) + np.arange(len(pairs))
        entries += [(own, above, 1.0), (own, below, -1.0)]
        lower = np.append(lower, value[below] - value[above])
        upper = np.append(upper, np.full(len(pairs), np.inf))
    return _sorted(entries, lower, upper, len(cells))


def _sorted(
    entries: list[tuple[Ints, Ints, float]], lower: Floats, upper: Floats, count: int
) -> Constraints:
    row = np.concatenate([rows for rows, _, _ in entries])
    cell = np.concatenate([of for _, of, _ in entries])
    factor = np.concatenate([np.full(len(rows), by) for rows, _, by in entries])
    order = np.argsort(cell, kind="stable")
    start = np.searchsorted(cell[order], np.arange(count + 1))
    return Constraints(start, row[order], factor[order], lower, upper)
