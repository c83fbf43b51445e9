"""What Cedar leaves of a policy is read as Cedar means it; what is unknown opens nothing."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import cedarpy
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.contract import Classification, Column, Contract, Kind
from cityloom.engine import Engine, open_engine
from cityloom.policy import Principal
from cityloom.policy.condition import said
from cityloom.policy.narrow import permitted
from cityloom.policy.policies import Policies

TREE = Contract(
    "tree",
    tuple(
        Column(name, name, kind, classification=Classification.PUBLIC)
        for name, kind in {
            "n": Kind.INTEGER, "m": Kind.INTEGER, "text": Kind.STRING, "other": Kind.STRING,
            "yes": Kind.BOOLEAN, "no": Kind.BOOLEAN,
        }.items()
    ),
)  # fmt: skip
WHO = Principal("w", True, ("gardener",), {"district": "福田"})

integers = st.sampled_from(["resource.n", "resource.m", "3", "-2", "(resource.n + resource.m)",
                            "(resource.n * 2)", "(resource.m - 7)", "(-resource.n)"])  # fmt: skip
texts = st.sampled_from(["resource.text", "resource.other", '"ab"', '"福田"', "principal.district"])
patterns = st.text("ab*福%_\\.", max_size=4).map(lambda t: t.replace("\\", "\\\\"))
atoms = st.one_of(
    st.sampled_from(["resource.yes", "resource.no", "true", "false", "context.signed_in"]),
    st.builds("({} {} {})".format, integers, st.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
              integers),
    st.builds("({} {} {})".format, texts, st.sampled_from(["==", "!="]), texts),
    st.builds('({} like "{}")'.format, texts, patterns),
    st.builds("([{}].contains({}))".format, st.lists(texts, min_size=1).map(", ".join), texts),
    st.builds("([{}].contains({}))".format, st.lists(integers, min_size=1).map(", ".join),
              integers),
    st.sampled_from(["(resource is Rows::tree)", '(principal in Role::"gardener")']),
)  # fmt: skip
expressions = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.builds("({} && {})".format, inner, inner),
        st.builds("({} || {})".format, inner, inner),
        st.builds("(!{})".format, inner),
        st.builds("(if {} then {} else {})".format, inner, inner, inner),
    ),
    max_leaves=6,
)
values = st.fixed_dictionaries(
    {
        "n": st.integers(-4, 4), "m": st.integers(-4, 4), "yes": st.booleans(),
        "no": st.booleans(), "text": st.text("ab福%.", max_size=3),
        "other": st.sampled_from(["ab", "福田", ""]),
    }
)  # fmt: skip


def by_cedar(policy: str, row: Mapping[str, Any]) -> bool:
    """What Cedar itself answers where the row is known."""
    entities = [
        {
            "uid": {"type": "User", "id": "w"},
            "attrs": {"name": WHO.name, **WHO.attributes},
            "parents": [{"type": "Role", "id": "gardener"}],
        },
        {"uid": {"type": "Rows::tree", "id": "r"}, "attrs": dict(row), "parents": []},
    ]
    request = {
        "principal": 'User::"w"',
        "action": 'Action::"read"',
        "resource": 'Rows::tree::"r"',
        "context": {"signed_in": True},
    }
    return cedarpy.is_authorized(request, policy, json.dumps(entities)).allowed


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    with open_engine("duckdb://", tmp_path_factory.mktemp("scratch")) as opened:
        yield opened


@settings(max_examples=150, deadline=None)
@given(expressions, st.lists(values, min_size=1, max_size=5))
def test_a_filter_keeps_the_rows_that_cedar_permits(
    engine: Engine, expression: str, rows: list[dict[str, Any]]
) -> None:
    text = f'@id("p") permit (principal, action, resource is Rows::tree) when {{ {expression} }};'
    decision = Policies({"p.cedar": text}, [TREE]).decide("tree", WHO, None)
    table = pa.Table.from_pylist([{"id": n, **row} for n, row in enumerate(rows)])
    held = engine.hold("trees", table)
    left = engine.batches(permitted(held, decision.rows)).read_all()
    kept = sorted(left["id"].to_pylist()) if decision.granted else []
    assert kept == [n for n, row in enumerate(rows) if by_cedar(text, row)], said(decision.rows)


UNSURE = (
    "resource.n > 1",
    "resource.n != 1",
    "!(resource.n == 1)",
    "resource.n > 1 || resource.yes",
    "!resource.yes",
    'resource.text like "*"',
    "[1, 2].contains(resource.n)",
    "if resource.yes then true else false",
    'principal.zone == "A"',
)
"""Conditions of which it is not known whether a row is met of which nothing is known."""


@pytest.mark.parametrize("condition", UNSURE)
@pytest.mark.parametrize("effect", ["permit", "forbid"])
def test_what_is_unknown_opens_no_row(engine: Engine, condition: str, effect: str) -> None:
    text = f'@id("p") {effect} (principal, action, resource is Rows::tree) when {{ {condition} }};'
    text += ' @id("all") permit (principal, action, resource);' if effect == "forbid" else ""
    decision = Policies({"p.cedar": text}, [TREE]).decide("tree", WHO, None)
    held = engine.hold("nothing_known", pa.Table.from_pylist([{}], TREE.schema))
    assert engine.batches(permitted(held, decision.rows)).read_all().num_rows == 0


def test_what_no_engine_can_be_asked_opens_nothing() -> None:
    text = (
        '@id("p") permit (principal, action, resource is Rows::tree) '
        "when { [resource.n].containsAll([resource.m]) };"
    )
    assert not Policies({"p.cedar": text}, [TREE]).decide("tree", WHO, None).granted


@pytest.mark.parametrize(
    ("condition", "written"),
    [
        ("resource.n == 1", "n == 1"),
        ("resource.n > 1 && context.signed_in", "!(n <= 1)"),
        ('resource.text != "a"', 'text != "a"'),
        ('resource.text like "a*"', 'text like "a*"'),
        ("[1, 2].contains(resource.n)", "n in [1, 2]"),
        ("resource has text && !resource.yes", "(has text) && (!yes)"),
        ("if resource.yes then resource.no else true", "if yes then no else true"),
        ("context.signed_in", "true"),
    ],
)
def test_a_condition_is_written_as_a_policy_would(condition: str, written: str) -> None:
    text = f'@id("p") permit (principal, action, resource is Rows::tree) when {{ {condition} }};'
    assert said(Policies({"p.cedar": text}, [TREE]).decide("tree", WHO, None).rows) == written
