"""What a column holds is read once for each version of its dataset, and never older than that."""

from pathlib import Path
from shutil import rmtree

import numpy as np
import pytest

from cityloom import references
from cityloom.references import References
from tests.cities import column, contract_text, csv_bytes, deliver, new_city, quarantined

CONTRACTS = {
    "street": contract_text("street", [column("no", key=1)], "snapshot"),
    "lamp": contract_text("lamp", [column("id"), column("street", refers="street.no")]),
}


def test_a_parent_that_comes_between_two_deliveries_is_seen(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    deliver(city, "street", "one.csv", csv_bytes(["no"], ["A"]))
    deliver(city, "lamp", "1.csv", csv_bytes(["id", "street"], ["1A", "2B"]))
    assert [row.delivery for row in quarantined(city, "lamp")] == ["1.csv"]
    deliver(city, "street", "two.csv", csv_bytes(["no"], ["A", "B"]))
    deliver(city, "lamp", "2.csv", csv_bytes(["id", "street"], ["3A", "4B"]))
    deliver(city, "street", "three.csv", csv_bytes(["no"], ["B"]))
    deliver(city, "lamp", "3.csv", csv_bytes(["id", "street"], ["5A", "6B"]))
    assert [(row.delivery, row.ordinal) for row in quarantined(city, "lamp")] == [
        ("1.csv", 2),
        ("3.csv", 1),
    ]


def test_a_version_is_read_once_and_forgotten_where_room_is_short(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    deliver(city, "street", "one.csv", csv_bytes(["no"], ["A", "B"]))
    known, asked = References(), (city.contract("street"), city.kept("street"), "no", tmp_path)
    first = known.values(*asked)
    assert len(first) == 2
    assert known.values(*asked) is first
    monkeypatch.setattr(references, "_MOST_REMEMBERED", 1)
    assert known.values(*asked) is first
    again = known.values(*asked)
    assert again is not first
    held = np.sort(np.concatenate(again._all_runs()))
    assert np.array_equal(held, np.sort(np.concatenate(first._all_runs())))


def test_a_parent_without_rows_is_read_once_too(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    deliver(city, "street", "one.csv", csv_bytes(["no"], ["A"]))
    deliver(city, "street", "one.csv", csv_bytes(["no"], []))
    known, asked = References(), (city.contract("street"), city.kept("street"), "no", tmp_path)
    first = known.values(*asked)
    assert len(first) == 0
    assert known.values(*asked) is first


def test_a_table_given_up_and_made_again_is_another(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    deliver(city, "street", "one.csv", csv_bytes(["no"], ["A"]))
    deliver(city, "lamp", "1.csv", csv_bytes(["id", "street"], ["1A"]))
    version = city.kept("street").latest_version()
    rmtree(city.kept("street").folder)
    deliver(city, "street", "one.csv", csv_bytes(["no"], ["B"]))
    assert city.kept("street").latest_version() == version
    deliver(city, "lamp", "2.csv", csv_bytes(["id", "street"], ["2A", "3B"]))
    assert [(row.delivery, row.ordinal) for row in quarantined(city, "lamp")] == [("2.csv", 1)]
