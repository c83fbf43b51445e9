"""What an attacker can work out of the cells that are not published: a linear programme.

The attacker knows every published cell, what sums up to what, and a least value of each suppressed
cell. All tables that agree with this are possible; between the smallest and the largest value that
a cell has among them lies its *feasible interval* (Fischetti & Salazar, "Solving the cell
suppression problem on tabular data with linear constraints", Management Science 47, 2001). Tables
are written as deviations from the true one, so that zero is always possible.

The programmes are solved by HiGHS (Huangfu & Hall, Mathematical Programming Computation 10, 2018).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import highspy
import numpy as np
from highspy._core import _Highs

from cityloom.errors import UsageError
from cityloom.release.cells import Flags, Floats, Ints
from cityloom.release.constraints import Constraints

NEAR = 1e-6
"""How far a sum may be off, in units of a quantity's scale: a solver is no more exact."""

_NOTHING = 1e-8
"""Up to here a deviation is none."""

LURE = 1e5
"""What it gains to move a cell that has to move by one unit: more than any way can cost."""

_PRIMAL = 4
"""The number that HiGHS has for the primal simplex method."""

_PATIENCE = 3
_FRUIT = 0.05
"""Cells are sought together until so many times less than this share of them were found."""


@dataclass(frozen=True)
class Quantity:
    """A figure of each cell that can be known from a release, and how closely it may be.

    Attributes:
        name: what the figure is.
        value: the figure of each cell.
        least: what an attacker knows each suppressed cell to be at least; may be minus infinity.
        below, above: how far below and above its value the feasible interval of each cell has to
            reach; nought for cells that need no protection.
        constraints: what ties the cells together, see :mod:`cityloom.release.constraints`.
        additive: whether parents are the sums of their children. Where not, as for distinct
            values, they are not.
    """

    name: str
    value: Floats
    least: Floats
    below: Floats
    above: Floats
    constraints: Constraints
    additive: bool = True

    @cached_property
    def room(self) -> Floats:
        """How far each cell can go down."""
        return self.value - self.least

    @cached_property
    def scale(self) -> float:
        """A unit in which numbers are of a size that a solver likes."""
        needed = np.concatenate([self.below, self.above])
        positive = needed[needed > 0]
        return float(np.median(positive)) if len(positive) else 1.0


@dataclass(frozen=True)
class Witness:
    """A possible table, by the cells in which it differs from the true one and by how much."""

    cells: Ints
    deviation: Floats


class Reach:
    """How far down and up each cell is seen to go, by the possible tables that were found."""

    def __init__(self, quantity: Quantity) -> None:
        """Nothing is seen yet."""
        self.quantity = quantity
        self.down = np.zeros(len(quantity.value))
        self.up = np.zeros(len(quantity.value))
        self.witnesses: list[Witness] = []

    def see(self, witness: Witness) -> None:
        """Take note of a possible table."""
        where, deviation = witness.cells, witness.deviation
        new = (deviation > self.up[where]) | (-deviation > self.down[where])
        needed = (self.quantity.above[where] > 0) | (self.quantity.below[where] > 0)
        if (new & needed).any():
            self.witnesses.append(witness)
        self.up[where] = np.maximum(self.up[where], deviation)
        self.down[where] = np.maximum(self.down[where], -deviation)

    def see_both_ways(self, witness: Witness) -> None:
        """Take note of a possible table and, of sums, its mirror image as far as that goes."""
        self.see(witness)
        if not self.quantity.additive:
            return
        rising = witness.deviation > 0
        room = self.quantity.room[witness.cells[rising]]
        share = float((room / witness.deviation[rising]).min(initial=1.0))
        self.see(Witness(witness.cells, -witness.deviation * share))

    def short(self) -> tuple[Flags, Flags]:
        """Which cells do not go down, and which not up, as far as they have to."""
        near = NEAR * self.quantity.scale
        below, above = self.quantity.below, self.quantity.above
        return self.down < below - near, self.up < above - near


