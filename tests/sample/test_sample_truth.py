"""The truth is whole: everything refers to something, and the people are those of the census."""

import json
from pathlib import Path

import duckdb
import pytest
import shapely

from cityloom.sample import SampleSummary, facts
from cityloom.sample.addresses import street_names
from cityloom.sample.departments import DEPARTMENTS
from cityloom.sample.geography import lay_out, subdistricts


def one(sql: str, *files: Path) -> tuple[float, ...]:
    row: tuple[float, ...] | None = duckdb.sql(
        sql.format(*(f"'{file}'" for file in files))
    ).fetchone()
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("table", "column", "parent", "key"),
    [
        ("person", "home_property_id", "property", "property_id"),
        ("person", "employer_company_id", "company", "company_id"),
        ("company", "premises_property_id", "property", "property_id"),
        ("company", "representative_person_id", "person", "person_id"),
        ("property", "joint_owner_person_id", "person", "person_id"),
    ],
)
def test_references_resolve(truth: Path, table: str, column: str, parent: str, key: str) -> None:
    sql = (
        f"SELECT count(*) FROM {{}} WHERE {column} IS NOT NULL "
        f"AND {column} NOT IN (SELECT {key} FROM {{}})"
    )
    assert one(sql, truth / f"{table}.parquet", truth / f"{parent}.parquet") == (0,)


def test_owners_resolve(truth: Path) -> None:
    for kind in ("person", "company"):
        sql = (
            f"SELECT count(*) FROM {{}} WHERE owner_kind = '{kind}' "
            f"AND owner_id NOT IN (SELECT {kind}_id FROM {{}})"
        )
        assert one(sql, truth / "property.parquet", truth / f"{kind}.parquet") == (0,)


ABOUT = {
    "household_registration": "person",
    "school_enrolment": "pupil",
    "health_insurance": "member",
    "tenancy": "property",
    "company_registration": "company",
    "land_registration": "property",
}


@pytest.mark.parametrize(("dataset", "role"), ABOUT.items())
def test_every_record_has_its_entity(
    truth: Path, made: tuple[Path, SampleSummary], dataset: str, role: str
) -> None:
    rows, distinct = one(
        f"SELECT count(*), count(DISTINCT (source, ordinal)) FROM {{}} WHERE role = '{role}'",
        truth / f"{dataset}_link.parquet",
    )
    assert rows == distinct == made[1].rows[dataset]


def test_links_lead_to_entities(truth: Path) -> None:
    for department in DEPARTMENTS:
        for entity in ("person", "company", "property"):
            sql = (
                f"SELECT count(*) FROM {{}} WHERE entity = '{entity}' "
                f"AND entity_id NOT IN (SELECT {entity}_id FROM {{}})"
            )
            link = truth / f"{department.dataset}_link.parquet"
            assert one(sql, link, truth / f"{entity}.parquet") == (0,)


def test_nobody_shares_an_identifier(truth: Path) -> None:
    people = truth / "person.parquet"
    assert one("SELECT count(*) - count(DISTINCT resident_number) FROM {}", people) == (0,)
    assert one(
        "SELECT count(*) FROM {} WHERE resident_number[:2] NOT IN ('47', '48', '49')", people
    ) == (0,)
    companies = truth / "company.parquet"
    assert one("SELECT count(*) - count(DISTINCT credit_code) FROM {}", companies) == (0,)


def test_people_are_those_of_the_census(truth: Path) -> None:
    male, children, elders, local, collective, family = one(
        """WITH p AS (SELECT *, date_diff('day', birth_date, DATE '2025-01-01') / 365.2425 AS age,
                             relation = '集体户成员' AS collective FROM {})
           SELECT avg(male::INT), avg((age < 15)::INT), avg((age >= 60)::INT),
                  avg(locally_registered::INT), avg(collective::INT),
                  count(*) FILTER (NOT collective)
                  / count(DISTINCT household) FILTER (NOT collective)
           FROM p""",
        truth / "person.parquet",
    )
    assert male == pytest.approx(facts.SHARE_MALE, abs=0.015)
    assert children == pytest.approx(facts.SHARE_AGED_0_14, abs=0.012)
    assert elders == pytest.approx(facts.SHARE_AGED_60_UP, abs=0.010)
    assert local == pytest.approx(facts.SHARE_LOCALLY_REGISTERED, abs=0.03)
    assert collective == pytest.approx(facts.SHARE_IN_COLLECTIVES, abs=0.001)
    assert family == pytest.approx(facts.MEAN_FAMILY_HOUSEHOLD, abs=0.06)


def test_districts_have_their_share_of_the_people(truth: Path) -> None:
    counts = dict(
        duckdb.sql(
            f"""SELECT property.building_code[:6], count(*)
                FROM '{truth / "person.parquet"}' AS person
                JOIN '{truth / "property.parquet"}' AS property
                ON property_id = home_property_id GROUP BY ALL"""
        ).fetchall()
    )
    everyone = sum(district.residents for district in facts.DISTRICTS)
    for number, district in enumerate(facts.DISTRICTS):
        share = counts[f"4903{number + 3:02d}"] / sum(counts.values())
        assert share == pytest.approx(district.residents / everyone, abs=0.02), district.name


def test_the_census_adds_up_to_the_published_total() -> None:
    assert sum(district.residents for district in facts.DISTRICTS) == 17_494_398
    assert sum(len(district.subdistricts) for district in facts.DISTRICTS) == 74


def test_subdistricts_fill_the_city_without_overlapping() -> None:
    borders = [place.border for place in subdistricts()]
    outline = shapely.Polygon(facts.OUTLINE)
    assert outline.is_valid
    assert sum(border.area for border in borders) == pytest.approx(outline.area, rel=1e-3)
    for place in subdistricts():
        assert place.border.geom_type == "Polygon"
        assert place.border.contains(shapely.Point(place.longitude, place.latitude))


def test_buildings_stand_in_their_subdistrict_and_apart() -> None:
    ground = lay_out(5, 2000, 40_000)
    places = subdistricts()
    built = ground.buildings
    inside = [
        places[where].border.contains(shapely.Point(x, y))
        for where, x, y in zip(
            built.subdistrict.tolist(), built.longitude, built.latitude, strict=True
        )
    ]
    assert sum(inside) / len(inside) > 0.97
    assert (
        len(
            {
                (round(x, 5), round(y, 5))
                for x, y in zip(built.longitude, built.latitude, strict=True)
            }
        )
        == 2000
    )
    assert built.properties.sum() == 40_000


def test_no_two_streets_of_the_whole_city_have_one_name() -> None:
    names = street_names(lay_out(1, facts.BUILDINGS, facts.PROPERTIES)).to_pylist()
    assert len(set(names)) == len(names) > 4000


def test_names_and_addresses_are_chinese(city: Path, truth: Path) -> None:
    short, long = one(
        "SELECT min(length(name)), max(length(name)) FROM {}", truth / "person.parquet"
    )
    assert (short, long) in {(2, 3), (2, 4)}
    first = (city / "inbox/tenancy/tenancy_2024.ndjson").read_text("utf-8").splitlines()[0]
    assert "街道" in json.loads(first)["address"] or "区" in json.loads(first)["address"]
