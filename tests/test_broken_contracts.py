"""A contract file that cannot be used stops its own dataset, and no other."""

from collections.abc import Callable
from pathlib import Path
from shutil import rmtree

import pytest

from cityloom.check import findings
from cityloom.city import City
from cityloom.contract import Contract, parse_contract
from cityloom.errors import ContractError
from tests.cities import column, contract_text, csv_bytes, deliver, new_city, rows, set_contract
from tests.test_derive import Town, town  # noqa: F401 - the fixture

TREE = contract_text("tree", [column("no", "integer", key=1), column("street")])
STREET = contract_text("street", [column("code", key=1)])
CASE = contract_text("case", [column("no", key=1), column("street")])
REFERS = contract_text(
    "tree", [column("no", "integer", key=1), column("street", refers="street.code")]
)
BROKEN = TREE.replace("logicalType: integer", "logicalType: int")


def lay(city: City, name: str, *lines: str) -> None:
    (city.path / "inbox" / name).write_text("\n".join(lines) + "\n")


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city whose ``tree`` was woven before its contract was broken; ``street`` has news."""
    made = new_city(tmp_path / "city", {"tree": TREE, "street": STREET})
    lay(made, "tree.csv", "no,street", "1,A")
    made.weave()
    set_contract(made.path, "tree", BROKEN)
    lay(made, "street.csv", "code", "A")
    return City.open(made.path)


def test_the_other_datasets_are_woven_and_read(city: City) -> None:
    assert [run.dataset for run in city.weave()] == ["street"]
    assert rows(city, "street") == [{"code": "A"}]
    assert [facts.dataset for facts in city.datasets()] == ["street"]


def test_whoever_asks_for_the_dataset_is_told_what_is_wrong_with_its_contract(city: City) -> None:
    asked: list[Callable[[], object]] = [
        lambda: rows(city, "tree"),
        lambda: city.replay("tree"),
        lambda: city.erase("tree", "no", "1"),
        lambda: city.receive("tree", city.path / "inbox" / "street.csv"),
    ]
    for question in asked:
        with pytest.raises(ContractError, match=r"tree\.odcs\.yaml: column 'no': .*'int'"):
            question()


def test_the_rows_are_there_again_when_the_contract_is_mended(city: City) -> None:
    city.weave()
    set_contract(city.path, "tree", TREE)
    mended = City.open(city.path)
    assert mended.weave() == []
    assert rows(mended, "tree") == [{"no": 1, "street": "A"}]


def test_the_check_names_the_file_once_and_says_what_to_do(city: City) -> None:
    (finding,) = findings(city)
    assert finding.what.startswith("contracts/tree.odcs.yaml: column 'no'")
    assert "take it out of contracts/" in finding.mend
    assert finding.serious


def test_a_broken_contract_is_known_by_the_name_in_it_as_well(city: City) -> None:
    (city.path / "contracts" / "tree.odcs.yaml").rename(city.path / "contracts" / "a.odcs.yaml")
    for name in ("tree", "a"):
        with pytest.raises(ContractError, match=r"a\.odcs\.yaml"):
            City.open(city.path).contract(name)


def test_of_two_contracts_of_one_dataset_neither_counts(city: City) -> None:
    for name in ("tree", "trees"):
        set_contract(city.path, name, TREE)
    opened = City.open(city.path)
    assert list(opened.contracts) == ["street"]
    with pytest.raises(ContractError, match=r"trees\.odcs\.yaml: .*tree\.odcs\.yaml; remove one"):
        opened.contract("tree")


def test_rows_wait_in_the_inbox_while_the_contract_they_refer_to_is_broken(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"tree": REFERS, "street": STREET})
    lay(city, "street.csv", "code", "A")
    city.weave()
    lay(city, "tree.csv", "no,street", "1,A")
    set_contract(city.path, "street", "schema: [")

    broken = City.open(city.path)
    assert broken.weave() == []
    waits = [item for item in findings(broken) if item.what.startswith("tree")]
    assert [item.what for item in waits] == ["tree refers to street, whose contract cannot be used"]
    with pytest.raises(ContractError, match=r"street\.odcs\.yaml: not YAML at line 1"):
        deliver(broken, "tree", "more.csv", csv_bytes(["no", "street"], [[2, "A"]]))

    set_contract(city.path, "street", STREET)
    mended = City.open(city.path)
    assert [run.rows_kept for run in mended.weave()] == [1]


@pytest.fixture
def both(town: Town) -> Town:  # noqa: F811
    """A town whose ``both`` was made of ``case`` and ``street``."""
    town.receives(case=CASE, street=STREET)
    town.makes(both=contract_text("both", [column("no"), column("street")]))
    town.by("""
        def both(case: Table, street: Table) -> Table:
            return case.join(street, case.street == street.code)[["no", "street"]]
    """)
    town.delivers("street", "a", {"code": "A"})
    town.delivers("case", "a", {"no": "1", "street": "A"})
    town.weave()
    return town


def test_what_derives_from_a_broken_contract_stays_readable_and_is_not_erased_by_half(
    both: Town,
) -> None:
    set_contract(both.city.path, "street", "schema: [")
    assert rows(both.city, "both") == [{"no": "1", "street": "A"}]
    with pytest.raises(ContractError, match=r"street\.odcs\.yaml"):
        both.city.erase("case", "no", "1")
    assert len(rows(both.city, "case")) == 1


def test_what_derives_from_a_broken_contract_waits_and_is_told_once(both: Town) -> None:
    set_contract(both.city.path, "street", "schema: [")
    both.delivers("case", "b", {"no": "2", "street": "A"})
    assert both.why() == {}
    assert both.weave() == {}
    waits = [item for item in findings(both.city) if item.what.startswith("both")]
    assert [item.what for item in waits] == [
        "both is made of street, whose contract cannot be used"
    ]
    assert waits[0].mend == "mend that contract; until then both is not made again"

    set_contract(both.city.path, "street", STREET)
    assert both.weave()["both"].rows_kept == 2
    assert findings(both.city) == []


def test_nothing_is_erased_by_half_where_a_broken_contract_does_not_tell_its_dataset(
    both: Town,
) -> None:
    (both.city.path / "contracts" / "street.odcs.yaml").unlink()
    set_contract(both.city.path, "streets-v2", "schema: [\n" + STREET)
    with pytest.raises(ContractError, match=r"'street'.*'both' cannot be made again.*nothing was"):
        both.city.erase("case", "no", "1")
    assert len(rows(both.city, "case")) == 1


def test_what_was_never_made_hinders_no_erasure(both: Town) -> None:
    rmtree(both.city.path / "lake" / "both")
    (both.city.path / "contracts" / "street.odcs.yaml").unlink()
    assert both.city.erase("case", "no", "1").rows_kept == 1


# The words


def refused(text: str) -> str:
    with pytest.raises(ContractError) as caught:
        _ = parse_contract(text, "contracts/tree.odcs.yaml")
    return str(caught.value)


CHANGED = [
    ("version: 1.0.0", "version: 1.0", "version: expected text, not '1.0'; put it in quotes"),
    ("version: 1.0.0", "version:\n- 1", "version: expected text, not a list"),
    (
        "logicalType: integer",
        "required: maybe",
        "schema.0.properties.0.required (of 'no'): expected true or false, not 'maybe'",
    ),
    (
        "primaryKeyPosition: 1",
        "primaryKeyPosition: first",
        "primaryKeyPosition (of 'no'): expected a whole number, not 'first'",
    ),
    (
        "name: street",
        "name: street\n    enum: [A]",
        "properties.1.enum.0 (of 'street'): expected keys and values, as in 'name: height'",
    ),
]
ADDED = [
    ("team: 3", "team: expected keys and values, as in"),
    ("servers: inbox", "servers: expected a list, each item"),
    (
        "price: {priceAmount: much}",
        "price.priceAmount: expected a number or a whole number, not 'much'",
    ),
    (
        "slaProperties: [{property: retention, value: {a: 1}}]",
        "expected text or a number or a whole number or true or false, not keys and values",
    ),
    (f"team: {'9' * 40}", f", not '{'9' * 40}'"),
    (f"team: {'9' * 41}", f", not '{'9' * 39}…'"),
]


@pytest.mark.parametrize(
    ("was", "becomes", "words"),
    [*CHANGED, *(("id: tree", f"id: tree\n{added}", words) for added, words in ADDED)],
)
def test_a_field_of_another_kind_is_said_with_what_is_expected(
    was: str, becomes: str, words: str
) -> None:
    assert was in TREE
    message = refused(TREE.replace(was, becomes, 1))
    assert message.startswith("contracts/tree.odcs.yaml: field ")
    assert words in message
    assert "Input should" not in message


def test_a_text_that_is_not_yaml_is_said_with_its_line() -> None:
    message = refused("kind: DataContract\nid: tree\n  name: x\n")
    assert message.startswith("contracts/tree.odcs.yaml: not YAML at line 3: ")
    assert "indentation" in message


def test_a_text_that_says_nothing_is_no_contract() -> None:
    assert "expected keys and values" in refused("")
    assert isinstance(parse_contract(TREE), Contract)
