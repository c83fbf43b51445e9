"""Protection of large tables by hypercubes: a few cells that rise and fall together.

Repsilber's method (Giessing & Repsilber, "Tools and strategies to protect multiple tables with the
GHQUAR cell suppression engine", in "Inference Control in Statistical Databases", LNCS 2316, 2002):
a cell and a partner in each dimension span a hypercube. Where its corners rise and fall by turns,
no total changes, so that a cell whose hypercube is suppressed can move as far as the corners have
room. Here a partner may lie below another total, or be lacking: then the totals above the cell move
with it and are suppressed too, which is always possible and costs most. Of the hypercubes that have
room, the one that costs least is taken, looked for among the best partners in each dimension.
"""

from dataclasses import dataclass
from itertools import product

import numpy as np

from cityloom.release.attack import Quantity, Reach, Witness, is_possible
from cityloom.release.cells import Cells, Flags, Floats, Ints, Level, raveled

_PARTNERS = 8
"""Partners that are looked at in each dimension, besides none at all."""

_COMBINED = 1000
"""Combinations of partners that are looked at for one cell, at most about so many."""

_TRIED = 40
"""Hypercubes of which the costs are compared for one cell."""

_FARTHER = 10.0
"""How many times farther than it has to a hypercube may move, for the good of its other corners."""


@dataclass(frozen=True)
class _Dimension:
    """The categories of one dimension as a tree, of which node 0 is the root.

    ``of_cell`` is the node of each cell; ``depth`` is how far below the root each node is;
    ``paths`` has, for each leaf, the nodes from it up to the root; the leaves are numbered last,
    from ``first_leaf``.
    """

    of_cell: Ints
    depth: Ints
    paths: Ints
    first_leaf: int


@dataclass(frozen=True)
class _Option:
    """A partner in one dimension: the nodes that move, which of them rise, and what it costs."""

    nodes: Ints
    signs: Floats
    cost: float


