"""What events point to: members, companies, buildings and rooms, by the departments' own keys."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np

from cityloom.sample import addresses
from cityloom.sample.departments.company_registration import registration_numbers
from cityloom.sample.departments.health_insurance import insurance_numbers
from cityloom.sample.draws import Ints, one_of, scramble
from cityloom.sample.plan import BUILDINGS_A_NEIGHBOURHOOD, Plan
from cityloom.sample.text import Strings, digits, take

_PUBLIC: Final = 5
_LARGE_HOSPITALS: Final = 40
_SHARE_LARGE: Final = 0.3
_SHARE_ELSEWHERE: Final = 0.1
_NEIGHBOURING: Final = 3
"""Clinics that people choose among, the nearest most often."""

_CLINICS: Final = 3
"""One of so many public buildings is a clinic."""

_SHUFFLE: Final = 2_654_435_761


@dataclass(frozen=True)
class Footing:
    """A city as events see it; `members` counts the insured by neighbourhood."""

    plan: Plan
    members: Ints

    def some_members(self, rng: np.random.Generator, count: int) -> Ints:
        """Members, some of them much more often than others: a tenth has a third of all."""
        total = max(int(self.members.sum()), 1)
        rank = (rng.random(count) ** 2 * total).astype(np.int64)
        return scramble(rank, total, _SHUFFLE)

    def insurance_numbers(self, members: Ints) -> Strings:
        """The number that each member has with the health insurance."""
        hood, turn = _within(self.members, members)
        return insurance_numbers(digits(hood, 6), turn)

    def clinics(self, rng: np.random.Generator, members: Ints) -> Ints:
        """A clinic near each member's home, or one of the city's large hospitals; buildings."""
        clinics = self._clinics
        home = self._building_of(self.members, members)
        near = np.searchsorted(clinics, home) + rng.geometric(1 / _NEIGHBOURING, len(members))
        large = min(_LARGE_HOSPITALS, len(clinics))
        famed = (rng.random(len(members)) ** 2 * large).astype(np.int64) * (len(clinics) // large)
        chosen = np.where(rng.random(len(members)) < _SHARE_LARGE, famed, near % len(clinics))
        return clinics[chosen]

    def some_companies(self, rng: np.random.Generator, count: int) -> Ints:
        """Companies, some of them much more often than others."""
        total = max(int(self.plan.companies.sum()), 1)
        rank = (rng.random(count) ** 2.5 * total).astype(np.int64)
        return scramble(rank, total, _SHUFFLE)

    def registration_numbers(self, companies: Ints) -> Strings:
        """The number that each company has in the register of companies."""
        return registration_numbers(companies)

    def offices(self, rng: np.random.Generator, companies: Ints) -> Strings:
        """The subdistrict whose office serves each company, now and then another one's."""
        built = self.plan.ground.buildings
        near = self._building_of(self.plan.companies, companies)
        away = rng.random(len(companies)) < _SHARE_ELSEWHERE
        building = np.where(away, one_of(rng, len(built), len(companies)), near)
        codes = [place.code for place in self.plan.ground.places]
        return take(codes, built.subdistrict[building])

    def a_round(self, rng: np.random.Generator, count: int) -> Ints:
        """Properties as a round passes them, evenly over the city and in its order."""
        total = int(self._properties_up_to[-1])
        places = (np.arange(count) + rng.random(count)) / max(count, 1) * total
        return places.astype(np.int64)

    def buildings_of(self, properties: Ints) -> Ints:
        """The building of each property."""
        return np.searchsorted(self._properties_up_to, properties, side="right")

    def rooms(self, properties: Ints, buildings: Ints) -> Strings:
        """The room number of each property, as the land registry counts them."""
        built = self.plan.ground.buildings
        turn = properties - (self._properties_up_to - built.properties)[buildings]
        a_floor = -(-built.properties[buildings] // built.floors[buildings])
        return digits((turn // a_floor + 1) * 100 + turn % a_floor + 1)

    def building_codes(self, buildings: Ints) -> Strings:
        """The planning department's code of each building."""
        return addresses.building_codes(self.plan.ground, buildings)

    def _building_of(self, held: Ints, who: Ints) -> Ints:
        """About where each of those that neighbourhoods hold so many of is: a building."""
        hood, turn = _within(held, who)
        place = hood * BUILDINGS_A_NEIGHBOURHOOD + turn * BUILDINGS_A_NEIGHBOURHOOD // held[hood]
        return np.minimum(place, len(self.plan.ground.buildings) - 1)

    @cached_property
    def _properties_up_to(self) -> Ints:
        return np.cumsum(self.plan.ground.buildings.properties)

    @cached_property
    def _clinics(self) -> Ints:
        """A third of the public buildings; all buildings where there is none."""
        public = np.flatnonzero(self.plan.ground.buildings.use == _PUBLIC)[::_CLINICS]
        return public if len(public) else np.arange(len(self.plan.ground.buildings))


def _within(held: Ints, who: Ints) -> tuple[Ints, Ints]:
    """The neighbourhood of each, and its place there, where neighbourhoods hold so many."""
    up_to = np.cumsum(held)
    hood = np.searchsorted(up_to, who, side="right")
    return hood, who - (up_to - held)[hood]
