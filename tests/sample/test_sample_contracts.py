"""The shipped contracts are valid, say what is asked of them, and fit the files."""

import csv
import json
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from open_data_contract_standard.model import OpenDataContractStandard

from cityloom.contract.model import Classification
from cityloom.contract.odcs import load_contract
from cityloom.sample.departments import DEPARTMENTS
from cityloom.sample.records import Department
from cityloom.sample.write import form_of

SHIPPED = sorted(
    Path(str(contract))
    for package in ("cityloom.sample", "cityloom.modules.indicators")
    for contract in (files(package) / "contracts").iterdir()
)
OF_PEOPLE = {department.dataset for department in DEPARTMENTS}

each_contract = pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name.split(".")[0])
each_department = pytest.mark.parametrize("department", DEPARTMENTS, ids=lambda d: d.dataset)


def read(path: Path) -> dict[str, Any]:
    contract: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return contract


@each_contract
def test_a_contract_is_valid_by_the_schema_of_the_standard(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    schema = json.loads((files("open_data_contract_standard") / "schema.json").read_text("utf-8"))
    jsonschema.Draft201909Validator(schema).validate(read(path))


@each_contract
def test_a_contract_fits_the_model_of_the_standard(path: Path) -> None:
    contract = OpenDataContractStandard.model_validate(read(path))
    assert contract.schema_ is not None
    assert path.name == f"{contract.schema_[0].name}.odcs.yaml"


@each_contract
def test_a_contract_is_one_that_a_city_loads(path: Path) -> None:
    contract = load_contract(path)
    assert contract.owner
    expected = {"public", "internal"} if contract.dataset not in OF_PEOPLE else None
    assert expected is None or contract.classification.label in expected


@each_contract
def test_a_contract_speaks_chinese_and_english(path: Path) -> None:
    schema = read(path)["schema"][0]
    for part in (schema, *schema["properties"]):
        assert any("一" <= letter <= "鿿" for letter in part["businessName"]), part["name"]
        assert part["description"].endswith("."), part["name"]


@each_department
def test_what_a_department_holds_of_people_is_guarded(department: Department) -> None:
    path = Path(str(files("cityloom.sample") / "contracts" / f"{department.dataset}.odcs.yaml"))
    contract = load_contract(path)
    assert contract.classification >= Classification.PERSONAL
    promised = {item["property"] for item in read(path)["slaProperties"]}
    assert promised == {"retention", "frequency"}
    custom = {item["property"]: item["value"] for item in read(path)["customProperties"]}
    assert "register_linkage" in custom["purposes"]


@each_department
def test_a_departments_breaches_and_slips_are_of_its_columns(department: Department) -> None:
    columns = set(form_of(department.dataset).columns)
    assert {breach.column for breach in department.breaches} <= columns
    assert {slip.column for slip in department.slips} <= columns
    assert {department.dated, department.disputed.column} <= columns


def test_headers_are_those_of_the_contract(city: Path) -> None:
    path = city / "inbox/company_registration/company_202501.csv"
    with path.open(encoding="utf-8") as text:
        header = next(csv.reader(text, delimiter="|"))
    assert header == list(form_of("company_registration").headers)


def test_contracts_lie_in_the_city(city: Path) -> None:
    copied = {path.name for path in (city / "contracts").iterdir()}
    assert copied == {path.name for path in SHIPPED if "sample" in path.parts}
