"""Land registry: who owns which property, now and before."""

from typing import Final

import numpy as np

from cityloom.sample.addresses import LAND_REGISTRY
from cityloom.sample.departments.filing import held_back, month_of_2025, recent, serials
from cityloom.sample.departments.owners import company_ids, names_and_numbers, person_ids
from cityloom.sample.dirt import address_slips, name_slips, number_slips
from cityloom.sample.draws import Bools, Days, Ints, one_of, scramble
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.records import Breach, Department, Link, Records
from cityloom.sample.text import constant, dates, decimals, digits, either, join, take, years

_DAY: Final = "%Y-%m-%d"
_FILES: Final = (
    "land_2024.parquet",
    "land_2025q1.parquet",
    "land_2025q2.parquet",
    "land_2025q2_late_q1.parquet",
)
_LATE: Final = 3
_JANUARY: Final = 20_089
_FIRST_DAY: Final = 12_784
_USAGES: Final = ("住宅", "住宅", "工业", "办公", "商业", "其他")
_SHARE_CERTIFIED: Final = 0.62
_SHARE_SOLD_BEFORE: Final = 0.12


def make(hood: Neighbourhood, rng: np.random.Generator, batch: str) -> Records:
    """One record a certificate and owner: the present ones, and some that were replaced."""
    count = len(hood.properties)
    present = np.flatnonzero(rng.random(count) < _SHARE_CERTIFIED)
    sold = present[rng.random(len(present)) < _SHARE_SOLD_BEFORE]
    joint = np.flatnonzero(hood.joint_owner[present] >= 0)
    completed = hood.ground.buildings.completed[hood.properties.building[present]]
    registered = recent(rng, np.maximum(completed, _FIRST_DAY), len(present), 0.9)
    adults = np.flatnonzero(hood.people.age >= 30)
    former = adults[one_of(rng, len(adults), len(sold))]
    bought = registered[np.searchsorted(present, sold)]
    place = np.concatenate([present, present[joint], sold])
    certificate = np.concatenate(
        [np.arange(len(present)), joint, len(present) + np.arange(len(sold))]
    )
    owner = np.concatenate([hood.owner[present], hood.joint_owner[present[joint]], former])
    by_company = np.concatenate(
        [hood.company_owned[present], np.zeros(len(joint) + len(sold), dtype=bool)]
    )
    turn = np.ones(len(place), dtype=np.int64)
    turn[len(present) : len(present) + len(joint)] = 2
    is_joint = np.zeros(len(place), dtype=bool)
    is_joint[joint] = True
    is_joint[len(present) : len(present) + len(joint)] = True
    is_past = np.arange(len(place)) >= len(present) + len(joint)
    day = np.concatenate(
        [registered, registered[joint], bought - rng.integers(90, 3000, len(sold))]
    )
    return _written(
        hood,
        batch,
        place=place,
        certificate=certificate,
        turn=turn,
        owner=owner,
        by_company=by_company,
        joint=is_joint,
        past=is_past,
        day=day,
        delivery=_delivery(rng, day, certificate),
    )


def _delivery(rng: np.random.Generator, day: Days, certificate: Ints) -> Ints:
    """Both owners of a certificate come in one file."""
    quarter = np.where(day < _JANUARY, 0, month_of_2025(day) // 3 + 1)
    late = held_back(rng, np.ones(int(certificate.max(initial=-1)) + 1, dtype=bool))[certificate]
    return np.where((quarter == 1) & late, _LATE, quarter)


def _written(
    hood: Neighbourhood,
    batch: str,
    *,
    place: Ints,
    certificate: Ints,
    turn: Ints,
    owner: Ints,
    by_company: Bools,
    joint: Bools,
    past: Bools,
    day: Days,
    delivery: Ints,
) -> Records:
    held = hood.properties
    count = len(place)
    name, number = names_and_numbers(hood, owner, by_company)
    building = hood.building_codes(place)
    unit = scramble(held.first_id + place, 10**8, 38_729_833)
    return Records(
        columns={
            "certificate_no": join("样（", digits(years(day)), "）鹏城市不动产权第", batch,
                                   serials(certificate, 3_166_247), "号"),
            "owner_no": digits(turn),
            "unit_code": join(building, "F", digits(unit, 8)),
            "building_code": building,
            "room": take(held.room, place),
            "owner_name": name,
            "owner_kind": either(by_company, "企业", "个人"),
            "owner_number": number,
            "joint_ownership": either(joint, "共同共有", "单独所有"),
            "usage": take(_USAGES, held.use[place]),
            "area_m2": decimals(held.area[place]),
            "registered_on": dates(day, _DAY),
            "status": either(past, "历史", constant("现势", count)),
            "address": hood.address(LAND_REGISTRY, place),
        },
        delivery=delivery,
        links=(
            Link("property", "property", held.first_id + place),
            Link("owner", "person", person_ids(hood, owner, by_company)),
            Link("owner", "company", company_ids(hood, owner, by_company)),
        ),
        repeats=np.zeros(count, dtype=bool),
        faults={"late_parent": np.flatnonzero(hood.unsurveyed(place))},
    )  # fmt: skip


DEPARTMENT: Final = Department(
    dataset="land_registration",
    files=_FILES,
    daily_file="land_{:%Y%m%d}.parquet",
    dated="registered_on",
    day_form=_DAY,
    disputed=Breach("conflicting_key", "owner_name", ("见附记",)),
    make=make,
    slips=(
        *name_slips("owner_name"),
        *number_slips("owner_number", often=2.0),
        *address_slips("address"),
    ),
    breaches=(
        Breach("unknown_code", "usage", ("综合", "01")),
        Breach("unknown_code", "status", ("查封",)),
        Breach("out_of_range", "area_m2", ("-1.00", "0.00")),
        Breach("out_of_range", "owner_no", ("0", "77")),
        Breach("missing_required", "owner_name", (None,)),
        Breach("missing_required", "registered_on", (None,)),
        Breach("orphan", "building_code", ("490399001000001",)),
    ),
)
