"""Figures as multiples of a base: the nearest, or by a chance that is the same every time.

Random rounding goes up with the probability by which the figure's mean stays what it was. Its
chance is drawn from the city's secret and the cell, so that a cell is rounded alike in whatever
release it comes and however often: the mean of many releases tells no more than one.
"""

from collections.abc import Iterator

import numpy as np

from cityloom.release.cells import Floats
from cityloom.release.statement import Rounding
from cityloom.release.tally import Tally
from cityloom.secret import keyed

_PURPOSE = "release rounding"
_DIGITS = 13
"""Hexadecimal digits of a keyed name that make a chance: as many as a float holds."""


def rounded(value: Floats, rounding: Rounding, chance: Floats) -> Floats:
    """Multiples of the base.

    Args:
        value: the figures.
        rounding: how to round.
        chance: for each figure a number from 0 up to 1.
    """
    parts = value / rounding.base
    if rounding.how == "nearest":
        return np.floor(parts + 0.5) * rounding.base
    whole = np.floor(parts)
    return (whole + (chance < parts - whole)) * rounding.base


def chances(secret: bytes, dataset: str, figure: str, tally: Tally) -> Floats:
    """For each cell a number from 0 up to 1, by secret, dataset, figure and cell."""
    names = _names(tally)
    drawn = (keyed(secret, _PURPOSE, dataset, figure, *name)[:_DIGITS] for name in names)
    return np.array([int(digits, 16) / 16**_DIGITS for digits in drawn])


def _names(tally: Tally) -> Iterator[list[str]]:
    """What tells each cell from all others, in whatever release: columns and categories."""
    ordered = [sorted(of) for of in tally.levels]
    rows = tally.frame.select(tally.levels[0]).to_pylist()
    for row, place in zip(rows, tally.level, strict=True):
        yield [part for name in ordered[place] for part in (name, _written(row[name]))]


def _written(value: object) -> str:
    return "" if value is None else f"={value}"
