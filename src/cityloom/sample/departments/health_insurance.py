"""Health insurance: who is enrolled, in which scheme, by which employer. Nothing on health."""

from typing import Final

import numpy as np

from cityloom.sample.addresses import HEALTH_INSURANCE
from cityloom.sample.departments.filing import (
    LAST_DAY,
    held_back,
    month_of_2025,
    recent,
    serials,
)
from cityloom.sample.dirt import (
    MOVED,
    address_slips,
    birth_slips,
    name_slips,
    number_slips,
    phone_slips,
)
from cityloom.sample.draws import Bools, Days, Ints, ranks_within
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.records import Breach, Department, Link, Records
from cityloom.sample.text import Strings, dates, either, join, only, take

_DAY: Final = "%Y-%m-%d"
_FILES: Final = (
    "hi_202501.csv.gz",
    "hi_202502.csv.gz",
    "hi_202503.csv.gz",
    "hi_202503_late_january.csv.gz",
    "hi_202504.csv.gz",
    "hi_202505.csv.gz",
    "hi_202506.csv.gz",
)
_FILE_OF_MONTH: Final = np.array([0, 1, 2, 4, 5, 6])
_LATE: Final = 3
_JANUARY: Final = 20_089
_STATES: Final = ("1", "2", "3")
_SHARE_STOPPED: Final = 0.06
_SHARE_PAUSED: Final = 0.05
_SHARE_OF_OTHER_CHILDREN: Final = 0.55
_SCHEME_BEGAN: Final = 12_053


def make(hood: Neighbourhood, rng: np.random.Generator, batch: str) -> Records:
    """One record a member, and one more when an enrolment ends in the year of delivery."""
    settled = hood.people
    child = settled.age < 18
    covered = rng.random(len(settled)) < _SHARE_OF_OTHER_CHILDREN
    who = np.flatnonzero((hood.employer >= 0) | settled.local | (child & covered))
    enrolled = recent(rng, np.maximum(settled.birth[who] + 10, _SCHEME_BEGAN), len(who), 1.5)
    stopped = rng.random(len(who)) < _SHARE_STOPPED
    ended = np.where(stopped, recent(rng, enrolled + 1, len(who), 1.0).clip(None, LAST_DAY), -1)
    ended = np.where(ended <= enrolled, -1, ended)
    month = month_of_2025(enrolled)
    january = (month == 0) & (enrolled >= _JANUARY)
    delivery = np.where(held_back(rng, january), _LATE, _FILE_OF_MONTH[month])
    again = np.flatnonzero((delivery == 0) & (ended >= _JANUARY + 31))
    ordinal = np.concatenate([np.arange(len(who)), again])
    ended = ended[ordinal]
    ended[again] = -1
    endings = _FILE_OF_MONTH[month_of_2025(ended[len(who) :])]
    delivered = np.concatenate([delivery, endings])
    paused = (rng.random(len(who)) < _SHARE_PAUSED)[ordinal]
    return _written(
        hood,
        rng,
        batch,
        who=who[ordinal],
        enrolled=enrolled[ordinal],
        ended=ended,
        paused=paused,
        ordinal=ordinal,
        delivery=delivered,
    )


def insurance_numbers(batch: str | Strings, ordinal: Ints) -> Strings:
    """The number of each member of a batch, which is a neighbourhood's six digits or a day's."""
    return join(batch, serials(ordinal, 7_320_509))


def _written(
    hood: Neighbourhood,
    rng: np.random.Generator,
    batch: str,
    *,
    who: Ints,
    enrolled: Days,
    ended: Days,
    paused: Bools,
    ordinal: Ints,
    delivery: Ints,
) -> Records:
    settled = hood.people
    employer = hood.employer[who]
    employed = employer >= 0
    state = np.where(ended >= 0, 2, paused.astype(np.int64))
    stale = np.flatnonzero(rng.random(len(who)) < 2 * MOVED)
    home = settled.home[who]
    home[stale] = hood.some_homes(rng, len(stale))
    position = np.maximum(employer, 0)
    return Records(
        columns={
            "insurance_no": insurance_numbers(batch, ordinal),
            "name": take(settled.name, who),
            "id_number": take(settled.number, who),
            "sex": either(settled.male[who], "1", "2"),
            "birth_date": dates(settled.birth[who], _DAY),
            "scheme": either(employed, "310", "390"),
            "employer_code": only(employed, take(hood.reach.company_code, position)),
            "employer_name": only(employed, take(hood.reach.company_name, position)),
            "enrolled_on": dates(enrolled, _DAY),
            "ended_on": only(ended >= 0, dates(ended, _DAY)),
            "status": take(_STATES, state),
            "phone": take(settled.phone, who),
            "address": hood.address(HEALTH_INSURANCE, home),
        },
        delivery=delivery,
        links=(
            Link("member", "person", settled.first_id + who),
            Link("employer", "company",
                 np.where(employed, hood.reach.company_id[position], -1)),
        ),
        repeats=ranks_within(ordinal) > 0,
        faults={"moved": stale},
    )  # fmt: skip


DEPARTMENT: Final = Department(
    dataset="health_insurance",
    files=_FILES,
    daily_file="hi_{:%Y%m%d}.csv.gz",
    dated="enrolled_on",
    day_form=_DAY,
    disputed=Breach("conflicting_key", "birth_date", ("1900-01-01",)),
    make=make,
    slips=(
        *name_slips("name"),
        *number_slips("id_number", often=0.4),
        *birth_slips("birth_date"),
        *phone_slips("phone"),
        *address_slips("address"),
    ),
    breaches=(
        Breach("impossible_date", "birth_date", ("1990-02-30", "31/12/1988", "1975-00-10")),
        Breach("unknown_code", "scheme", ("399", "A1")),
        Breach("unknown_code", "status", ("9",)),
        Breach("out_of_range", "birth_date", ("1799-12-31",)),
        Breach("missing_required", "name", (None,)),
        Breach("missing_required", "enrolled_on", (None,)),
        Breach("rule_broken", "ended_on", ("1999-01-01",)),
    ),
)
