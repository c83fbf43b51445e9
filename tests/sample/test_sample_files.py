"""What a sample city writes: the same bytes for the same seed, in the size that was asked for."""

import gzip
from datetime import date
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cityloom.errors import UsageError
from cityloom.sample import SampleSummary, add_delivery, facts, make_sample

SMALL = Fraction(1, 4000)


def digests(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def new_city(folder: Path, scale: Fraction = SMALL, seed: int = 3) -> Path:
    (folder / "city").mkdir(parents=True)
    make_sample(folder / "city", scale, seed)
    return folder / "city"


def test_the_same_seed_and_scale_give_the_same_bytes(tmp_path: Path) -> None:
    first = new_city(tmp_path / "first")
    second = new_city(tmp_path / "second")
    assert digests(first.parent) == digests(second.parent)


def test_another_seed_gives_another_city(tmp_path: Path) -> None:
    first = digests(new_city(tmp_path / "first") / "inbox")
    second = digests(new_city(tmp_path / "second", seed=4) / "inbox")
    same = {name for name in first if first[name] == second.get(name)}
    assert {name.split("/")[0] for name in same} <= {
        "district",
        "subdistrict",
        "block",
        "street",
        "industry_code",
    }


def test_sizes_are_in_proportion(made: tuple[Path, SampleSummary]) -> None:
    summary = made[1]
    assert summary.people == facts.PEOPLE / 1000
    assert summary.companies == facts.COMPANIES / 1000
    assert summary.properties == facts.PROPERTIES / 1000
    assert summary.buildings == facts.BUILDINGS / 1000
    repeated = sum(
        summary.faults["household_registration"][kind]
        for kind in ("exact_duplicate", "conflicting_key")
    )
    registrations = summary.rows["household_registration"] - repeated
    assert registrations == pytest.approx(facts.HOUSEHOLD_RECORDS / 1000, rel=0.03)


@pytest.mark.parametrize("scale", [Fraction(1, 100_000), 0.0001])
def test_a_tiny_city_can_be_made(tmp_path: Path, scale: Fraction | float) -> None:
    (tmp_path / "city").mkdir()
    summary = make_sample(tmp_path / "city", scale, 1)
    assert summary.people == round(facts.PEOPLE * scale)


@pytest.mark.parametrize("scale", [0, -1, 2])
def test_a_scale_that_makes_no_city_is_refused(tmp_path: Path, scale: float) -> None:
    with pytest.raises(UsageError, match="above 0 and at most 1"):
        make_sample(tmp_path, scale, 1)


def test_departments_deliver_in_the_forms_they_have(city: Path) -> None:
    inbox = city / "inbox"
    assert (inbox / "school_enrolment/school_2024.csv").read_bytes().decode("gb18030")
    with pytest.raises(UnicodeDecodeError):
        (inbox / "school_enrolment/school_2024.csv").read_bytes().decode("utf-8")
    with gzip.open(inbox / "health_insurance/hi_202501.csv.gz", "rt", encoding="utf-8") as text:
        assert next(text).startswith("AAC001,AAC003,")
    assert len(list((inbox / "household_registration").iterdir())) == 7
    assert (inbox / "household_registration/hr_20250415_late_february.csv").exists()
    suffixes = {file.suffix for file in inbox.rglob("*") if file.is_file()}
    assert suffixes == {".csv", ".gz", ".ndjson", ".geojson", ".parquet"}


def test_the_truth_lies_outside_the_city(city: Path, truth: Path) -> None:
    assert not list(city.rglob("*truth*"))
    assert (truth / "person.parquet").exists()


def test_progress_is_told_to_its_end(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    (tmp_path / "city").mkdir()
    make_sample(tmp_path / "city", SMALL, 3, lambda *step: told.append(step))
    assert told[-1][1] == told[-1][2] == len(told)


@pytest.mark.parametrize(
    "dataset",
    [
        "household_registration",
        "school_enrolment",
        "health_insurance",
        "tenancy",
        "company_registration",
        "land_registration",
    ],
)
def test_one_more_day_is_delivered_with_its_truth(tmp_path: Path, dataset: str) -> None:
    city = new_city(tmp_path)
    before = digests(city)
    day = date(2025, 7, 1)
    path = add_delivery(city, 3, day, dataset, rows=40)
    assert path.parent == city / "inbox" / dataset
    added = digests(city)
    assert {name: added[name] for name in before} == before
    links = pq.read_table(tmp_path / f"city-truth/{dataset}_link.20250701.{dataset}.parquet")
    assert 40 <= max(links["ordinal"].to_pylist()) <= 44
    assert set(links["source"].to_pylist()) == {path.name}
    assert add_delivery(city, 3, day, dataset, rows=40).read_bytes() == path.read_bytes()


def test_the_missing_buildings_can_be_delivered(tmp_path: Path) -> None:
    city = new_city(tmp_path)
    path = add_delivery(city, 3, date(2025, 7, 1), "building")
    assert path.read_text("utf-8").count('"Feature"') >= 1


def test_a_dataset_nobody_delivers_is_refused(tmp_path: Path) -> None:
    city = new_city(tmp_path)
    with pytest.raises(UsageError, match="no department delivers 'weather'"):
        add_delivery(city, 3, date(2025, 7, 1), "weather")