class Programme:
    """Possible deviations of some cells, of which linear functions are made as small as can be."""

    def __init__(self, quantity: Quantity, free: Ints, primal: bool = True) -> None:
        """A programme that is solved many times over, each time from the last solution on.

        Args:
            quantity: the figure that deviates.
            free: the cells that may deviate; the others are what they are.
            primal: whether to use the primal simplex method, which is faster where most costs are
                nought, or let the solver choose.
        """
        self.quantity, self.scale = quantity, quantity.scale
        self.free = free
        self._size = len(quantity.value)
        self._room = quantity.room[free] / self.scale
        self._solver = _solver(primal)
        self._pass()

    def least(self, falls: Floats, rises: Floats, down: Floats, up: Floats) -> Floats:
        """The deviation of every cell that costs least.

        Args:
            falls, rises: what a unit down and up costs, for each free cell.
            down, up: how far each free cell may go at most.

        Raises:
            UsageError: the solver found no answer, so that nothing can be said of the cells.
        """
        count = len(self.free)
        places = np.arange(2 * count, dtype=np.int32)
        costs = np.concatenate([falls, rises])
        limits = np.concatenate([np.minimum(down / self.scale, self._room), up / self.scale])
        self._solver.changeColsCost(2 * count, places, costs)
        self._solver.changeColsBounds(2 * count, places, np.zeros(2 * count), limits)
        self._solver.run()
        if (ended := self._solver.getModelStatus()) != highspy.HighsModelStatus.kOptimal:
            said = self._solver.modelStatusToString(ended)
            raise UsageError(f"HiGHS gave no answer ({said}); nothing was published, try again")
        found = np.array(self._solver.getSolution().col_value)
        deviation = np.zeros(self._size)
        deviation[self.free] = (found[count:] - found[:count]) * self.scale
        return deviation

    def _pass(self) -> None:
        count = len(self.free)
        place, row, factor = self.quantity.constraints.of_cells(self.free)
        used, row = np.unique(row, return_inverse=True)
        order = np.argsort(row, kind="stable")
        start = np.searchsorted(row[order], np.arange(len(used) + 1))
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = 2 * count, len(used)
        model.col_cost_, model.col_lower_, model.col_upper_ = (np.zeros(2 * count),) * 3
        model.row_lower_ = self.quantity.constraints.lower[used] / self.scale
        model.row_upper_ = self.quantity.constraints.upper[used] / self.scale
        model.a_matrix_.format_ = highspy.MatrixFormat.kRowwise
        model.a_matrix_.start_ = 2 * start
        model.a_matrix_.index_ = np.column_stack([place, place + count])[order].ravel()
        model.a_matrix_.value_ = np.column_stack([-factor, factor])[order].ravel()
        self._solver.passModel(model)


def _solver(primal: bool) -> Any:
    solver = _Highs()  # highspy.Highs prints a banner where it is made
    solver.setOptionValue("output_flag", False)
    if primal:
        solver.setOptionValue("presolve", "off")
        solver.setOptionValue("simplex_strategy", _PRIMAL)
    return solver


def audit(quantity: Quantity, suppressed: Flags, witnesses: Sequence[Witness] = ()) -> Reach:
    """How far each cell that needs it can go in the tables that agree with what is published.

    A cell that falls short in :meth:`Reach.short` was sought on its own and goes no further.

    Args:
        quantity: the figure that is attacked.
        suppressed: the cells that are not published.
        witnesses: tables that are said to be possible; those that are save programmes.
    """
    reach = Reach(quantity)
    for witness in witnesses:
        if suppressed[witness.cells].all() and is_possible(quantity, witness):
            reach.see(witness)
    if not np.logical_or(*reach.short()).any():
        return reach
    programme = Programme(quantity, np.flatnonzero(suppressed))
    look_together(programme, reach)
    for up in (False, True):
        for cell in programme.free:
            if reach.short()[up][cell]:
                alone = programme.free == cell
                seek(programme, reach, alone & up, alone & (not up))
    return reach


def is_possible(quantity: Quantity, witness: Witness) -> bool:
    """Whether the values of a table are possible, and its sums, whatever is published."""
    near = NEAR * quantity.scale
    where, deviation = witness.cells, witness.deviation
    has_room = bool((deviation >= -quantity.room[where] - near).all())
    return has_room and quantity.constraints.hold(where, deviation, near)


def look_together(programme: Programme, reach: Reach) -> None:
    """Find tables in which many cells go as far as they have to, some up and some down."""
    chance = np.random.default_rng(0)
    fruitless = 0
    while fruitless < _PATIENCE and len(programme.free):
        down, up = (short[programme.free] for short in reach.short())
        if not (left := int(down.sum() + up.sum())):
            break
        heads = chance.random(len(down)) < 0.5
        seek(programme, reach, up & (heads | ~down), down & ~(heads & up))
        found = left - sum(int(short.sum()) for short in reach.short())
        fruitless = 0 if found > left * _FRUIT else fruitless + 1


def seek(
    programme: Programme, reach: Reach, up: Flags, down: Flags, cost: Floats | None = None
) -> Ints:
    """Take note of a table in which some free cells go up and others down, as they have to.

    Args:
        up, down: which of the free cells.
        cost: what it costs that a free cell deviates by one unit.

    Returns:
        The cells that deviate.
    """
    quantity, free = reach.quantity, programme.free
    cost = np.zeros(len(free)) if cost is None else cost
    farthest = np.where(up | down, 0.0, np.inf)
    deviation = programme.least(
        np.where(down, -LURE, cost),
        np.where(up, -LURE, cost),
        np.where(down, quantity.below[free], farthest),
        np.where(up, quantity.above[free], farthest),
    )
    moved = np.flatnonzero(np.abs(deviation) > _NOTHING * quantity.scale)
    witness = Witness(moved, deviation[moved])
    if is_possible(quantity, witness):
        reach.see_both_ways(witness)
    return moved
