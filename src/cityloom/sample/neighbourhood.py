"""A neighbourhood: the part of the city that is made, written and forgotten at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from cityloom.sample import addresses, companies, people, properties
from cityloom.sample.companies import Companies
from cityloom.sample.draws import Bools, Ints, one_of, stream
from cityloom.sample.geography import Ground
from cityloom.sample.people import HEAD, SPOUSE, People
from cityloom.sample.plan import Plan
from cityloom.sample.properties import Properties
from cityloom.sample.text import Strings, join, take

_SHARE_OWNER_OCCUPIED: Final = 0.30
_SHARE_JOINT: Final = 0.5
_SHARE_OWNED_NEXT_DOOR: Final = 0.15
_SHARE_WORKING_NEXT_DOOR: Final = 0.25
_SHARE_EMPLOYED: Final = 0.74
_SHARE_WORKPLACES_OF_COMPANIES: Final = 0.6


@dataclass(frozen=True)
class Population:
    """People and companies, or those of two neighbouring neighbourhoods one after the other."""

    person_id: Ints
    person_name: Strings
    person_number: Strings
    company_id: Ints
    company_name: Strings
    company_code: Strings


@dataclass(frozen=True)
class Neighbourhood:
    """A neighbourhood and whom its people deal with.

    `reach` is its own population followed by that of the neighbourhood before it; `employer`
    (a person's), `owner` and `joint_owner` (a property's) are positions there, -1 for none.
    `owner` is a company's where `company_owned`. `occupied` tells which properties are lived in.
    """

    number: int
    ground: Ground
    properties: Properties
    people: People
    companies: Companies
    household_records: int
    reach: Population
    employer: Ints
    owner: Ints
    joint_owner: Ints
    company_owned: Bools
    occupied: Bools
    _written: dict[str, Strings] = field(default_factory=dict, repr=False, compare=False)

    def address(self, style: str, properties: Ints) -> Strings:
        """The addresses of properties in a department's style."""
        if style not in self._written:
            self._written[style] = self._addresses(style)
        return take(self._written[style], properties)

    def subdistrict_codes(self, properties: Ints) -> Strings:
        """The subdistricts that the properties lie in."""
        codes = [place.code for place in self.ground.places]
        return take(codes, self.subdistricts(properties))

    def subdistricts(self, properties: Ints) -> Ints:
        """The subdistricts that the properties lie in, as positions in the ground's places."""
        return self.ground.buildings.subdistrict[self.properties.building[properties]]

    def districts(self, properties: Ints) -> Ints:
        """The districts that the properties lie in."""
        return _district_of(self.ground)[self.subdistricts(properties)]

    def building_codes(self, properties: Ints) -> Strings:
        """The buildings that the properties lie in."""
        return addresses.building_codes(self.ground, self.properties.building[properties])

    def unsurveyed(self, properties: Ints) -> Bools:
        """Whether the first survey of buildings does not know the properties' buildings."""
        return self.ground.buildings.unsurveyed[self.properties.building[properties]]

    def some_homes(self, rng: np.random.Generator, count: int) -> Ints:
        """`count` dwellings at random, as positions among the properties."""
        homes = _or_all(np.flatnonzero(self.properties.dwelling), len(self.properties))
        return homes[one_of(rng, len(homes), count)]

    def _addresses(self, style: str) -> Strings:
        here = self.properties.building
        buildings, position = np.unique(here, return_inverse=True)
        stem = addresses.building_addresses(self.ground, buildings, style)
        return join(take(stem, position), self.properties.room, addresses.room_suffix(style))


@dataclass(frozen=True)
class _Settled:
    properties: Properties
    people: People
    companies: Companies


def neighbourhoods(plan: Plan, start: int = 0, stop: int | None = None) -> Iterator[Neighbourhood]:
    """Every neighbourhood of the city in turn, or those from `start` up to `stop`."""
    before = _settle(plan, start - 1) if start else None
    for number in range(start, plan.neighbourhoods if stop is None else stop):
        here = _settle(plan, number)
        yield _connect(plan, number, here, before)
        before = here


def neighbourhood(plan: Plan, number: int) -> Neighbourhood:
    """One neighbourhood alone, the same as in `neighbourhoods`."""
    return next(neighbourhoods(plan, number))


