"""Market supervision: companies and individual businesses."""

from typing import Final

import numpy as np

from cityloom.sample import companies, facts
from cityloom.sample.addresses import MARKET_SUPERVISION
from cityloom.sample.departments.filing import held_back, month_of_2025
from cityloom.sample.dirt import address_slips, name_slips, number_slips, phone_slips
from cityloom.sample.draws import Days, Ints, one_of, ranks_within, scramble
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.records import Breach, Department, Link, Records
from cityloom.sample.text import Strings, dates, decimals, digits, join, only, take

_DAY: Final = "%Y-%m-%d"
_FILES: Final = (
    *(f"company_20250{month}.csv" for month in (1, 2, 3, 4, 5)),
    "company_202505_late_april.csv",
    "company_202506.csv",
)
_FILE_OF_MONTH: Final = np.array([0, 1, 2, 3, 4, 6])
_LATE: Final = 5
_FEBRUARY: Final = 20_120
_SHARE_MOVED: Final = 0.02


def make(hood: Neighbourhood, rng: np.random.Generator, batch: str) -> Records:
    """One record a company, and one more for each that closed or moved in the year of delivery.

    A company keeps its registration number, whatever the batch.
    """
    firms = hood.companies
    count = len(firms)
    month = month_of_2025(firms.founded)
    delivery = np.where(held_back(rng, month == 3), _LATE, _FILE_OF_MONTH[month])
    closing = (firms.ended >= _FEBRUARY) & (delivery == 0)
    moving = (rng.random(count) < _SHARE_MOVED) & (delivery == 0)
    again = np.flatnonzero(closing | moving)
    who = np.concatenate([np.arange(count), again])
    state, ended = firms.state[who], firms.ended[who]
    state[:count][closing] = 0
    ended[:count][closing] = -1
    place = firms.property[who]
    moved = np.flatnonzero(moving)
    place[moved] = one_of(rng, len(hood.properties), len(moved))
    later = np.where(closing[again], month_of_2025(firms.ended[again]).clip(1, 5),
                     rng.integers(1, 6, len(again)))  # fmt: skip
    delivered = np.concatenate([delivery, _FILE_OF_MONTH[later]])
    return _written(
        hood, who=who, state=state, ended=ended, place=place, delivery=delivered, moved=moved
    )


def registration_numbers(companies: Ints) -> Strings:
    """The registration number of each company of the city, by its own number."""
    return join("4903", digits(scramble(companies, 10**11, 7_745_966_693), 11))


def _written(
    hood: Neighbourhood,
    *,
    who: Ints,
    state: Ints,
    ended: Days,
    place: Ints,
    delivery: Ints,
    moved: Ints,
) -> Records:
    firms, settled = hood.companies, hood.people
    answers = firms.representative[who]
    return Records(
        columns={
            "registration_no": registration_numbers(firms.first_id + who),
            "credit_code": take(firms.code, who),
            "company_name": take(firms.name, who),
            "kind": take(companies.KINDS, firms.kind[who]),
            "industry_code": take([code for code, _, _ in facts.INDUSTRIES],
                                  firms.industry[who]),
            "legal_representative": take(settled.name, answers),
            "representative_number": take(settled.number, answers),
            "capital": decimals(firms.capital[who] * 100),
            "founded_on": dates(firms.founded[who], _DAY),
            "status": take(companies.STATES, state),
            "deregistered_on": only(ended >= 0, dates(ended, _DAY)),
            "address": hood.address(MARKET_SUPERVISION, place),
            "subdistrict_code": hood.subdistrict_codes(place),
            "phone": take(settled.phone, answers),
            "business_scope": companies.scopes(firms.industry[who]),
        },
        delivery=delivery,
        links=(
            Link("company", "company", firms.first_id + who),
            Link("representative", "person", settled.first_id + answers),
        ),
        repeats=ranks_within(who) > 0,
        faults={"moved": moved},
    )  # fmt: skip


DEPARTMENT: Final = Department(
    dataset="company_registration",
    files=_FILES,
    daily_file="company_{:%Y%m%d}.csv",
    dated="founded_on",
    day_form=_DAY,
    disputed=Breach("conflicting_key", "legal_representative", ("待定",)),
    make=make,
    slips=(
        *name_slips("legal_representative"),
        *number_slips("representative_number"),
        *phone_slips("phone"),
        *address_slips("address"),
    ),
    breaches=(
        Breach("impossible_date", "founded_on", ("2019-02-29", "2020-13-05", "2021年3月1日")),
        Breach("unknown_code", "status", ("开业", "1")),
        Breach("unknown_code", "kind", ("国有企业",)),
        Breach("out_of_range", "capital", ("-1.00",)),
        Breach("missing_required", "company_name", (None,)),
        Breach("missing_required", "address", (None,)),
        Breach("rule_broken", "deregistered_on", ("1980-01-01",)),
        Breach("orphan", "industry_code", ("Z",)),
        Breach("orphan", "subdistrict_code", ("490399001",)),
    ),
)
