"""Every command works on a small city, and what goes wrong is told in a sentence."""

import copy
import csv
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO, TextIOWrapper
from pathlib import Path
from subprocess import PIPE
from typing import Any

import pyarrow.ipc
import pyarrow.parquet as pq
import pytest
import xlsxwriter
import yaml

from cityloom.city import City
from cityloom.cli import COMMANDS, main
from tests.faults.scene import copied
from tests.readers.test_layer_reader import write as write_layer
from tests.sources.sites import free_port

CASE: dict[str, Any] = {
    "apiVersion": "v3.1.0",
    "kind": "DataContract",
    "id": "case",
    "version": "1.0.0",
    "status": "active",
    "team": {"name": "环境局"},
    "customProperties": [{"property": "classification", "value": "public"}],
    "schema": [
        {
            "name": "case",
            "businessName": "案件",
            "properties": [
                {"name": "no", "logicalType": "integer", "primaryKey": True},
                {"name": "street"},
                {"name": "place", "physicalType": "POINT"},
            ],
        }
    ],
}

ROWS = "no,street,place\n1,人民路,POINT (114 22.5)\n2,长江路,\nx,=1+1,\n2,长江路,\n"


@dataclass
class Answer:
    """What a command answered."""

    code: int
    out: str
    err: str

    @property
    def facts(self) -> list[dict[str, Any]]:
        """The facts of an answer asked for as JSON."""
        found: list[dict[str, Any]] = json.loads(self.out)
        return found


Run = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command line as a user does, in this process."""

    def command(*arguments: object) -> Answer:
        monkeypatch.setattr(sys, "argv", ["cityloom", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Answer(int(ended.value.code or 0), out, err)

    monkeypatch.setenv("COLUMNS", "200")
    return command


@pytest.fixture
def city(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A city with a contract and a delivery that waits in its inbox; commands run inside it."""
    path = small(tmp_path / "city")
    monkeypatch.chdir(path)
    return path


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same city, woven; to be copied, not changed."""
    path = small(tmp_path_factory.mktemp("once") / "city")
    City.open(path).weave()
    return path


@pytest.fixture
def woven(once: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The same city, woven; commands run inside it."""
    path = copied(once, tmp_path / "city")
    monkeypatch.chdir(path)
    return path


def small(path: Path) -> Path:
    City.create(path, "Small")
    write(path, CASE)
    (path / "inbox" / "case.csv").write_text(ROWS, encoding="utf-8")
    return path


def write(city: Path, stated: dict[str, Any], name: str = "case") -> None:
    path = city / "contracts" / f"{name}.odcs.yaml"
    path.write_text(yaml.safe_dump(stated, allow_unicode=True), encoding="utf-8")


def well(answer: Answer) -> Answer:
    assert answer.code == 0, answer.err
    return answer


def sorry(answer: Answer, *words: str) -> str:
    """The sentence of a command that could not do what was asked."""
    assert answer.code == 1
    assert "Traceback" not in answer.err
    lines = answer.err.strip().splitlines()
    assert lines[-1].startswith("✗ ")
    assert all(word in lines[-1] for word in words), lines[-1]
    return lines[-1]


# Help


def test_help_lists_every_command_and_each_has_help(run: Run) -> None:
    listed = well(run("--help")).out
    for name in COMMANDS:
        assert re.search(rf"\b{name}\b", listed)
        said = well(run(name, "--help")).out
        assert "Usage" in said


def test_a_command_that_is_not_there_is_told_without_a_trace(run: Run) -> None:
    answer = run("wave")
    assert answer.code == 2
    assert "No such command" in answer.err
    assert "Traceback" not in answer.err


# A city from nothing