def _settle(plan: Plan, number: int) -> _Settled:
    start, stop = plan.buildings(number)
    held = properties.divide(
        stream(plan.seed, "property", number),
        plan.ground,
        start,
        stop,
        int(plan.first_property[number]),
    )
    dwellings = _or_all(np.flatnonzero(held.dwelling), len(held))
    settled = people.settle(
        stream(plan.seed, "person", number),
        number,
        int(plan.people[number]),
        int(plan.first_person[number]),
        dwellings,
    )
    premises = _or_all(np.flatnonzero(~held.dwelling), len(held))
    subdistrict = plan.ground.buildings.subdistrict[held.building[premises]]
    opened = companies.found(
        stream(plan.seed, "company", number),
        count=int(plan.companies[number]),
        first_id=int(plan.first_company[number]),
        premises=premises,
        premises_district=_district_of(plan.ground)[subdistrict],
        people=settled,
    )
    return _Settled(held, settled, opened)


def _connect(plan: Plan, number: int, here: _Settled, before: _Settled | None) -> Neighbourhood:
    rng = stream(plan.seed, "ties", number)
    reach = _reach([here] if before is None else [here, before])
    company_owned = ~here.properties.dwelling & (
        rng.random(len(here.properties)) < _SHARE_WORKPLACES_OF_COMPANIES
    )
    company_owned &= len(here.companies) > 0
    owner, joint_owner, occupied = _owners(rng, here, before)
    own_companies = one_of(rng, len(here.companies), len(here.properties))
    return Neighbourhood(
        number=number,
        ground=plan.ground,
        properties=here.properties,
        people=here.people,
        companies=here.companies,
        household_records=int(plan.household_records[number]),
        reach=reach,
        employer=_employers(rng, here, before),
        owner=np.where(company_owned, own_companies, owner),
        joint_owner=np.where(company_owned, -1, joint_owner),
        company_owned=company_owned,
        occupied=occupied,
    )


def _reach(parts: list[_Settled]) -> Population:
    return Population(
        person_id=np.concatenate([p.people.first_id + np.arange(len(p.people)) for p in parts]),
        person_name=pa.concat_arrays([p.people.name for p in parts]),
        person_number=pa.concat_arrays([p.people.number for p in parts]),
        company_id=np.concatenate(
            [p.companies.first_id + np.arange(len(p.companies)) for p in parts]
        ),
        company_name=pa.concat_arrays([p.companies.name for p in parts]),
        company_code=pa.concat_arrays([p.companies.code for p in parts]),
    )


def _owners(
    rng: np.random.Generator, here: _Settled, before: _Settled | None
) -> tuple[Ints, Ints, Bools]:
    """Owner and joint owner of each property, and whether anybody lives in it."""
    count = len(here.properties)
    adults = np.flatnonzero(here.people.age >= 25)
    owner = adults[one_of(rng, len(adults), count)]
    if before is not None:
        elders = np.flatnonzero(before.people.age >= 25) + len(here.people)
        next_door = rng.random(count) < _SHARE_OWNED_NEXT_DOOR
        owner = np.where(next_door, elders[one_of(rng, len(elders), count)], owner)
    heads = np.flatnonzero(here.people.role == HEAD)
    occupied = np.zeros(count, dtype=bool)
    occupied[here.people.home] = True
    owning = heads[rng.random(len(heads)) < _SHARE_OWNER_OCCUPIED]
    owner[here.people.home[owning]] = owning
    joint = np.full(count, -1)
    married = np.append(here.people.role[1:] == SPOUSE, False)
    together = owning[married[owning] & (rng.random(len(owning)) < _SHARE_JOINT)]
    joint[here.people.home[together]] = together + 1
    return owner, joint, occupied


def _employers(rng: np.random.Generator, here: _Settled, before: _Settled | None) -> Ints:
    """A company for most people of working age; some companies have many, most have few."""
    count = len(here.people)
    age = here.people.age
    works = (age >= 18) & (age < 60) & (rng.random(count) < _SHARE_EMPLOYED)
    employer = (rng.random(count) ** 2.5 * len(here.companies)).astype(np.int64)
    if before is not None and len(before.companies):
        next_door = rng.random(count) < _SHARE_WORKING_NEXT_DOOR
        further = len(here.companies) + one_of(rng, len(before.companies), count)
        employer = np.where(next_door, further, employer)
    return np.where(works & (len(here.companies) > 0), employer, -1)


def _district_of(ground: Ground) -> Ints:
    return np.array([place.district for place in ground.places])


def _or_all(positions: Ints, count: int) -> Ints:
    return positions if len(positions) else np.arange(count)
