"""No value of a closely held dataset comes out by a message or by what was refused."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ibis
import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.contract import Contract
from cityloom.contract.odcs import parse_contract
from cityloom.derive import Input, Output, derive
from cityloom.drift import drift
from cityloom.engine import open_engine
from cityloom.errors import AccessRefused, DeliveryError, UsageError
from cityloom.graph import DatasetFunction
from cityloom.lake import LakeTable
from cityloom.policy import Principal
from cityloom.web.app import create_app
from tests.cities import column, contract_text, deliver, new_city, set_contract

IDENTITY = "110101199001011234"


def person(**custom: object) -> str:
    columns = [column("full_name"), column("age", "integer", required=True)]
    return contract_text("person", columns, **{"classification": "sensitive"} | custom)


def contract(text: str) -> Contract:
    return parse_contract(text, origin="person.odcs.yaml")


def refusal_of(city: City, dataset: str, content: str) -> str:
    """What the log says of a delivery that is refused as a whole."""
    path = city.path / "scratch" / "delivered.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(DeliveryError) as caught:
        city.receive(dataset, path)
    assert city.runs(dataset)[-1].error in str(caught.value)
    return str(caught.value)


# What a message says of a file's columns


@pytest.mark.parametrize("level", ["personal", "sensitive"])
@pytest.mark.parametrize(
    ("content", "words"),
    [
        (f"Zhang Wei,{IDENTITY}\nLi Na,220\n", "it has 2 undeclared columns"),
        (f"full_name,{IDENTITY}\nx,1\n", "the file has full_name, 1 undeclared column"),
        ("full_name\nx\n", "the file has full_name. Nothing"),
        (f"full_name,{IDENTITY},{IDENTITY}\n", "the header names a column twice"),
    ],
)
def test_a_closely_held_file_without_a_header_does_not_tell_its_first_row(
    tmp_path: Path, level: str, content: str, words: str
) -> None:
    city = new_city(tmp_path / "city", {"person": person(classification=level)})
    said = refusal_of(city, "person", content)
    assert words in said
    assert IDENTITY not in said
    assert "Zhang Wei" not in said


@pytest.mark.parametrize(
    ("found", "notes"),
    [
        (["full_name", "age"], []),
        (["age"], ["column 'full_name' is missing"]),
        (["age", "full_nam"], ["column 'full_name' is missing",
                               "1 undeclared column was not stored"]),
        (["age", "full_name", IDENTITY, "Li Na"], ["2 undeclared columns were not stored"]),
    ],
)  # fmt: skip
def test_the_drift_of_a_closely_held_file_names_the_contracts_columns_alone(
    found: list[str], notes: list[str]
) -> None:
    assert drift(contract(person()), found) == notes


@pytest.mark.parametrize("level", ["public", "internal"])
def test_the_columns_of_an_open_file_are_named(tmp_path: Path, level: str) -> None:
    held = contract(person(classification=level))
    with pytest.raises(DeliveryError, match="it has clerk, desk"):
        drift(held, ["clerk", "desk"])
    assert drift(held, ["age", "full_names"]) == [
        "column 'full_name' is missing; 'full_names' may be its new name",
        "column 'full_names' is not in the contract and was not stored",
    ]
    city = new_city(tmp_path / "city", {"person": person(classification=level)})
    assert "names column 'desk' twice" in refusal_of(city, "person", "desk,desk\n")


@pytest.mark.parametrize(
    ("count", "last"),
    [
        (12, "column 'c11' is not in the contract and was not stored"),
        (13, "1 more column is not in the contract and was not stored"),
        (300, "288 more columns are not in the contract and were not stored"),
    ],
)
def test_of_many_undeclared_columns_a_dozen_are_named_and_the_others_counted(
    count: int, last: str
) -> None:
    held, extra = contract(person(classification="public")), [f"c{n}" for n in range(count)]
    notes = drift(held, ["full_name", "age", *extra])
    assert notes[:12] == [
        f"column 'c{n}' is not in the contract and was not stored" for n in range(12)
    ]
    assert notes[-1] == last
    assert len(notes) == min(count, 13)


def test_of_a_file_of_another_dataset_a_dozen_columns_are_named_and_the_others_counted() -> None:
    held, extra = contract(person(classification="public")), [f"c{n}" for n in range(300)]
    with pytest.raises(DeliveryError, match=r"it has c0, .*, c11 and 288 more\. Nothing"):
        drift(held, extra)
    with pytest.raises(DeliveryError, match=r"the file has full_name, .*, c10 and 289 more\. Not"):
        drift(held, ["full_name", *extra])


def test_a_condition_that_a_value_breaks_does_not_quote_it(tmp_path: Path) -> None:
    for level, shown in (("sensitive", False), ("internal", True)):
        text = contract_text(
            "person", [column("no", "integer")], classification=level,
            rules={"small": "no * no > 0"},
        )  # fmt: skip
        city = new_city(tmp_path / level, {"person": text})
        said = refusal_of(city, "person", f"no\n{IDENTITY}\n")
        assert "its rules cannot be applied" in said
        assert (IDENTITY in said) == shown


# What a message says of derived rows


def failure_of(path: Path, call: Callable[..., Any], source: str, made: str) -> str:
    """What is said when a function that reads one dataset and makes another fails."""
    columns = [column("no", unique=True)]
    visit = contract(contract_text("visit", [column("no")], classification=source))
    seen = contract(contract_text("seen", columns, classification=made))
    table = LakeTable(path / "visit")
    table.create(visit.schema)
    with table.writer(visit.schema) as rows:
        rows.write(pa.table({"no": [IDENTITY, IDENTITY, "1", "1", "2"]}))
        rows.close()
        table.commit(rows.files, [], {})
    function = DatasetFunction("seen", call, ("visit",), ("seen",), None, "", "trial")
    inputs = {"visit": Input(visit, table.files(), [], only_grew=False)}
    outputs = {"seen": Output(seen, LakeTable(path / "seen"), LakeTable(path / "refused"))}
    with pytest.raises(UsageError) as caught:
        derive(function, inputs, outputs, open_engine("duckdb://", path), {"seen": {}})
    assert outputs["seen"].kept.rows() == 0
    return str(caught.value)


@pytest.mark.parametrize("level", ["public", "sensitive"])
def test_a_derived_key_that_repeats_is_counted_and_not_quoted(tmp_path: Path, level: str) -> None:
    said = failure_of(tmp_path, lambda visit: visit, level, level)
    assert 'gives 2 of the values of "no" more than once' in said
    assert IDENTITY not in said


@pytest.mark.parametrize(
    ("source", "made", "quoted"),
    [
        ("public", "internal", True),
        ("sensitive", "public", False),
        ("personal", "personal", False),
        ("public", "personal", False),
    ],
)
@pytest.mark.parametrize(
    ("call", "kind"),
    [
        (lambda visit: {}[IDENTITY], "KeyError"),
        (lambda visit: visit.mutate(no=ibis.literal(IDENTITY).concat("x").cast("int8").cast("str")),
         "ConversionException"),
    ],
)  # fmt: skip
def test_the_error_of_a_function_is_quoted_of_open_data_alone(
    tmp_path: Path, call: Callable[..., Any], kind: str, source: str, made: str, quoted: bool
) -> None:
    said = failure_of(tmp_path, call, source, made)
    assert f"trial.seen failed: {kind}" in said
    assert IDENTITY not in said or quoted
    assert (f"{kind}:" in said) == quoted


def test_what_no_city_may_hold_is_not_derived_either(tmp_path: Path) -> None:
    def faiths(visit: Any) -> Any:
        return visit.mutate(no=(visit.no == "1").ifelse("Muslim", "Catholic")).distinct()

    said = failure_of(tmp_path, faiths, "public", "sensitive")
    assert said.startswith("trial.seen gives 'seen': column 'no': 2 of its 2 different values")


# What was refused


VISIT = [column("place"), column("n", "integer", physicalName="number")]
ALI = "place,number,religion,name\nGym,x,Muslim,Ali\nPool,1,Catholic,Eve,x\n"

VISITOR = Principal("visitor", signed_in=False)
CLERK = Principal("clerk", roles=("data_steward",))


def refused(city: City, who: Principal, purpose: str | None = None) -> list[Any]:
    """What a principal sees of the refused rows of visits, by their number."""
    found = city.read_quarantine("visit", who, purpose).read_all().to_pylist()
    shown = sorted(found, key=lambda row: row["_ordinal"])
    return [row["raw"] if row["raw"] else json.loads(row["values"] or "null") for row in shown]


@pytest.fixture
def city(tmp_path: Path) -> City:
    opened = new_city(tmp_path / "city", {"visit": contract_text("visit", VISIT)})
    deliver(opened, "visit", "v.csv", ALI.encode())
    return opened


@pytest.mark.parametrize(("who", "purpose"), [(VISITOR, None), (VISITOR, "care"), (CLERK, None)])
def test_what_no_contract_declares_is_not_shown_without_sign_in_and_purpose(
    city: City, who: Principal, purpose: str | None
) -> None:
    assert refused(city, who, purpose) == [{"place": "Gym", "number": "x"}, None]


def test_what_no_contract_declares_is_shown_to_who_signed_in_for_a_purpose(city: City) -> None:
    raw = "Pool,1,Catholic,Eve,x"
    assert refused(city, CLERK, "mending") == [{"place": "Gym", "number": "x"}, raw]


@pytest.mark.parametrize(
    ("columns", "shown"),
    [
        ([VISIT[1]], {"number": "x"}),
        ([column("n"), column("number")], {"number": "x"}),
        ([column("n", physicalName="other")], {}),
    ],
)
def test_what_the_contract_no_longer_declares_is_not_shown(
    city: City, columns: list[dict[str, Any]], shown: dict[str, str]
) -> None:
    set_contract(city.path, "visit", contract_text("visit", columns))
    assert refused(City.open(city.path), VISITOR)[0] == shown
    assert refused(City.open(city.path), CLERK, "mending")[0] == {"place": "Gym", "number": "x"}


def test_a_column_that_is_closely_held_now_closes_what_was_refused(city: City) -> None:
    columns = [VISIT[0], column("n", "integer", classification="personal")]
    set_contract(city.path, "visit", contract_text("visit", columns, purposes=["care"]))
    with pytest.raises(AccessRefused):
        refused(City.open(city.path), VISITOR)
    assert len(refused(City.open(city.path), CLERK, "care")) == 2


@pytest.mark.parametrize("form", ["", ".json", ".csv"])
def test_no_page_shows_what_the_contract_does_not_declare(city: City, form: str) -> None:
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    page = client.get(f"/datasets/visit/quarantine{form}", headers={"accept-language": "en"}).text
    assert "Gym" in page
    for secret in ("Catholic", "Eve", "Muslim", "Ali"):
        assert secret not in page
    if not form:
        assert "only to a signed-in person with a purpose" in page
        page = client.get("/datasets/visit/quarantine", headers={"accept-language": "zh"}).text
        assert "只向已登录并说明用途的人显示" in page
