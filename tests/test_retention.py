"""Rows past retention leave a dataset, its quarantine and, after a while, the disk."""

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from starlette.testclient import TestClient

from cityloom.check import findings
from cityloom.city import City
from cityloom.cli import main
from cityloom.retention import GRACE, due, expire_dataset
from cityloom.runs import EXPIRE
from cityloom.web.app import create_app
from tests.cities import column, contract_text, deliver, new_city, quarantined, rows, set_contract

SOON = datetime.now(UTC) + timedelta(days=1)
LATER = datetime.now(UTC) + timedelta(days=40)
COLUMNS = [column("id", "integer", key=1), column("day", "date")]


def kept_for_thirty_days(element: str | None = None) -> str:
    retention: dict[str, object] = {"property": "retention", "value": 30, "unit": "d"}
    if element:
        retention["element"] = f"visit.{element}"
    return contract_text("visit", COLUMNS) + yaml.safe_dump({"slaProperties": [retention]})


def city_with(path: Path, element: str | None = None) -> City:
    return new_city(path / "city", {"visit": kept_for_thirty_days(element)})


def why(city: City, moment: datetime) -> str | None:
    return due(city.contract("visit"), city.runs("visit"), moment)


def test_deliveries_go_when_they_came_too_long_ago(tmp_path: Path) -> None:
    city = city_with(tmp_path)
    deliver(city, "visit", "a.csv", b"id,day\n1,2024-01-01\nx,\n")
    assert why(city, SOON) is None
    assert why(city, LATER) == "1 delivery is past retention"
    (run,) = expire_dataset(city, "visit", LATER)
    assert (run.kind, run.rows_read) == (EXPIRE, 2)
    assert rows(city, "visit") == []
    assert quarantined(city, "visit") == []
    assert why(city, SOON) is None


def test_rows_go_by_the_day_that_a_column_holds(tmp_path: Path) -> None:
    city = city_with(tmp_path, "day")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    deliver(city, "visit", "a.csv", f"id,day\n1,2024-01-01\n2,{today}\n3,\nx,\n".encode())
    assert "30 days from day" in (why(city, SOON) or "")
    expire_dataset(city, "visit", SOON)
    assert [row["id"] for row in rows(city, "visit")] == [2, 3]
    assert len(quarantined(city, "visit")) == 1
    expire_dataset(city, "visit", LATER)
    assert [row["id"] for row in rows(city, "visit")] == [3]
    assert quarantined(city, "visit") == []


def test_what_went_leaves_the_disk_after_its_grace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = city_with(tmp_path)
    deliver(city, "visit", "a.csv", b"id,day\n1,2024-01-01\n")
    expire_dataset(city, "visit", LATER)
    assert why(city, datetime.now(UTC) + GRACE / 2) is None
    moment = datetime.now(UTC) + 2 * GRACE
    assert why(city, moment) == "what went may leave the disk"
    expire_dataset(city, "visit", moment)
    assert why(city, moment) is None


def test_a_dataset_whose_only_delivery_failed_is_left_alone(tmp_path: Path) -> None:
    city = city_with(tmp_path, "day")
    (city.path / "inbox" / "visit").mkdir()
    (city.path / "inbox" / "visit" / "a.csv").write_bytes(b"")
    assert [run.failed for run in city.weave() if run.dataset == "visit"] == [True]
    assert why(city, LATER) is None


def test_a_column_that_no_delivery_has_yet_can_count(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"visit": contract_text("visit", COLUMNS[:1])})
    deliver(city, "visit", "a.csv", b"id\n1\n")
    set_contract(city.path, "visit", kept_for_thirty_days("day"))
    expire_dataset(City.open(city.path), "visit", LATER)
    assert [row["id"] for row in rows(City.open(city.path), "visit")] == [1]


def test_trouble_with_one_dataset_stops_no_other(tmp_path: Path) -> None:
    number, day = (column("n", kind) for kind in ("integer", "date"))
    contracts = {
        "visit": contract_text("visit", [column("id", "integer", key=1), number]),
        "other": contract_text("other", [column("id")]),
    }
    city = new_city(tmp_path / "city", contracts)
    deliver(city, "visit", "a.csv", b"id,n\n1,2\n2,x\n")
    set_contract(city.path, "visit", contract_text("visit", [column("id", "integer", key=1), day]))
    (city.path / "inbox" / "other").mkdir()
    (city.path / "inbox" / "other" / "o.csv").write_bytes(b"id\n1\n")
    runs = {(run.dataset, run.kind): run for run in City.open(city.path).weave()}
    assert runs["visit", "replay"].failed
    assert runs["other", "receive"].rows_kept == 1
    found = [finding.what for finding in findings(City.open(city.path))]
    assert any("visit could not be replayed" in what for what in found)


def test_a_weave_and_its_runs_say_how_many_rows_expired(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    city = city_with(tmp_path, "day")
    today = f"{datetime.now(UTC):%Y-%m-%d}"
    deliver(city, "visit", "a.csv", f"id,day\n1,2024-01-01\n2,{today}\n3,2024-01-02\n".encode())
    said = spoken(city, "weave", monkeypatch, capsys)
    assert "expire visit: taken out past retention: 2 rows" in said
    assert "0 kept" not in said
    assert "taken out past retention: 2 rows" in spoken(city, "runs", monkeypatch, capsys)
    expire_dataset(City.open(city.path), "visit", SOON)
    assert "nothing was past retention" in spoken(city, "runs", monkeypatch, capsys)


def spoken(
    city: City, command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> str:
    """What a command says in a city."""
    monkeypatch.setattr(sys, "argv", ["cityloom", command, "--city", str(city.path)])
    with pytest.raises(SystemExit):
        main()
    return "".join(capsys.readouterr())


@pytest.mark.parametrize(
    ("language", "words", "none"),
    [("en", "rows taken out past retention: 1", "nothing was past retention"),
     ("zh", "清除到期数据1行", "没有到期数据")],
)  # fmt: skip
def test_the_console_says_how_many_rows_expired(
    tmp_path: Path, language: str, words: str, none: str
) -> None:
    city = city_with(tmp_path, "day")
    deliver(city, "visit", "a.csv", b"id,day\n1,2024-01-01\n")
    expire_dataset(city, "visit", SOON)
    expire_dataset(city, "visit", SOON)
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    for page in ("/runs", "/datasets/visit/history", "/"):
        said = client.get(f"{page}?lang={language}").text.replace("\u2009", "")
        assert words in said, page
        assert none in said, page