class Hypercubes:
    """The hypercubes of a table."""

    def __init__(self, cells: Cells, weight: Floats) -> None:
        """Args: ``weight`` is what it costs to suppress each cell."""
        self._cells, self._weight = cells, weight
        self._dimensions = [_dimension(cells, chain) for chain in cells.chains]
        sizes = [int(d.of_cell.max(initial=0)) + 1 for d in self._dimensions]
        keys = raveled([d.of_cell for d in self._dimensions], "by")
        self._sizes = sizes
        self._strides = np.append(np.cumprod(sizes[::-1])[::-1][1:], 1)
        self._levels = _published(cells)
        self._order = np.argsort(keys)
        self._keys = keys[self._order]
        self._children = np.argsort(cells.parent, kind="stable")
        self._first_child = np.searchsorted(cells.parent[self._children], np.arange(len(cells) + 1))

    def protect(self, quantity: Quantity, suppressed: Flags) -> Reach:
        """Suppress what lets each cell move as far as it has to; the tables that show it."""
        reach = Reach(quantity)
        for up, need in ((False, quantity.below), (True, quantity.above)):
            for cell in np.argsort(-need, kind="stable")[: np.count_nonzero(need > 0)]:
                if (reach.up if up else reach.down)[cell] < need[cell]:
                    self._lead(reach, suppressed, int(cell), need[cell] if up else -need[cell])
        return reach

    def _lead(self, reach: Reach, suppressed: Flags, cell: int, far: float) -> None:
        """Suppress the cheapest hypercube in which a cell moves so far."""
        quantity = reach.quantity
        options = self._options(quantity, suppressed, cell, far)
        tried = sorted(product(*options), key=lambda chosen: sum(o.cost for o in chosen))
        best, least = None, np.inf
        for chosen in [*tried[:_TRIED], tuple(alone for *_, alone in options)]:
            if sum(option.cost for option in chosen) >= least:
                break
            cube = self._cube(chosen, far)
            if cube is None or not is_possible(quantity, cube):
                continue
            cost = float(self._cost(cube.cells, suppressed).sum())
            if cost < least:
                best, least = cube, cost
        if best is not None:
            suppressed[best.cells] = True
            reach.see_both_ways(_farthest(quantity, best))

    def _options(
        self, quantity: Quantity, suppressed: Flags, cell: int, far: float
    ) -> list[list[_Option]]:
        """For each dimension the partners that cost least, and none."""
        base = self._below(quantity, cell)
        at = np.array([d.of_cell[base] for d in self._dimensions])
        most = min(_PARTNERS, int(_COMBINED ** (1 / len(self._dimensions))))
        found = []
        for place, dimension in enumerate(self._dimensions):
            here = dimension.of_cell[cell]
            leaves = np.flatnonzero((dimension.paths != here).all(axis=1))
            others = np.tile(at, (len(leaves), 1))
            others[:, place] = dimension.first_leaf + leaves
            where = self._find(others @ self._strides)
            serves = (where >= 0) & ((far < 0) | (quantity.room[where] >= far))
            priced = np.where(serves, self._cost(where, suppressed), np.inf)
            near = np.argsort(priced, kind="stable")[:most]
            path = dimension.paths[at[place] - dimension.first_leaf]
            above = self._find((path[1:] - at[place]) * self._strides[place] + at @ self._strides)
            totals = float(self._cost(above[above >= 0], suppressed).sum())
            alone = _Option(path, np.ones(len(path)), totals)
            partners = [
                _partner(path, dimension.paths[leaves[n]], float(priced[n]))
                for n in near
                if np.isfinite(priced[n])
            ]
            found.append([*partners, alone])
        return found

    def _cost(self, cells: Ints, suppressed: Flags) -> Floats:
        """What it costs to suppress each of some cells too."""
        return np.where(suppressed[cells], 0.0, self._weight[cells])

    def _below(self, quantity: Quantity, cell: int) -> int:
        """A cell of the finest table that is part of a cell: at each step down, the roomiest."""
        while self._cells.level[cell]:
            first, last = self._first_child[cell : cell + 2]
            below = self._cells.child[self._children[first:last]]
            cell = int(below[np.argmax(quantity.room[below])])
        return cell

    def _find(self, keys: Ints) -> Ints:
        """The cells of some keys; below nought where there is none."""
        place = np.minimum(np.searchsorted(self._keys, keys), len(self._keys) - 1)
        return np.where(self._keys[place] == keys, self._order[place], -1)

    def _cube(self, chosen: tuple[_Option, ...], far: float) -> Witness | None:
        """The table in which the corners move; none where a corner that is published is zero."""
        keys, signs = np.zeros(1, np.int64), np.full(1, far)
        for option, stride in zip(chosen, self._strides, strict=True):
            keys = np.add.outer(keys, option.nodes * stride).ravel()
            signs = np.multiply.outer(signs, option.signs).ravel()
        where = self._find(keys)
        if (where < 0).any() and self._is_published(keys[where < 0]):
            return None
        return Witness(where[where >= 0], signs[where >= 0])

    def _is_published(self, keys: Ints) -> bool:
        """Whether one of some combinations of nodes is of a level that is published."""
        depths = [
            dimension.depth[keys // stride % size]
            for dimension, stride, size in zip(
                self._dimensions, self._strides, self._sizes, strict=True
            )
        ]
        return bool(self._levels[tuple(depths)].any())


def _dimension(cells: Cells, chain: Level) -> _Dimension:
    finest = np.flatnonzero(cells.level == 0)
    of_cell = np.zeros(len(cells), np.int64)
    paths, depths = [np.zeros(len(finest), np.int64)], [np.zeros(1, np.int64)]
    count = 1
    for start in reversed(range(len(chain))):
        keys = cells.keys(chain[start:])
        known, own = np.unique(keys[finest], return_inverse=True)
        has = np.isin(cells.level, [p for p, of in enumerate(cells.levels) if chain[start] in of])
        of_cell[has] = count + np.searchsorted(known, keys[has])
        paths.append(count + own)
        depths.append(np.full(len(known), len(chain) - start))
        count += len(known)
    leaves, first = np.unique(paths[-1], return_index=True)
    return _Dimension(
        of_cell,
        np.concatenate(depths),
        np.column_stack([path[first] for path in reversed(paths)]),
        int(leaves[0]) if len(leaves) else 1,
    )


def _published(cells: Cells) -> Flags:
    """Whether a level is published, by how far below the root it is in each dimension."""
    found = np.zeros([len(chain) + 1 for chain in cells.chains], bool)
    for level in cells.levels:
        found[tuple(len(set(chain) & set(level)) for chain in cells.chains)] = True
    return found


def _partner(path: Ints, other: Ints, cost: float) -> _Option:
    """What moves where one leaf rises and another falls: both, and what lies below no common node.

    Paths lead from a leaf to the root and are of one length.
    """
    apart = path != other
    nodes = np.concatenate([path[apart], other[apart]])
    return _Option(nodes, np.repeat([1.0, -1.0], int(apart.sum())), cost)


def _farthest(quantity: Quantity, cube: Witness) -> Witness:
    """A hypercube's table, with its corners as far away as they have room, within reason."""
    falling = cube.deviation < 0
    room = quantity.room[cube.cells[falling]]
    share = float((room / -cube.deviation[falling]).min(initial=_FARTHER))
    return Witness(cube.cells, cube.deviation * max(share, 1.0))
