"""Events point to what the departments hold, come when such things do, and are counted by month."""

from collections import Counter
from dataclasses import replace
from fractions import Fraction
from hashlib import sha256
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cityloom.city import City
from cityloom.policy import Principal
from cityloom.quarantine import relation
from cityloom.sample import make_sample
from cityloom.sample.draws import apportion
from cityloom.sample.events import add_events, event_files, make, write_events
from cityloom.sample.events.kinds import KINDS, VISIT
from cityloom.sample.events.when import months

SEED = 5
EVENTS = 30_000
TESTER = Principal("tester", roles=("data_steward",))
KEYS = {
    "clinic_visit": ("insurance_no", "health_insurance"),
    "payment": ("registration_no", "company_registration"),
    "meter_reading": ("building_code", "building"),
}


@pytest.fixture(scope="module")
def woven(tmp_path_factory: pytest.TempPathFactory) -> City:
    path = tmp_path_factory.mktemp("events") / "city"
    City.create(path, "样例")
    make_sample(path, Fraction(1, 4000), SEED)
    add_events(path, EVENTS)
    assert [run.error for run in City.open(path).weave() if run.error] == []
    return City.open(path)


def delivered(city: City, dataset: str) -> pa.Table:
    return pq.read_table(city.path / "inbox" / dataset)


def digests(city: Path) -> dict[str, str]:
    found = sorted((city / "inbox").glob("*/*.parquet"))
    return {path.name: sha256(path.read_bytes()).hexdigest() for path in found}


def test_so_many_events_are_delivered_as_were_asked_for(woven: City) -> None:
    assert sum(len(delivered(woven, dataset)) for dataset in KEYS) == EVENTS


def test_the_same_city_and_number_make_the_same_bytes_by_any_number_of_processes(
    tmp_path: Path,
) -> None:
    for name, workers in (("one", 1), ("two", 2)):
        make_sample(tmp_path / name, Fraction(1, 8000), SEED)
        add_events(tmp_path / name, 2000, workers=workers)
    assert digests(tmp_path / "one") == digests(tmp_path / "two")
    assert len(digests(tmp_path / "one")) > 72


def test_a_month_is_cut_into_files_of_bounded_size(
    woven: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(make, "ROWS_A_FILE", 100)
    cut = event_files(woven.path, EVENTS)
    assert max(each.rows for each in cut) == 100
    assert sum(each.rows for each in cut) == EVENTS
    assert len({each.name for each in cut}) == len(cut)
    some = [each for each in cut if each.dataset == "meter_reading" and each.month == 3]
    days = [_days_of(replace(each, name=f"cut_{each.name}")) for each in some]
    (whole,) = [
        path for path in (woven.path / "inbox/meter_reading").iterdir() if "202310" in path.name
    ]
    expected = pq.read_table(whole)["read_on"]
    assert pa.concat_arrays(days).to_pylist() == expected.to_pylist()


def _days_of(made: make.EventFile) -> pa.Array:
    path, _ = write_events(made)
    days = pq.read_table(path)["read_on"].combine_chunks()
    path.unlink()
    return days


@pytest.mark.parametrize("dataset", KEYS)
def test_events_point_to_what_a_department_holds(woven: City, dataset: str) -> None:
    column, parent = KEYS[dataset]
    events = delivered(woven, dataset)
    files = woven.kept(parent).files()
    known = pa.concat_tables([pq.read_table(file, columns=[column]) for file in files])
    found = pc.is_in(events[column], known[column].combine_chunks())
    assert pc.mean(found.cast(pa.int8())).as_py() > 0.97


@pytest.mark.parametrize("dataset", KEYS)
def test_precisely_the_faulty_events_and_those_of_no_parent_are_refused(
    woven: City, dataset: str
) -> None:
    truth = woven.path.parent / f"{woven.path.name}-truth" / "dirt.events.parquet"
    faulty = set(
        duckdb.execute(
            "SELECT source, ordinal FROM read_parquet(?) WHERE dataset = ?", [str(truth), dataset]
        ).fetchall()
    )
    refused = duckdb.sql(
        f"SELECT _delivery, _ordinal, list_transform(reasons, r -> r.rule) "
        f"FROM ({relation(woven.quarantine_files(dataset))})"
    ).fetchall()
    assert faulty
    assert faulty <= {(source, ordinal) for source, ordinal, _ in refused}
    others = {
        rule
        for source, ordinal, rules in refused
        for rule in rules
        if (source, ordinal) not in faulty
    }
    assert others <= {"reference"}


def test_weekdays_holidays_and_seasons_are_seen_in_the_days_of_visits() -> None:
    found = months(VISIT.rhythm, 1_000_000)
    days = np.concatenate([month.days for month in found])
    counts = np.concatenate([month.counts for month in found])
    monday, sunday = counts[(days + 3) % 7 == 0].mean(), counts[(days + 3) % 7 == 6].mean()
    assert 1.6 < monday / sunday < 2.1
    by_name = {month.name: month.total for month in found}
    assert by_name["202412"] > 1.2 * by_name["202502"]
    assert len(found) == 24
    assert sum(by_name.values()) == 1_000_000


def test_a_few_people_have_many_of_the_visits(woven: City) -> None:
    numbers = delivered(woven, "clinic_visit")["insurance_no"].to_pylist()
    counts = sorted(Counter(numbers).values(), reverse=True)
    assert sum(counts[: len(counts) // 10]) > 0.2 * len(numbers)


def test_shares_of_kinds_add_up() -> None:
    assert sum(kind.share for kind in KINDS) == pytest.approx(1)
    assert apportion(10, np.array([kind.share for kind in KINDS])).tolist() == [2, 3, 5]


def test_months_add_up_to_what_was_kept(woven: City) -> None:
    for dataset, tally, count in (
        ("clinic_visit", "visit", "visits"),
        ("payment", "payment", "payments"),
        ("meter_reading", "reading", "readings"),
    ):
        kept = next(f.rows for f in woven.datasets() if f.dataset == dataset)
        summed = woven.read(f"{tally}_tally", TESTER, "planning").read_all()
        shown = woven.read(f"{tally}_by_month", TESTER).read_all()
        assert sum(summed[count].to_pylist()) == kept
        published = [value for value in shown[count].to_pylist() if value is not None]
        assert min(published) >= 5
        assert sum(published) <= kept
