"""Public security: the permanent and the floating population."""

from typing import Final

import numpy as np

from cityloom.sample import facts, people
from cityloom.sample.addresses import PUBLIC_SECURITY
from cityloom.sample.departments.filing import held_back, month_of_2025, recent, serials
from cityloom.sample.dirt import address_slips, birth_slips, name_slips, number_slips, phone_slips
from cityloom.sample.draws import Days, Ints, one_of, ranks_within
from cityloom.sample.identifiers import district_code
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.records import Breach, Department, Link, Records
from cityloom.sample.text import dates, digits, either, join, only, take

_DAY: Final = "%Y%m%d"
_FILES: Final = (
    "hr_20250131.csv",
    "hr_20250228.csv",
    "hr_20250331.csv",
    "hr_20250415_late_february.csv",
    "hr_20250430.csv",
    "hr_20250531.csv",
    "hr_20250630.csv",
)
_FILE_OF_MONTH: Final = np.array([0, 1, 2, 4, 5, 6])
_LATE: Final = 3
_OLDEST: Final = 12_784
_SHARE_REVISED: Final = 0.02
_SHARE_SIGNED_OFF: Final = 0.55


def make(hood: Neighbourhood, rng: np.random.Generator, batch: str) -> Records:
    """One record a person, earlier registrations of floating people, and revisions by key."""
    settled = hood.people
    count = len(settled)
    again = _registered_before(hood, rng)
    who = np.concatenate([np.arange(count), again])
    registered = recent(rng, np.maximum(settled.birth[who], _OLDEST), len(who))
    earlier = registered[again] - rng.integers(20, 900, len(again))
    moved_away = registered[again]
    registered[count:] = np.maximum(earlier, settled.birth[again] + 1)
    left = np.full(len(who), -1)
    left[count:] = np.where(
        rng.random(len(again)) < _SHARE_SIGNED_OFF,
        np.maximum(moved_away, registered[count:]),
        -1,
    )
    month = month_of_2025(registered)
    delivery = np.where(held_back(rng, month == 1), _LATE, _FILE_OF_MONTH[month])
    revised = np.flatnonzero((delivery == 0) & (np.arange(len(who)) < count))
    revised = revised[rng.random(len(revised)) < _SHARE_REVISED]
    home = np.concatenate([settled.home[who], settled.home[who[revised]]])
    elsewhere = np.concatenate([np.arange(count, len(who)), revised])
    home[elsewhere] = hood.some_homes(rng, len(elsewhere))
    ordinal = np.concatenate([np.arange(len(who)), revised])
    later = _FILE_OF_MONTH[rng.integers(1, 6, len(revised))]
    return _written(
        hood,
        batch,
        who=who[ordinal],
        home=home,
        registered=registered[ordinal],
        left=left[ordinal],
        ordinal=ordinal,
        delivery=np.concatenate([delivery, later]),
    )


def _registered_before(hood: Neighbourhood, rng: np.random.Generator) -> Ints:
    """People who were registered elsewhere in the city before: mostly the floating."""
    floating = np.flatnonzero(~hood.people.local)
    candidates = floating if len(floating) else np.arange(len(hood.people))
    count = max(hood.household_records - len(hood.people), 0)
    return candidates[one_of(rng, len(candidates), count)] if len(candidates) else candidates


def _written(
    hood: Neighbourhood,
    batch: str,
    *,
    who: Ints,
    home: Ints,
    registered: Days,
    left: Days,
    ordinal: Ints,
    delivery: Ints,
) -> Records:
    settled = hood.people
    local = settled.local[who]
    current = home == settled.home[who]
    household = join(f"{hood.number:04d}", digits(settled.household[who], 6))
    own_area = take([district_code(number) for number in range(len(facts.DISTRICTS))],
                    hood.districts(home))  # fmt: skip
    number = take(settled.number, who)
    return Records(
        columns={
            "record_no": join(either(local, "HJ", "LD"), batch, serials(ordinal, 2_236_067)),
            "register_kind": either(local, "户籍", "流动"),
            "household_no": only(current, household),
            "relation": take(people.RELATIONS, settled.role[who]),
            "name": take(settled.name, who),
            "sex": either(settled.male[who], "男", "女"),
            "birth_date": dates(settled.birth[who], _DAY),
            "resident_id": number,
            "phone": take(settled.phone, who),
            "origin_area": either(local, own_area, digits(settled.prefecture[who] * 100 + 1)),
            "address": hood.address(PUBLIC_SECURITY, home),
            "subdistrict_code": hood.subdistrict_codes(home),
            "registered_on": dates(registered, _DAY),
            "left_on": only(left >= 0, dates(left, _DAY)),
        },
        delivery=delivery,
        links=(Link("person", "person", settled.first_id + who),),
        repeats=ranks_within(ordinal) > 0,
        faults={"moved": np.flatnonzero(~current)},
    )


DEPARTMENT: Final = Department(
    dataset="household_registration",
    files=_FILES,
    daily_file="hr_{:%Y%m%d}.csv",
    dated="registered_on",
    day_form=_DAY,
    disputed=Breach("conflicting_key", "birth_date", ("19000101",)),
    make=make,
    slips=(
        *name_slips("name"),
        *number_slips("resident_id", often=0.5),
        *birth_slips("birth_date"),
        *phone_slips("phone"),
        *address_slips("address"),
    ),
    breaches=(
        Breach("impossible_date", "birth_date", ("19900230", "20021301", "1985-7-3", "00000000")),
        Breach("impossible_date", "registered_on", ("20250229", "20241131")),
        Breach("unknown_code", "sex", ("M", "未知", "0")),
        Breach("unknown_code", "register_kind", ("暂住",)),
        Breach("out_of_range", "birth_date", ("18500101",)),
        Breach("missing_required", "name", (None,)),
        Breach("missing_required", "address", (None,)),
        Breach("rule_broken", "left_on", ("19010101",)),
        Breach("orphan", "subdistrict_code", ("490399001", "490303999")),
    ),
)
