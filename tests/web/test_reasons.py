"""Every reason that the kernel can give has Chinese words."""

import pytest

from cityloom.contract.forms import form_of
from cityloom.contract.geometries import problem_words
from cityloom.contract.model import Bounds, Classification, Column, Contract, Kind
from cityloom.web.kernel_words import reason_words
from cityloom.web.languages import has_han, language

GEOMETRY = Column("g", "g", Kind.GEOMETRY, geometry_type="POINT", bounds=Bounds(0, 0, 1, 1))


def _columns() -> list[Column]:
    plain = [Column("c", "c", kind) for kind in Kind if kind not in (Kind.GEOMETRY, Kind.STRING)]
    return [
        *(column for column in plain if form_of(column).pattern),
        Column("c", "c", Kind.NUMBER, decimal=(10, 2)),
        Column("c", "c", Kind.TIMESTAMP, timezone=True),
        Column("c", "c", Kind.DATE, format="yyyyMMdd"),
        Column("c", "c", Kind.TIMESTAMP, format="yyyyMMddHHmmss"),
    ]


MESSAGES = [
    "missing",
    "not one of a, b",
    "does not match [0-9]+",
    "shorter than 3 characters",
    "longer than 3 characters",
    "less than 1",
    "more than 9 m",
    "not more than 0",
    "not less than 100",
    "not (yet) in place.place_id",
    "comes more than once in this delivery with different values",
    "held already by a row of another delivery with different values",
    *(f"not {form_of(column).words}" for column in _columns()),
    *problem_words(GEOMETRY).values(),
]


@pytest.mark.parametrize("words", MESSAGES)
def test_a_reason_has_chinese_words(words: str) -> None:
    contract = Contract("d", (Column("c", "c", Kind.STRING, title="编号"),))
    said = reason_words(f"c: {words}", contract, language("zh"))
    assert said.startswith("编号：")
    assert has_han(said.removeprefix("编号："))
    assert reason_words(f"c: {words}", contract, language("en")) == f"c: {words}"


def test_a_reason_that_is_not_known_stays_as_it_is() -> None:
    contract = Contract("d", (Column("c", "c", Kind.STRING, classification=Classification.PUBLIC),))
    assert reason_words("something new", contract, language("zh")) == "something new"
    assert reason_words("12 fields where the header names 13", contract, language("zh")) == (
        "有\u200912\u2009个字段，而表头为\u200913\u2009个"
    )
