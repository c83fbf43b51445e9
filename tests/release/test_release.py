"""What leaves a city: stated, read by policy, protected, audited, written whole."""

import csv
import json
from pathlib import Path
from shutil import rmtree
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml
from typer.testing import CliRunner

from cityloom.city import City
from cityloom.cli import _app
from cityloom.errors import AccessRefused, UsageError
from cityloom.release import publish
from cityloom.release.files import write
from cityloom.release.protect import Protected
from cityloom.release.publish import release
from cityloom.release.statement import read_statement
from tests.cities import TESTER, column, contract_text, csv_bytes, deliver, new_city

COLUMNS = [
    column("person_no"),
    column("district"),
    column("subdistrict"),
    column("trade"),
    column("area", "number"),
]

STATED: dict[str, Any] = {
    "title": "Residents by trade",
    "dataset": "resident",
    "owner": "Statistics",
    "licence": "CC-BY-4.0",
    "by": ["subdistrict", "trade"],
    "hierarchy": ["subdistrict", "district"],
    "measures": ["count", {"mean": "area"}],
}


def people() -> list[list[object]]:
    sizes = {("d1", "s1", "烘焙"): 30, ("d1", "s1", "=1+1"): 3, ("d1", "s2", "烘焙"): 25,
             ("d1", "s2", "=1+1"): 40, ("d2", "s3", "烘焙"): 60, ("d2", "s3", "=1+1"): 45,
             ("d2", "s3", ""): 12}  # fmt: skip
    spread = [key for key, size in sizes.items() for _ in range(size)]
    return [[f"p{n}", *key, 100 + n % 7] for n, key in enumerate(spread)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city with some people; tests state releases in it."""
    path = tmp_path_factory.mktemp("release") / "city"
    text = contract_text("resident", COLUMNS, classification="personal", purposes=["open data"])
    city = new_city(path, {"resident": text})
    rows = csv_bytes([c["name"] for c in COLUMNS], people())
    assert deliver(city, "resident", "r.csv", rows)[0].rows_kept == 215
    return path


@pytest.fixture
def city(made: Path) -> City:
    """That city, without releases and with an empty ledger."""
    rmtree(made / "releases", ignore_errors=True)
    (made / "ledger.ndjson").unlink(missing_ok=True)
    return City.open(made)


def state(city: City, name: str = "trades", **more: Any) -> None:
    (city.path / "releases").mkdir(exist_ok=True)
    stated = {key: value for key, value in (STATED | more).items() if value is not None}
    text = yaml.safe_dump(stated, allow_unicode=True)
    (city.path / "releases" / f"{name}.yaml").write_text(text, encoding="utf-8")


def test_published_cells_are_true_and_small_ones_are_not_there(city: City) -> None:
    state(city)
    found = release(city, "trades", TESTER)
    rows = found.table.to_pylist()
    shown = {(r["cell_level"], r["district"], r["subdistrict"], r["trade"]): r for r in rows}
    small = shown["subdistrict × trade", "d1", "s1", "=1+1"]
    assert (small["count"], small["mean_area"], small["cell_status"]) == (
        None,
        None,
        "suppressed",
    )
    assert shown["total", None, None, None]["count"] == 215
    assert shown["district × trade", "d2", None, "烘焙"]["count"] == 60
    assert shown["subdistrict × trade", "d2", "s3", None]["count"] == 12
    assert found.report["primary"] == {"minimum frequency": 1}
    assert found.report["secondary"] >= 3
    hidden = [r for r in rows if r["cell_status"] == "suppressed"]
    assert found.report["suppressed"] == len(hidden) == 1 + found.report["secondary"]
    assert all(r["count"] is None and r["mean_area"] is None for r in hidden)


def test_a_release_is_read_by_policy_and_is_in_the_ledger(city: City) -> None:
    state(city)
    release(city, "trades", TESTER)
    state(city, purpose="curiosity")
    with pytest.raises(AccessRefused, match="purpose 'curiosity' is not permitted"):
        release(city, "trades", TESTER)
    lines = [json.loads(line) for line in (city.path / "ledger.ndjson").open(encoding="utf-8")]
    found = [(line["dataset"], line["purpose"], line["granted"]) for line in lines]
    assert found == [("resident", "open data", True), ("resident", "curiosity", False)]


def test_a_table_that_fails_the_audit_does_not_leave(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*given: Any) -> Protected:
        return Protected(given[2], protect(*given).reaches, "none")

    protect = publish.protect
    state(city)
    monkeypatch.setattr(publish, "protect", careless)
    with pytest.raises(UsageError, match="count: an attacker could work out 1 cells too closely"):
        release(city, "trades", TESTER)


def test_the_files_agree_with_the_report_and_no_text_is_a_formula(
    city: City, tmp_path: Path
) -> None:
    state(city)
    found = release(city, "trades", TESTER)
    paths = write(found, tmp_path / "out")
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == sorted(path.name for path in paths)
    report = json.loads((tmp_path / "out" / "trades.report.json").read_text(encoding="utf-8"))
    assert set(report["files"]) == {"trades.csv", "trades.parquet"}
    assert (report["dataset"], report["who"], report["audit"]["passed"]) == (
        "resident", "tester", True,
    )  # fmt: skip
    assert pq.read_table(tmp_path / "out" / "trades.parquet").equals(found.table)
    with (tmp_path / "out" / "trades.csv").open(encoding="utf-8", newline="") as file:
        trades = {row["trade"] for row in csv.DictReader(file)}
    assert trades == {"", "烘焙", "'=1+1"}


def test_a_release_that_cannot_be_written_leaves_the_earlier_one(
    city: City, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state(city)
    found = release(city, "trades", TESTER)
    paths = write(found, tmp_path / "out")
    before = [path.read_bytes() for path in paths]

    def full(*_: Any) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("cityloom.release.files.as_text", full)
    with pytest.raises(UsageError, match="No space left"):
        write(found, tmp_path / "out")
    assert [path.read_bytes() for path in paths] == before
    assert len(list((tmp_path / "out").iterdir())) == len(paths)


def test_rounded_releases_are_the_same_each_time_and_in_every_release(city: City) -> None:
    state(city, round={"base": 5})
    state(city, "other", by=["trade"], hierarchy=None, round={"base": 5})
    first, again = (release(city, "trades", TESTER).table for _ in range(2))
    assert first.equals(again)
    shown = [n for n in first["count"].to_pylist() if n is not None]
    assert all(number % 5 == 0 for number in shown)
    of_trade = {r["trade"]: r["count"] for r in first.to_pylist() if r["cell_level"] == "trade"}
    other = release(city, "other", TESTER).table.to_pylist()
    assert {r["trade"]: r["count"] for r in other if r["cell_level"] == "trade"} == of_trade


def test_a_noisy_release_spends_its_budget_and_is_refused_beyond(city: City) -> None:
    pytest.importorskip("opendp")
    state(city, measures=["count"], noise={"epsilon": 1.0, "budget": 2.0})
    left = [release(city, "trades", TESTER).report["noise"]["left_of_budget"] for _ in range(2)]
    assert left == pytest.approx([1.0, 0.0])
    with pytest.raises(UsageError, match="nothing was published"):
        release(city, "trades", TESTER)


def test_a_dataset_without_rows_is_a_release_without_cells(tmp_path: Path) -> None:
    text = contract_text("resident", COLUMNS)
    city = new_city(tmp_path / "city", {"resident": text})
    state(city)
    assert release(city, "trades", TESTER).table.num_rows == 0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"title": None}, "field title: is missing"),
        ({"by": []}, "field by"),
        ({"by": ["nowhere"], "hierarchy": None}, "field by: 'resident' has no column 'nowhere'"),
        ({"measures": ["median"]}, "field measures.0: expected count, or one of"),
        ({"measures": [{"sum": "trade"}]}, "field measures: 'trade' is string; a sum needs"),
        ({"hierarchy": ["trade"]}, "field hierarchy"),
        ({"hierarchy": ["district", "trade"]}, "field hierarchy"),
        ({"totals": [["nowhere"]]}, "field totals: .'nowhere'. is neither"),
        ({"minimum": 1}, "field minimum"),
        ({"minimun": 3}, "field minimun: is not known; is 'minimum' meant?"),
        ({"dominance": {"n": 1, "k": 120}}, "field dominance.k"),
        ({"noise": {"epsilon": 1, "budget": 2}}, "field noise is for count alone"),
        ({"contributor": "nobody"}, "field contributor: 'resident' has no column"),
        ({"dataset": "nothing"}, "no dataset 'nothing' in this city"),
    ],
)
def test_a_wrong_statement_is_told_by_file_and_field(
    city: City, change: dict[str, Any], words: str
) -> None:
    state(city, **change)
    with pytest.raises(UsageError, match=words) as caught:
        release(city, "trades", TESTER)
    assert "nothing" in words or "releases/trades.yaml" in str(caught.value)


@pytest.mark.parametrize("name", ["../secret", "", "a/b", "Ä"])
def test_a_name_is_no_path(city: City, name: str) -> None:
    with pytest.raises(UsageError, match="no name of a release"):
        read_statement(city.path, name)


def test_a_release_that_is_not_stated_names_those_that_are(city: City) -> None:
    state(city)
    with pytest.raises(UsageError, match=r"no release 'x': releases/x\.yaml is missing; .* trades"):
        read_statement(city.path, "x")


@pytest.mark.parametrize("text", ["- a", "title: [", "title: a\ntitle: b", "\x00"])
def test_what_is_no_statement_is_told(city: City, text: str) -> None:
    (city.path / "releases").mkdir()
    (city.path / "releases" / "x.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(UsageError, match=r"releases/x\.yaml: (not YAML|expected keys)"):
        read_statement(city.path, "x")


def test_the_command_writes_and_lists(city: City, tmp_path: Path) -> None:
    state(city)
    runner, where = CliRunner(), ["--city", str(city.path)]
    out = tmp_path / "out"
    done = runner.invoke(_app(), ["release", "trades", "--out", str(out), "--json", *where])
    assert done.exit_code == 0, done.output
    assert json.loads(done.stdout)["release"] == "trades"
    assert (out / "trades.csv").exists()
    listed = runner.invoke(_app(), ["release", "--list", "--json", *where])
    assert [found["release"] for found in json.loads(listed.stdout)] == ["trades"]


def test_what_totals_are_published_is_what_is_asked_for(city: City) -> None:
    state(city, totals=[["district"], []])
    levels = set(release(city, "trades", TESTER).table["cell_level"].to_pylist())
    assert levels == {"subdistrict × trade", "district", "total"}
