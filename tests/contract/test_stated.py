"""What a contract states in words is read as a value of its column, or refused saying what is."""

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.contract.forms import form_of, stated_bound, stated_value
from cityloom.contract.glance import AnyText, FixedWidth, Glance, Integers, Length
from cityloom.contract.model import Classification, Column, Contract, Kind
from cityloom.contract.rules import column_rules
from cityloom.contract.split import Splitter
from cityloom.contract.ways import glance_of
from cityloom.errors import ContractError

FLOAT = "not a number; expected digits with '.' as the decimal mark"
WHOLE = "not a whole number within 64 bits"
INSTANT = "not a time with its offset from UTC; expected YYYY-MM-DDTHH:MM:SS+HH:MM"
LOCAL = "not a time; expected YYYY-MM-DDTHH:MM:SS"
DAY = "not a date; expected YYYY-MM-DD"
TWO_DIGITS = FixedWidth(b"00", b"99")
CLOCK = "not a time of day; expected HH:MM:SS"


def column(kind: Kind, **facts: Any) -> Column:
    return Column("v", "v", kind, **facts)


MONEY = column(Kind.NUMBER, decimal=(5, 2))
AWARE = column(Kind.TIMESTAMP, timezone=True)


@pytest.mark.parametrize(
    ("stated", "text", "value"),
    [
        (column(Kind.STRING), "a b", "a b"),
        (column(Kind.STRING, decimal=(5, 2)), "a b", "a b"),
        (column(Kind.INTEGER), "-007", -7),
        (column(Kind.INTEGER), "9223372036854775807", 2**63 - 1),
        (column(Kind.INTEGER), "-9223372036854775808", -(2**63)),
        (column(Kind.NUMBER), "1e5", 1e5),
        (MONEY, "001.50", Decimal("1.5")),
        (column(Kind.BOOLEAN), "YES", True),
        (column(Kind.BOOLEAN), "是", True),
        (column(Kind.BOOLEAN), "No", False),
        (column(Kind.DATE), "2024-02-29", date(2024, 2, 29)),
        (column(Kind.DATE, format="dd/MM/yyyy"), "2024-02-29", date(2024, 2, 29)),
        (column(Kind.TIMESTAMP), "2024-02-29 01:02:03.5", datetime(2024, 2, 29, 1, 2, 3, 500_000)),
        (AWARE, "2024-02-29T01:02:03+01:00", datetime(2024, 2, 29, 0, 2, 3, tzinfo=UTC)),
        (column(Kind.TIME), "23:59:59", "23:59:59"),
        (column(Kind.JSON), '{"a": 1}', '{"a": 1}'),
    ],
    ids=repr,
)  # fmt: skip
def test_a_stated_value_is_of_the_columns_type(stated: Column, text: str, value: Any) -> None:
    found = stated_value(stated, text)
    assert (found, type(found)) == (value, type(value))
    if isinstance(found, datetime):
        assert found.tzinfo == value.tzinfo


@pytest.mark.parametrize(
    ("stated", "text", "words"),
    [
        (column(Kind.INTEGER), "x", WHOLE),
        (column(Kind.INTEGER), "9223372036854775808", WHOLE),
        (column(Kind.INTEGER), "-9223372036854775809", WHOLE),
        (column(Kind.NUMBER), "1,5", FLOAT),
        (column(Kind.NUMBER), "1e999", FLOAT),
        (MONEY, "1.505", "not a number of at most 3 digits before and 2 after the point"),
        (MONEY, "1000", "not a number of at most 3 digits before and 2 after the point"),
        (column(Kind.BOOLEAN), "maybe",
         "not true or false; expected one of true, yes, 1, 是, false, no, 0, 否"),
        (column(Kind.DATE), "2024-02-30", DAY),
        (column(Kind.DATE, format="dd/MM/yyyy"), "29/02/2024", DAY),
        (column(Kind.TIMESTAMP), "2024-02-29", LOCAL),
        (column(Kind.TIMESTAMP), "2024-02-30T00:00:00", LOCAL),
        (AWARE, "2024-02-29T01:02:03", INSTANT),
        (AWARE, "0001-01-01T00:00:00+01:00", INSTANT),
        (column(Kind.TIME), "24:00:00", CLOCK),
        (column(Kind.JSON), "x", 'not JSON: expected text such as {"a": 1} or [1, 2]'),
    ],
    ids=repr,
)  # fmt: skip
def test_a_stated_value_that_is_none_of_the_column_says_what_is(
    stated: Column, text: str, words: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        stated_value(stated, text)


@pytest.mark.parametrize(
    ("stated", "edge", "value"),
    [
        (column(Kind.INTEGER), 1.5, Decimal("1.5")),
        (column(Kind.INTEGER), "-7", Decimal(-7)),
        (column(Kind.INTEGER), 10**300, Decimal(10**300)),
        (MONEY, 0.125, Decimal("0.125")),
        (MONEY, "1e5", Decimal("1e5")),
        (column(Kind.NUMBER), 7, 7.0),
        (column(Kind.NUMBER), "1e5", 1e5),
        (column(Kind.STRING), "M", "M"),
        (column(Kind.STRING), "5", "5"),
        (column(Kind.DATE), "2024-02-29", date(2024, 2, 29)),
        (column(Kind.TIME), "08:00:00", "08:00:00"),
    ],
    ids=repr,
)
def test_a_bound_may_be_finer_or_wider_than_its_column(
    stated: Column, edge: str | float, value: Any
) -> None:
    found = stated_bound(stated, edge)
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("stated", "edge", "words"),
    [
        (column(Kind.INTEGER), "abc", "not a number"),
        (column(Kind.INTEGER), "1e999", "not a number"),
        (column(Kind.INTEGER), float("inf"), "not a number"),
        (column(Kind.INTEGER), "1e", "not a number"),
        (MONEY, "1,5", "not a number"),
        (column(Kind.NUMBER), "abc", FLOAT),
        (column(Kind.NUMBER), float("nan"), FLOAT),
        (column(Kind.STRING), 5, "not text; put it in quotes"),
        (column(Kind.DATE), 20240229, DAY),
        (column(Kind.TIME), 8, CLOCK),
    ],
    ids=repr,
)
def test_a_bound_that_is_none_of_the_column_says_what_is(
    stated: Column, edge: str | float, words: str
) -> None:
    with pytest.raises(ValueError, match=f"^{re.escape(words)}$"):
        stated_bound(stated, edge)


