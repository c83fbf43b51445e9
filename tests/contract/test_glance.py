"""A glance tells what is written plainly, and of it what the engine would find."""

import re
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cityloom.contract.asker import Asker
from cityloom.contract.forms import form_of
from cityloom.contract.glance import AnyText, Glance, Integers, Length, fixed_width
from cityloom.contract.model import Column, Contract, Kind
from cityloom.contract.queries import MET, TEXT, VALUE, values_sql

HOUR = "(?:[01][0-9]|2[0-3])"
ENGINE = Asker(Contract("trial", ()), None)
NOW = datetime(2024, 2, 3, 4, 5, 6)
DAY = date(2024, 2, 3)


def column(kind: Kind, **facts: Any) -> Column:
    return Column("c", "c", kind, **facts)


TOLD: list[tuple[Column, str, Any]] = [
    (column(Kind.TIMESTAMP), "2024-02-03T04:05:06", NOW),
    (column(Kind.TIMESTAMP), "2024-02-03 04:05:06", NOW),
    (column(Kind.TIMESTAMP, timezone=True), "2024-02-03T04:05:06Z", NOW.replace(tzinfo=UTC)),
    (column(Kind.TIMESTAMP, timezone=True), "2024-02-03 04:05:06Z", NOW.replace(tzinfo=UTC)),
    (column(Kind.TIMESTAMP, format="yyyy-MM-dd HH:mm"), "2024-02-03 04:05", NOW.replace(second=0)),
    (column(Kind.TIMESTAMP, format="HHmmss ddMMyyyy"), "040506 03022024", NOW),
    (column(Kind.TIMESTAMP), "1000-01-01T00:00:00", datetime(1000, 1, 1)),
    (column(Kind.TIMESTAMP), "9999-12-31T23:59:59", datetime(9999, 12, 31, 23, 59, 59)),
    (column(Kind.DATE), "2024-02-03", DAY),
    (column(Kind.DATE), "2024-02-29", date(2024, 2, 29)),
    (column(Kind.DATE), "2000-02-29", date(2000, 2, 29)),
    (column(Kind.DATE), "1969-12-31", date(1969, 12, 31)),
    (column(Kind.DATE, format="dd/MM/yyyy"), "03/02/2024", DAY),
    (column(Kind.DATE, format="yyyyMMdd"), "20240203", DAY),
    (column(Kind.DATE, format="yyyy/M/d"), "2024/02/03", DAY),
    (column(Kind.DATE, format="yyyy.MM.dd"), "2024.02.03", DAY),
    (column(Kind.DATE, format=r"yyyy\-MM\-dd"), r"2024\-02\-03", DAY),
    (column(Kind.NUMBER), "12.50", 12.5),
    (column(Kind.NUMBER), "-0.1", -0.1),
    (column(Kind.NUMBER), "123456789.012345", 123456789.012345),
    (column(Kind.NUMBER), "007", 7.0),
    (column(Kind.NUMBER, decimal=(5, 2)), "-123.4", Decimal("-123.40")),
    (column(Kind.NUMBER, decimal=(5, 2)), "0.05", Decimal("0.05")),
    (column(Kind.NUMBER, decimal=(38, 2)), "1234567890123456.78", Decimal("1234567890123456.78")),
    (column(Kind.NUMBER, decimal=(4, 0)), "1234", Decimal(1234)),
    (column(Kind.INTEGER), "0012", 12),
    (column(Kind.INTEGER), "-12", -12),
    (column(Kind.INTEGER), "999999999999999999", 10**18 - 1),
    (column(Kind.TIME), "23:05:06", None),
]
LEFT: list[tuple[Column, str]] = [
    (column(Kind.TIMESTAMP), "2023-02-29T04:05:06"),
    (column(Kind.TIMESTAMP), "2024-02-03T24:05:06"),
    (column(Kind.TIMESTAMP), "2024-02-03T04:05:06.5"),
    (column(Kind.TIMESTAMP), "0999-02-03T04:05:06"),
    (column(Kind.TIMESTAMP, timezone=True), "2024-02-03T04:05:06+00:00"),
    (column(Kind.DATE), "1900-02-29"),
    (column(Kind.DATE), "2024-04-31"),
    (column(Kind.DATE), "2024-00-10"),
    (column(Kind.DATE), "2024-13-10"),
    (column(Kind.DATE), "2024-12-00"),
    (column(Kind.DATE, format="yyyy/M/d"), "2024/2/3"),
    (column(Kind.DATE, format=r"yyyy\-MM\-dd"), "2024-02-03"),
    (column(Kind.DATE, format="yyyyMMddT{3}"), "20240203TTT"),
    (column(Kind.NUMBER), "1e3"),
    (column(Kind.NUMBER), "."),
    (column(Kind.NUMBER), "1."),
    (column(Kind.NUMBER), ".5"),
    (column(Kind.NUMBER), "-"),
    (column(Kind.NUMBER), ""),
    (column(Kind.NUMBER), "1.2.3"),
    (column(Kind.NUMBER), "1234567890.123456"),
    (column(Kind.NUMBER, decimal=(5, 2)), "1234"),
    (column(Kind.NUMBER, decimal=(5, 2)), "1.234"),
    (column(Kind.NUMBER, decimal=(5, 2)), "1."),
    (column(Kind.NUMBER, decimal=(4, 0)), "1.0"),
    (column(Kind.NUMBER, decimal=(38, 2)), "12345678901234567.8"),
    (column(Kind.INTEGER), "1.0"),
    (column(Kind.INTEGER), "--1"),
    (column(Kind.INTEGER), "1234567890123456789"),
    (column(Kind.TIME), "24:05:06"),
    (column(Kind.TIME), "23:05"),
]
ODD = st.sampled_from("0123456789 -+._eET:Z/xé京\n\t٣")


