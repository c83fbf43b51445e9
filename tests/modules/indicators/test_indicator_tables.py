"""Indicators on small tables made by hand."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import ibis
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import shapely
from ibis.expr.types import Table

from cityloom.graph import functions_of
from cityloom.modules.indicators import module, tables
from cityloom.modules.indicators.tables import (
    building_place,
    company_by_industry,
    district_profile,
    dwelling_by_subdistrict,
    enrolment_by_subdistrict,
    population_by_subdistrict,
    subdistrict_by_place,
    subdistrict_profile,
    tenancy_by_building_use,
)
from cityloom.sample.geography import lay_out

SUBDISTRICTS = ibis.memtable(
    pd.DataFrame(
        {
            "subdistrict_code": ["490303001", "490303002"],
            "subdistrict_name": ["桂园街道", "黄贝街道"],
            "district_code": ["490303", "490303"],
        }
    )
)
BUILDINGS = ibis.memtable(
    pd.DataFrame(
        {
            "building_code": ["490303001000001", "490303002000001"],
            "subdistrict_code": ["490303001", "490303002"],
            "use": ["住宅", "办公"],
        }
    )
)


def rows_of(table: Table, key: str) -> Mapping[str, dict[str, Any]]:
    frame = table.execute().set_index(key)
    return {
        name: {column: None if pd.isna(value) else value for column, value in row.items()}
        for name, row in frame.to_dict("index").items()
    }


def registrations(births: list[date], left: list[date | None] | None = None) -> Table:
    count = len(births)
    frame = pd.DataFrame(
        {
            "subdistrict_code": ["490303001"] * count,
            "household_no": [str(number // 2) for number in range(count)],
            "birth_date": births,
            "registered_on": [date(2025, 6, 30)] * count,
            "left_on": left or [None] * count,
        }
    )
    schema = {
        "subdistrict_code": "string",
        "household_no": "string",
        "birth_date": "date",
        "registered_on": "date",
        "left_on": "date",
    }
    return ibis.memtable(frame, schema=schema)


def test_population_counts_ages_on_the_day_of_the_latest_registration() -> None:
    births = [
        date(2019, 6, 30),  # six today
        date(2019, 7, 1),  # six tomorrow
        date(2010, 7, 1),  # fifteen tomorrow
        date(2010, 6, 30),  # fifteen today
        date(1960, 6, 30),  # sixty-five today
        date(1960, 7, 1),  # sixty-five tomorrow
    ]
    counted = rows_of(
        population_by_subdistrict(registrations(births), SUBDISTRICTS), "subdistrict_code"
    )
    row = counted["490303001"]
    assert (row["residents"], row["households"]) == (6, 3)
    assert (row["children_6_14"], row["aged_65_up"]) == (2, 1)


def test_who_has_left_is_not_counted_and_empty_subdistricts_show_zero() -> None:
    births = [date(1990, 1, 1)] * 3
    left = [None, date(2025, 1, 1), None]
    counted = rows_of(
        population_by_subdistrict(registrations(births, left), SUBDISTRICTS), "subdistrict_code"
    )
    assert counted["490303001"]["residents"] == 2
    assert counted["490303002"]["residents"] == 0


def test_enrolment_counts_the_latest_school_year_alone() -> None:
    enrolment = ibis.memtable(
        pd.DataFrame(
            {
                "school_year": [2023, 2024, 2024, 2024],
                "school_code": ["490303001101"] * 3 + ["490303001201"],
                "stage": ["小学", "小学", "小学", "初中"],
            }
        )
    )
    row = rows_of(enrolment_by_subdistrict(enrolment, SUBDISTRICTS), "subdistrict_code")[
        "490303001"
    ]
    assert (row["schools"], row["primary_pupils"]) == (2, 2)
    assert (row["lower_secondary_pupils"], row["upper_secondary_pupils"]) == (1, 0)


def test_a_dwelling_of_two_owners_counts_once() -> None:
    land = ibis.memtable(
        pd.DataFrame(
            {
                "unit_code": ["a", "a", "b", "c"],
                "building_code": ["490303001000001"] * 4,
                "usage": ["住宅", "住宅", "住宅", "办公"],
                "status": ["现势", "现势", "历史", "现势"],
                "area_m2": [80.0, 80.0, 90.0, 100.0],
            }
        )
    )
    row = rows_of(dwelling_by_subdistrict(land, BUILDINGS, SUBDISTRICTS), "subdistrict_code")[
        "490303001"
    ]
    assert (row["dwellings"], row["dwelling_area_m2"]) == (1, 80.0)


def test_rents_of_few_leases_are_not_published() -> None:
    tenancy = ibis.memtable(
        pd.DataFrame(
            {
                "building_code": ["490303001000001"] * 5 + ["490303002000001"] * 4,
                "tenant_kind": ["个人"] * 5 + ["企业"] * 4,
                "monthly_rent": [1000.0] * 9,
                "area_m2": [20.0] * 9,
            }
        )
    )
    uses = rows_of(tenancy_by_building_use(tenancy, BUILDINGS), "use")
    assert uses["住宅"] == {"leases": 5, "leases_of_companies": None, "mean_rent_m2": 50.0}
    assert uses["办公"] == {"leases": None, "leases_of_companies": None, "mean_rent_m2": None}


def test_companies_below_five_are_not_published() -> None:
    companies = ibis.memtable(
        pd.DataFrame(
            {
                "industry_code": ["C"] * 6 + ["F"] * 4,
                "kind": ["个体工商户"] * 5 + ["有限责任公司"] * 5,
                "status": ["存续"] * 10,
                "capital": [10.0] * 10,
            }
        )
    )
    codes = ibis.memtable(
        pd.DataFrame({"industry_code": ["C", "F", "B"], "industry_name": ["制造", "批发", "采矿"]})
    )
    found = rows_of(company_by_industry(companies, codes), "industry_code")
    assert found["C"]["companies"] == 6
    assert found["C"]["individual_businesses"] == 5
    assert found["C"]["capital"] == 60.0
    for code in ("F", "B"):
        assert found[code]["companies"] is None
        assert found[code]["capital"] is None


@pytest.fixture
def profiles() -> Table:
    places = SUBDISTRICTS.execute()
    population = places.assign(
        residents=[100, 4], households=[40, 4], children_6_14=[20, 0], aged_65_up=[5, 4]
    )
    enrolment = places.assign(primary_pupils=[12, 1], lower_secondary_pupils=[4, 1])
    dwelling = places.assign(dwellings=[50, 3])
    return subdistrict_profile(*(ibis.memtable(t) for t in (population, enrolment, dwelling)))


def test_a_profile_shows_ratios_of_what_may_be_published(profiles: Table) -> None:
    found = rows_of(profiles, "subdistrict_code")
    row = found["490303001"]
    assert (row["residents"], row["pupils"], row["dwellings"]) == (100, 16, 50)
    assert row["share_65_up"] == 0.05
    assert row["pupils_per_child"] == 0.8
    assert row["dwellings_per_household"] == 1.25
    small = found["490303002"]
    assert {small[name] for name in small if name not in ("subdistrict_name", "district_code")} == {
        None
    }


def test_districts_are_summed_from_public_figures_alone(profiles: Table) -> None:
    district = ibis.memtable(
        pd.DataFrame(
            {"district_code": ["490303"], "district_name": ["罗湖区"], "area_km2": [78.75]}
        )
    )
    row = rows_of(district_profile(profiles, district), "district_code")["490303"]
    assert row["residents"] == 100
    assert row["residents_per_km2"] == 1.3


BORDERS = pa.table(
    {
        "subdistrict_code": ["490303001", "490303002"],
        "geometry": [shapely.box(x, 22.5, x + 0.1, 22.6).wkb for x in (114.0, 114.1)],
    }
)


def footprints(*placed: tuple[str, str, float]) -> pa.Table:
    """Buildings by code, the subdistrict they are recorded under, and longitude."""
    codes, stated, places = zip(*placed, strict=True)
    shapes = [shapely.box(x, 22.55, x + 0.001, 22.551).wkb for x in places]
    return pa.table({"building_code": codes, "subdistrict_code": stated, "geometry": shapes})


PLACED = (("a", "490303001", 114.05), ("b", "490303001", 114.15), ("c", "490303002", 115.0))


def test_a_building_is_placed_by_its_footprint_beside_what_is_recorded() -> None:
    found = building_place(footprints(*PLACED), BORDERS).to_pylist()
    assert [tuple(row.values()) for row in found] == [
        ("a", "490303001", "490303001"),
        ("b", "490303002", "490303001"),
        ("c", None, "490303002"),
    ]


def test_a_subdistrict_counts_what_lies_in_it_and_what_is_recorded_but_lies_elsewhere() -> None:
    buildings = footprints(*PLACED)
    placed = ibis.memtable(building_place(buildings, BORDERS))
    land = ibis.memtable(
        pd.DataFrame(
            {
                "unit_code": ["a1", "b1", "b2", "b2"],
                "building_code": ["a", "b", "b", "b"],
                "status": ["现势"] * 4,
                "usage": ["住宅"] * 4,
                "area_m2": [50.0] * 4,
            }
        )
    )
    counted = rows_of(subdistrict_by_place(placed, land, SUBDISTRICTS), "subdistrict_code")
    names = ("buildings", "dwellings", "buildings_recorded", "buildings_elsewhere")
    assert [counted["490303001"][name] for name in names] == [1, 1, 2, 1]
    assert [counted["490303002"][name] for name in names] == [1, 2, 1, 1]


def test_on_the_sample_ground_nearly_all_buildings_lie_where_they_are_recorded() -> None:
    ground = lay_out(1, 65_000, 650_000)
    built = ground.buildings
    codes = np.array([place.code for place in ground.places])
    points = shapely.points(built.longitude, built.latitude)
    buildings = pa.table(
        {
            "building_code": np.arange(len(built)).astype(str),
            "subdistrict_code": codes[built.subdistrict],
            "geometry": shapely.to_wkb(points),
        }
    )
    borders = pa.table(
        {
            "subdistrict_code": codes,
            "geometry": shapely.to_wkb([place.border for place in ground.places]),
        }
    )
    found = building_place(buildings, borders)
    borders_of = np.array([place.border for place in ground.places])
    outside = ~shapely.intersects(borders_of[built.subdistrict], points)
    assert 0 < outside.sum() < len(built) / 100
    stated = pc.equal(found["subdistrict_code"], found["stated_subdistrict_code"]).fill_null(False)
    assert np.array_equal(~stated.to_numpy(), outside)


def test_every_contract_has_its_function_and_every_function_its_contract() -> None:
    made = {name for function in functions_of(tables) for name in function.outputs}
    contracts = {path.name.split(".")[0] for path in module.contracts.iterdir()}
    assert made == contracts