def test_a_new_city_can_be_woven_at_once(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "fresh"
    said = well(run("new", path, "--name", "Fresh")).out
    assert f"cityloom weave {path}" in said
    assert City.open(path).settings.name == "Fresh"
    assert "Nothing to do" in well(run("weave", path)).out
    assert well(run("datasets", "--city", path, "--json")).facts == []
    sorry(run("new", path), "not empty")


@pytest.mark.parametrize("name", ["my city", "it's", "$HOME", "-a", "a;b", "区 (1)", "plain"])
def test_the_next_command_can_be_copied_whatever_the_folder_is_called(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    hint = sorry(run("show", "x", "--city", name)).partition("make one with: cityloom ")[2]
    well(run(*shlex.split(hint)))
    shutil.rmtree(tmp_path / name)
    said = well(run("new", "--", name)).out
    well(run(*shlex.split(said.partition("Next: cityloom ")[2])))
    assert [path.name for path in tmp_path.iterdir()] == [name]
    write(tmp_path / name, {}, "bad")
    hint = sorry(run("weave", "--", name)).partition("see what is wrong with: cityloom ")[2]
    assert "contracts/bad.odcs.yaml" in run(*shlex.split(hint)).out


def test_a_new_city_may_come_with_a_sample(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sample"
    well(run("new", path, "--sample", "1/20000", "--seed", 3))
    assert City.open(path).settings.name == "sample"
    assert list((path / "contracts").glob("*.odcs.yaml"))
    assert any((path / "inbox").iterdir())


@pytest.mark.parametrize("scale", ["x", "0", "2", "1/0", "-1"])
def test_a_scale_that_is_none_is_told_and_nothing_is_made(
    run: Run, tmp_path: Path, scale: str
) -> None:
    sorry(run("new", tmp_path / "sample", f"--sample={scale}"), "--sample")
    assert not (tmp_path / "sample").exists()


def test_a_sample_may_come_with_facts(run: Run, tmp_path: Path) -> None:
    path = tmp_path / "sample"
    well(run("new", path, "--sample", "1/20000", "--facts", "0.3k"))
    rows = 0
    for dataset in ("clinic_visit", "payment", "meter_reading"):
        assert (path / "contracts" / f"{dataset}.odcs.yaml").is_file()
        files = (path / "inbox" / dataset).iterdir()
        rows += sum(pq.read_metadata(file).num_rows for file in files)
    assert rows == 300


@pytest.mark.parametrize("facts", ["x", "0", "-5", "1e9", "5T", "9999999999999"])
def test_a_number_of_facts_that_is_none_is_told_and_nothing_is_made(
    run: Run, tmp_path: Path, facts: str
) -> None:
    sorry(run("new", tmp_path / "sample", "--sample=1/20000", f"--facts={facts}"), "--facts")
    sorry(run("new", tmp_path / "sample", "--facts=5"), "--sample")
    assert not (tmp_path / "sample").exists()


# Receiving and weaving


def test_the_plan_is_shown_with_reasons_and_nothing_is_done(run: Run, city: Path) -> None:
    steps = well(run("weave", "--plan", "--json")).facts
    assert steps == [
        {"step": "receive", "dataset": "case", "source": "case.csv", "why": "new file"},
        {"step": "tile", "dataset": "case", "source": "", "why": "case will change"},
    ]
    said = well(run("weave", "--plan")).out
    assert "case.csv" in said
    assert "new file" in said
    assert City.open(city).runs() == []


def test_the_plan_names_each_delivery_whose_refused_rows_are_judged_again(
    run: Run, city: Path
) -> None:
    (city / "inbox" / "case").mkdir()
    (city / "inbox" / "case" / "more.csv").write_text("no,street\nz,a\n")
    well(run("weave"))
    write(city, {**CASE, "version": "1.0.1"})
    steps = well(run("weave", "--plan", "--json")).facts
    assert [(step["step"], step["source"]) for step in steps] == [
        ("replay", "case.csv"), ("replay", "more.csv"), ("tile", ""),
    ]  # fmt: skip
    assert "more.csv" in well(run("weave", "--plan")).out


def test_a_weave_says_what_it_did_and_then_that_nothing_is_left(run: Run, city: Path) -> None:
    said = well(run("weave")).err
    assert "receive case ← case.csv: 2 kept, 1 quarantined, 1 duplicate" in said
    assert "Nothing to do: everything is woven." in well(run("weave")).out
    assert "Nothing to do" in well(run("weave", "--plan")).out
    assert well(run("weave", "--plan", "--json")).facts == []


def test_a_weave_with_a_file_that_cannot_be_received_fails_after_the_rest(
    run: Run, city: Path
) -> None:
    (city / "inbox" / "case").mkdir()
    (city / "inbox" / "case" / "bad.csv").write_text("a,b\n1,2\n")
    answer = run("weave", city)
    sorry(answer, "1 of 3 steps failed", "cityloom check")
    assert "bad.csv" in answer.err
    assert "2 kept" in answer.err
    said = well(run("weave", city)).out
    assert f"Something failed before and still does; see what with: cityloom check {city}" in said
    (city / "inbox" / "case" / "bad.csv").unlink()
    assert "everything is woven" in well(run("weave", city)).out


def test_a_file_can_be_received_by_hand(run: Run, city: Path, tmp_path: Path) -> None:
    path = tmp_path / "more.csv"
    path.write_text("no,street\n7,a\n8,b\ny,c\n")
    said = well(run("receive", "case", path)).out
    assert "no: not a whole number within 64 bits" in said
    assert "column 'place' is missing" in said
    assert "Nothing new" in well(run("receive", "case", path)).out
    (facts,) = well(run("receive", "case", path, "--again", "--json")).facts
    assert (facts["rows_read"], facts["rows_kept"], facts["rows_quarantined"]) == (3, 2, 1)
    sorry(run("receive", "case", tmp_path / "gone.csv"), "gone.csv", "no such file")
    sorry(run("receive", "cases", path), "no dataset 'cases'", "case")


# Facts


def test_datasets_are_listed_with_the_documented_facts(run: Run, woven: Path) -> None:
    (facts,) = well(run("datasets", "--json")).facts
    assert {"dataset", "rows", "digest", "version", "classification", "owner"} <= facts.keys()
    assert (facts["dataset"], facts["rows"], facts["classification"]) == ("case", 2, "public")
    assert facts["owner"] == "环境局"
    assert re.fullmatch("[0-9a-f]{32}", facts["digest"])
    assert isinstance(facts["version"], int)
    said = well(run("datasets")).out
    assert "case" in said
    assert "环境局" in said


def test_runs_are_listed_with_the_documented_facts(run: Run, woven: Path) -> None:
    (facts,) = well(run("runs", "--json")).facts
    expected = {
        "dataset": "case", "source": "case.csv", "rows_read": 4, "rows_kept": 2,
        "rows_quarantined": 1, "rows_duplicate": 1,
    }  # fmt: skip
    assert facts.items() >= expected.items()
    assert facts["seconds"] > 0
    assert facts["peak_mb"] > 0
    assert well(run("runs", "case", "--json")).facts == [facts]
    assert "no dataset 'other'" in run("runs", "other").err
    assert "case.csv" in well(run("runs")).out


def test_rows_are_shown_with_places_in_words(run: Run, woven: Path) -> None:
    assert well(run("show", "case", "--json")).facts == [
        {"no": 1, "street": "人民路", "place": "POINT (114 22.5)"},
        {"no": 2, "street": "长江路", "place": None},
    ]
    assert len(well(run("show", "case", "--rows", 1, "--json")).facts) == 1
    assert "人民路" in well(run("show", "case")).out
    sorry(run("show", "cases"), "no dataset 'cases' in this city; known are case")


# Quarantine


def test_refused_rows_are_listed_with_their_reasons(run: Run, woven: Path) -> None:
    (facts,) = well(run("quarantine", "case", "--json")).facts
    assert (facts["source"], facts["ordinal"]) == ("case.csv", 3)
    assert facts["reasons"] == "no: not a whole number within 64 bits"
    assert json.loads(facts["received"])["no"] == "x"
    assert "not a whole number" in well(run("quarantine", "case")).out


def test_refused_rows_are_replayed_by_the_contract_as_it_is_now(run: Run, city: Path) -> None:
    stated = copy.deepcopy(CASE)
    stated["schema"][0]["properties"][1]["logicalTypeOptions"] = {"maxLength": 2}
    write(city, stated)
    City.open(city).weave()
    assert well(run("show", "case", "--json")).facts == []
    assert "Kept now: 0." in well(run("quarantine", "case", "--replay")).out
    write(city, CASE)
    assert "Kept now: 2. Still in quarantine: 1." in well(run("quarantine", "case", "--replay")).out
    assert [row["no"] for row in well(run("show", "case", "--json")).facts] == [1, 2]


def refused_csv(run: Run, city: Path, delivery: str) -> list[list[str]]:
    """The quarantine of a delivery, as an exported CSV file's lines."""
    (city / "inbox" / "case.csv").write_text(delivery, encoding="utf-8")
    City.open(city).weave()
    path = city / "refused.csv"
    well(run("quarantine", "case", "--export", path, "--purpose", "mending"))
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.reader(file))


FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0")


def test_refused_values_are_exported_as_text_that_no_spreadsheet_runs(run: Run, city: Path) -> None:
    lines = ["no,street,place"] + [f'x,"{text}",' for text in FORMULAS]
    header, *rows = refused_csv(run, city, "\n".join(lines) + "\n")
    assert header == ["_source", "_ordinal", "_reasons", "_raw", "no", "street", "place"]
    assert [row[5] for row in rows] == [f"'{text}" for text in FORMULAS]
    assert all(row[2] == "no: not a whole number within 64 bits" for row in rows)


def test_refused_raw_text_is_exported_as_text_that_no_spreadsheet_runs(
    run: Run, city: Path
) -> None:
    lines = refused_csv(run, city, "no,street,place\nx,a,b\n=1+1,a,b,c\n")
    for row in lines:
        assert not any(cell.startswith(("=", "+", "-", "@")) for cell in row), row


def test_the_name_of_a_delivery_is_exported_as_text_that_no_spreadsheet_runs(
    run: Run, city: Path
) -> None:
    (city / "inbox" / "case").mkdir()
    (city / "inbox" / "case" / "=1+1.csv").write_text("no,street,place\nx,a,b\n")
    for row in refused_csv(run, city, ROWS):
        assert not row[0].startswith("="), row


def test_the_exported_quarantine_has_one_header_whatever_comes_first(run: Run, city: Path) -> None:
    lines = refused_csv(run, city, "no,street,place\n1,2,3,4\nx,a,\n")
    assert sum(line[0] == "_source" for line in lines) == 1
    assert {len(line) for line in lines} == {7}


# Export


@pytest.mark.parametrize("form", ["parquet", "csv", "arrow", "geojson"])
def test_a_dataset_is_exported_in_each_form(run: Run, woven: Path, form: str) -> None:
    said = well(run("export", "case", "--format", form)).out
    assert f"2 rows written to case.{form}" in said
    path = woven / f"case.{form}"
    if form == "parquet":
        assert pq.read_table(path).num_rows == 2
    elif form == "arrow":
        with pyarrow.ipc.open_file(path) as file:
            assert file.read_all().num_rows == 2
    elif form == "csv":
        with path.open(encoding="utf-8", newline="") as file:
            assert len(list(csv.reader(file))) == 3
    else:
        assert len(json.loads(path.read_text(encoding="utf-8"))["features"]) == 2


def test_an_export_goes_where_it_is_told(run: Run, woven: Path, tmp_path: Path) -> None:
    well(run("export", "case", "--to", tmp_path / "out.parquet"))
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 2
    assert run("export", "case", "--format", "xlsx").code == 2


def test_an_export_whose_name_ends_in_no_format_or_another_is_refused(
    run: Run, woven: Path
) -> None:
    sorry(run("export", "case", "--to", "f.docx"), "'.docx' is no format", ".parquet, .csv")
    sorry(run("export", "case", "--to", "x.parquet", "--format", "csv"), "do not agree")
    sorry(run("export", "case", "--to", "f.docx", "--format", "csv"), "'.docx' is no format")
    assert not [*woven.glob("*.docx"), *woven.glob("*.parquet")]
    well(run("export", "case", "--to", "plain", "--format", "csv"))
    well(run("export", "case", "--to", "x.CSV", "--format", "csv"))
    assert (woven / "x.CSV").read_bytes() == (woven / "plain").read_bytes()


def test_an_export_to_a_folder_that_is_not_there_is_told(
    run: Run, woven: Path, tmp_path: Path
) -> None:
    sorry(run("export", "case", "--to", tmp_path / "gone" / "out.parquet"), "gone")


# Personal data


@pytest.mark.parametrize(
    "command",
    [("show", "person"), ("export", "person"), ("quarantine", "person"),
     ("quarantine", "person", "--export", "refused.csv")],
)  # fmt: skip
def test_personal_data_is_refused_without_a_purpose_and_given_for_one(
    run: Run, city: Path, command: tuple[str, ...]
) -> None:
    stated = {
        **CASE,
        "schema": [{"name": "person", "properties": [{"name": "name", "required": True}]}],
        "customProperties": [
            {"property": "classification", "value": "personal"},
            {"property": "purposes", "value": ["care"]},
        ],
    }
    write(city, stated, "person")
    (city / "inbox" / "person.ndjson").write_text('{"name": "王芳"}\n{"name": ""}\n')
    City.open(city).weave()
    sorry(
        run(*command),
        "personal data needs a purpose; permitted are care", "环境局", "--purpose care",
    )  # fmt: skip
    sorry(run(*command, "--purpose", "sales"), "purpose 'sales' is not permitted")
    assert not (city / "person.parquet").exists()
    assert not (city / "refused.csv").exists()
    well(run(*command, "--purpose", "care"))
    lines = (city / "ledger.ndjson").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["granted"] for line in lines] == [False, False, True]


@pytest.mark.parametrize("command", ["show", "export", "quarantine"])
def test_where_no_purpose_is_stated_it_is_told_what_to_write_and_then_to_ask(
    run: Run, city: Path, command: str
) -> None:
    stated: dict[str, Any] = {
        **CASE,
        "schema": [{"name": "person", "properties": [{"name": "name", "required": True}]}],
        "customProperties": [{"property": "classification", "value": "personal"}],
    }
    write(city, stated, "person")
    (city / "inbox" / "person.ndjson").write_text('{"name": "王芳"}\n{"name": ""}\n')
    City.open(city).weave()
    said = sorry(run(command, "person"), "states no purpose", "person.odcs.yaml")
    (told,) = re.findall(r"customProperties: (\[.*\]),", said)
    stated["customProperties"] += yaml.safe_load(told)
    write(city, stated, "person")
    (option,) = re.findall("--purpose [a-z]+", said)
    well(run(command, "person", *option.split()))


# Contracts


def test_a_contract_is_drafted_from_a_file_and_can_be_used(run: Run, city: Path) -> None:
    path = city / "street.csv"
    path.write_text("code,name\n1,人民路\n2,长江路\n", encoding="utf-8")
    said = well(run("contract", "draft", path)).out
    assert yaml.safe_load(said)["schema"][0]["name"] == "street"
    drafted = city / "contracts" / "street.odcs.yaml"
    assert "doubts" in well(run("contract", "draft", path, "--to", drafted)).out
    sorry(run("contract", "draft", path, "--to", drafted), "exists", "does not overwrite")
    assert "street" in well(run("contract", "lint", drafted)).out
    (facts,) = well(run("receive", "street", path, "--json")).facts
    assert facts["rows_kept"] == 2
    woven = well(run("weave", "--json"))
    assert re.search(r"! contracts/street\.odcs\.yaml still has \d+ open doubts", woven.err)
    assert [facts["dataset"] for facts in woven.facts] == ["case"]
    assert "open doubts" in well(run("check")).out
    assert "doubts" not in well(run("weave", "--plan")).err


def test_a_draft_that_cannot_tell_which_sheet_says_the_option_that_does(
    run: Run, city: Path
) -> None:
    path = city / "two.xlsx"
    with xlsxwriter.Workbook(path) as book:
        for name, first in (("一月", 0), ("二月 b", 1)):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, first, ["no", "street"])
            sheet.write_row(1, 0, [1, 2, 3])
    said = sorry(run("contract", "draft", path), "several sheets", "'二月 b'")
    assert "contract's" not in said
    option = re.findall("say which with (--sheet .*)", said)[0]
    sorry(run("contract", "draft", path, *shlex.split(option)), "say which with --header NUMBER")
    gone = sorry(run("contract", "draft", path, "--sheet", "x"), "no sheet 'x'; it has '一月'")
    assert "contract names" not in gone
    well(run("contract", "draft", path, "--sheet", "一月", "--header", 2))


