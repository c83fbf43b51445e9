"""The example contracts are valid by the standard's own schema and list their files."""

import json
from importlib.resources import files
from pathlib import Path

import pytest
import yaml

from benchmarks.draft import CONTRACTS, FILES, ROOT
from cityloom.contract.odcs import SUFFIX, load_contract, load_contracts

EXAMPLES = sorted(CONTRACTS.glob(f"*{SUFFIX}"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_is_valid_by_the_standards_schema(path: Path) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    text = (files("open_data_contract_standard") / "schema.json").read_text(encoding="utf-8")
    schema = json.loads(text)
    validator = jsonschema.validators.validator_for(schema)(schema)
    document = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert [error.message for error in validator.iter_errors(document)] == []


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.name)
def test_an_example_says_what_a_reader_asks(path: Path) -> None:
    contract = load_contract(path)
    custom = {
        item["property"] for item in yaml.safe_load(path.read_text("utf-8"))["customProperties"]
    }
    assert path.name == f"{contract.dataset}{SUFFIX}"
    assert contract.owner
    assert contract.description
    assert contract.retention
    assert contract.key
    assert {"source", "licence", "delivery"} <= custom


def test_no_example_receives_the_truth() -> None:
    columns = [c.source_name for one in load_contracts([CONTRACTS]).values() for c in one.columns]
    assert "cluster" not in columns


def test_the_readme_lists_every_example_and_file() -> None:
    readme = (ROOT / "examples" / "README.md").read_text(encoding="utf-8")
    named = {f"contracts/{path.name}" for path in EXAMPLES} | {Path(file).name for file in FILES}
    assert [name for name in sorted(named) if name not in readme] == []