@pytest.mark.parametrize(
    ("kind", "written", "is_format"),
    [
        (Kind.DATE, "yyyyMMdd", True),
        (Kind.DATE, "d.M.yyyy", True),
        (Kind.DATE, "yyyy年M月d日", True),
        (Kind.DATE, "yyyyMMddTHH", True),
        (Kind.DATE, "yyyyMM", False),
        (Kind.DATE, "MMdd", False),
        (Kind.DATE, "yyyyMMddM", False),
        (Kind.DATE, "yyyyMMddMM", False),
        (Kind.DATE, "yyyy-MM-dd'x'", False),
        (Kind.DATE, 'yyyy"MM"dd', False),
        (Kind.DATE, "yyMMdd", False),
        (Kind.DATE, "yyyyMMdda", False),
        (Kind.DATE, "", False),
        (Kind.TIMESTAMP, "yyyyMMddHHmm", True),
        (Kind.TIMESTAMP, "yyyy/M/d H:mm:ss", True),
        (Kind.TIMESTAMP, "yyyyMMddHH", False),
        (Kind.TIMESTAMP, "yyyyMMdd mm:ss", False),
        (Kind.TIMESTAMP, "yyyyMMdd", False),
        (Kind.TIMESTAMP, "yyyyMMddHHmmZ", False),
    ],
)
def test_a_format_has_each_part_once_and_no_other_letters(
    kind: Kind, written: str, is_format: bool
) -> None:
    if is_format:
        assert form_of(column(kind, format=written)).words == f"a {kind}; expected {written}"
        return
    with pytest.raises(ContractError) as refused:
        form_of(column(kind, format=written))
    assert str(refused.value) == (
        f"format '{written}' is not a {kind} format; "
        "expected one such as yyyyMMdd, dd/MM/yyyy or yyyy/M/d HH:mm:ss"
    )


# Bounds


def kept(stated: Column, texts: list[str]) -> list[str]:
    """The texts that break no rule of their column."""
    splitter = Splitter(Contract("trial", (stated,)))
    met = splitter.split(splitter.prepare(pa.table({"v": texts})), np.arange(len(texts))).met
    return [text for text, meets in zip(texts, met, strict=True) if meets]


UNIT = column(Kind.NUMBER, decimal=(2, 2))
LEAST, MOST = str(-(2**63)), str(2**63 - 1)


