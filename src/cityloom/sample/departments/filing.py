"""When records are filed, and into which delivery they go."""

from typing import Final

import numpy as np

from cityloom.sample.draws import Bools, Days, Ints, scramble
from cityloom.sample.people import AS_OF
from cityloom.sample.text import Strings, digits

LAST_DAY: Final = AS_OF + 180
"""30 June 2025: nothing in the sample is later."""

_SHARE_LATE: Final = 0.08


def recent(rng: np.random.Generator, earliest: Days, count: int, haste: float = 1.8) -> Days:
    """Days between `earliest` and the last day, the later the likelier with `haste`."""
    span = np.maximum(LAST_DAY - earliest, 0)
    return LAST_DAY - (span * rng.random(count) ** haste).astype(np.int64)


def month_of_2025(days: Days) -> Ints:
    """Months after January 2025; 0 for January and every day before it."""
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return np.maximum(months - (2025 - 1970) * 12, 0)


def held_back(rng: np.random.Generator, due: Bools) -> Bools:
    """Which of the records that are due come late."""
    return due & (rng.random(len(due)) < _SHARE_LATE)


def serials(ordinal: Ints, multiplier: int) -> Strings:
    """Seven digits for each ordinal, no two alike and in no telling order."""
    return digits(scramble(ordinal, 10**7, multiplier, 1_618_033), 7)
