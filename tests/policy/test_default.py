"""Who may read what: public and internal for anyone here, personal for a stated purpose alone."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.contract import Classification, Column, Contract, Kind
from cityloom.errors import AccessRefused, UsageError
from cityloom.policy import Decision, Principal
from cityloom.policy.files import DEFAULT, default_policies
from cityloom.policy.policies import Policies
from tests.cities import column, contract_text, csv_bytes, deliver, new_city

CLERK = Principal("clerk", roles=("data_steward",))
VISITOR = Principal("visitor", signed_in=False, roles=("console",))

LEVELS = list(Classification)
PURPOSES = ("care", "statistics")


def contract(level: Classification, purposes: tuple[str, ...] = PURPOSES) -> Contract:
    held = Column("a", "a", Kind.STRING, classification=level)
    return Contract("permit", (held,), purposes=purposes)


def decide(contract: Contract, principal: Principal, purpose: str | None) -> Decision:
    policies = Policies({DEFAULT: default_policies()}, [contract])
    return policies.decide(contract.dataset, principal, purpose)


@pytest.mark.parametrize("level", [Classification.PUBLIC, Classification.INTERNAL])
@pytest.mark.parametrize("principal", [CLERK, VISITOR], ids=lambda who: who.name)
@pytest.mark.parametrize("purpose", [None, "anything"])
def test_public_and_internal_data_need_no_purpose_and_no_sign_in(
    level: Classification, principal: Principal, purpose: str | None
) -> None:
    decision = decide(contract(level, ()), principal, purpose)
    assert decision.granted
    assert level.label in decision.reason


CLOSE = pytest.mark.parametrize("level", [Classification.PERSONAL, Classification.SENSITIVE])


@CLOSE
@pytest.mark.parametrize("purpose", PURPOSES)
def test_personal_data_may_be_read_for_each_stated_purpose(
    level: Classification, purpose: str
) -> None:
    decision = decide(contract(level), CLERK, purpose)
    assert decision.granted
    assert purpose in decision.reason


@CLOSE
@pytest.mark.parametrize("purpose", [None, "", "Care", "care ", "marketing", "care, statistics"])
def test_personal_data_is_refused_for_any_other_purpose_and_the_permitted_are_named(
    level: Classification, purpose: str | None
) -> None:
    decision = decide(contract(level), CLERK, purpose)
    assert not decision.granted
    assert "care, statistics" in decision.reason


@CLOSE
@pytest.mark.parametrize("purpose", [None, *PURPOSES])
def test_personal_data_is_never_shown_where_nobody_signed_in(
    level: Classification, purpose: str | None
) -> None:
    decision = decide(contract(level), VISITOR, purpose)
    assert not decision.granted
    assert "signed in" in decision.reason


@CLOSE
def test_personal_data_without_a_stated_purpose_is_closed_to_all(level: Classification) -> None:
    decision = decide(contract(level, ()), CLERK, "care")
    assert not decision.granted
    assert "states no purpose" in decision.reason


@given(
    st.sampled_from(LEVELS),
    st.lists(st.text(max_size=4), max_size=3).map(tuple),
    st.booleans(),
    st.none() | st.text(max_size=4),
)
def test_close_data_is_granted_only_when_signed_in_and_for_a_stated_purpose(
    level: Classification, purposes: tuple[str, ...], signed_in: bool, purpose: str | None
) -> None:
    decision = decide(contract(level, purposes), replace(CLERK, signed_in=signed_in), purpose)
    open_to_all = level is Classification.PUBLIC or (level is Classification.INTERNAL and signed_in)
    assert decision.granted == (
        open_to_all or (signed_in and bool(purpose) and purpose in purposes)
    )
    assert decision.reason


# Through the city


@pytest.fixture
def city(tmp_path: Path) -> City:
    columns = [column("name"), column("n", "integer")]
    personal = contract_text("person", columns, classification="personal", purposes=["care"])
    opened = new_city(tmp_path / "city", {"person": personal.replace("id: person", "id: p")})
    deliver(opened, "person", "p.csv", csv_bytes(["name", "n"], [["王芳", 1], ["李雷", "x"]]))
    return opened


def entries(city: City) -> list[dict[str, object]]:
    lines = (city.path / "ledger.ndjson").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def test_a_granted_read_gives_rows_and_is_in_the_ledger(city: City) -> None:
    assert city.read("person", CLERK, "care").read_all()["name"].to_pylist() == ["王芳"]
    (entry,) = entries(city)
    assert entry["principal"] == "clerk"
    assert (entry["dataset"], entry["purpose"]) == ("person", "care")
    assert (entry["granted"], entry["rows"]) == (True, 1)
    assert city.ledger.verify() == 1


def test_a_refused_read_gives_nothing_names_the_rule_and_is_in_the_ledger(city: City) -> None:
    with pytest.raises(AccessRefused, match="person: personal data needs a purpose") as caught:
        city.read("person", CLERK)
    assert "care" in str(caught.value)
    (entry,) = entries(city)
    assert (entry["granted"], entry["rows"], entry["purpose"]) == (False, None, "")
    assert "needs a purpose" in str(entry["reason"])


def test_refused_rows_are_as_closely_held_as_the_dataset(city: City) -> None:
    with pytest.raises(AccessRefused):
        city.read_quarantine("person", CLERK)
    with pytest.raises(AccessRefused):
        city.read_quarantine("person", VISITOR, "care")
    assert len(city.read_quarantine("person", CLERK, "care").read_all()) == 1
    assert [entry["granted"] for entry in entries(city)] == [False, False, True]
    assert all("quarantine" in str(entry["dataset"]) for entry in entries(city))


def test_the_ledger_has_how_many_rows_may_be_read_at_most(city: City) -> None:
    for limit in (0, 1, 5, None):
        city.read("person", CLERK, "care", limit=limit)
        city.read_quarantine("person", CLERK, "care", limit=limit)
    assert [entry["rows"] for entry in entries(city)] == [0, 0, 1, 1, 1, 1, 1, 1]


def test_asking_whether_one_may_leaves_no_trace_and_reads_nothing(city: City) -> None:
    assert city.may_read("person", CLERK, "care").granted
    assert not city.may_read("person", CLERK).granted
    assert not (city.path / "ledger.ndjson").exists()


def test_a_refusal_names_the_owner_to_ask(tmp_path: Path) -> None:
    text = contract_text("person", [column("name")], classification="personal")
    city = new_city(tmp_path / "city", {"person": text + "team: {name: 民政局}\n"})
    with pytest.raises(AccessRefused, match="ask its owner, 民政局"):
        city.read("person", CLERK, "care")


def test_a_dataset_that_is_not_there_is_told_with_those_that_are(city: City) -> None:
    with pytest.raises(UsageError, match="no dataset 'persons' in this city; known are person"):
        city.read("persons", CLERK)
