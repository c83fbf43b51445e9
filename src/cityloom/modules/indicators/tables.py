"""Indicators by subdistrict, district, industry and use: aggregates only, nobody's row.

What is public shows no count below five, and no figure made from fewer than five records.
Districts are summed up from public figures alone, so that none can be taken apart again.
"""

import ibis
from ibis import _
from ibis.expr.types import (
    BooleanValue,
    DateValue,
    IntegerColumn,
    IntegerValue,
    NumericValue,
    Table,
)

SMALLEST_COUNT = 5
"""Counts below this are not made public."""

_SCHOOL_AGE = (6, 14)
_OLD_AGE = 65


def population_by_subdistrict(household_registration: Table, subdistrict: Table) -> Table:
    """Registrations in force by subdistrict, with ages on the day of the latest registration."""
    records = household_registration
    age = _age(records.birth_date, records.registered_on.max())
    living = records.mutate(age=age).filter(_.left_on.isnull())
    counted = living.group_by("subdistrict_code").agg(
        residents=_.count(),
        households=_.household_no.nunique(),
        children_6_14=_.count(where=_.age.between(*_SCHOOL_AGE)),
        aged_65_up=_.count(where=_.age >= _OLD_AGE),
    )
    return _every_subdistrict(
        subdistrict, counted, "residents", "households", "children_6_14", "aged_65_up"
    )


def enrolment_by_subdistrict(school_enrolment: Table, subdistrict: Table) -> Table:
    """Pupils of the latest school year by the subdistrict that their school is in."""
    latest = school_enrolment.filter(_.school_year == school_enrolment.school_year.max())
    counted = (
        latest.mutate(subdistrict_code=_.school_code.left(9))
        .group_by("subdistrict_code")
        .agg(
            schools=_.school_code.nunique(),
            primary_pupils=_.count(where=_.stage == "小学"),
            lower_secondary_pupils=_.count(where=_.stage == "初中"),
            upper_secondary_pupils=_.count(where=_.stage == "高中"),
        )
    )
    return _every_subdistrict(
        subdistrict,
        counted,
        "schools",
        "primary_pupils",
        "lower_secondary_pupils",
        "upper_secondary_pupils",
    )


def dwelling_by_subdistrict(land_registration: Table, building: Table, subdistrict: Table) -> Table:
    """Registered dwellings by subdistrict; one with several owners counts once."""
    present = land_registration.filter(_.status == "现势", _.usage == "住宅")
    dwellings = present.group_by("unit_code", "building_code").agg(area_m2=_.area_m2.max())
    places = building.select("building_code", "subdistrict_code")
    counted = (
        dwellings.join(places, "building_code")
        .group_by("subdistrict_code")
        .agg(dwellings=_.count(), dwelling_area_m2=_.area_m2.sum().round(2))
    )
    return _every_subdistrict(subdistrict, counted, "dwellings", "dwelling_area_m2")


def tenancy_by_building_use(tenancy: Table, building: Table) -> Table:
    """Leases on record and their mean rent by the use of the building."""
    uses = building.select("building_code", "use")
    leases = tenancy.mutate(rent_m2=_.monthly_rent.cast("float64") / _.area_m2.cast("float64"))
    counted = (
        leases.join(uses, "building_code")
        .group_by("use")
        .agg(
            all_leases=_.count(),
            all_companies=_.count(where=_.tenant_kind == "企业"),
            mean=_.rent_m2.mean(),
        )
    )
    return counted.select(
        "use",
        leases=_published(_.all_leases),
        leases_of_companies=_published(_.all_companies),
        mean_rent_m2=_based_on(_.all_leases, _.mean.round(2)),
    )


def company_by_industry(company_registration: Table, industry_code: Table) -> Table:
    """Active companies by section of the industry classification."""
    counted = (
        company_registration.filter(_.status == "存续")
        .group_by("industry_code")
        .agg(
            active=_.count(),
            individuals=_.count(where=_.kind == "个体工商户"),
            total=_.capital.cast("float64").sum(),
        )
    )
    joined = industry_code.left_join(counted, "industry_code")
    return joined.select(
        "industry_code",
        "industry_name",
        companies=_published(_.active.fill_null(0)),
        individual_businesses=_published(_.individuals.fill_null(0)),
        capital=_based_on(_.active.fill_null(0), _.total.round(2)),
    )


def subdistrict_profile(
    population_by_subdistrict: Table,
    enrolment_by_subdistrict: Table,
    dwelling_by_subdistrict: Table,
) -> Table:
    """What may be published of each subdistrict: people, pupils and dwellings side by side."""
    pupils = enrolment_by_subdistrict.select(
        "subdistrict_code",
        pupils_of_school_age=_.primary_pupils + _.lower_secondary_pupils,
    )
    dwellings = dwelling_by_subdistrict.select("subdistrict_code", "dwellings")
    joined = population_by_subdistrict.left_join(pupils, "subdistrict_code").left_join(
        dwellings, "subdistrict_code"
    )
    published = joined.select(
        "subdistrict_code",
        "subdistrict_name",
        "district_code",
        residents=_published(_.residents),
        households=_published(_.households),
        children_6_14=_published(_.children_6_14),
        aged_65_up=_published(_.aged_65_up),
        pupils=_published(_.pupils_of_school_age),
        dwellings=_published(_.dwellings),
    )
    return published.mutate(
        share_65_up=_share(_.aged_65_up, _.residents),
        pupils_per_child=_share(_.pupils, _.children_6_14),
        dwellings_per_household=_share(_.dwellings, _.households),
    )


def district_profile(subdistrict_profile: Table, district: Table) -> Table:
    """Districts from the published figures of their subdistricts, with residents a km²."""
    summed = subdistrict_profile.group_by("district_code").agg(
        residents=_.residents.sum(),
        children_6_14=_.children_6_14.sum(),
        aged_65_up=_.aged_65_up.sum(),
        pupils=_.pupils.sum(),
        dwellings=_.dwellings.sum(),
    )
    joined = district.left_join(summed, "district_code")
    return joined.select(
        "district_code",
        "district_name",
        "residents",
        "children_6_14",
        "aged_65_up",
        "pupils",
        "dwellings",
        residents_per_km2=(_.residents / _.area_km2).round(1),
        share_65_up=_share(_.aged_65_up, _.residents),
    )


def _age(birth: DateValue, day: DateValue) -> IntegerValue:
    """Age in completed years."""
    had_birthday: BooleanValue = day.month() * 100 + day.day() >= birth.month() * 100 + birth.day()
    return day.year() - birth.year() - ibis.ifelse(had_birthday, 0, 1)


def _every_subdistrict(subdistrict: Table, counted: Table, *counts: str) -> Table:
    """All subdistricts with their counts, zero where nothing was counted."""
    joined = subdistrict.left_join(counted, "subdistrict_code")
    return joined.select(
        "subdistrict_code",
        "subdistrict_name",
        "district_code",
        **{count: joined[count].fill_null(0) for count in counts},
    )


def _published(count: IntegerColumn) -> IntegerValue:
    """The count where it is large enough to publish, else null."""
    return _based_on(count, count)


def _based_on(count: IntegerColumn, figure: NumericValue) -> NumericValue:
    """The figure where it is made from enough records to publish, else null."""
    return ibis.ifelse(count >= SMALLEST_COUNT, figure, ibis.null())


def _share(part: NumericValue, whole: NumericValue) -> NumericValue:
    """Part of a whole, to four decimals; null where the whole is none."""
    return (part / whole.nullif(0)).round(4)
