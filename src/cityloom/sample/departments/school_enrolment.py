"""Education: who goes to which school, year by year."""

from typing import Final

import numpy as np

from cityloom.sample.addresses import EDUCATION
from cityloom.sample.departments.filing import held_back, serials
from cityloom.sample.dirt import (
    MOVED,
    address_slips,
    birth_slips,
    name_slips,
    number_slips,
    phone_slips,
)
from cityloom.sample.draws import Ints
from cityloom.sample.neighbourhood import Neighbourhood
from cityloom.sample.people import CHILD
from cityloom.sample.records import Breach, Department, Link, Records
from cityloom.sample.text import Strings, dates, digits, either, join, only, take

_DAY: Final = "%Y/%m/%d"
_FILES: Final = ("school_2023.csv", "school_2024.csv", "school_2024_late.csv")
_LATE: Final = 2
_TERM_STARTS: Final = (19_601, 19_967)
"""1 September 2023 and 2024, in days since 1970."""
_FIRST_YEAR: Final = 2023
_STAGES: Final = ("小学", "初中", "高中")
_SCHOOL_WORDS: Final = ("小学", "中学", "高级中学")
_SCHOOL_TURNS: Final = ("", "第二", "第三", "实验", "外国语")
_SCHOOLS_OF_STAGE: Final = np.array([5, 3, 2])
_SHARE_ATTENDING: Final = np.array([0.98, 0.97, 0.85])


def make(hood: Neighbourhood, rng: np.random.Generator, batch: str) -> Records:
    """One record a pupil and school year."""
    parts = [_pupils(hood, rng, start) for start in _TERM_STARTS]
    who = np.concatenate([pupils for pupils, _ in parts])
    grade = np.concatenate([grades for _, grades in parts])
    year = np.repeat(np.arange(len(parts)), [len(pupils) for pupils, _ in parts])
    home = hood.people.home[who]
    stale = np.flatnonzero(rng.random(len(who)) < MOVED)
    written_home = home.copy()
    written_home[stale] = hood.some_homes(rng, len(stale))
    return _written(
        hood, rng, batch, who=who, grade=grade, year=year, home=written_home, stale=stale
    )


def _pupils(hood: Neighbourhood, rng: np.random.Generator, start: int) -> tuple[Ints, Ints]:
    grade = ((start - hood.people.birth) / 365.2425).astype(np.int64) - 5
    stage = _stage(grade)
    attends = rng.random(len(grade)) < _SHARE_ATTENDING[stage]
    pupils = np.flatnonzero((grade >= 1) & (grade <= 12) & attends)
    return pupils, grade[pupils]


def _stage(grade: Ints) -> Ints:
    return np.searchsorted([7, 10], grade, side="right")


def _schools(hood: Neighbourhood, home: Ints, stage: Ints, pick: Ints) -> tuple[Strings, Strings]:
    """Name and code of a school near each home."""
    turn = pick % _SCHOOLS_OF_STAGE[stage]
    near = take([place.name for place in hood.ground.places], hood.subdistricts(home))
    name = join(near, take(_SCHOOL_TURNS, turn), take(_SCHOOL_WORDS, stage))
    code = join(hood.subdistrict_codes(home), digits(stage + 1), digits(turn + 1, 2))
    return name, code


def _written(
    hood: Neighbourhood,
    rng: np.random.Generator,
    batch: str,
    *,
    who: Ints,
    grade: Ints,
    year: Ints,
    home: Ints,
    stale: Ints,
) -> Records:
    settled = hood.people
    stage = _stage(grade)
    name, code = _schools(hood, settled.home[who], stage, who)
    child = settled.role[who] == CHILD
    guardian = settled.guardian[who]
    first_grade = np.array([1, 7, 10])[stage]
    entered = np.array(_TERM_STARTS)[year] - ((grade - first_grade) * 365.25).astype(np.int64)
    late = held_back(rng, year == 1)
    return Records(
        columns={
            "pupil_no": join("G", batch, serials(who, 4_142_137)),
            "school_year": digits(_FIRST_YEAR + year),
            "pupil_name": take(settled.name, who),
            "sex": either(settled.male[who], "男", "女"),
            "birth_date": dates(settled.birth[who], _DAY),
            "id_number": take(settled.number, who),
            "school_code": code,
            "school_name": name,
            "stage": take(_STAGES, stage),
            "grade": digits(grade),
            "class_name": join(digits(grade), "年级（", digits(who % 8 + 1), "）班"),
            "entered_on": dates(entered, _DAY),
            "guardian_name": only(child, take(settled.name, guardian)),
            "guardian_phone": only(child, take(settled.phone, guardian)),
            "address": hood.address(EDUCATION, home),
        },
        delivery=np.where(late, _LATE, year),
        links=(
            Link("pupil", "person", settled.first_id + who),
            Link("guardian", "person", np.where(child, settled.first_id + guardian, -1)),
        ),
        repeats=year == 0,
        faults={"moved": stale},
    )


DEPARTMENT: Final = Department(
    dataset="school_enrolment",
    files=_FILES,
    daily_file="school_{:%Y%m%d}.csv",
    dated="entered_on",
    day_form=_DAY,
    disputed=Breach("conflicting_key", "school_name", ("未分配学校",)),
    make=make,
    slips=(
        *name_slips("pupil_name"),
        *name_slips("guardian_name"),
        *number_slips("id_number"),
        *birth_slips("birth_date"),
        *phone_slips("guardian_phone"),
        *address_slips("address"),
    ),
    breaches=(
        Breach("impossible_date", "birth_date", ("2011/02/30", "2012/13/01", "20100101")),
        Breach("unknown_code", "sex", ("1", "M")),
        Breach("unknown_code", "stage", ("幼儿园",)),
        Breach("out_of_range", "grade", ("0", "13", "99")),
        Breach("missing_required", "pupil_name", (None,)),
        Breach("missing_required", "school_code", (None,)),
        Breach("rule_broken", "entered_on", ("1990/09/01",)),
    ),
)
