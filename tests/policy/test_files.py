"""Policies that cannot be used are refused in words, and then nothing may be read."""

import json
from pathlib import Path

import pytest

from cityloom.check import findings
from cityloom.city import City
from cityloom.errors import AccessRefused, PolicyError
from cityloom.policy import Principal
from cityloom.policy.files import DEFAULT, default_policies
from cityloom.policy.policies import Policies
from tests.cities import column, contract_text, csv_bytes, deliver, new_city
from tests.policy.matrix import CONTRACTS, POLICIES

CLERK = Principal("clerk", roles=("data_steward",))
EVERYTHING = 'permit (principal, action, resource) when { context.purpose == "x" };'


def refusal(**texts: str) -> str:
    with pytest.raises(PolicyError) as caught:
        Policies({f"{name}.cedar": text for name, text in texts.items()}, CONTRACTS)
    return str(caught.value)


def test_the_policies_of_a_new_city_and_of_the_matrix_are_sound() -> None:
    Policies({DEFAULT: default_policies()}, CONTRACTS)
    Policies({"matrix.cedar": POLICIES}, CONTRACTS)
    Policies({DEFAULT: default_policies()}, [])


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("permit (principal", "a.cedar: not Cedar"),
        (EVERYTHING, "a.cedar: a policy has no @id"),
        (f'@id("") {EVERYTHING}', "a.cedar: a policy has no @id"),
        (f'@id("x") {EVERYTHING} @id("x") {EVERYTHING}', "two policies have the @id 'x'"),
        ('@id("x") permit (principal == ?principal, action, resource);', "templates"),
        (
            '@id("x") permit (principal, action, resource is Rows::nowhere);',
            "a.cedar: policy 'x': unrecognized entity type",
        ),
        (
            '@id("x") permit (principal, action, resource is Rows::park) '
            "when { resource.nam > 1 };",
            "a.cedar: policy 'x'",
        ),
        (
            '@id("x") permit (principal, action, resource is Rows::park) '
            'when { resource.name == 3 };',
            "a.cedar: policy 'x'",
        ),
        (
            '@id("x") permit (principal, action == Action::"write", resource);',
            "a.cedar: policy 'x'",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_policy_is_said(text: str, said: str) -> None:
    assert said in refusal(a=text)


def test_the_same_id_in_two_files_is_refused() -> None:
    assert "'x'" in refusal(a=f'@id("x") {EVERYTHING}', b=f'@id("x") {EVERYTHING}')


def test_no_permit_means_no_read() -> None:
    policies = Policies(
        {"a.cedar": f'@id("x") forbid{EVERYTHING.removeprefix("permit")}'}, CONTRACTS
    )
    assert not policies.decide("park", CLERK, None).granted


# In a city


@pytest.fixture
def city(tmp_path: Path) -> City:
    text = contract_text("park", [column("name"), column("ward")])
    opened = new_city(tmp_path / "city", {"park": text})
    deliver(opened, "park", "p.csv", csv_bytes(["name", "ward"], [["莲花山", "A"], ["荔枝", "B"]]))
    return opened


def put(city: City, text: str) -> City:
    (city.path / "policies" / DEFAULT).write_text(text, encoding="utf-8")
    return City.open(city.path)


def test_a_new_city_has_its_policies_to_read_and_change(city: City) -> None:
    assert (city.path / "policies" / DEFAULT).read_text(encoding="utf-8") == default_policies()
    narrower = default_policies() + (
        '@id("not-ward-a") forbid (principal, action, resource is Rows::park) '
        'when { resource.ward == "A" };'
    )
    assert put(city, narrower).read("park", CLERK).read_all()["name"].to_pylist() == ["荔枝"]


def test_a_city_from_before_policies_has_those_that_a_city_begins_with(city: City) -> None:
    (city.path / "policies" / DEFAULT).unlink()
    (city.path / "policies").rmdir()
    assert City.open(city.path).read("park", CLERK).read_all().num_rows == 2


@pytest.mark.parametrize(
    "text", ["permit (", '@id("x") permit (principal, action, resource is R);']
)
def test_broken_policies_open_nothing_and_are_found(city: City, text: str) -> None:
    broken = put(city, text)
    for _ in range(2):
        with pytest.raises(PolicyError, match=r"policies/default\.cedar"):
            broken.read("park", CLERK)
    assert any("default.cedar" in found.what and found.serious for found in findings(broken))


def test_a_folder_without_policies_opens_nothing(city: City) -> None:
    (city.path / "policies" / DEFAULT).unlink()
    with pytest.raises(PolicyError, match="nobody may read anything"):
        City.open(city.path).read("park", CLERK)


def test_a_file_that_is_not_utf_8_opens_nothing(city: City) -> None:
    (city.path / "policies" / "b.cedar").write_bytes(b"// \xff")
    with pytest.raises(PolicyError, match=r"b\.cedar: not UTF-8"):
        City.open(city.path).read("park", CLERK)


def test_a_narrowed_read_counts_its_rows_in_the_ledger_and_closes_the_quarantine(
    city: City,
) -> None:
    narrow = put(city, '@id("a") permit (principal, action, resource is Rows::park) '
                       'when { resource.ward == "A" };')  # fmt: skip
    assert narrow.read("park", CLERK).read_all().num_rows == 1
    with pytest.raises(AccessRefused, match="may read the whole dataset"):
        narrow.read_quarantine("park", CLERK)
    lines = (city.path / "ledger.ndjson").read_text(encoding="utf-8").splitlines()
    read, refused = (json.loads(line) for line in lines)
    assert (read["rows"], refused["rows"]) == (1, None)
    assert (read["filter"], read["masked"]) == ('ward == "A"', ["name", "ward"])
    assert read["roles"] == ["data_steward"]
    assert refused["filter"] == ""
    assert city.ledger.verify() == 2
