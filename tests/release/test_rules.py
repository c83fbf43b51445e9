"""The rules, rounding, noise and budget, by figures that can be checked by hand."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.errors import UsageError
from cityloom.release.cells import cells_of
from cityloom.release.noise import noisy, spend
from cityloom.release.risk import DOMINANCE, FREQUENCY, P_PERCENT, Risk, risk
from cityloom.release.rounding import chances, rounded
from cityloom.release.statement import Noise, Rounding, Statement
from cityloom.release.tally import Tally, tally


def statement(**stated: Any) -> Statement:
    return Statement.model_validate(
        {"title": "t", "dataset": "d", "owner": "o", "licence": "l", "by": ["a"],
         "measures": ["count", {"sum": "v"}], "minimum": 2, "totals": "none"} | stated
    )  # fmt: skip


def of(rows: dict[str, list[Any]], stated: Statement, scratch: Path) -> tuple[Tally, Risk]:
    found = tally(pa.table(rows).to_reader(), stated, scratch)
    cells = cells_of(stated.chains, found.levels, found.frame, found.level)
    return found, risk(cells, found.frame, stated)


def test_the_p_percent_rule_looks_at_what_is_left_after_the_two_largest(tmp_path: Path) -> None:
    # 100 + 50 + 4: the second knows 50, so the first is at most 104, 4% more: unsafe by 10%, and by
    # 10 - 4 = 6 too closely known. 100 + 50 + 10 leaves 10, just enough.
    rows = {"a": ["x"] * 3 + ["y"] * 3, "v": [100, 50, 4, 100, 50, 10]}
    found, unsafe = of(rows, statement(p_percent=10, protection=1), tmp_path)
    by_name = dict(zip(found.frame["a"].to_pylist(), unsafe.by_rule[P_PERCENT], strict=True))
    assert by_name == {"x": True, "y": False}
    needed = unsafe.quantities[1].above[found.frame["a"].to_pylist().index("x")]
    assert needed == pytest.approx(6)


def test_the_dominance_rule_looks_at_the_share_of_the_largest(tmp_path: Path) -> None:
    # Of 100, the two largest have 85: more than 80%; 85 · 100 / 80 - 100 = 6.25. Of y they have 80.
    rows = {"a": ["x"] * 4 + ["y"] * 4, "v": [60, 25, 10, 5, 50, 30, 10, 10]}
    stated = statement(dominance={"n": 2, "k": 80}, protection=1)
    found, unsafe = of(rows, stated, tmp_path)
    by_name = dict(zip(found.frame["a"].to_pylist(), unsafe.by_rule[DOMINANCE], strict=True))
    assert by_name == {"x": True, "y": False}
    needed = unsafe.quantities[1].above[found.frame["a"].to_pylist().index("x")]
    assert needed == pytest.approx(6.25)


def test_a_contributor_counts_once_in_a_cell_however_many_rows_it_has(tmp_path: Path) -> None:
    rows = {"a": ["x"] * 5, "v": [1, 1, 1, 1, 1], "who": ["p", "p", "p", None, None]}
    _, many = of(rows, statement(minimum=3), tmp_path)
    _, few = of(rows, statement(minimum=3, contributor="who"), tmp_path)
    assert not many.by_rule[FREQUENCY].any()
    assert few.by_rule[FREQUENCY].all()


def test_shares_of_one_contributor_are_added_before_its_dominance_is_judged(tmp_path: Path) -> None:
    rows = {"a": ["x"] * 4, "v": [30, 30, 20, 20], "who": ["p", "p", "q", "r"]}
    stated = {"dominance": {"n": 1, "k": 50}}
    _, by_row = of(rows, statement(**stated), tmp_path)
    _, by_contributor = of(rows, statement(**stated, contributor="who"), tmp_path)
    assert not by_row.by_rule[DOMINANCE].any()
    assert by_contributor.by_rule[DOMINANCE].all()


def test_negative_shares_count_by_their_size_and_leave_no_least_value(tmp_path: Path) -> None:
    rows = {"a": ["x"] * 3, "v": [-90, 5, 5]}
    _, unsafe = of(rows, statement(dominance={"n": 1, "k": 80}), tmp_path)
    assert unsafe.by_rule[DOMINANCE].all()
    assert np.isneginf(unsafe.quantities[1].least).all()


def test_null_is_a_category_and_a_total_is_not(tmp_path: Path) -> None:
    rows = {"a": ["x", None, None], "v": [1, 2, 4]}
    found, _ = of(rows, statement(totals="all"), tmp_path)
    cells = zip(found.level.tolist(), found.frame["a"].to_pylist(),
                found.frame["sum_v"].to_pylist(), strict=True)  # fmt: skip
    assert sorted(cells, key=str) == [(0, "x", 1), (0, None, 6), (1, None, 7)]


def test_hidden_zeros_are_cells_like_others(tmp_path: Path) -> None:
    rows = {"a": ["x", "y"], "b": ["p", "q"], "v": [1, 2]}
    shown, _ = of(rows, statement(by=["a", "b"]), tmp_path)
    hidden, unsafe = of(rows, statement(by=["a", "b"], zeros="hidden"), tmp_path)
    assert (len(shown.frame), len(hidden.frame)) == (2, 4)
    assert unsafe.by_rule[FREQUENCY].all()


@given(st.lists(st.integers(-50, 500), min_size=1), st.integers(2, 10))
def test_rounded_figures_are_multiples_beside_the_true_ones(values: list[int], base: int) -> None:
    true = np.array(values, float)
    for how in ("nearest", "random"):
        found = rounded(true, Rounding(base=base, how=how), np.linspace(0, 0.99, len(values)))
        assert (found % base == 0).all()
        assert (np.abs(found - true) < base).all()
        assert (found[true % base == 0] == true[true % base == 0]).all()


def test_random_rounding_keeps_the_mean() -> None:
    chance = (np.arange(1000) + 0.5) / 1000
    found = rounded(np.full(1000, 7.0), Rounding(base=5), chance)
    assert set(found) == {5.0, 10.0}
    assert found.mean() == pytest.approx(7.0)


def test_a_cell_is_rounded_alike_in_whatever_release_it_comes(tmp_path: Path) -> None:
    rows = {"a": ["x", "x", "y"], "b": ["p", "q", "p"], "v": [1, 2, 3]}
    one, _ = of(rows, statement(by=["a"]), tmp_path)
    two, _ = of(rows, statement(by=["a", "b"], totals="all"), tmp_path)
    drawn = [chances(b"secret", "d", "count", found) for found in (one, two)]
    of_a = two.levels.index(("a",))
    places = np.flatnonzero(two.level == of_a)
    alike = dict(zip(one.frame["a"].to_pylist(), drawn[0], strict=True))
    assert {two.frame["a"][int(p)].as_py(): drawn[1][p] for p in places} == alike
    assert len(set(drawn[1])) == len(drawn[1])
    assert not set(chances(b"other", "d", "count", one)) & set(drawn[0])


def test_noise_adds_up_and_is_of_the_size_that_epsilon_asks_for(tmp_path: Path) -> None:
    pytest.importorskip("opendp")
    rows = {"a": [str(number) for number in range(4000)], "v": [1] * 4000}
    found = tally(pa.table(rows).to_reader(), statement(totals="all"), tmp_path)
    cells = cells_of((("a",),), found.levels, found.frame, found.level)
    counts = noisy(cells, np.full(4001, 100.0), Noise(epsilon=0.5, budget=1))
    assert counts[4000] == counts[:4000].sum()
    # A Laplace variable of scale 2 has the mean distance 2; of 4,000, the mean is within 0.2 of it
    # but for once in 10^9.
    assert 1.8 < np.abs(counts[:4000] - 100).mean() < 2.2


def test_a_release_beyond_the_budget_is_refused_and_spends_nothing(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    noise = Noise(epsilon=0.5, budget=1.2)
    assert spend(tmp_path, "r", "d", noise, "t") == pytest.approx(0.7)
    assert spend(tmp_path, "r", "other", noise, "t") == pytest.approx(0.7)
    assert spend(tmp_path, "s", "d", noise, "t") == pytest.approx(0.2)
    before = (tmp_path / "releases" / "spent.ndjson").read_bytes()
    with pytest.raises(UsageError, match=r"r.yaml: field noise: .* has left: 0.2 of 1.2"):
        spend(tmp_path, "r", "d", noise, "t")
    assert (tmp_path / "releases" / "spent.ndjson").read_bytes() == before


def test_a_budget_that_cannot_be_read_is_not_taken_for_unspent(tmp_path: Path) -> None:
    (tmp_path / "releases").mkdir()
    (tmp_path / "releases" / "spent.ndjson").write_text('{"dataset": "d"\n')
    with pytest.raises(UsageError, match="line 1: not what was written"):
        spend(tmp_path, "r", "d", Noise(epsilon=0.5, budget=1), "t")
