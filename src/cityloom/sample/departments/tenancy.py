"""Housing: leases put on record."""

from typing import Final

import numpy as np
import pyarrow as pa

from cityloom.sample.addresses import HOUSING
from cityloom.sample.departments.filing import LAST_DAY, held_back, month_of_2025, serials
from cityloom.sample.departments.owners import company_ids, names_and_numbers, person_ids
from cityloom.sample.dirt import address_slips, name_slips, number_slips, phone_slips
from cityloom.sample.draws import Bools, Days, Ints
from cityloom.sample.identifiers import mobile_numbers
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.people import COLLECTIVE, HEAD
from cityloom.sample.records import Breach, Department, Link, Records
from cityloom.sample.text import dates, decimals, digits, either, join, take

_DAY: Final = "%Y-%m-%d"
_FILES: Final = (
    "tenancy_2024.ndjson",
    *(f"tenancy_20250{month}.ndjson" for month in (1, 2, 3, 4)),
    "tenancy_202505.ndjson",
    "tenancy_202505_late_april.ndjson",
    "tenancy_202506.ndjson",
)
_LATE: Final = 6
_PURPOSES: Final = ("居住", "居住", "厂房", "办公", "商业", "办公")
_RENTS: Final = np.array([72, 46, 28, 95, 160, 60])
"""Yuan a m² and month, by use of the building."""
_MONTHS: Final = np.array([6, 12, 24, 36])
_SHARE_OF_HOUSEHOLDS: Final = 0.62
_SHARE_OF_COMPANIES: Final = 0.30
_JANUARY: Final = 20_089
_LONGEST_AGO: Final = 540
_FURTHER_PHONES: Final = 400_000_000


def make(hood: Neighbourhood, rng: np.random.Generator, batch: str) -> Records:
    """One record a lease: households that do not own their home, companies that rent."""
    renting = _renting_heads(hood)
    renting = renting[rng.random(len(renting)) < _SHARE_OF_HOUSEHOLDS]
    firms = np.flatnonzero(hood.companies.state == 0)
    firms = firms[rng.random(len(firms)) < _SHARE_OF_COMPANIES]
    tenant = np.concatenate([renting, firms])
    place = np.concatenate([hood.people.home[renting], hood.companies.property[firms]])
    personal = np.arange(len(tenant)) < len(renting)
    ago = (rng.random(len(tenant)) ** 1.2 * _LONGEST_AGO).astype(np.int64)
    signed = LAST_DAY - 12 - ago
    recorded = signed + rng.integers(0, 12, len(tenant))
    return _written(
        hood,
        rng,
        batch,
        tenant=tenant,
        personal=personal,
        place=place,
        signed=signed,
        recorded=recorded,
    )


def _renting_heads(hood: Neighbourhood) -> Ints:
    settled = hood.people
    role = settled.role
    first = np.append(True, settled.household[1:] != settled.household[:-1])
    heads = np.flatnonzero((role == HEAD) | ((role == COLLECTIVE) & first))
    home = settled.home[heads]
    renting: Ints = heads[(hood.owner[home] != heads) | hood.company_owned[home]]
    return renting


def _delivery(rng: np.random.Generator, recorded: Days) -> Ints:
    month = month_of_2025(recorded)
    file_of_month = np.array([1, 2, 3, 4, 5, 7])
    late = held_back(rng, month == 3)
    return np.where(recorded < _JANUARY, 0, np.where(late, _LATE, file_of_month[month]))


