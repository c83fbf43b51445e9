"""However a column's texts are judged, the values and the verdicts are those of the engine."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import cityloom.contract.ways
from cityloom.contract.asker import Asker
from cityloom.contract.judge import Judge
from cityloom.contract.model import Column, Contract, Kind, RowRule
from cityloom.contract.split import Split, Splitter
from cityloom.contract.ways import AtAGlance, ByTheEngine, EachOnce, Way, glance_of, way_to_judge

MANY, MUCH = 4_096, 200_000


def column(name: str, kind: Kind, **facts: Any) -> Column:
    return Column(name, name, kind, **facts)


COLUMNS: dict[Column, tuple[str, ...]] = {
    column("number", Kind.INTEGER, minimum=2): ("1", "2", "03", "x", "-4", "9" * 20),
    column("size", Kind.NUMBER, exclusive_maximum=9): ("1.5", "1e3", "1,5", "12.", "9.0", "-3"),
    column("money", Kind.NUMBER, decimal=(4, 1), enum=("1.5", "2")): ("1.5", "1.55", "2.0", "3"),
    column("open", Kind.BOOLEAN, required=True): ("yes", "No", "x", "是"),
    column("day", Kind.DATE, required=True, minimum="2020-01-01"): (
        "2024-02-29", "2024-02-30", "0001-01-01", "2019-12-31", "24-01-01"
    ),
    column("written", Kind.DATE, format="dd/MM/yyyy"): ("29/02/2024", "30/02/2024", "1/1/2024"),
    column("at", Kind.TIMESTAMP, timezone=True): (
        "2024-02-29T01:02:03Z", "2024-02-29T01:02:03+01:00", "2024-02-29T24:02:03Z"
    ),
    column("zoned", Kind.TIMESTAMP, format="yyyy-MM-dd HH:mm", timezone=True): (
        "2024-02-29 01:02", "2024-02-29 1:02", "2024-02-30 01:02"
    ),
    column("clock", Kind.TIME, enum=("23:00:00",)): ("23:00:00", "24:00:00", "22:00:00", "9"),
    column("name", Kind.STRING, enum=("a",), trim=True): (" a ", "a", "b", " "),
    column("code", Kind.STRING, pattern="[A-C][0-9]{2}"): ("A12", "D12", "A1", "xA12"),
    column("free", Kind.STRING, pattern="[A-C]+", max_length=2): ("A", "AB", "ABC", "D"),
    column("short", Kind.STRING, min_length=2, max_length=3, required=True): (
        "京", "京京", "abc", "abcd"
    ),
    column("note", Kind.STRING): ("a", " a ", "京"),
    column("more", Kind.JSON): ("{}", "[1]", "{", '{"a": 1,}'),
    column("place", Kind.GEOMETRY, geometry_type="point"): ("POINT (1 2)", "x", "LINESTRING (0 0)"),
}  # fmt: skip
ENGINE = Asker(Contract("trial", ()), None)


def texts_of(stated: Column, most: int) -> st.SearchStrategy[list[str | None]]:
    known = st.sampled_from([None, *COLUMNS[stated]])
    return st.lists(known | st.text(max_size=4).filter(bool), max_size=most)


def judged(
    stated: Column, way: Way, batches: Sequence[Sequence[str | None]]
) -> list[tuple[object, ...]]:
    """What a way makes of batches: the texts, their values, and whether they are sound."""
    judge = Judge([stated], ENGINE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("cityloom.contract.judge.way_to_judge", lambda column, texts: way)
        found = []
        for batch in batches:
            half = len(batch) // 2
            texts = pa.chunked_array([batch[:half], batch[half:]], pa.string())
            (its,) = judge.judge(pa.table({stated.name: texts}))
            sound = its.sound.tolist()
            assert len(its.texts) == len(its.values) == len(sound) == len(batch)
            found += zip(
                its.texts.to_pylist(), map(repr, its.values.to_pylist()), sound, strict=True
            )
    return found


@pytest.mark.parametrize("stated", COLUMNS, ids=lambda stated: stated.name)
@settings(deadline=None, max_examples=30)
@given(data=st.data())
def test_every_way_comes_to_the_engines_verdict(stated: Column, data: st.DataObject) -> None:
    batches = data.draw(st.lists(texts_of(stated, 12), min_size=1, max_size=3))
    expected = judged(stated, ByTheEngine(), batches)
    assert [text for text, _, _ in expected] == [text for batch in batches for text in batch]
    if stated.kind is not Kind.GEOMETRY:
        assert judged(stated, EachOnce(stated), batches) == expected
    if glance := glance_of(stated):
        assert judged(stated, AtAGlance(stated, glance), batches) == expected


def test_most_forms_have_a_glance() -> None:
    assert {stated.name for stated in COLUMNS if not glance_of(stated)} == {
        "open", "name", "free", "more", "place"
    }  # fmt: skip


@pytest.mark.parametrize(("bound", "most"), [("_MOST_KNOWN", 3), ("_MOST_BYTES", 20)])
def test_a_text_is_asked_about_once_until_very_much_is_known(
    monkeypatch: pytest.MonkeyPatch, bound: str, most: int
) -> None:
    monkeypatch.setattr(cityloom.contract.ways, bound, most)
    way = EachOnce(column("n", Kind.INTEGER))
    judge = Judge([column("n", Kind.INTEGER)], ENGINE)
    monkeypatch.setattr("cityloom.contract.judge.way_to_judge", lambda column, texts: way)
    asked = []
    look = EachOnce.look

    def looked(way: EachOnce, texts: pa.ChunkedArray) -> object:
        found = look(way, texts)
        asked.append(found.asked.to_pylist())
        return found

    monkeypatch.setattr(EachOnce, "look", looked)
    for batch in (["1", "2", "1"], ["2", "3", None], ["4", "1"], ["4", "1", "1"]):
        (its,) = judge.judge(pa.table({"n": pa.array(batch, pa.string())}))
        assert its.values.to_pylist() == [int(text) if text else None for text in batch]
    assert asked == [["1", "2"], ["3"], ["4"], ["4", "1"]]


@pytest.mark.parametrize(
    ("stated", "rows", "different", "way"),
    [
        (column("n", Kind.INTEGER), MANY, MANY // 16, EachOnce),
        (column("n", Kind.INTEGER), MANY, MANY // 16 + 1, ByTheEngine),
        (column("n", Kind.INTEGER), MANY - 1, 9, ByTheEngine),
        (column("n", Kind.INTEGER), MUCH, 9, EachOnce),
        (column("n", Kind.INTEGER), MUCH, MUCH, AtAGlance),
        (column("n", Kind.INTEGER), MUCH - 1, MUCH - 1, ByTheEngine),
        (column("n", Kind.STRING), MUCH, MUCH, AtAGlance),
        (column("n", Kind.BOOLEAN), MUCH, MUCH, ByTheEngine),
        (column("n", Kind.GEOMETRY, geometry_type="point"), MUCH, 9, ByTheEngine),
    ],
    ids=repr,
)
def test_a_first_batch_suggests_the_way(
    stated: Column, rows: int, different: int, way: Callable[..., Way]
) -> None:
    texts = pa.chunked_array([pa.array(np.arange(rows) % different).cast(pa.string())])
    assert type(way_to_judge(stated, texts)) is way


def split_all(contract: Contract, text: pa.Table, size: int) -> tuple[list[Split], list[Any]]:
    columns = [contract.column("number"), contract.column("day")]
    splitter = Splitter(contract, [columns])
    numbers = np.arange(len(text))
    parts = [
        splitter.split(splitter.prepare(text.slice(at, size)), numbers[at : at + size])
        for at in range(0, len(text), size)
    ]
    whole = [part.take(np.arange(len(part.rows))) for part in parts]
    return whole, [reason for part in whole for reason in splitter.explain(part).to_pylist()]


def test_a_large_batch_is_split_as_many_small_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cityloom.contract.ways, "_MUCH_TO_READ", MANY)
    rows = 5_000
    rng = np.random.default_rng(7)
    texts = {
        stated.name: pa.array([None, *some], pa.string()).take(
            pa.array(rng.integers(0, len(some) + 1, rows))
        )
        for stated, some in COLUMNS.items()
    }
    numbers = pa.array(np.arange(rows)).cast(pa.string())
    rule = RowRule("small", "number < 3000 OR size > 2")
    stated = [replace(one, minimum=None) if one.name == "size" else one for one in COLUMNS]
    contract = Contract("trial", (*stated, column("id", Kind.INTEGER)), rules=(rule,))
    table = pa.table({**texts, "id": numbers})
    (large,), reasons = split_all(contract, table, rows)
    small, same_reasons = split_all(contract, table, 500)
    assert large.rows.to_pylist() == [row for part in small for row in part.rows.to_pylist()]
    assert reasons == same_reasons
    assert large.met.tolist() == [not broken for broken in reasons]
    assert large.ordinals.tolist() == list(range(rows))