@pytest.mark.parametrize(
    ("stated", "facts", "texts", "meets"),
    [
        (UNIT, {"exclusive_maximum": 1}, ["-0.99", "0.99"], True),
        (UNIT, {"maximum": 1}, ["-0.99", "0.99"], True),
        (UNIT, {"exclusive_minimum": -1}, ["-0.99", "0.99"], True),
        (UNIT, {"minimum": 1}, ["-0.99", "0.99"], False),
        (UNIT, {"maximum": -1}, ["-0.99", "0.99"], False),
        (UNIT, {"exclusive_minimum": 0.99}, ["0.99"], False),
        (UNIT, {"exclusive_maximum": -0.99}, ["-0.99"], False),
        (UNIT, {"exclusive_minimum": 0.985}, ["0.99"], True),
        (UNIT, {"exclusive_minimum": 0.985}, ["0.98"], False),
        (MONEY, {"maximum": 999.99}, ["999.99", "-999.99"], True),
        (MONEY, {"minimum": "-999.99"}, ["999.99", "-999.99"], True),
        (MONEY, {"minimum": 1e308}, ["999.99"], False),
        (MONEY, {"minimum": 1e-308}, ["0", "-0.01"], False),
        (MONEY, {"minimum": 1e-308}, ["0.01"], True),
        (column(Kind.INTEGER), {"maximum": 1e308}, [LEAST, MOST], True),
        (column(Kind.INTEGER), {"exclusive_maximum": 2**63}, [LEAST, MOST], True),
        (column(Kind.INTEGER), {"exclusive_maximum": 2**63 - 1}, [MOST], False),
        (column(Kind.INTEGER), {"exclusive_minimum": -(2**63)}, [LEAST], False),
        (column(Kind.INTEGER), {"exclusive_minimum": -(2**63) - 1}, [LEAST, MOST], True),
        (column(Kind.INTEGER, decimal=(5, 2)), {"minimum": 9.5}, ["10", "9999999"], True),
        (column(Kind.INTEGER, decimal=(5, 2)), {"minimum": 9.5}, ["9"], False),
        (column(Kind.NUMBER), {"minimum": 0.1}, ["0.1"], True),
        (column(Kind.NUMBER), {"exclusive_minimum": 0.1}, ["0.1"], False),
        (column(Kind.DATE, format="dd/MM/yyyy"), {"minimum": "2024-02-29"}, ["01/03/2024"], True),
        (column(Kind.STRING), {"min_length": 2, "max_length": 2}, ["ab", "人民"], True),
        (column(Kind.STRING), {"min_length": 2, "max_length": 2}, ["a", "abc"], False),
        (column(Kind.STRING), {"max_length": 0}, ["a"], False),
        (column(Kind.STRING), {"min_length": 0}, ["a"], True),
    ],
    ids=repr,
)  # fmt: skip
def test_a_bound_parts_the_values_that_meet_it_from_the_others(
    stated: Column, facts: dict[str, Any], texts: list[str], meets: bool
) -> None:
    bounded = Column(**{**vars(stated), **facts})
    assert kept(bounded, texts) == (texts if meets else [])
    assert kept(stated, texts) == texts


@settings(max_examples=30, deadline=None)
@given(
    st.integers(-(10**4), 10**4),
    st.sampled_from(["minimum", "maximum", "exclusive_minimum", "exclusive_maximum"]),
)
def test_a_bound_between_two_values_parts_them(thousandths: int, rule: str) -> None:
    edge = Decimal(thousandths).scaleb(-3)
    bounded = Column("v", "v", Kind.NUMBER, decimal=(5, 2), **{rule: str(edge)})  # type: ignore[arg-type]
    steps = (Decimal(step).scaleb(-3) for step in range(-20, 21, 5))
    near = [(edge + step).quantize(Decimal("0.01")) for step in steps]
    holds = {
        "minimum": lambda v: v >= edge, "maximum": lambda v: v <= edge,
        "exclusive_minimum": lambda v: v > edge, "exclusive_maximum": lambda v: v < edge,
    }[rule]  # fmt: skip
    assert kept(bounded, [str(v) for v in near]) == [str(v) for v in near if holds(v)]


# Words


def words(stated: Column) -> list[tuple[str, str]]:
    import ibis

    value = ibis.table({"v": ibis.dtype(stated.arrow_type)}, name="t")["v"]
    return [(rule.reason.rule, rule.reason.message) for rule in column_rules(stated, value)]


def test_each_rule_says_what_it_asks() -> None:
    stated = column(
        Kind.INTEGER, required=True, minimum=1, maximum=9, exclusive_minimum=0,
        exclusive_maximum=10, unit="m",
    )  # fmt: skip
    assert words(stated) == [
        ("required", "v: missing"),
        ("minimum", "v: less than 1 m"),
        ("maximum", "v: more than 9 m"),
        ("exclusive_minimum", "v: not more than 0 m"),
        ("exclusive_maximum", "v: not less than 10 m"),
    ]
    assert words(column(Kind.STRING, pattern="a+", min_length=0, max_length=0, minimum="b")) == [
        ("pattern", "v: does not match a+"),
        ("min_length", "v: shorter than 0 characters"),
        ("max_length", "v: longer than 0 characters"),
        ("minimum", "v: less than b"),
    ]
    assert words(column(Kind.STRING)) == []


