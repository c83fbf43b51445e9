"""Columns that may tell of persons, by their names and by what is in them."""

import re
from collections.abc import Iterable
from enum import StrEnum
from itertools import pairwise

from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.terms import (
    BORN,
    CALLED,
    HOUSED,
    MAILED,
    NAMED,
    NUMBERED,
    PLACE_ENDINGS,
    PLATED,
    SEXED,
    SURNAMES,
)
from cityloom.contract.draft.values import Values


class Trait(StrEnum):
    """What of a person a column seems to hold, in words."""

    NUMBER = "an official number of a person"
    NAME = "a person's name"
    BIRTH = "a date or place of birth"
    SEX = "a person's sex"
    PHONE = "a telephone number"
    MAIL = "an e-mail address"
    ADDRESS = "an address"
    PLATE = "a number plate"
    TEXT = "free text, which may name people"


OF_PERSONS = frozenset({Trait.NUMBER, Trait.NAME, Trait.BIRTH, Trait.SEX, Trait.MAIL})
"""Traits that say that each row is about a person."""

_RESIDENT = re.compile(r"[0-9]{17}[0-9Xx]")
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_MOBILE = re.compile(r"(\+?86[ -]?)?1[2-9][0-9]{9}")
_PHONE = re.compile(r"\+[0-9]{1,3}[ -]?[0-9][0-9 -]{6,12}|0[0-9]{2,3}-[0-9]{7,8}")
_MAIL = re.compile(r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}")
_PLATE = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-Z][·-]?[A-Z0-9]{5,6}"
)
_MOST = 0.8


def trait_of(header: Header, values: Values) -> Trait | None:
    """What of a person a column seems to hold; ``None`` where nothing points to one."""
    return _by_content(values) or _by_name(header) or (Trait.TEXT if is_free_text(values) else None)


def _by_content(values: Values) -> Trait | None:
    if values.is_empty:
        return None
    for trait, judge in (
        (Trait.NUMBER, is_resident_number),
        (Trait.MAIL, _MAIL.fullmatch),
        (Trait.PHONE, _is_phone),
        (Trait.PLATE, _PLATE.fullmatch),
    ):
        if values.matching(judge) >= _MOST:
            return trait
    if values.distinct >= 5 and values.matching(_is_chinese_name) >= _MOST:
        return Trait.NAME
    return None


def _by_name(header: Header) -> Trait | None:
    words = {header.name, *header.words, *_pairs_of(header.words)}
    for trait, known in (
        (Trait.NUMBER, NUMBERED), (Trait.BIRTH, BORN), (Trait.NAME, NAMED), (Trait.SEX, SEXED),
        (Trait.MAIL, MAILED), (Trait.PHONE, CALLED), (Trait.ADDRESS, HOUSED), (Trait.PLATE, PLATED),
    ):  # fmt: skip
        if words & known:
            return trait
    return None


def _pairs_of(words: tuple[str, ...]) -> Iterable[str]:
    return (f"{first}_{second}" for first, second in pairwise(words))


def is_resident_number(text: str) -> bool:
    """Whether a text is a resident identity number with the right check character (GB 11643)."""
    if not _RESIDENT.fullmatch(text):
        return False
    total = sum(int(digit) * weight for digit, weight in zip(text, _WEIGHTS, strict=False))
    return "10X98765432"[total % 11] == text[17].upper()


def _is_phone(text: str) -> bool:
    return bool(_MOBILE.fullmatch(text) or _PHONE.fullmatch(text))


def _is_chinese_name(text: str) -> bool:
    return (
        2 <= len(text) <= 4
        and text[0] in SURNAMES
        and all("\u4e00" <= letter <= "\u9fff" for letter in text)
        and not is_place_name(text)
    )


def is_place_name(text: str) -> bool:
    """Whether a text ends as Chinese names of places and organisations do."""
    return text.endswith(PLACE_ENDINGS)


def is_free_text(values: Values) -> bool:
    """Whether many values are sentences of their own."""
    if values.is_empty or values.distinct < 0.2 * (values.rows - values.nulls):
        return False
    return values.matching(_is_sentence) > 0.3


_HEX = re.compile("[0-9A-Fa-f]+")


def _is_sentence(text: str) -> bool:
    if text.startswith(("{", "[", "http")) or _HEX.fullmatch(text):
        return False
    return (
        len(re.findall(r"[A-Za-z]{2,}", text)) >= 5 or len(re.findall("[\u4e00-\u9fff]", text)) > 15
    )
