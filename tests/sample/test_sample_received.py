"""A city that receives the sample quarantines the rows that the truth calls broken, no other."""

from collections import Counter
from datetime import date
from fractions import Fraction
from pathlib import Path

import duckdb
import pytest

from cityloom.city import City
from cityloom.quarantine import relation
from cityloom.sample import add_delivery, make_sample

SEED = 11


@pytest.fixture(scope="module")
def woven(tmp_path_factory: pytest.TempPathFactory) -> City:
    path = tmp_path_factory.mktemp("woven") / "city"
    city = City.create(path, "样例")
    make_sample(path, Fraction(1, 4000), SEED)
    assert [run.error for run in city.weave() if run.error] == []
    return City.open(path)


def expected(city: City, dataset: str, *outcomes: str) -> set[tuple[str, int]]:
    truth = city.path.parent / f"{city.path.name}-truth"
    rows = duckdb.execute(
        "SELECT DISTINCT source, ordinal FROM read_parquet(?) "
        "WHERE dataset = ? AND list_contains(?, outcome)",
        [str(truth / "dirt.parquet"), dataset, list(outcomes)],
    )
    return set(rows.fetchall())


def quarantined(city: City, dataset: str) -> set[tuple[str, int]]:
    files = city.quarantine_files(dataset)
    if not files:
        return set()
    rows = duckdb.sql(f"SELECT _delivery, _ordinal FROM ({relation(files)})")
    return set(rows.fetchall())


def test_precisely_the_broken_rows_are_quarantined(woven: City) -> None:
    for dataset in woven.received:
        assert quarantined(woven, dataset) == expected(woven, dataset, "quarantined", "waiting")


def test_precisely_the_copies_are_called_duplicates(woven: City) -> None:
    duplicates = Counter[str]()
    for run in woven.runs():
        if run.kind == "receive":
            duplicates[run.dataset] += run.rows_duplicate
    for dataset in woven.received:
        assert duplicates[dataset] == len(expected(woven, dataset, "duplicate"))


def test_rows_whose_building_comes_late_are_kept_then(woven: City) -> None:
    waiting = {name: expected(woven, name, "waiting") for name in ("tenancy", "land_registration")}
    assert any(waiting.values())
    add_delivery(woven.path, SEED, date(2025, 7, 1), "building")
    city = City.open(woven.path)
    city.weave()
    for dataset in waiting:
        assert quarantined(city, dataset) == expected(city, dataset, "quarantined")


def test_indicators_are_made_of_what_was_kept(woven: City) -> None:
    made = {facts.dataset: facts for facts in woven.datasets() if facts.kind == "derived"}
    assert made["subdistrict_profile"].rows == 74
    assert made["district_profile"].rows == 10
    assert made["subdistrict_profile"].classification == "public"


def test_paths_are_those_of_the_contracts(woven: City) -> None:
    for dataset, contract in woven.received.items():
        assert Path(contract.files.path or "").parent.name == dataset
