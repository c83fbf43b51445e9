"""What is written of a neighbourhood: blocks of delivery files, and the truth behind them.

A part depends on the city's scale and seed and the neighbourhood's number alone, so that parts can
be made by several processes; only their order in the files is left to whoever writes them.
"""

from collections import Counter
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from typing import Final, NamedTuple

import numpy as np

from cityloom.sample import truth
from cityloom.sample.departments import DEPARTMENTS, health_insurance
from cityloom.sample.dirt import damage
from cityloom.sample.draws import stream
from cityloom.sample.neighbourhood import Neighbourhood, neighbourhoods
from cityloom.sample.plan import Plan, make_plan
from cityloom.sample.records import Department, Records
from cityloom.sample.write import Block, block_of, format_of

NEIGHBOURHOODS_A_STRETCH: Final = 4
"""How many a process makes at a time: each needs the people of the one before it."""


@dataclass(frozen=True)
class Filed:
    """Rows that go into one file, with their truth; ordinals count from 1."""

    dataset: str
    name: str
    rows: int
    block: Block
    truths: list[truth.Grown]
    faults: Counter[str]


@dataclass(frozen=True)
class Part:
    """All that is written of one neighbourhood; `members` have a health insurance number."""

    number: int
    entities: list[truth.Grown]
    filed: list[Filed]
    members: int


class Stretch(NamedTuple):
    """Some neighbourhoods of a city of this scale and seed, one after the other."""

    scale: Fraction
    seed: int
    start: int
    stop: int


def stretches(plan: Plan) -> list[Stretch]:
    """The city's neighbourhoods as processes make them."""
    starts = range(0, plan.neighbourhoods, NEIGHBOURHOODS_A_STRETCH)
    stops = [min(start + NEIGHBOURHOODS_A_STRETCH, plan.neighbourhoods) for start in starts]
    return [Stretch(plan.scale, plan.seed, *ends) for ends in zip(starts, stops, strict=True)]


def parts(stretch: Stretch) -> list[Part]:
    """The parts of some neighbourhoods."""
    plan = _plan(stretch.scale, stretch.seed)
    return [_part(plan.seed, hood) for hood in neighbourhoods(plan, stretch.start, stretch.stop)]


_plan = lru_cache(maxsize=1)(make_plan)


def _part(seed: int, hood: Neighbourhood) -> Part:
    filed: list[Filed] = []
    members = 0
    for department in DEPARTMENTS:
        rng = stream(seed, department.dataset, hood.number)
        records = department.make(hood, rng, f"{hood.number:06d}")
        if department is health_insurance.DEPARTMENT:
            members = int((~records.repeats).sum())
        filed += file_away(rng, department, records, department.files)
    return Part(hood.number, truth.entities_of(hood), filed, members)


def file_away(
    rng: np.random.Generator, department: Department, records: Records, names: tuple[str, ...]
) -> list[Filed]:
    """The records, damaged, by the file that each goes into."""
    dataset, file_format = department.dataset, format_of(names[0])
    dirty = damage(rng, records, department, file_format)
    bounds = np.searchsorted(dirty.records.delivery, np.arange(len(names) + 1)).tolist()
    filed = []
    for name, start, stop in zip(names, bounds, bounds[1:], strict=False):
        if start == stop:
            continue
        some = dirty.records.slice(start, stop)
        spoiled = {row - start: kind for row, kind in dirty.spoiled.items() if start <= row < stop}
        block = block_of(dataset, file_format, some.columns, spoiled)
        faults = Counter({kind: len(rows) for kind, rows in some.faults.items()})
        truths = truth.records_of(dataset, name, some)
        filed.append(Filed(dataset, name, len(some), block, truths, faults))
    return filed
