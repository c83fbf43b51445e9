"""Policies leave the same rows and columns on every engine."""

from itertools import islice

from cityloom.engine import Engine
from tests.policy.answers import disagreements
from tests.policy.matrix import cases


def test_every_engine_shows_what_the_rules_say(engine: Engine) -> None:
    some = list(islice(cases(), 0, None, 7))
    assert sum(1 for _ in some) > 100
    assert disagreements(engine, some) == []
