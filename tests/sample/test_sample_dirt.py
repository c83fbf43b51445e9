"""Dirt comes at its named rates, and the truth says where."""

import csv
import gzip
import json
from collections import Counter, defaultdict
from pathlib import Path

import duckdb
import pytest

from cityloom.sample import SampleSummary, variants
from cityloom.sample.addresses import restyled, shortened
from cityloom.sample.departments import DEPARTMENTS
from cityloom.sample.dirt import BREACH_RATES, OUTCOMES, SPOILS_BY_FORMAT
from cityloom.sample.write import form_of, format_of


def rows_of(path: Path, dataset: str) -> list[list[str]]:
    """The rows of a CSV delivery as a lenient reader splits them."""
    form = form_of(dataset)
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "rt", encoding=form.encoding, newline="") as text:
        return list(csv.reader(text, delimiter=form.delimiter))[1:]


def faults(truth: Path, dataset: str, kind: str) -> dict[str, list[int]]:
    found = duckdb.execute(
        "SELECT source, list(ordinal ORDER BY ordinal) FROM read_parquet(?) "
        "WHERE dataset = ? AND kind = ? GROUP BY ALL",
        [str(truth / "dirt.parquet"), dataset, kind],
    )
    return dict(found.fetchall())


def test_breaches_come_at_their_rates(made: tuple[Path, SampleSummary]) -> None:
    summary = made[1]
    expected: defaultdict[str, float] = defaultdict(float)
    found: Counter[str] = Counter()
    for department in DEPARTMENTS:
        rows = summary.rows[department.dataset]
        kinds = {breach.kind for breach in department.breaches} | {"exact_duplicate"}
        kinds |= set(SPOILS_BY_FORMAT[format_of(department.files[0])])
        for kind in kinds:
            expected[kind] += rows * BREACH_RATES[kind]
            found[kind] += summary.faults[department.dataset][kind]
    for kind, count in expected.items():
        assert found[kind] == pytest.approx(count, abs=4 * count**0.5 + 2), kind


def test_every_kind_of_fault_has_an_outcome(made: tuple[Path, SampleSummary]) -> None:
    kinds = {kind for tally in made[1].faults.values() for kind in tally}
    assert kinds == set(OUTCOMES)


def test_rows_said_to_have_the_wrong_number_of_fields_do(city: Path, truth: Path) -> None:
    dataset = "household_registration"
    width = len(form_of(dataset).columns)
    for kind in ("column_count", "stray_quote"):
        for source, ordinals in faults(truth, dataset, kind).items():
            rows = rows_of(city / "inbox" / dataset / source, dataset)
            assert all(len(rows[ordinal - 1]) != width for ordinal in ordinals)


def test_no_other_rows_have_the_wrong_number_of_fields(city: Path, truth: Path) -> None:
    for dataset in (
        "household_registration",
        "school_enrolment",
        "health_insurance",
        "company_registration",
    ):
        width = len(form_of(dataset).columns)
        known = Counter[str]()
        for kind in SPOILS_BY_FORMAT["csv"]:
            known.update({s: len(o) for s, o in faults(truth, dataset, kind).items()})
        for path in (city / "inbox" / dataset).iterdir():
            wrong = sum(len(row) != width for row in rows_of(path, dataset))
            assert wrong == known[path.name], path.name


def test_broken_json_lines_are_those_said_to_be(city: Path, truth: Path) -> None:
    known = faults(truth, "tenancy", "broken_json")
    for path in (city / "inbox/tenancy").iterdir():
        broken = []
        for ordinal, line in enumerate(path.read_text("utf-8").splitlines(), start=1):
            try:
                json.loads(line)
            except ValueError:
                broken.append(ordinal)
        assert broken == known.get(path.name, [])


def test_impossible_dates_and_missing_names_are_where_the_truth_says(
    city: Path, truth: Path
) -> None:
    dataset = "household_registration"
    columns = form_of(dataset).columns
    birth, registered = columns.index("birth_date"), columns.index("registered_on")
    for source, ordinals in faults(truth, dataset, "impossible_date").items():
        rows = rows_of(city / "inbox" / dataset / source, dataset)
        written = {
            rows[ordinal - 1][place] for ordinal in ordinals for place in (birth, registered)
        }
        assert written & {"19900230", "20021301", "1985-7-3", "00000000", "20250229", "20241131"}
    for source, ordinals in faults(truth, dataset, "missing_required").items():
        rows = rows_of(city / "inbox" / dataset / source, dataset)
        assert all("" in rows[ordinal - 1][:11] for ordinal in ordinals)


def test_copies_follow_what_they_copy(city: Path, truth: Path) -> None:
    dataset = "company_registration"
    for source, ordinals in faults(truth, dataset, "exact_duplicate").items():
        rows = rows_of(city / "inbox" / dataset / source, dataset)
        for ordinal in ordinals:
            assert rows[ordinal - 1] in rows[: ordinal - 1]
    for source, ordinals in faults(truth, dataset, "conflicting_key").items():
        keys = Counter(
            rows_of(city / "inbox" / dataset / source, dataset)[o - 1][0] for o in ordinals
        )
        assert set(keys.values()) == {2}


def test_names_get_written_wrongly_as_people_do() -> None:
    assert variants.traditional("陈丽华", 0) == "陳麗華"
    assert variants.swapped("王伟", 0) == "伟王"
    assert variants.spaced("王伟", 0) == "王　伟"
    assert variants.homophone("王伟", 0) in {"汪伟", "王玮", "王炜", "王维"}
    assert variants.lookalike("曾田", 0) in {"會田", "曾田"}


def test_a_mistyped_number_differs_in_one_place_or_by_an_exchange() -> None:
    number = "490303198001010015"
    for pick in range(50):
        typed = variants.mistyped(number, pick)
        assert (
            sorted(typed) == sorted(number)
            or sum(a != b for a, b in zip(typed, number, strict=True)) == 1
        )


def test_addresses_get_shortened_and_restyled() -> None:
    address = "鹏城市福田区莲花街道红荔路12号翠湖花园3栋502"
    assert shortened(address, 1) == "福田区莲花街道红荔路12号翠湖花园3栋502"
    assert shortened(address, 0) == "鹏城市福田区莲花红荔路12号翠湖花园3栋502"
    assert restyled(address, 0) == "鹏城市福田区莲花街道红荔路１２号翠湖花园３栋５０２"
    assert restyled(address, 2) == "鹏城市福田区莲花街道红荔路12号翠湖花园3幢502"
