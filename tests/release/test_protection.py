"""No attacker works out a cell that must not be known, whatever the table."""

import highspy
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.release.attack import Witness, audit, is_possible
from cityloom.release.protect import protect, weights
from tests.release.tables import Attacker, Counts, counts, quantity, whole_tables

MINIMUM = 5
FLAT = [("a",), ("b",)]
CUBE = [("a",), ("b",), ("c",)]
TREE = [("street", "district"), ("b",)]

number = st.one_of(st.integers(0, 7), st.integers(0, 60))


@st.composite
def tables(draw: st.DrawFn) -> Counts:
    chains = draw(st.sampled_from([FLAT, CUBE, TREE]))
    first, second = range(draw(st.integers(1, 4))), range(draw(st.integers(1, 4)))
    if chains is FLAT:
        keys: list[tuple] = [(a, b) for a in first for b in second]
    elif chains is CUBE:
        keys = [(a, b, c) for a in first for b in second for c in range(draw(st.integers(1, 3)))]
    else:
        keys = [(a, a // 2, b) for a in first for b in second]
    rows = {key: draw(number) for key in keys}
    rows[keys[0]] = max(rows[keys[0]], 1)
    return counts(chains, rows)


@pytest.mark.parametrize("by_hypercubes", [False, True])
@pytest.mark.parametrize("floor", [0.0, 1.0])
@settings(max_examples=30, deadline=None)
@given(table=tables())
def test_an_attacker_never_works_out_a_small_cell(
    table: Counts, by_hypercubes: bool, floor: float
) -> None:
    sought, primary = quantity(table, MINIMUM, floor)
    done = protect(table.cells, [sought], primary, weights(table.cells, table.value), by_hypercubes)
    assert done.suppressed[primary].all()
    attacker = Attacker(table, done.suppressed, floor)
    for cell in np.flatnonzero(primary):
        low, high = attacker.between(cell)
        assert low <= sought.least[cell] + 1e-6
        assert high >= MINIMUM - 1e-6
    short_down, short_up = audit(sought, done.suppressed, done.reaches[0].witnesses).short()
    assert not short_down.any()
    assert not short_up.any()


@settings(max_examples=30, deadline=None)
@given(table=tables(), chance=st.randoms(use_true_random=False))
def test_the_audit_says_what_the_attacker_finds(table: Counts, chance: object) -> None:
    sought, primary = quantity(table, MINIMUM)
    some = np.array([chance.random() < 0.3 for _ in table.value])  # type: ignore[attr-defined]
    suppressed = primary | some
    found = audit(sought, suppressed)
    attacker = Attacker(table, suppressed, 1.0)
    short_down, short_up = found.short()
    for cell in np.flatnonzero(primary):
        low, high = attacker.between(cell)
        assert short_down[cell] == (low > sought.least[cell] + 1e-5)
        assert short_up[cell] == (high < MINIMUM - 1e-5)


def test_a_solver_that_others_have_used_in_the_process_answers_all_the_same() -> None:
    other = highspy.Highs()
    other.silent()
    other.setOptionValue("threads", 2)
    other.setOptionValue("parallel", "on")
    other.maximize(other.addVariable(ub=1.0))
    table = counts(FLAT, {(0, 0): 3, (0, 1): 20, (1, 0): 30, (1, 1): 40})
    sought, _ = quantity(table, MINIMUM)
    everything = np.ones(len(table.value), bool)
    assert not np.logical_or(*audit(sought, everything).short()).any()


def test_one_suppressed_cell_in_a_row_is_worked_out_and_three_more_hide_it() -> None:
    table = counts(FLAT, {(0, 0): 3, (0, 1): 20, (1, 0): 30, (1, 1): 40})
    sought, primary = quantity(table, MINIMUM)
    alone = audit(sought, primary)
    assert [flags.sum() for flags in alone.short()] == [1, 1]
    done = protect(table.cells, [sought], primary, weights(table.cells, table.value))
    assert done.suppressed[table.cells.level == 0].all()
    assert not done.suppressed[table.cells.level != 0].any()


def test_two_ones_that_add_up_to_a_published_two_are_no_secret_where_zeros_are_shown() -> None:
    rows = {(0, 0): 1, (0, 1): 1, (0, 2): 40, (1, 0): 30, (1, 1): 30, (1, 2): 30}
    table = counts(FLAT, rows)
    sought, primary = quantity(table, MINIMUM)
    pattern = primary.copy()
    pattern[[3, 4]] = True
    assert audit(sought, pattern).short()[1].sum() == 2
    done = protect(table.cells, [sought], primary, weights(table.cells, table.value))
    attacker = Attacker(table, done.suppressed, 1.0)
    assert all(attacker.between(cell)[1] >= MINIMUM for cell in np.flatnonzero(primary))


@settings(max_examples=15, deadline=None)
@given(st.lists(st.integers(1, 6), min_size=4, max_size=4))
def test_whole_numbers_leave_as_much_doubt_in_a_table_of_two_by_two(values: list[int]) -> None:
    table = counts(FLAT, dict(zip([(0, 0), (0, 1), (1, 0), (1, 1)], values, strict=True)))
    sought, primary = quantity(table, 4)
    done = protect(table.cells, [sought], primary, weights(table.cells, table.value))
    possible = np.array(whole_tables(table, done.suppressed, 12))
    for cell in np.flatnonzero(primary):
        sums = possible[:, table.parts[cell]].sum(axis=1)
        assert sums.min() <= sought.least[cell]
        assert sums.max() >= 4


def test_a_witness_that_changes_what_is_published_counts_for_nothing() -> None:
    table = counts(FLAT, {(0, 0): 3, (0, 1): 20, (1, 0): 30, (1, 1): 40})
    sought, primary = quantity(table, MINIMUM)
    swap = Witness(np.arange(4), np.array([2.0, -2.0, -2.0, 2.0]))
    assert is_possible(sought, swap)
    assert not is_possible(sought, Witness(np.arange(1), np.array([2.0])))
    assert not is_possible(sought, Witness(np.arange(4), np.array([-4.0, 4.0, 4.0, -4.0])))
    assert audit(sought, primary, [swap]).short()[1].sum() == 1


def test_a_published_table_of_the_literature_bounds_its_cells_as_stated() -> None:
    """Row and column totals bound a cell (Fréchet): max(0, r + c - n) ≤ cell ≤ min(r, c)."""
    rows = {(0, 0): 4, (0, 1): 6, (1, 0): 8, (1, 1): 2}
    table = counts(FLAT, rows)
    suppressed = table.cells.level == 0
    attacker = Attacker(table, suppressed, 0.0)
    assert attacker.between(0) == pytest.approx((2, 10))
    sought, _ = quantity(table, 100, 0.0)
    found = audit(sought, suppressed)
    assert found.down[0] == pytest.approx(2)
    assert found.up[0] == pytest.approx(6)