def test_a_draft_that_cannot_tell_which_layer_says_the_option_that_does(
    run: Run, city: Path
) -> None:
    path = city / "two.gpkg"
    for layer in ("wells", "it's new"):
        write_layer(path, layer=layer)
    said = sorry(run("contract", "draft", path), "several layers")
    option = re.findall("say which with (--layer .*)", said)[0]
    well(run("contract", "draft", path, *shlex.split(option)))


def test_a_wrong_contract_is_told_by_lint(run: Run, city: Path) -> None:
    path = city / "contracts" / "case.odcs.yaml"
    assert "✓" in well(run("contract", "lint", path)).out
    path.write_text(path.read_text(encoding="utf-8").replace("integer", "int"), encoding="utf-8")
    sorry(run("contract", "lint", path), "case.odcs.yaml", "column 'no'", "'int'")


def test_lint_and_check_take_a_city_or_a_folder(
    run: Run, city: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (city, city / "contracts", city / "contracts" / "case.odcs.yaml"):
        assert "case.odcs.yaml: case, 3 columns" in well(run("contract", "lint", path)).out
    assert "Nothing is wrong" in well(run("check", city)).out
    assert "Nothing is wrong" in well(run("check", "--city", city)).out
    sorry(run("check"), "no city here")
    sorry(run("contract", "lint", tmp_path), "no contract here", "<dataset>.odcs.yaml")
    sorry(run("contract", "lint", tmp_path / "gone.odcs.yaml"), "gone.odcs.yaml")
    monkeypatch.chdir(city)
    assert "3 columns" in well(run("contract", "lint")).out


def test_lint_reads_every_contract_whatever_is_wrong_with_some(run: Run, city: Path) -> None:
    write(city, {**CASE, "version": 1}, "a")
    write(city, {**CASE, "version": 2}, "b")
    answer = run("contract", "lint", city)
    sorry(answer, "2 of 3 contracts cannot be used")
    assert "a.odcs.yaml: field version" in answer.err
    assert "b.odcs.yaml: field version" in answer.err
    assert "case, 3 columns" in answer.out
    (city / "contracts" / "b.odcs.yaml").unlink()
    sorry(run("contract", "lint", city), "a.odcs.yaml: field version")


def test_a_broken_contract_is_named_and_the_rest_goes_on(run: Run, city: Path) -> None:
    write(city, {**CASE, "version": 1}, "bad")
    write(city, {**CASE, "schema": [{"name": "tree", "properties": []}]}, "tree")
    answer = run("weave")
    sorry(answer, "2 contracts cannot be used", "cityloom check")
    assert "receive case ← case.csv: 2 kept" in answer.err
    assert "contracts/bad.odcs.yaml: field version: expected text, not '1'" in answer.err
    assert "everything is woven" not in run("weave").out
    answer = well(run("datasets", "--json"))
    assert [facts["dataset"] for facts in answer.facts] == ["case"]
    assert "contracts/bad.odcs.yaml" in answer.err
    for command in ("show", "export", "quarantine"):
        sorry(run(command, "tree"), "contracts/tree.odcs.yaml")
    well(run("show", "case"))


def test_a_weave_says_what_belongs_to_no_dataset_and_ends_as_before(run: Run, woven: Path) -> None:
    (woven / "inbox" / "unknown.csv").write_text("a\n1\n")
    for command in (("weave",), ("weave", "--plan"), ("weave", "--json")):
        answer = well(run(*command))
        assert answer.err.count("! inbox/unknown.csv belongs to no dataset\n") == 1
        assert "contract draft" in answer.err
        assert "unknown" not in answer.out


# Check and erase


def test_check_says_that_nothing_is_wrong_or_what_is(run: Run, woven: Path) -> None:
    assert "Nothing is wrong" in well(run("check")).out
    assert well(run("check", "--json")).facts == []
    (woven / "inbox" / "unknown.csv").write_text("a\n1\n")
    said = well(run("check")).out
    assert "inbox/unknown.csv belongs to no dataset" in said
    (facts,) = well(run("check", "--json")).facts
    assert facts.keys() == {"what", "mend", "serious"}
    (woven / "ledger.ndjson").write_text("{}\n")
    answer = run("check")
    sorry(answer, "1 thing needs mending")
    assert "not a ledger entry" in answer.out
    (woven / "contracts" / "bad.odcs.yaml").write_text("schema: [")
    sorry(run("check"), "2 things need mending")


def test_a_subject_is_erased(run: Run, woven: Path) -> None:
    assert "1 kept" in well(run("erase", "case", "no", "1")).out
    assert [row["no"] for row in well(run("show", "case", "--json")).facts] == [2]
    sorry(run("erase", "case", "colour", "1"), "colour")


def test_an_erasure_that_finds_nothing_says_so_and_no_more(run: Run, woven: Path) -> None:
    before = well(run("datasets", "--json")).out
    said = well(run("erase", "case", "street", "人民大道")).out
    assert said == "Nothing found with street 人民大道; nothing was changed.\n"
    assert well(run("datasets", "--json")).out == before


# What goes wrong


@pytest.mark.parametrize("encoding", ["ascii", "gbk"])
def test_what_a_terminal_cannot_write_is_escaped(
    woven: Path, encoding: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for command in ("check", "datasets", "quarantine case", "--help"):
        terminal = TextIOWrapper(BytesIO(), encoding=encoding, errors="strict")
        monkeypatch.setattr(sys, "stdout", terminal)
        monkeypatch.setattr(sys, "argv", ["cityloom", *command.split()])
        with pytest.raises(SystemExit) as ended:
            main()
        assert not ended.value.code
        terminal.seek(0)
        said = terminal.read()
        assert said
        if (command, encoding) == ("check", "gbk"):
            assert said.startswith("\\u2713 Nothing is wrong.")


def test_what_a_pipe_cannot_hold_is_escaped(woven: Path) -> None:
    done = subprocess.run(
        [Path(sys.executable).with_name("cityloom"), "check"],
        env={**os.environ, "PYTHONIOENCODING": "gbk"}, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr.decode("gbk")
    assert done.stdout.decode("gbk").startswith("\\u2713 Nothing is wrong.")


@pytest.mark.parametrize("stop", ["typer", "cityloom.errors", "cityloom.cli.receive"])
def test_an_interruption_while_modules_are_loaded_ends_in_a_sentence(stop: str) -> None:
    script = (
        "import sys\nfrom cityloom.cli import main\n"
        "class Stop:\n"
        "    def find_spec(self, name, path=None, target=None):\n"
        f"        if name == {stop!r}:\n"
        "            raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stop())\nsys.argv = ['cityloom', 'datasets']\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    assert done.returncode == 130
    assert done.stderr.startswith("Stopped. What was committed is whole")
    assert "Traceback" not in done.stderr


def test_ctrl_c_on_a_console_that_is_served_ends_in_a_sentence(city: Path) -> None:
    command = [sys.executable, "-m", "cityloom", "serve", "--port", str(free_port())]
    with subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True) as serving:
        assert serving.stdout is not None
        assert "Serving at" in serving.stdout.readline()
        serving.send_signal(signal.SIGINT)
        _, said = serving.communicate()
    assert serving.returncode == 130
    assert said == (
        "Stopped serving. The city's data is as it was; the same command serves it again.\n"
    )


def test_outside_a_city_every_command_says_so_in_a_sentence(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for command in [("datasets",), ("runs",), ("weave",), ("check",), ("show", "x"),
                    ("quarantine", "x"), ("export", "x"), ("serve",)]:  # fmt: skip
        sorry(run(*command), "no city here", "cityloom new")


def test_an_engine_that_is_not_known_is_told(run: Run, woven: Path) -> None:
    sorry(run("datasets", "--engine", "mysql://host"), "mysql://host", "duckdb://")


def test_a_second_writer_is_told_who_writes(run: Run, city: Path) -> None:
    from cityloom.lock import writer_lock

    with writer_lock(city):
        sorry(run("weave"), "is writing to this city", "process ")
        well(run("datasets"))


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Answer]:
    """Runs the installed command in a process of its own."""
    folder = tmp_path_factory.mktemp("shell")
    program = Path(sys.executable).with_name("cityloom")

    def command(*arguments: str) -> Answer:
        done = subprocess.run(
            [str(program), *arguments], cwd=folder, capture_output=True, text=True, check=False
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return command


def test_the_installed_command_answers_and_fails_in_a_sentence(
    shell: Callable[..., Answer],
) -> None:
    assert "weave" in well(shell("--help")).out
    assert sorry(shell("datasets"), "no city here").count("✗") == 1


def test_help_loads_nothing_heavy() -> None:
    script = (
        "import sys\nsys.argv = ['cityloom', '--help']\nfrom cityloom.cli import main\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        "heavy = {'duckdb', 'pyarrow', 'ibis', 'pandas', 'numpy', 'sqlalchemy', 'deltalake',\n"
        "         'fastapi', 'shapely', 'yaml', 'pydantic'}\n"
        "print('loaded:', *sorted(heavy & set(sys.modules)))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1].strip() == "loaded:"