@pytest.mark.parametrize(("count", "end"), [(1, "k00"), (12, "k11"), (13, "k11 and 1 more")])
def test_twelve_allowed_values_are_listed(count: int, end: str) -> None:
    ((rule, message),) = words(column(Kind.STRING, enum=tuple(f"k{n:02}" for n in range(count))))
    assert rule == "enum"
    assert message.startswith("v: not one of k00")
    assert message.endswith(end)


# Columns and contracts of which nothing is said


def test_a_column_of_a_name_and_a_type_alone_has_no_rules() -> None:
    bare = column(Kind.STRING)
    assert not any((bare.required, bare.unique, bare.timezone, bare.trim, bare.enum))
    assert bare.classification is Classification.SENSITIVE
    assert (bare.key_position, bare.decimal, bare.bounds, bare.reference) == (None,) * 4
    assert not Contract("trial", (bare,)).grows


def test_classifications_are_in_the_order_of_their_strictness() -> None:
    levels = [Classification[name] for name in ("PUBLIC", "INTERNAL", "PERSONAL", "SENSITIVE")]
    assert sorted(set(levels)) == levels
    assert len(set(levels)) == 4


def test_the_columns_of_a_key_are_in_their_order_and_not_unique_alone() -> None:
    columns = (
        Column("b", "b", Kind.STRING, key_position=2, unique=True),
        Column("c", "c", Kind.STRING, unique=True),
        Column("a", "a", Kind.STRING, key_position=1),
        Column("z", "z", Kind.STRING, key_position=10),
    )
    keyed = Contract("trial", columns)
    assert [c.name for c in keyed.key] == ["a", "b", "z"]
    assert [[c.name for c in group] for group in keyed.uniques] == [["a", "b", "z"], ["b"], ["c"]]
    alone = Contract("trial", (Column("a", "a", Kind.STRING, key_position=1, unique=True),))
    assert [[c.name for c in group] for group in alone.uniques] == [["a"]]
    assert Contract("trial", columns[1:2]).uniques == ((columns[1],),)


def test_a_column_is_found_by_its_name_alone() -> None:
    contract = Contract("trial", (column(Kind.STRING), Column("w", "x", Kind.DATE)))
    assert contract.column("w").kind is Kind.DATE
    with pytest.raises(KeyError, match="x"):
        contract.column("x")


@pytest.mark.parametrize(
    ("stated", "stored"),
    [
        (column(Kind.STRING, decimal=(5, 2)), pa.string()),
        (column(Kind.INTEGER, decimal=(5, 2)), pa.int64()),
        (MONEY, pa.decimal128(5, 2)),
        (column(Kind.NUMBER), pa.float64()),
        (AWARE, pa.timestamp("us", tz="UTC")),
        (column(Kind.DATE, timezone=True), pa.date32()),
    ],
    ids=repr,
)
def test_a_column_is_stored_by_its_kind(stated: Column, stored: pa.DataType) -> None:
    assert stated.arrow_type == stored


# What is told before the engine is asked


@pytest.mark.parametrize(
    ("stated", "told"),
    [
        (column(Kind.INTEGER), Integers()),
        (column(Kind.INTEGER, trim=True), None),
        (column(Kind.STRING), AnyText()),
        (column(Kind.STRING, min_length=2), Length(2, 1 << 40)),
        (column(Kind.STRING, max_length=0), Length(0, 0)),
        (column(Kind.STRING, pattern="[0-9]{2}"), TWO_DIGITS),
        (column(Kind.STRING, pattern="[0-9]{2}", min_length=2, max_length=2), TWO_DIGITS),
        (column(Kind.STRING, pattern="[0-9]{2}", min_length=3), None),
        (column(Kind.STRING, pattern="[0-9]{2}", max_length=1), None),
        (column(Kind.STRING, pattern="[0-9]+"), None),
        (column(Kind.STRING, pattern="[0-9]{2}", trim=True), None),
        (column(Kind.TIME), FixedWidth(b"00:00:00", b"29:59:59", (0,))),
        (column(Kind.TIME, pattern="[0-9]{2}.*"), None),
        (column(Kind.TIME, max_length=8), None),
        (column(Kind.BOOLEAN), None),
        (column(Kind.JSON), None),
        (column(Kind.GEOMETRY, geometry_type="point"), None),
    ],
    ids=repr,
)
def test_a_glance_knows_a_columns_form_pattern_and_length(
    stated: Column, told: Glance | None
) -> None:
    assert glance_of(stated) == told


def test_a_pattern_told_at_a_glance_refuses_what_it_does_not_match() -> None:
    stated = column(Kind.STRING, pattern="A[0-9]{2}|B", min_length=2)
    fixed = column(Kind.STRING, pattern="A[0-9]{2}", min_length=3)
    assert kept(stated, ["A12", "B", "A1", "xA12"]) == ["A12"]
    assert kept(fixed, ["A12", "B12", "A1", "xA12", "A123"]) == ["A12"]