def see(look: Glance | None, texts: Sequence[str | None]) -> tuple[list[bool], list[Any]]:
    """What a glance tells of texts, also where they are a part of a larger array."""
    assert look is not None
    part = pa.array(["é", *texts, "0"], pa.string()).slice(1, len(texts))
    seen = look.see(pa.chunked_array([pa.array(texts, pa.string()), part]))
    told = seen.told.tolist()
    assert told[: len(texts)] == told[len(texts) :]
    if seen.values is None:
        return told[: len(texts)], [None] * len(texts)
    seen.values.validate(full=True)
    values = seen.values.to_pylist()
    assert values[: len(texts)] == values[len(texts) :]
    return told[: len(texts)], values[: len(texts)]


@st.composite
def nearly(draw: st.DrawFn, text: str) -> str:
    """A text with a few characters replaced, put in or left out."""
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        text = text[:at] + draw(st.one_of(st.just(""), ODD)) + text[at + draw(st.integers(0, 1)) :]
    return text


def texts_like(text: str, others: st.SearchStrategy[str]) -> st.SearchStrategy[list[str | None]]:
    return st.lists(st.one_of(st.none(), nearly(text), others), max_size=20)


@pytest.mark.parametrize(("stated", "text", "value"), TOLD, ids=repr)
def test_the_usual_ways_are_told(stated: Column, text: str, value: Any) -> None:
    assert see(form_of(stated).usual, [text, None]) == ([True, False], [value, None])


@pytest.mark.parametrize(("stated", "text"), LEFT, ids=repr)
def test_other_ways_are_left_to_the_engine(stated: Column, text: str) -> None:
    assert see(form_of(stated).usual, [text]) == ([False], [None])


@pytest.mark.parametrize(("stated", "text", "value"), TOLD, ids=repr)
@settings(deadline=None)
@given(data=st.data())
def test_what_is_told_the_engine_finds_sound_and_of_the_same_value(
    stated: Column, text: str, value: Any, data: st.DataObject
) -> None:
    texts = data.draw(texts_like(text, st.text(max_size=20)))
    batch = pa.table({TEXT.format(0): pa.array(texts, pa.string())})
    found = ENGINE.ask(values_sql((stated,)), batch)
    told, values = see(form_of(stated).usual, texts)
    met, meant = found[MET.format(0)].to_pylist(), found[VALUE.format(0)].to_pylist()
    for row in (row for row, is_told in enumerate(told) if is_told):
        assert met[row]
        assert value is None or repr(values[row]) == repr(meant[row])


def test_minus_nought_is_the_engines() -> None:
    assert repr(see(form_of(column(Kind.NUMBER)).usual, ["-0", "-0.00", "0"])[1]) == (
        "[-0.0, -0.0, 0.0]"
    )


def test_a_form_with_more_than_ascii_has_no_glance() -> None:
    assert form_of(column(Kind.DATE, format="yyyy年MM月dd日")).usual is None


def test_a_decimal_without_whole_digits_has_no_glance() -> None:
    assert form_of(column(Kind.NUMBER, decimal=(2, 2))).usual is None


@settings(deadline=None)
@given(texts=texts_like("AB-2077", st.text(max_size=8)))
@example([""])
@example(["AB-2024", None])
def test_texts_of_a_fixed_width_are_told_as_by_their_pattern(texts: list[str | None]) -> None:
    for pattern in (
        "AB-[0-9]{4}",
        "[A-C]{2}-20[2-7][0-9]",
        r"AB-\d{4}",
        f"AB-20{HOUR}",
        "[A-Z][A-Z]-2077",
    ):
        rule = re.compile(pattern, re.ASCII)
        expected = [bool(text and rule.fullmatch(text)) for text in texts]
        assert see(fixed_width(pattern), texts)[0] == expected


@pytest.mark.parametrize(
    "pattern",
    ["", "a*", "[ab]", "a|b", "(ab)", "a.b", "[0-9]{2,3}", "[0-9]+", "^ab$", "é", "[a-é]", "[9-0]",
     "\\w", "[^a-b]", "a?", r"[\-z]", "[^-z]", r"[a-\]", "[A-]]", "[]-a]"],
)  # fmt: skip
def test_no_other_pattern_is_taken_for_one_of_fixed_width(pattern: str) -> None:
    assert fixed_width(pattern) is None


@settings(deadline=None)
@given(texts=st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=20))
@example(["", "京", "京京", "a京", "ab京", None])
def test_characters_are_counted_not_bytes(texts: list[str | None]) -> None:
    expected = [text is not None and 1 <= len(text) <= 2 for text in texts]
    assert see(Length(1, 2), texts)[0] == expected


def test_any_text_is_one() -> None:
    assert see(AnyText(), ["", "a", None])[0] == [True, True, False]


def test_columns_without_a_text_are_looked_at_as_well() -> None:
    assert see(Integers(), [None, None]) == ([False, False], [None, None])
    assert see(Integers(), []) == ([], [])
    assert not Integers().see(pa.chunked_array([pa.nulls(2, pa.string())])).told.any()
