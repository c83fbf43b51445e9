"""What a sample city of a given size consists of, and how it is cut into neighbourhoods."""

from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import Final

import numpy as np

from cityloom.errors import UsageError
from cityloom.sample import facts
from cityloom.sample.draws import Ints, apportion
from cityloom.sample.geography import Ground, lay_out

BUILDINGS_A_NEIGHBOURHOOD: Final = 512
"""About 16,000 people: what is held in memory at a time."""


@dataclass(frozen=True)
class Plan:
    """A sample city before it is written; the arrays hold one number a neighbourhood."""

    seed: int
    scale: Fraction
    ground: Ground
    people: Ints
    companies: Ints
    household_records: Ints

    @property
    def neighbourhoods(self) -> int:
        """How many neighbourhoods the city is cut into."""
        return len(self.people)

    def buildings(self, neighbourhood: int) -> tuple[int, int]:
        """The first building of a neighbourhood, and the first that is no longer in it."""
        start = neighbourhood * BUILDINGS_A_NEIGHBOURHOOD
        return start, min(start + BUILDINGS_A_NEIGHBOURHOOD, len(self.ground.buildings))

    @cached_property
    def first_person(self) -> Ints:
        """The number of each neighbourhood's first person."""
        return np.cumsum(self.people) - self.people

    @cached_property
    def first_company(self) -> Ints:
        """The number of each neighbourhood's first company."""
        return np.cumsum(self.companies) - self.companies

    @cached_property
    def first_property(self) -> Ints:
        """The number of each neighbourhood's first property."""
        held = np.add.reduceat(self.ground.buildings.properties, _starts(self.ground))
        return np.cumsum(held) - held


def make_plan(scale: Fraction | float, seed: int) -> Plan:
    """The plan of a city of `scale` times the reference city's size."""
    size = Fraction(scale).limit_denominator(10**9)
    if not 0 < size <= 1:
        raise UsageError(f"the scale of a sample city is above 0 and at most 1, not {scale}")
    ground = lay_out(seed, _scaled(facts.BUILDINGS, size), _scaled(facts.PROPERTIES, size))
    starts = _starts(ground)
    dwelling = np.add.reduceat(ground.buildings.dwelling_weight, starts)
    work = np.add.reduceat(ground.buildings.work_weight, starts)
    people = apportion(_scaled(facts.PEOPLE, size), dwelling)
    return Plan(
        seed=seed,
        scale=size,
        ground=ground,
        people=people,
        companies=apportion(_scaled(facts.COMPANIES, size), work),
        household_records=apportion(_scaled(facts.HOUSEHOLD_RECORDS, size), people.astype(float)),
    )


def _scaled(total: int, scale: Fraction) -> int:
    return max(round(total * scale), 1)


def _starts(ground: Ground) -> Ints:
    return np.arange(0, len(ground.buildings), BUILDINGS_A_NEIGHBOURHOOD)