def _written(
    hood: Neighbourhood,
    rng: np.random.Generator,
    batch: str,
    *,
    tenant: Ints,
    personal: Bools,
    place: Ints,
    signed: Days,
    recorded: Days,
) -> Records:
    count = len(tenant)
    settled, firms, held = hood.people, hood.companies, hood.properties
    people, companies = int(personal.sum()), tenant[~personal]
    renting = tenant[personal]
    start = signed + rng.integers(0, 20, count)
    end = start + _MONTHS[rng.integers(0, 4, count)] * 365 // 12
    rent = held.area[place] * _RENTS[held.use[place]] // 100
    rent = (rent * rng.uniform(0.75, 1.4, count)).astype(np.int64) // 10 * 10
    owner, by_company = hood.owner[place], hood.company_owned[place]
    landlord_name, landlord_number = names_and_numbers(hood, owner, by_company)
    seconds = rng.integers(9 * 3600, 18 * 3600, count)
    clock = join(digits(seconds // 3600, 2), ":", digits(seconds // 60 % 60, 2), ":",
                 digits(seconds % 60, 2), "+08:00")  # fmt: skip
    firm_phones = mobile_numbers(_FURTHER_PHONES + firms.first_id + companies)
    return Records(
        columns={
            "lease_no": join("ZL", batch, serials(np.arange(count), 6_457_513)),
            "signed_on": dates(signed, _DAY),
            "recorded_at": join(dates(recorded, _DAY), "T", clock),
            "lease_start": dates(start, _DAY),
            "lease_end": dates(end, _DAY),
            "monthly_rent": decimals(rent * 100),
            "area_m2": decimals(held.area[place]),
            "building_code": hood.building_codes(place),
            "room": take(held.room, place),
            "purpose": take(_PURPOSES, held.use[place]),
            "landlord_name": landlord_name,
            "landlord_number": landlord_number,
            "tenant_kind": either(personal, "个人", "企业"),
            "tenant_name": pa.concat_arrays(
                [take(settled.name, renting), take(firms.name, companies)]
            ),
            "tenant_number": pa.concat_arrays(
                [take(settled.number, renting), take(firms.code, companies)]
            ),
            "tenant_phone": pa.concat_arrays([take(settled.phone, renting), firm_phones]),
            "address": hood.address(HOUSING, place),
        },
        delivery=_delivery(rng, recorded),
        links=(
            Link("property", "property", held.first_id + place),
            Link("landlord", "person", person_ids(hood, owner, by_company)),
            Link("landlord", "company", company_ids(hood, owner, by_company)),
            Link("tenant", "person",
                 np.concatenate([settled.first_id + renting, np.full(count - people, -1)])),
            Link("tenant", "company",
                 np.concatenate([np.full(people, -1), firms.first_id + companies])),
        ),
        repeats=np.zeros(count, dtype=bool),
        faults={"late_parent": np.flatnonzero(hood.unsurveyed(place))},
    )  # fmt: skip


DEPARTMENT: Final = Department(
    dataset="tenancy",
    files=_FILES,
    daily_file="tenancy_{:%Y%m%d}.ndjson",
    dated="signed_on",
    day_form=_DAY,
    disputed=Breach("conflicting_key", "monthly_rent", ("1.00",)),
    make=make,
    slips=(
        *name_slips("landlord_name"),
        *name_slips("tenant_name"),
        *number_slips("landlord_number", often=1.5),
        *number_slips("tenant_number"),
        *phone_slips("tenant_phone"),
        *address_slips("address"),
    ),
    breaches=(
        Breach("impossible_date", "lease_start", ("2025-02-30", "2024-04-31", "2025/1/1")),
        Breach("unknown_code", "purpose", ("其它", "RESIDENTIAL")),
        Breach("out_of_range", "area_m2", ("-20.00", "0")),
        Breach("out_of_range", "monthly_rent", ("99999999.00",)),
        Breach("missing_required", "tenant_name", (None,)),
        Breach("missing_required", "building_code", (None,)),
        Breach("wrong_type", "area_m2", ('"五十平"',)),
        Breach("wrong_type", "monthly_rent", ('"面议"',)),
        Breach("rule_broken", "lease_end", ("2001-01-01",)),
        Breach("orphan", "building_code", ("490399001000001", "490303001999999")),
    ),
)
