"""A misspelt key of a contract is named, with what it should have been."""

import pytest
import yaml

from cityloom.contract import parse_contract
from cityloom.errors import ContractError
from tests.cities import column, contract_text

TEXT = contract_text("tree", [column("id", "integer", required=True), column("species")])


@pytest.mark.parametrize(
    ("written", "misspelt", "message"),
    [
        ("required: true", "requird: true",
         "schema 'tree', properties 'id': 'requird' is not known; did you mean 'required'?"),
        ("logicalType: integer", "logicaltype: integer", "did you mean 'logicalType'?"),
        ("property: classification", "property: clasification",
         "customProperties: 'clasification' is not known; did you mean 'classification'"),
    ],
)  # fmt: skip
def test_a_key_that_is_nearly_known_is_refused(written: str, misspelt: str, message: str) -> None:
    assert written in TEXT
    with pytest.raises(ContractError) as refused:
        parse_contract(TEXT.replace(written, misspelt, 1))
    assert message in str(refused.value)


def test_a_thing_without_a_name_is_called_by_its_place() -> None:
    first = {"property": "retention", "value": 1, "unit": "y"}
    text = TEXT + yaml.safe_dump({"slaProperties": [first, {**first, "elment": "y"}]})
    with pytest.raises(ContractError, match="slaProperties 2: 'elment' is not known"):
        parse_contract(text)


def test_a_custom_property_is_looked_at_wherever_it_stands() -> None:
    custom = [{"property": "colour", "value": 1}, {"property": "clasification", "value": "x"}]
    with pytest.raises(ContractError, match="'id', customProperties: 'clasification'"):
        parse_contract(contract_text("tree", [column("id", customProperties=custom)]))
    text = contract_text("tree", [column("id", customProperties=[{"property": "trim"}])])
    assert parse_contract(text).dataset == "tree"


def test_a_key_unlike_any_other_is_let_be() -> None:
    custom = {"property": "colour", "value": "green"}
    text = contract_text("tree", [column("id", xyzzy=1, customProperties=[custom])])
    assert parse_contract(text).dataset == "tree"
