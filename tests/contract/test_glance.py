"""A glance tells only texts that the pattern matches, and tells those that are written plainly."""

import re
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cityloom.contract.forms import form_of
from cityloom.contract.glance import Glance, PlainNumber, fixed_width, glance
from cityloom.contract.model import Column, Kind

HOUR = "(?:[01][0-9]|2[0-3])"
FIXED = ("AB-[0-9]{4}", "[A-C]{2}-20[2-7][0-9]", r"AB-\d{4}", f"AB-20{HOUR}", "[A-Z][A-Z]-2077")
TIMED = [
    ("2024-02-03T04:05:06", Kind.TIMESTAMP, None, False),
    ("2024-02-03 23:59:59", Kind.TIMESTAMP, None, False),
    ("2024-02-03T04:05:06Z", Kind.TIMESTAMP, None, True),
    ("2024-02-03", Kind.DATE, None, False),
    ("03/02/2024", Kind.DATE, "dd/MM/yyyy", False),
    ("20240203", Kind.DATE, "yyyyMMdd", False),
    ("2024/2/13", Kind.DATE, "yyyy/M/d", False),
    ("2024年02月03日", Kind.DATE, "yyyy年MM月dd日", False),
    ("2024-02-03 04:05", Kind.TIMESTAMP, "yyyy-MM-dd HH:mm", False),
    ("23:05:06", Kind.TIME, None, False),
    ("-12.50", Kind.NUMBER, None, False),
    ("12.50", Kind.NUMBER, None, False),
    ("0012", Kind.INTEGER, None, False),
    ("-12", Kind.INTEGER, None, False),
]
ODD = st.sampled_from("0123456789 -+._eET:Z/xé京\n\t٣")


def told(texts: Sequence[str | None], looks: Sequence[Glance]) -> list[bool]:
    chunks = [pa.array(texts, pa.string()), pa.array(["é", *texts, "0"], pa.string())]
    whole, inner = glance(
        pa.chunked_array([chunks[0], chunks[1].slice(1, len(texts))]), looks
    ).chunks
    assert whole == inner
    return list(whole.to_pylist())


@st.composite
def nearly(draw: st.DrawFn, text: str) -> str:
    """A text with a few characters replaced, put in or left out."""
    for _ in range(draw(st.integers(0, 2))):
        at = draw(st.integers(0, max(len(text) - 1, 0)))
        text = text[:at] + draw(st.one_of(st.just(""), ODD)) + text[at + draw(st.integers(0, 1)) :]
    return text


def texts_like(text: str, others: st.SearchStrategy[str]) -> st.SearchStrategy[list[str | None]]:
    return st.lists(st.one_of(st.none(), nearly(text), others), max_size=20)


@pytest.mark.parametrize(("text", "kind", "written", "zoned"), TIMED)
@given(data=st.data())
def test_what_a_form_takes_for_usual_its_pattern_matches(
    text: str, kind: Kind, written: str | None, zoned: bool, data: st.DataObject
) -> None:
    form = form_of(Column("c", "c", kind, format=written, timezone=zoned))
    texts = data.draw(
        st.lists(st.one_of(st.none(), nearly(text), st.text(max_size=20)), max_size=9)
    )
    assert form.pattern is not None
    for asked, answer in zip(texts, told(texts, form.usual), strict=True):
        assert not answer or (asked is not None and re.fullmatch(form.pattern, asked))


@pytest.mark.parametrize(("text", "kind", "written", "zoned"), TIMED)
def test_the_usual_ways_are_told(text: str, kind: Kind, written: str | None, zoned: bool) -> None:
    form = form_of(Column("c", "c", kind, format=written, timezone=zoned))
    plain = text.isascii() and not text.startswith("-") and written != "yyyy/M/d"
    assert told([text], form.usual) == [plain]


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
        look = fixed_width(pattern)
        assert look is not None
        rule = re.compile(pattern, re.ASCII)
        assert told(texts, [look]) == [bool(text and rule.fullmatch(text)) for text in texts]


@given(
    texts=st.lists(
        st.one_of(st.none(), nearly("1234.567"), st.from_regex("[0-9.]{1,18}")), max_size=20
    )
)
@example(["1234567890123456", "12345678901234567", "1.", ".1", ".", "1.2.3", "1,2"])
@example(["12345.6789012345", "123456789012345.", "", "0"])
def test_plain_numbers_are_told_as_by_their_pattern(texts: list[str | None]) -> None:
    for look, pattern in (
        (PlainNumber(), r"(?=.{1,16}\Z)[0-9]+(\.[0-9]+)?"),
        (PlainNumber(whole=True), "[0-9]{1,16}"),
    ):
        expected = [bool(text and re.fullmatch(pattern, text)) for text in texts]
        assert told(texts, [look]) == expected


@pytest.mark.parametrize(
    "pattern",
    ["", "a*", "[ab]", "a|b", "(ab)", "a.b", "[0-9]{2,3}", "[0-9]+", "^ab$", "é", "[a-é]", "[9-0]",
     "\\w", "[^a-b]", "a?", r"[\-z]", "[^-z]", r"[a-\]"],
)  # fmt: skip
def test_no_other_pattern_is_taken_for_one_of_fixed_width(pattern: str) -> None:
    assert fixed_width(pattern) is None


def test_of_several_ways_each_is_told() -> None:
    looks = [look for pattern in ("A[0-9]", "B[0-9]{2}") if (look := fixed_width(pattern))]
    assert told(["A1", "B12", None, "A12", "B1"], looks) == [True, True, False, False, False]


def test_texts_of_another_arrow_type_are_left_to_the_pattern() -> None:
    large = pa.chunked_array([pa.array(["12"], pa.large_string())])
    assert glance(large, [PlainNumber()]).to_pylist() == [False]
