"""What memory cannot hold goes below the city's scratch; a weave clears what writers left there."""

import os
import shutil
import time
from pathlib import Path
from typing import Any

import duckdb
import pytest

from cityloom.city import City
from cityloom.engine import open_engine
from tests.cities import TESTER, column, contract_text, new_city, rows
from tests.test_derive import Town, town  # noqa: F401 - the fixture


def test_whatever_a_city_does_spills_below_its_scratch_each_in_a_folder_of_its_own(
    town: Town,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    spilled: list[Path] = []
    opened = duckdb.connect

    def connect(*arguments: Any, **options: Any) -> duckdb.DuckDBPyConnection:
        spilled.append(Path(options["config"]["temp_directory"]))
        return opened(*arguments, **options)

    monkeypatch.setattr(duckdb, "connect", connect)
    retention = "slaProperties: [{property: retention, value: 1, unit: d, element: case.day}]\n"
    columns = [column("no", "integer", key=1), column("day", "date")]
    town.receives(case=contract_text("case", columns) + retention)
    town.makes(days=contract_text("days", [column("day", "date", unique=True)]))
    town.by("""
        def days(case: Table) -> Table:
            return case.select("day").distinct()
    """)
    town.delivers("case", "a", {"no": "1", "day": "2024-01-01"}, {"no": "x"}, {"no": "2"})
    city = town.city
    city.weave()
    woven = len(spilled)
    city.datasets()
    rows(city, "days")
    city.read_quarantine("case", TESTER).read_all()
    read = len(spilled)
    city.replay("case")
    city.erase("case", "no", "2")

    by_readers, by_writers = spilled[woven:read], spilled[:woven] + spilled[read:]
    assert (len(by_readers) > 2, len(by_writers) > 6) == (True, True)
    assert {path.parent for path in by_readers} == {city.path / "scratch"}
    assert [path for path in by_writers if city.scratch not in path.parents] == []
    assert len(set(spilled)) == len(spilled)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return new_city(tmp_path / "city", {"tree": contract_text("tree", [column("no")])})


def test_a_weave_leaves_what_a_reader_at_work_set_aside_and_clears_what_a_writer_left(
    city: City,
) -> None:
    read, write = city.path / "scratch" / "duckdb-1", city.scratch / "duckdb-2"
    for folder in (read, write):
        folder.mkdir()
        (folder / "spilled.tmp").write_bytes(b"x")
    (city.scratch / "file").write_bytes(b"x")
    city.weave()
    assert (read / "spilled.tmp").exists()
    assert list(city.scratch.iterdir()) == []


@pytest.mark.parametrize(
    ("folder_days", "file_days", "is_cleared"),
    [(1.01, 1.01, True), (0.99, 1.01, False), (1.01, 0.99, False)],
)
def test_what_a_reader_left_and_nobody_wrote_to_for_a_day_is_cleared(
    folder_days: float, file_days: float, is_cleared: bool, city: City
) -> None:
    folder = city.path / "scratch" / "duckdb-1"
    folder.mkdir()
    (folder / "spilled.tmp").write_bytes(b"x")
    for path, days in ((folder / "spilled.tmp", file_days), (folder, folder_days)):
        then = time.time() - days * 86_400
        os.utime(path, (then, then))
    city.weave()
    assert folder.exists() != is_cleared


def test_a_city_whose_scratch_was_not_copied_with_it_is_woven(city: City) -> None:
    shutil.rmtree(city.path / "scratch")
    (city.path / "inbox" / "tree.csv").write_bytes(b"no\n1\n")
    assert [run.failed for run in city.weave()] == [False]


def test_two_engines_do_not_take_each_others_files_away(tmp_path: Path) -> None:
    first, second = open_engine("duckdb://", tmp_path), open_engine("duckdb://", tmp_path)
    asked = "SELECT current_setting('temp_directory')"
    folders = [Path(engine.backend.raw_sql(asked).fetchone()[0]) for engine in (first, second)]
    assert folders[0] != folders[1]
    assert {folder.parent for folder in folders} == {tmp_path}
