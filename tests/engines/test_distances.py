"""Distances between texts count characters, and are equal on every engine."""

from pathlib import Path

import ibis.expr.types as ir
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.distances import damerau_levenshtein, jaro_winkler, levenshtein
from cityloom.engine import Engine, open_engine

PUBLISHED = [
    ("kitten", "sitting", 3, 3, None),
    ("MARTHA", "MARHTA", 2, 1, 0.9611),
    ("DIXON", "DICKSONX", 4, 4, 0.8133),
    ("DWAYNE", "DUANE", 2, 2, 0.84),
    ("CA", "ABC", 3, 2, None),
    ("张伟", "張偉", 2, 2, 0.0),
    ("欧阳娜娜", "欧阳那那", 2, 2, None),
    ("𠮷野", "吉野", 1, 1, None),
    ("王小明", "王明小", 2, 1, None),
    ("", "李", 1, 1, 0.0),
    ("", "", 0, 0, 1.0),
    (None, "李", None, None, None),
    ("李", None, None, None, None),
]
"""Pairs, their distances, and their similarity where a paper or the definition gives one.

The similarities are of Winkler (1990), table 1.
"""


def compared(engine: Engine, pairs: list[tuple[str | None, str | None]]) -> pa.Table:
    left, right = zip(*pairs, strict=True)
    rows = pa.table(
        {
            "n": range(len(pairs)),
            "a": pa.array(left, pa.string()),
            "b": pa.array(right, pa.string()),
        }
    )
    held: ir.Table = engine.hold("made_pairs", rows)
    found = held.mutate(
        levenshtein=levenshtein(held.a, held.b),
        damerau=damerau_levenshtein(held.a, held.b),
        jaro_winkler=jaro_winkler(held.a, held.b),
    )
    return engine.batches(found).read_all().sort_by("n")


def test_published_distances_are_found(engine: Engine) -> None:
    found = compared(engine, [(left, right) for left, right, *_ in PUBLISHED])
    assert found["levenshtein"].to_pylist() == [steps for _, _, steps, _, _ in PUBLISHED]
    assert found["damerau"].to_pylist() == [steps for _, _, _, steps, _ in PUBLISHED]
    for (left, right, *_, similarity), given_ in zip(
        PUBLISHED, found["jaro_winkler"].to_pylist(), strict=True
    ):
        if left is None or right is None:
            assert given_ is None
        elif similarity is not None:
            assert given_ == pytest.approx(similarity, abs=5e-5)


def by_definition(left: str, right: str) -> int:
    row = list(range(len(right) + 1))
    for place, letter in enumerate(left, 1):
        before, row[0] = row[0], place
        for other_place, other in enumerate(right, 1):
            step = min(row[other_place] + 1, row[other_place - 1] + 1, before + (letter != other))
            before, row[other_place] = row[other_place], step
    return row[-1]


TEXTS = st.text("ab张三𠮷é", max_size=6)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.tuples(TEXTS, TEXTS), min_size=1, max_size=20))
def test_distances_are_those_of_the_definition(pairs: list[tuple[str, str]]) -> None:
    with open_engine("duckdb://", Path()) as engine:
        found = compared(engine, list(pairs))
    assert found["levenshtein"].to_pylist() == [by_definition(*pair) for pair in pairs]
    for fewer, more in zip(found["damerau"], found["levenshtein"], strict=True):
        assert fewer.as_py() <= more.as_py()
