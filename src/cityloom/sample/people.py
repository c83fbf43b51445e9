"""People in households, with the ages, sexes and household sizes of the 2020 census."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from cityloom.sample import facts
from cityloom.sample.draws import Bools, Days, Floats, Ints, choose, ranks_within
from cityloom.sample.identifiers import CITY_AREA, mobile_numbers, resident_numbers
from cityloom.sample.names import draw_surnames, full_names
from cityloom.sample.text import Strings, years

AS_OF: Final = 20089
"""1 January 2025, the day at which ages are reckoned (days since 1970)."""

HEAD, SPOUSE, CHILD, PARENT, SECOND_PARENT, OTHER, COLLECTIVE = range(7)
RELATIONS: Final = ("户主", "配偶", "子女", "父母", "父母", "其他", "集体户成员")
"""The relation to the head of household, by role."""

_FAMILIES: Final = (
    ("H", 0.385), ("HS", 0.165), ("HC", 0.033), ("HO", 0.047), ("HSC", 0.152), ("HSP", 0.012),
    ("HCP", 0.009), ("HOO", 0.017), ("HSCC", 0.078), ("HSCP", 0.036), ("HSOO", 0.006),
    ("HSCCP", 0.030), ("HSCPQ", 0.015), ("HSCCPQ", 0.015),
)  # fmt: skip
"""Kinds of family household and their share of all: head, spouse, child, parents, others."""

_ROLE_LETTERS: Final = "HSCPQO"
_SHARE_ELDERLY: Final = 0.024
"""Share of childless family households that consist of retired people."""

_COLLECTIVE_SIZES: Final = (1, 2, 3, 4, 6, 8)
_COLLECTIVE_SHARES: Final = (0.22, 0.28, 0.22, 0.16, 0.09, 0.03)
_PREFECTURES: Final = np.array([4700 + number for number in range(1, 36)]
                               + [4800 + number for number in range(1, 36)])  # fmt: skip
_PREFECTURE_WEIGHTS: Final = 1 / (np.arange(70) + 6.0)


@dataclass(frozen=True)
class People:
    """The people of one neighbourhood, household by household.

    `household` and `home` count in the neighbourhood, `home` among its properties. `guardian` is
    the position of the parent who answers for a child, else the person's own.
    """

    first_id: int
    household: Ints
    role: Ints
    male: Bools
    birth: Days
    name: Strings
    number: Strings
    phone: Strings
    prefecture: Ints
    local: Bools
    home: Ints
    guardian: Ints

    def __len__(self) -> int:
        return len(self.role)

    @property
    def age(self) -> Ints:
        """Age in whole years on the reference day."""
        return ((AS_OF - self.birth) / 365.2425).astype(np.int64)


def settle(
    rng: np.random.Generator, neighbourhood: int, count: int, first_id: int, dwellings: Ints
) -> People:
    """`count` people in households, each household in one of the `dwellings`."""
    role, household = _households(rng, count)
    starts = np.flatnonzero(ranks_within(household) == 0)
    head = starts[household]
    male = _sexes(rng, role, head)
    birth = AS_OF - _ages_in_days(rng, role, head)
    surname = _surnames(rng, role, head, male)
    households = len(starts)
    local_household = rng.random(households) < np.where(role[starts] == COLLECTIVE, 0.12, 0.385)
    local = local_household[household]
    prefecture = _prefectures(rng, role, head, local, birth)
    home = _homes(rng, households, dwellings)
    phone_owner = np.where(birth > AS_OF - 12 * 365, head, np.arange(count))
    return People(
        first_id=first_id,
        household=household,
        role=role,
        male=male,
        birth=birth,
        name=full_names(rng, surname, male, years(birth)),
        number=resident_numbers(neighbourhood, prefecture, birth, male),
        phone=mobile_numbers(first_id + phone_owner),
        prefecture=prefecture,
        local=local,
        home=home[household],
        guardian=np.where(role == CHILD, head, np.arange(count)),
    )


def _households(rng: np.random.Generator, count: int) -> tuple[Ints, Ints]:
    """Each person's role and household; the last household of each kind may be cut short."""
    in_collectives = round(count * facts.SHARE_IN_COLLECTIVES)
    shares = np.array([share for _, share in _FAMILIES])
    sizes = np.array([len(letters) for letters, _ in _FAMILIES])
    kinds = choose(rng, shares, count - in_collectives)
    family, turn = _members(sizes[kinds], count - in_collectives)
    width = max(sizes)
    table = np.array([[_ROLE_LETTERS.find(letters[place : place + 1]) for place in range(width)]
                      for letters, _ in _FAMILIES])  # fmt: skip
    family_roles = table[kinds[family], turn]
    collective_kinds = choose(rng, np.array(_COLLECTIVE_SHARES), in_collectives)
    collective, _ = _members(np.array(_COLLECTIVE_SIZES)[collective_kinds], in_collectives)
    families = int(family[-1]) + 1 if len(family) else 0
    role = np.concatenate([family_roles, np.full(in_collectives, COLLECTIVE)])
    return role, np.concatenate([family, collective + families])


