"""Indicators by subdistrict, district, industry and use: aggregates only, nobody's row.

What is public shows no count below five, and no figure made from fewer than five records.
Districts are summed up from public figures alone, so that none can be taken apart again.
"""

import ibis
import pyarrow as pa
from ibis import Deferred, _
from ibis.expr.types import BooleanValue, DateValue, IntegerValue, Table

from cityloom.geo import Layer, assign
from cityloom.graph import by_batch
from cityloom.modules.indicators.disclosure import based_on, published, share

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
    dwellings = _dwellings(land_registration)
    places = building.select("building_code", "subdistrict_code")
    counted = (
        dwellings.join(places, "building_code")
        .group_by("subdistrict_code")
        .agg(dwellings=_.count(), dwelling_area_m2=_.area_m2.sum().round(2))
    )
    return _every_subdistrict(subdistrict, counted, "dwellings", "dwelling_area_m2")


@by_batch("building")
def building_place(building: pa.Table, subdistrict: pa.Table) -> pa.Table:
    """The subdistrict that each building lies in, beside the one that it is recorded under."""
    borders = subdistrict.select(["subdistrict_code", "geometry"])
    placed = assign(Layer(building, "building_code"), Layer(borders, "subdistrict_code"))
    stated = building["subdistrict_code"]
    return placed.append_column("stated_subdistrict_code", stated)


def subdistrict_by_place(
    building_place: Table, land_registration: Table, subdistrict: Table
) -> Table:
    """Buildings and dwellings by the subdistrict that they lie in, and how many lie elsewhere."""
    recorded = building_place.group_by(subdistrict_code=_.stated_subdistrict_code).agg(
        buildings_recorded=_.count(),
        buildings_elsewhere=_.count(
            where=~_.subdistrict_code.identical_to(_.stated_subdistrict_code)
        ),
    )
    placed = building_place.left_join(_dwellings_by_building(land_registration), "building_code")
    found = placed.group_by("subdistrict_code").agg(
        buildings=_.count(), dwellings=_.dwellings.sum()
    )
    counted = subdistrict.left_join(found, "subdistrict_code").left_join(
        recorded, "subdistrict_code"
    )
    return _every_subdistrict(
        subdistrict,
        counted.select(
            "subdistrict_code",
            "buildings",
            "dwellings",
            "buildings_recorded",
            "buildings_elsewhere",
        ),
        "buildings",
        "dwellings",
        "buildings_recorded",
        "buildings_elsewhere",
    )


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
        leases=published(_.all_leases),
        leases_of_companies=published(_.all_companies),
        mean_rent_m2=based_on(_.all_leases, _.mean.round(2)),
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
        companies=published(_.active.fill_null(0)),
        individual_businesses=published(_.individuals.fill_null(0)),
        capital=based_on(_.active.fill_null(0), _.total.round(2)),
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
    shown = joined.select(
        "subdistrict_code",
        "subdistrict_name",
        "district_code",
        residents=published(_.residents),
        households=published(_.households),
        children_6_14=published(_.children_6_14),
        aged_65_up=published(_.aged_65_up),
        pupils=published(_.pupils_of_school_age),
        dwellings=published(_.dwellings),
    )
    return shown.mutate(
        share_65_up=share(_.aged_65_up, _.residents),
        pupils_per_child=share(_.pupils, _.children_6_14),
        dwellings_per_household=share(_.dwellings, _.households),
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
        share_65_up=share(_.aged_65_up, _.residents),
    )


def visit_tally(new_clinic_visit: Table) -> Table:
    """Visits that are new, by the subdistrict of the clinic and by month."""
    return _tally(
        new_clinic_visit.mutate(subdistrict_code=_.building_code.left(9), day=_.visited_at.date()),
        visits=_.count(),
        emergencies=_.count(where=_.kind == "急诊"),
        fee_fen=_.fee_fen.sum(),
    )


def payment_tally(new_payment: Table) -> Table:
    """Payments that are new, by the subdistrict of the office and by month."""
    return _tally(
        new_payment.mutate(day=_.paid_at.date()),
        payments=_.count(),
        amount_fen=_.amount_fen.sum(),
    )


def reading_tally(new_meter_reading: Table) -> Table:
    """Meter readings that are new, by the subdistrict of the building and by month."""
    return _tally(
        new_meter_reading.mutate(subdistrict_code=_.building_code.left(9), day=_.read_on),
        readings=_.count(),
        used_kwh=_.used_kwh.sum(),
    )


def visit_by_month(visit_tally: Table, subdistrict: Table) -> Table:
    """Visits by subdistrict and month."""
    return _by_month(visit_tally, subdistrict).select(
        "subdistrict_code",
        "month",
        "subdistrict_name",
        visits=published(_.visits),
        emergencies=published(_.emergencies),
        fee_fen=based_on(_.visits, _.fee_fen),
    )


def payment_by_month(payment_tally: Table, subdistrict: Table) -> Table:
    """Payments by subdistrict and month."""
    return _by_month(payment_tally, subdistrict).select(
        "subdistrict_code",
        "month",
        "subdistrict_name",
        payments=published(_.payments),
        amount_fen=based_on(_.payments, _.amount_fen),
    )


def reading_by_month(reading_tally: Table, subdistrict: Table) -> Table:
    """Meter readings by subdistrict and month."""
    return _by_month(reading_tally, subdistrict).select(
        "subdistrict_code",
        "month",
        "subdistrict_name",
        readings=published(_.readings),
        used_kwh=based_on(_.readings, _.used_kwh),
    )


def _tally(rows: Table, **figures: Deferred) -> Table:
    """Figures of rows, which have a day, by subdistrict and month."""
    dated = rows.mutate(month=_.day.truncate("M"))
    return dated.group_by("subdistrict_code", "month").agg(**figures)


def _by_month(tally: Table, subdistrict: Table) -> Table:
    """Part sums put together, with the names of the subdistricts."""
    sums = [name for name in tally.columns if name not in ("subdistrict_code", "month")]
    summed = tally.group_by("subdistrict_code", "month").agg(
        **{name: tally[name].sum() for name in sums}
    )
    names = subdistrict.select("subdistrict_code", "subdistrict_name")
    return summed.join(names, "subdistrict_code")


def _dwellings(land_registration: Table) -> Table:
    """Units in residential use whose entry is current, once however many owners they have."""
    present = land_registration.filter(_.status == "现势", _.usage == "住宅")
    return present.group_by("unit_code", "building_code").agg(area_m2=_.area_m2.max())


def _dwellings_by_building(land_registration: Table) -> Table:
    return _dwellings(land_registration).group_by("building_code").agg(dwellings=_.count())


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
