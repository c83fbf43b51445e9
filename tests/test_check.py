"""The check names everything that is wrong with a city, each with its mend."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml

import cityloom.check
from cityloom.check import Finding, findings
from cityloom.city import City
from tests.cities import (
    TESTER,
    column,
    contract_text,
    csv_bytes,
    deliver,
    new_city,
    set_contract,
)
from tests.test_derive import Town, town  # noqa: F401 - the fixture


def city_with(path: Path, **contracts: str) -> City:
    return new_city(path / "city", contracts)


def found(city: City) -> list[Finding]:
    """What is wrong, seen as another process would."""
    everything = findings(City.open(city.path))
    assert all(item.what and item.mend for item in everything), "each finding has its mend"
    return everything


def only(city: City) -> Finding:
    (finding,) = found(city)
    return finding


def with_sla(text: str, owner: str | None = None, **sla: object) -> str:
    document = yaml.safe_load(text) | {"slaProperties": [sla]}
    if owner:
        document["team"] = {"name": owner}
    return yaml.safe_dump(document, allow_unicode=True)


def at(monkeypatch: pytest.MonkeyPatch, moment: datetime) -> None:
    """Let the check run at a moment."""

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Clock":
            return cls.fromtimestamp(moment.timestamp(), UTC)

    monkeypatch.setattr(cityloom.check, "datetime", Clock)


PLAIN = contract_text("case", [column("no", "integer")])


def test_nothing_is_wrong_with_a_sound_city(tmp_path: Path) -> None:
    city = city_with(tmp_path, case=PLAIN)
    assert found(city) == []
    (city.path / "inbox" / "case.csv").write_text("no\n1\n")
    city.weave()
    city.read("case", TESTER)
    assert found(city) == []


def test_another_duckdb_than_the_extensions_need_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.check, "DUCKDB", "0.0.1")
    finding = only(city_with(tmp_path))
    assert "built for 0.0.1" in finding.what
    assert finding.mend == "pip install duckdb==0.0.1"


def test_a_contract_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    finding = only(city_with(tmp_path, case=PLAIN.replace("integer", "int")))
    assert "case.odcs.yaml" in finding.what
    assert "contracts/" in finding.mend
    assert finding.serious


DOUBTS = "# doubt: who owns it? (team: name)\n{}      # doubt: is it a key?\n"


def test_a_drafted_contract_is_told_by_its_open_doubts_until_it_is_active(tmp_path: Path) -> None:
    settled = PLAIN.replace("status: active", "status: draft")
    finding = only(city_with(tmp_path, case=DOUBTS.format(settled)))
    assert finding.what == "contracts/case.odcs.yaml still has 2 open doubts"
    assert "settle and remove" in finding.mend
    assert not finding.serious

    city = City.open(tmp_path / "city")
    set_contract(city.path, "case", settled + "# doubt: is it all?\n")
    assert only(city).what == "contracts/case.odcs.yaml still has 1 open doubt"
    set_contract(city.path, "case", settled)
    assert only(city).what == "contracts/case.odcs.yaml is still a draft"
    set_contract(city.path, "case", PLAIN)
    assert found(city) == []


def test_a_doubt_that_is_left_in_an_active_contract_is_told(tmp_path: Path) -> None:
    assert "2 open doubts" in only(city_with(tmp_path, case=DOUBTS.format(PLAIN))).what


def test_a_text_that_only_mentions_a_doubt_is_none(tmp_path: Path) -> None:
    mentions = "# Remove each line that begins with '# doubt:'.\n" + PLAIN
    assert found(city_with(tmp_path, case=mentions)) == []


def test_a_contract_whose_rule_cannot_work_is_told(tmp_path: Path) -> None:
    text = contract_text("case", [column("no", "integer")], rules={"sly": "price > 1"})
    assert "sly" in only(city_with(tmp_path, case=text)).what


def test_a_ledger_that_was_changed_is_told(tmp_path: Path) -> None:
    city = city_with(tmp_path, case=PLAIN)
    for _ in range(3):
        city.read("case", TESTER)
    path = city.path / "ledger.ndjson"
    path.write_text(path.read_text().replace("tester", "nobody", 1))
    finding = only(city)
    assert finding.what == "ledger.ndjson line 1: this entry was changed or put in"
    assert "kept elsewhere" in finding.mend


def test_a_reference_to_a_dataset_that_the_city_lacks_is_told(tmp_path: Path) -> None:
    text = contract_text("case", [column("street", refers="street.code")])
    finding = only(city_with(tmp_path, case=text))
    assert "case.street refers to street.code, which this city lacks" in finding.what
    assert "add a contract for 'street'" in finding.mend


def test_a_reference_to_a_column_that_is_not_there_is_told(tmp_path: Path) -> None:
    text = contract_text("case", [column("street", refers="street.code")])
    finding = only(city_with(tmp_path, case=text, street=contract_text("street", [column("name")])))
    assert "street.code: no such column" in finding.what
    assert "case.odcs.yaml" in finding.mend


def test_a_reference_to_a_column_of_another_type_is_told(tmp_path: Path) -> None:
    text = contract_text("case", [column("street", refers="street.code")])
    street = contract_text("street", [column("code", "integer")])
    finding = only(city_with(tmp_path, case=text, street=street))
    assert "case.street and street.code are not of one type" in finding.what
    assert "logicalType" in finding.mend


def test_a_delivery_that_failed_is_told_until_it_succeeds(tmp_path: Path) -> None:
    city = city_with(tmp_path, case=contract_text("case", [column("no", required=True)]))
    path = city.path / "inbox" / "case.csv"
    path.write_text("number\n1\n")
    assert city.weave()[0].failed
    finding = only(city)
    assert finding.what.startswith("case: case.csv could not be received: ")
    assert "weave again" in finding.mend
    assert finding.serious
    path.write_text("no\n1\n")
    City.open(city.path).weave()
    assert found(city) == []


def test_a_late_delivery_is_told_with_whom_to_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = with_sla(PLAIN, owner="环境局", property="frequency", value=2, unit="d")
    city = city_with(tmp_path, case=text)
    deliver(city, "case", "a.csv", csv_bytes(["no"], [[1]]))
    received = datetime.fromisoformat(city.runs("case")[-1].started)

    at(monkeypatch, received + timedelta(days=2, seconds=-1))
    assert [item for item in found(city) if "has come" in item.what] == []
    at(monkeypatch, received + timedelta(days=3))
    (late,) = [item for item in found(city) if "has come" in item.what]
    assert late.what == "case: nothing has come for 3 days; expected every 2 days"
    assert late.mend == "ask its owner, 环境局"
    assert not late.serious


def test_a_new_delivery_ends_lateness_and_a_failed_one_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    columns = [column("no", required=True)]
    text = with_sla(contract_text("case", columns), property="frequency", value=6, unit="h")
    city = city_with(tmp_path, case=text)
    deliver(city, "case", "a.csv", csv_bytes(["no"], [[1]]))
    received = datetime.fromisoformat(city.runs("case")[-1].started)
    at(monkeypatch, received + timedelta(hours=12))
    (late,) = [item for item in found(city) if "has come" in item.what]
    assert late.what == "case: nothing has come for 12 hours; expected every 6 hours"
    assert "find out who owns it" in late.mend


def test_a_dataset_that_states_no_frequency_is_never_late(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = city_with(tmp_path, case=PLAIN)
    deliver(city, "case", "a.csv", csv_bytes(["no"], [[1]]))
    at(monkeypatch, datetime.now(UTC) + timedelta(days=9999))
    assert [item for item in found(city) if "has come" in item.what] == []


def test_a_dataset_whose_first_delivery_never_came_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = with_sla(PLAIN, property="frequency", value=1, unit="d")
    city = city_with(tmp_path, case=text)
    at(monkeypatch, datetime.now(UTC) + timedelta(days=9999))
    assert [item for item in found(city) if "case" in item.what]


def test_files_in_the_inbox_that_belong_to_no_dataset_are_told(tmp_path: Path) -> None:
    city = city_with(tmp_path, case=PLAIN)
    (city.path / "inbox" / "cases.csv").write_text("no\n1\n")
    (city.path / "inbox" / "case").mkdir()
    (city.path / "inbox" / ".keep").write_text("")
    finding = only(city)
    assert finding.what == "inbox/cases.csv belongs to no dataset"
    assert "cases.odcs.yaml" in finding.mend
    assert "contract draft" in finding.mend


def test_what_an_interrupted_run_left_is_told_and_a_weave_clears_it(tmp_path: Path) -> None:
    city = city_with(tmp_path, case=PLAIN)
    (city.scratch / "tmpabc").mkdir()
    (city.scratch / "tmpabc" / "part").write_text("x")
    (city.path / "scratch" / "duckdb-of-a-reader-at-work").mkdir()
    finding = only(city)
    assert "tmpabc" in finding.what
    assert "weave clears it" in finding.mend
    city.weave()
    assert found(city) == []


def test_every_dataset_with_something_wrong_is_named_at_once(tmp_path: Path) -> None:
    city = city_with(
        tmp_path,
        a=contract_text("a", [column("x", refers="gone.x"), column("y", refers="b.y")]),
        b=contract_text("b", [column("x")]),
    )
    assert len(found(city)) == 2
    set_contract(city.path, "b", contract_text("b", [column("y")]))
    assert len(found(city)) == 1


def test_a_derived_dataset_is_never_late(town: Town) -> None:  # noqa: F811
    often = yaml.safe_dump({"slaProperties": [{"property": "frequency", "value": 1, "unit": "d"}]})
    town.receives(case=contract_text("case", [column("no")]) + often)
    town.makes(copy=contract_text("copy", [column("no")]) + often)
    town.by("def copy(case: Table) -> Table: return case.select('no')")
    town.delivers("case", "a", {"no": "1"})
    assert set(town.weave()) == {"copy"}
    assert findings(town.city) == []


COPY = "def copy(case: Table) -> Table: return case\n"


@pytest.mark.parametrize(
    ("kind", "code", "words"),
    [
        ("int", COPY, "contracts/copy.odcs.yaml: column 'no'"),
        ("integer", COPY + "class Two(NamedTuple):\n    copy: Table\n    more: Table\n"
         "def two(case: Table) -> Two: return case", "dataset 'copy' is made twice"),
        ("integer", "def copy(more: Table) -> Table: return more\n"
         "def more(copy: Table) -> Table: return copy", "these datasets wait for each other"),
    ],
)  # fmt: skip
def test_modules_that_do_not_fit_together_are_one_finding_among_the_others(
    town: Town,  # noqa: F811
    kind: str,
    code: str,
    words: str,
) -> None:
    town.receives(case=PLAIN)
    town.makes(copy=[column("no", kind)])
    town.by(code)
    city = town.city
    (city.scratch / "left").mkdir(parents=True)
    (city.path / "ledger.ndjson").write_text("{}\n")
    ledger, module, left = findings(city)
    assert "ledger.ndjson line 1" in ledger.what
    assert words in module.what
    assert str(town.folder) not in module.what
    assert "mend that module" in module.mend
    assert "left" in left.what


def test_files_in_a_datasets_folder_that_its_path_does_not_match_are_named(tmp_path: Path) -> None:
    server = {"path": "inbox/case.*", "format": "csv"}
    text = contract_text("case", [column("no", "integer")], server=server)
    city = city_with(tmp_path, case=text)
    (city.path / "inbox" / "case").mkdir()
    for name in ("case.csv", "case/a.csv"):
        (city.path / "inbox" / name).write_text("no\n1\n")
    finding = only(city)
    assert finding.what.startswith("inbox/case/a.csv: the contract of case does not look there")
    assert "path: inbox/case'" in finding.mend
    set_contract(city.path, "case", text.replace("inbox/case.*", "inbox/case"))
    assert found(city) == []


def test_files_that_another_datasets_path_matches_are_not_overlooked(tmp_path: Path) -> None:
    near = contract_text("near", [column("no")], server={"path": "inbox/case/*.csv"})
    far = contract_text("case", [column("no")], server={"path": "post/*.csv"})
    city = city_with(tmp_path, near=near, case=far)
    (city.path / "inbox" / "case").mkdir()
    (city.path / "inbox" / "case" / "a.csv").write_text("no\n1\n")
    assert found(city) == []


@pytest.mark.parametrize("name", ["tree.yaml", "tree.odcs.yml", "tree.yml", "tree.ODCS.yaml"])
def test_a_contract_that_is_misnamed_is_told(tmp_path: Path, name: str) -> None:
    city = city_with(tmp_path, case=PLAIN)
    (city.path / "contracts" / name).write_text(contract_text("tree", [column("no")]))
    (city.path / "contracts" / "notes.txt").write_text("nothing of it")
    finding = only(city)
    assert finding.what.startswith(f"contracts/{name} is not read")
    assert "rename it to tree.odcs.yaml" in finding.mend


def test_a_table_that_no_contract_claims_is_told(tmp_path: Path) -> None:
    city = city_with(tmp_path, case=PLAIN)
    deliver(city, "case", "a.csv", csv_bytes(["no"], [[1], ["x"]]))
    contract = city.path / "contracts" / "case.odcs.yaml"
    contract.rename(tmp_path / "case.odcs.yaml")
    shutil.rmtree(city.path / "scratch" / "delivered")
    finding = only(city)
    assert finding.what == "lake/case holds rows that no contract claims"
    assert "put its contract back" in finding.mend
    contract.write_text("schema: [")
    assert not any("no contract claims" in item.what for item in found(city))