def _members(sizes: Ints, count: int) -> tuple[Ints, Ints]:
    """The household of each of `count` people, and the person's place in it."""
    household = np.repeat(np.arange(len(sizes)), sizes)[:count]
    return household, ranks_within(household)


def _sexes(rng: np.random.Generator, role: Ints, head: Ints) -> Bools:
    has_spouse = np.zeros(len(role), dtype=bool)
    has_spouse[head[role == SPOUSE]] = True
    share = np.array([0.61, 0.0, 0.53, 0.36, 0.0, 0.62, 0.635])[role]
    share[(role == HEAD) & has_spouse] = 0.66
    male = rng.random(len(role)) < share
    male[role == SPOUSE] = ~male[head[role == SPOUSE]]
    male[role == SECOND_PARENT] = ~male[np.flatnonzero(role == SECOND_PARENT) - 1]
    return male


def _ages_in_days(rng: np.random.Generator, role: Ints, head: Ints) -> Ints:
    count = len(role)
    with_child = np.zeros(count, dtype=bool)
    with_child[head[role == CHILD]] = True
    single = 20 + rng.gamma(2.2, 6.2, count)
    single = np.where(rng.random(count) < _SHARE_ELDERLY, rng.uniform(60, 82, count), single)
    parent = rng.normal(38.0, 6.0, count).clip(23, 58)
    age = np.where(with_child[head], parent, single)[head]
    turn = ranks_within(head, role)
    gap = rng.normal(29.5, 4.0, count).clip(20, 42)[head] + turn * 3.4
    own = np.select(
        [role == SPOUSE, role == CHILD, role == PARENT, role == SECOND_PARENT, role == OTHER],
        [
            (age + rng.normal(-0.5, 2.5, count)).clip(20, 90),
            (age - gap).clip(0.0, 25.0),
            (age + rng.normal(26, 3, count)).clip(44, 97),
            (age + rng.normal(26, 3, count)).clip(44, 97),
            20 + rng.gamma(2.2, 4.0, count),
        ],
        default=age,
    )
    dormitory = 17 + rng.gamma(3.0, 4.6, count)
    own = np.where(role == COLLECTIVE, dormitory, own).clip(0.02, 99.0)
    return (own * 365.2425).astype(np.int64) + rng.integers(0, 300, count)


def _surnames(rng: np.random.Generator, role: Ints, head: Ints, male: Bools) -> Ints:
    """Children bear their father's surname, and a head the surname of his or her own father."""
    own = draw_surnames(rng, len(role))
    fathers = np.arange(len(role))
    fathers[head[(role == SPOUSE) & male]] = np.flatnonzero((role == SPOUSE) & male)
    surname = own.copy()
    children = role == CHILD
    surname[children] = own[fathers[head[children]]]
    elders = ((role == PARENT) | (role == SECOND_PARENT)) & male
    surname[elders] = own[head[elders]]
    return surname


def _prefectures(
    rng: np.random.Generator, role: Ints, head: Ints, local: Bools, birth: Days
) -> Ints:
    """Where each identity number was given: at birth, so mostly not in this city."""
    count = len(role)
    elsewhere = _PREFECTURES[choose(rng, _PREFECTURE_WEIGHTS, count)]
    together = rng.random(count) < 0.6
    elsewhere = np.where((role != COLLECTIVE) & together, elsewhere[head], elsewhere)
    born_here: Floats = np.where(birth > AS_OF - 25 * 365, 0.85, 0.30)
    return np.where(local & (rng.random(count) < born_here), CITY_AREA, elsewhere)


def _homes(rng: np.random.Generator, households: int, dwellings: Ints) -> Ints:
    """A dwelling for each household; shared only where there are too few."""
    rounds = -(-households // max(len(dwellings), 1))
    return np.concatenate([rng.permutation(dwellings) for _ in range(rounds)])[:households]
