"""No disagreement with rules in plain Python, row by row."""

from pathlib import Path

from cityloom.engine import open_engine
from tests.policy.answers import disagreements
from tests.policy.matrix import cases, expected, rows


def test_the_matrix_has_all_there_is_to_tell_apart() -> None:
    listed = list(cases())
    shown = sum(len(expected(case)) for case in listed)
    assert sum(len(rows(case.contract)) for case in listed) > 2_000
    assert 0.1 < shown / sum(len(rows(case.contract)) for case in listed) < 0.9


def test_every_row_and_column_is_shown_as_the_rules_say(tmp_path: Path) -> None:
    with open_engine("duckdb://", tmp_path) as engine:
        assert disagreements(engine, cases()) == []
