"""Tables of counts for tests, and an attacker of their own who shares no code with the audit."""

from dataclasses import dataclass
from itertools import product

import highspy
import numpy as np
import pyarrow as pa

from cityloom.release.attack import Quantity
from cityloom.release.cells import Cells, cells_of, levels_of
from cityloom.release.constraints import constraints


@dataclass(frozen=True)
class Counts:
    """A table of counts with its totals; ``parts`` are the finest cells that make up each cell."""

    cells: Cells
    value: np.ndarray
    parts: list[list[int]]


def counts(chains: list[tuple[str, ...]], rows: dict[tuple, int]) -> Counts:
    """The cells of a table: ``rows`` has the count of each combination of all columns."""
    order = [column for chain in chains for column in chain]
    levels = levels_of(chains)
    finest = [key for key, number in rows.items() if number]
    keys, place, parts = [], [], []
    for number, level in enumerate(levels):
        groups: dict[tuple, list[int]] = {}
        for index, key in enumerate(finest):
            shown = tuple(v if c in level else None for c, v in zip(order, key, strict=True))
            groups.setdefault(shown, []).append(index)
        keys += list(groups)
        parts += list(groups.values())
        place += [number] * len(groups)
    frame = pa.table({name: [key[i] for key in keys] for i, name in enumerate(order)})
    value = np.array([sum(rows[finest[i]] for i in part) for part in parts], float)
    return Counts(cells_of(chains, levels, frame, np.array(place)), value, parts)


def quantity(table: Counts, minimum: int, floor: float = 1.0) -> tuple[Quantity, np.ndarray]:
    """What has to be in doubt about each small count: all from the least up to the minimum."""
    primary = table.value < minimum
    least = np.array([floor * len(part) for part in table.parts])
    found = Quantity(
        "count",
        table.value,
        least,
        np.where(primary, table.value - least, 0.0),
        np.where(primary, minimum - table.value, 0.0),
        constraints(table.cells, table.value, True),
    )
    return found, primary


class Attacker:
    """Knows each published cell as the sum of finest cells, and a least value of those."""

    def __init__(self, table: Counts, suppressed: np.ndarray, floor: float) -> None:
        self.table = table
        self.model = highspy.Highs()
        self.model.silent()
        finest = int((table.cells.level == 0).sum())
        self.unknown = [self.model.addVariable(lb=floor) for _ in range(finest)]
        for index in np.flatnonzero(~suppressed):
            self.model.addConstr(self.of(index) == float(table.value[index]))

    def of(self, index: int) -> highspy.highs_linear_expression:
        return sum((self.unknown[i] for i in self.table.parts[index]), 0 * self.unknown[0])

    def between(self, index: int) -> tuple[float, float]:
        """The least and the greatest that a cell may be."""
        self.model.minimize(self.of(index))
        low = self.model.getObjectiveValue()
        self.model.maximize(self.of(index))
        unbounded = self.model.getModelStatus() != highspy.HighsModelStatus.kOptimal
        return low, np.inf if unbounded else self.model.getObjectiveValue()


def whole_tables(table: Counts, suppressed: np.ndarray, most: int) -> list[list[int]]:
    """Every table of whole numbers from one on that agrees with what is published."""
    finest = int((table.cells.level == 0).sum())
    shown = np.flatnonzero(~suppressed)
    return [
        list(guess)
        for guess in product(range(1, most + 1), repeat=finest)
        if all(sum(guess[i] for i in table.parts[c]) == table.value[c] for c in shown)
    ]
