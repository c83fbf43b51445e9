"""Which cells must not be known, by which rule, and how wide the doubt about each has to be.

The rules are those of Hundepool et al., "Statistical Disclosure Control" (Wiley, 2012), chapters 4
and 5. A cell is unsafe by *minimum frequency* where it has fewer contributors than the minimum; a
sum also by *(n, k) dominance* where its n largest contributors have more than k percent of it, and
by *p%* where what is left after the two largest is less than p percent of the largest, so that the
second could work the first out to within p percent. Contributions count by their absolute value.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from cityloom.release.attack import Quantity
from cityloom.release.cells import Cells, Flags, Floats
from cityloom.release.constraints import constraints
from cityloom.release.statement import Statement
from cityloom.release.tally import PEOPLE, ROWS

FREQUENCY, DOMINANCE, P_PERCENT = "minimum frequency", "dominance", "p%"


@dataclass(frozen=True)
class Risk:
    """The cells that must not be known, by rule, and the figures that tell of them."""

    by_rule: dict[str, Flags]
    quantities: list[Quantity]

    @property
    def primary(self) -> Flags:
        """The cells that some rule finds unsafe."""
        found: Flags = np.logical_or.reduce(list(self.by_rule.values()))
        return found


def risk(cells: Cells, frame: pa.Table, statement: Statement) -> Risk:
    """What must not be known of the cells of a release.

    For a count, anything between the least that it is known to be and the minimum has to be
    possible, and where the count is above that, half a minimum to both sides. For a sum it is what
    the rule that it breaks asks for: by the (n, k) rule 100/k · (the n largest) less the whole, by
    the p% rule p percent of the largest less what is left after the two largest; and for every
    unsafe cell the statement's ``protection`` in percent of the whole.
    """
    people = numbers(frame, PEOPLE)
    by_rule = {FREQUENCY: people < statement.minimum}
    wanted = {name: np.zeros(len(frame)) for name in statement.sums}
    for name in statement.sums:
        for rule, short in _rules(frame, statement, name).items():
            by_rule[rule] = by_rule.get(rule, np.zeros(len(frame), bool)) | (short > 0)
            wanted[name] = np.maximum(wanted[name], short)
    primary = np.logical_or.reduce(list(by_rule.values()))
    quantities = [
        *_counts(cells, frame, statement, primary),
        *(_sum(cells, frame, statement, primary, name, wanted[name]) for name in statement.sums),
    ]
    return Risk(by_rule, quantities)


def numbers(frame: pa.Table, name: str) -> Floats:
    """A column as numbers; null is nought."""
    found: Floats = frame.column(name).cast(pa.float64()).fill_null(0).to_numpy()
    return found


def _rules(frame: pa.Table, statement: Statement, name: str) -> dict[str, Floats]:
    """By rule, how far each sum would have to be in doubt; nought or less where it is safe."""
    total, first = numbers(frame, f"total_{name}"), numbers(frame, f"first_{name}")
    found = {}
    if statement.dominance:
        found[DOMINANCE] = numbers(frame, f"top_{name}") * 100 / statement.dominance.k - total
    if statement.p_percent:
        rest = total - first - numbers(frame, f"second_{name}")
        found[P_PERCENT] = first * statement.p_percent / 100 - rest
    near = 1e-9 * total
    return {rule: np.where(short > near, short, 0.0) for rule, short in found.items()}


def _counts(cells: Cells, frame: pa.Table, statement: Statement, primary: Flags) -> list[Quantity]:
    shown = 1.0 if statement.zeros == "shown" else 0.0
    found = [("count", ROWS, shown, True)] if statement.shows_rows else []
    for name in statement.distincts:
        least = shown if name == statement.contributor else 0.0
        found.append((f"count_distinct_{name}", f"count_distinct_{name}", least, False))
    return [
        _count(cells, name, numbers(frame, column), primary, statement.minimum, least, additive)
        for name, column, least, additive in found
    ]


def _count(
    cells: Cells,
    name: str,
    value: Floats,
    primary: Flags,
    minimum: int,
    least: float,
    additive: bool,
) -> Quantity:
    own = np.full(len(value), min(least, float(value.min(initial=least))))
    floor = cells.add_up(own) if additive else own
    below = np.where(value < minimum, value - floor, minimum / 2)
    above = np.where(value < minimum, minimum - value, minimum / 2)
    return Quantity(
        name,
        value,
        floor,
        np.where(primary, np.minimum(below, value - floor), 0.0),
        np.where(primary, above, 0.0),
        constraints(cells, value, additive),
        additive,
    )


def _sum(
    cells: Cells,
    frame: pa.Table,
    statement: Statement,
    primary: Flags,
    name: str,
    wanted: npt.NDArray[np.float64],
) -> Quantity:
    """A sum; where a contribution is negative, an attacker knows no least value."""
    value = numbers(frame, f"sum_{name}")
    negative = bool((numbers(frame, f"lowest_{name}") < 0).any())
    least = np.full(len(value), -np.inf if negative else 0.0)
    own = np.maximum(wanted, numbers(frame, f"total_{name}") * statement.protection / 100)
    above = np.where(primary, own, 0.0)
    below = np.minimum(above, value - least)
    return Quantity(f"sum_{name}", value, least, below, above, constraints(cells, value, True))
