"""What memory cannot hold goes below the city's scratch folder, which a weave clears."""

from pathlib import Path
from typing import Any

import duckdb
import pytest

from cityloom.engine import Engine
from tests.cities import column, contract_text, rows
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
    city.replay("case")
    city.erase("case", "no", "2")
    city.datasets()
    rows(city, "days")

    assert len(spilled) > 8
    assert [path for path in spilled if city.scratch not in path.parents] == []
    assert len(set(spilled)) == len(spilled)


def test_two_engines_do_not_take_each_others_files_away(tmp_path: Path) -> None:
    first, second = Engine("duckdb://", tmp_path), Engine("duckdb://", tmp_path)
    asked = "SELECT current_setting('temp_directory')"
    folders = [Path(engine._backend.raw_sql(asked).fetchone()[0]) for engine in (first, second)]
    assert folders[0] != folders[1]
    assert {folder.parent for folder in folders} == {tmp_path}
