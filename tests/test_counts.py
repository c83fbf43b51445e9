"""Counts in words."""

import pytest

from cityloom.counts import counted


@pytest.mark.parametrize(
    ("number", "words"),
    [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1_000, "1,000 rows")],
)
def test_one_is_counted_as_one(number: int, words: str) -> None:
    assert counted(number, "row") == words


def test_a_plural_of_its_own_is_written() -> None:
    assert [counted(n, "delivery", "deliveries") for n in (1, 2)] == ["1 delivery", "2 deliveries"]
