"""What no city may hold is found wherever it lies in a delivery, and before anything is kept."""

import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa
import pytest

from cityloom.city import City
from cityloom.contract.model import Column, Contract, Kind
from cityloom.contract.refusals import Content
from cityloom.errors import DeliveryError
from tests.cities import column, contract_text, csv_bytes, deliver, new_city

FAITHS = ("Muslim", "Catholic", "Buddhist")
VECTOR = [(-1) ** n * (n % 7 + 1) / 8 for n in range(128)]


def seen(*batches: Sequence[str | None], kind: Kind = Kind.STRING) -> str | None:
    """What is said of one column after some batches."""
    content = Content(Contract("trial", (Column("col7", "col7", kind),)))
    for batch in batches:
        content.look(pa.table({"col7": pa.array(batch, pa.string())}))
    return content.refusal()


def faiths(count: int) -> list[str]:
    return [FAITHS[row % 3] for row in range(count)]


@pytest.mark.parametrize(
    "batches",
    [
        [[None] * 5_000 + faiths(20_000)],
        [[None] * 200_000 + faiths(40)],
        [[None] * 10_000, faiths(10)],
        [["Catholic"], ["Muslim"]],
        [["other"] * 10_000, faiths(10)],
        [["x"], [str(VECTOR), json.dumps(VECTOR[::-1])]],
    ],
)
def test_what_comes_late_is_found(batches: list[list[str | None]]) -> None:
    assert seen(*batches) is not None


@pytest.mark.parametrize(
    "batches",
    [
        [faiths(3), [f"street {number}" for number in range(50)]],
        [[f"street {number}" for number in range(10_000)], faiths(10)],
        [["Catholic"], ["Church"], ["Chapel"]],
        [[], [None], [""]],
        [[f"muslim: {number}" for number in range(start, start + 300)] for start in (0, 300)],
    ],
)
def test_what_is_mostly_something_else_is_not_refused(batches: list[list[str | None]]) -> None:
    assert seen(*batches) is None


def test_a_word_with_an_explanation_is_told_without_it() -> None:
    said = seen(["Muslim, Ali of 7 Quay", "Catholic: Eve", "Buddhist"])
    assert said is not None
    assert "'muslim'" in said
    assert "ali" not in said.replace("Catholic", "")


@pytest.mark.parametrize("kind", [Kind.JSON, Kind.STRING])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"religion": None}, "key of which 'religio'"),
        ({"a": {"b": [{"face_embedding": "x"}]}}, "biometrics"),
        ({"民族": 1}, "ethnicity"),
        ([{"name": "x"}, {"creditScore": 7}], "a score of a person"),
        ({"more": {"grp": list(FAITHS)}}, "holds JSON in which 3 of its 3"),
        ({"more": {"v": VECTOR}}, "vectors"),
        (list(FAITHS), "words of religion"),
    ],
)
def test_json_is_looked_into(kind: Kind, value: object, words: str) -> None:
    said = seen([None, " " + json.dumps(value, ensure_ascii=False)], kind=kind)
    assert said is not None
    assert words in said
    assert said.startswith("column 'col7'")


@pytest.mark.parametrize(
    "text",
    ["{", "[" * 50_000, "{}", "[]", "null", '{"colour": "white", "no": 7, "seen": [true, 1.5]}',
     '{"faces": ["north", "south"]}', "religion", '"religion"', "Muslims [sic]"],
)  # fmt: skip
def test_other_json_and_what_is_none_is_not_refused(text: str) -> None:
    assert seen([text], kind=Kind.JSON) is None


def test_many_keys_are_judged_in_bounded_memory() -> None:
    content = Content(Contract("trial", (Column("col7", "col7", Kind.JSON),)))
    for first in range(0, 5_000, 500):
        texts = [json.dumps({f"k{number}": "x"}) for number in range(first, first + 500)]
        content.look(pa.table({"col7": texts}))
    assert content.refusal() is None
    assert len(content._seen) == 500
    content.look(pa.table({"col7": ['{"religion": "x"}']}))
    assert "religion" in (content.refusal() or "")


# Through a city


@pytest.fixture
def city(tmp_path: Path) -> City:
    columns = [column("id", key=1), column("grp"), column("more", "object")]
    return new_city(tmp_path / "city", {"visit": contract_text("visit", columns)})


@pytest.mark.parametrize(
    "rows",
    [
        [(n, None, "") for n in range(5_000)] + [(5_000 + n, FAITHS[n % 3], "") for n in range(99)],
        [(n, "", json.dumps({"religion": "Muslim"})) for n in range(20)],
        [(n, FAITHS[n % 3], "not JSON") for n in range(20)],
    ],
)
@pytest.mark.parametrize("at_a_time", [1_000, 245_760])
def test_nothing_is_kept_of_a_delivery_that_holds_it(
    city: City, monkeypatch: pytest.MonkeyPatch, rows: list[tuple[object, ...]], at_a_time: int
) -> None:
    monkeypatch.setattr("cityloom.receive.ROWS_AT_A_TIME", at_a_time)
    with pytest.raises(DeliveryError, match="nothing of this delivery was kept"):
        deliver(city, "visit", "v.csv", csv_bytes(["id", "grp", "more"], rows))
    assert city.runs("visit")[-1].failed
    assert city.kept("visit").rows() == 0
    assert city.quarantine_files("visit") == []
