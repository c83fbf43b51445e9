"""Each guess of a draft by itself: where a form begins to count, and where it does no more."""

import struct
from collections.abc import Sequence

import pyarrow as pa
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cityloom.contract.draft import values as values_module
from cityloom.contract.draft.guess import guess_column
from cityloom.contract.draft.guesses import Guess, quoted
from cityloom.contract.draft.headers import read_header
from cityloom.contract.draft.persons import Trait, is_free_text, is_resident_number, trait_of
from cityloom.contract.draft.shapes import geometry_type
from cityloom.contract.draft.sniff import guess_delimiter
from cityloom.contract.draft.values import Values, values_of


def values(texts: Sequence[str]) -> Values:
    return values_of(pa.chunked_array([pa.array(texts, pa.string())]))


def guess(header: str, texts: Sequence[str]) -> Guess:
    return guess_column(read_header(header, 1), values(texts))


def trait(header: str, texts: Sequence[str]) -> Trait | None:
    return trait_of(read_header(header, 1), values(texts))


# What values are like


def test_values_are_counted_without_blanks() -> None:
    found = values(["a", " a", "b", "", " "])
    assert found == Values(rows=5, counts={"a": 2, "b": 1}, distinct=2, nulls=2, padded=True)
    assert (found.seen, found.is_empty, found.is_complete, found.is_distinct) == (
        3, False, False, False,
    )  # fmt: skip
    assert found.others(str.isdigit) == ["a", "b"]
    assert found.matching(lambda text: text == "a") == pytest.approx(2 / 3)


def test_a_column_is_complete_and_distinct_by_every_row() -> None:
    assert values(["a", "b"]).is_distinct
    assert not values(["a", "a"]).is_distinct
    assert values(["a", "a"]).is_complete
    assert not values([]).is_complete
    assert values(["", ""]).is_empty
    assert not values(["a"]).padded
    assert values([]).matching(str.isdigit) == 0
    assert values(["a"]).matching(str.isalpha) == 1


def test_of_very_many_values_some_are_looked_at_evenly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values_module, "_MOST_VALUES", 3)
    some = values([str(number) for number in range(7)])
    assert list(some.counts) == ["0", "3", "6"]
    assert (some.distinct, some.is_partial) == (7, True)
    assert guess("level", [str(n) for n in range(7)]).seen == "0 to 6, in 3 of 7 values"
    assert not values(["1", "2", "3"]).is_partial


# Numbers


RANGE = {"minimum": 0, "maximum": 1}
PERCENT = {"minimum": 0, "maximum": 100}


@pytest.mark.parametrize(
    ("header", "texts", "options", "unit"),
    [
        ("green_share", ["0", "0.5", "1"], RANGE, None),
        ("green_share", ["0.5", "1.5"], {}, None),
        ("green_share", ["-0.5", "0.5"], {}, None),
        ("green_percent", ["0", "100"], PERCENT, "%"),
        ("percent_green", ["0", "100.5"], {}, None),
        ("percent_green", ["-1", "50"], {}, None),
        ("latitude", ["-90", "22.5", "90"], {"minimum": -90, "maximum": 90}, "degree"),
        ("latitude", ["22.5", "91"], {}, None),
        ("latitude", ["22", "23"], {}, None),
        ("longitude", ["-180", "114.5", "180"], {"minimum": -180, "maximum": 180}, "degree"),
        ("longitude", ["-181", "114.5"], {}, None),
        ("people", ["0", "3"], {"minimum": 0}, "person"),
        ("capacity", ["0", "3"], {"minimum": 0}, None),
        ("capacity", ["-1", "3"], {}, None),
        ("reading", [str(n) for n in range(100)], {"minimum": 0}, None),
        ("reading", [str(n) for n in range(99)], {}, None),
        ("reading", [f"{n}.5" for n in range(100)], {}, None),
        ("updated", ["123456789", "1234567890.5"], {}, "s"),
        ("updated", ["12345678", "23456789"], {}, None),
        ("updated", ["12345678901", "2"], {}, None),
        ("updated", ["123456789012", "1234567890123"], {}, "ms"),
        ("level", ["123456789", "1234567890"], {}, None),
    ],
)
def test_the_range_and_unit_of_numbers(
    header: str, texts: list[str], options: dict[str, object], unit: str | None
) -> None:
    found = guess(header, texts)
    assert found.logical_type in ("integer", "number")
    assert (found.options, found.unit) == (options, unit)


@pytest.mark.parametrize(
    ("texts", "decimal"),
    [
        (["1.5", "2.5"], "DECIMAL(18,2)"),
        (["1.505", "2"], "DECIMAL(18,3)"),
        (["1.5050", "2"], "DECIMAL(18,4)"),
        (["1.50505", "2"], None),
        (["1.5e3", "2"], None),
        (["1", "2"], None),
    ],
)
def test_the_scale_of_money(texts: list[str], decimal: str | None) -> None:
    assert guess("amount", texts).physical_type == decimal
    assert guess("reading", texts).physical_type is None


def test_numbers_say_what_is_doubtful_in_them() -> None:
    unknown = guess("latitude", ["0", "22.5"])
    assert unknown.doubts == ("0 occurs: does it stand for an unknown place?",)
    assert guess("latitude", ["1", "22.5"]).doubts == ()
    unstated = guess("height", ["1", "2"])
    assert unstated.doubts == ("its unit is not stated (customProperties: unit)",)
    assert guess("height_m", ["1", "2"]).doubts == ()
    assert guess("updated", ["123456789012"] * 2).doubts == (
        "looks like Unix time in milliseconds",
    )
    assert guess("updated", ["1234567890"] * 2).doubts == ("looks like Unix time in seconds",)
    grouped = guess("reading", ["1,234", "12"])
    assert grouped.logical_type == "string"
    assert "thousands separators" in grouped.doubts[0]


def test_what_numbers_range_over_is_said() -> None:
    assert guess("reading", ["-2", "10", "3"]).seen == "-2 to 10"
    assert guess("reading", ["1e999", "2.25"]).seen == "2.25 to 2.25"


@pytest.mark.parametrize(("good", "kind"), [(9, "integer"), (8, "string")])
def test_nine_of_ten_values_make_a_type(good: int, kind: str) -> None:
    found = guess("reading", [*(str(n) for n in range(good)), *["x"] * (10 - good)])
    assert found.logical_type == kind
    assert found.doubts == (
        ("1 of 10 values are not whole numbers, such as 'x'",) if kind == "integer" else ()
    )


def test_strays_are_shown_the_most_frequent_first_and_shortened() -> None:
    texts = [str(n) for n in range(90)]
    found = guess("reading", [*texts, *"ddccccbbba"])
    assert found.doubts == ("10 of 100 values are not whole numbers, such as 'c', 'b', 'd'",)
    assert quoted(["x" * 40, "y" * 41]) == f"'{'x' * 40}', '{'y' * 39}…'"


# Codes and flags


@pytest.mark.parametrize(
    ("header", "is_code"),
    [
        ("case_id", True),
        ("id_of_case", True),
        ("case_no", True),
        ("no", True),
        ("no_case", False),
        ("case_number_old", True),
        ("number_old", False),
        ("level", False),
        ("no_id", True),
        ("a_no_b", True),
        ("no_b", False),
        ("a_b_no_c_d", False),
        ("start_id", True),
        ("start_no", True),
    ],
)
def test_a_name_tells_a_code_by_its_words(header: str, is_code: bool) -> None:
    assert guess(header, ["12", "34"]).logical_type == ("string" if is_code else "integer")


@pytest.mark.parametrize(
    ("header", "texts", "doubt"),
    [
        ("value", ["12345678", "23456789"], "digits of one length"),
        ("value", ["20240131090507", "20231208235959"], "digits of one length"),
        ("value", ["1234567", "2345678"], None),
        ("value", ["12345678", "234567890"], None),
        ("value", ["12345678", "12345678"], None),
        ("capacity", ["12345678", "23456789"], None),
        ("value", ["012", "123"], "digits with leading zeros"),
        ("value", ["0", "123"], None),
        ("value", ["012", *["12345"] * 8, "x"], "digits with leading zeros"),
        ("updated", ["123456789012", "123456789013"], None),
        ("start", ["12345678", "23456789"], None),
    ],
)
def test_digits_are_a_code_by_their_form(header: str, texts: list[str], doubt: str | None) -> None:
    found = guess(header, texts)
    assert found.logical_type == ("string" if doubt else "integer")
    assert doubt is None or doubt in found.doubts[0]


def test_digits_are_no_code_where_much_else_is() -> None:
    assert guess("value", ["012", *["12345"] * 7, "x"]) == Guess()
    assert guess("value", ["12345678", "23456789", "x"]) == Guess()


def many(*forms: str, count: int = 12) -> list[str]:
    return [forms[n % len(forms)].format(n) for n in range(count)]


@pytest.mark.parametrize(
    ("texts", "pattern"),
    [
        (["123", "456"], "[0-9]{3}"),
        (["A23", "456"], "[0-9A-Z]{3}"),
        (["a2", "4f"], "[0-9a-f]{2}"),
        (["1", "2"], "[0-9]+"),
        (["1", "23"], "[0-9]+"),
        (["123"] * 49 + ["45"], "[0-9]{3}"),
        (["12A"] * 48 + ["4B"] * 2, None),
        (many("A-{}", "B.{}"), r"A-[0-9]+|B\.[0-9]+"),
        (many("A-{}", "B-{}", "C-{}"), "A-[0-9]+|B-[0-9]+|C-[0-9]+"),
        (many("A-{}", "B-{}", "C-{}", "D-{}"), None),
        (many("A-{}", count=10), "A-[0-9]+"),
        (many("A-{}", count=9), None),
        ([*many("A-{}"), "none"], None),
    ],
)
def test_codes_of_one_form_have_a_pattern(texts: list[str], pattern: str | None) -> None:
    assert guess("case_id", texts).options == ({"pattern": pattern} if pattern else {})


@pytest.mark.parametrize(
    ("header", "texts", "kind"),
    [
        ("open", ["true", "false", "TRUE", "False"], "boolean"),
        ("open", ["true", "false", "yes", "no", "1"], "string"),
        ("has_lift", ["1", "0"], "boolean"),
        ("valid", ["1", "0"], "boolean"),
        ("lift", ["1", "0"], "integer"),
        ("open", ["是", "否"], "boolean"),
    ],
)
def test_flags_are_told_by_words_or_by_their_name(header: str, texts: list[str], kind: str) -> None:
    assert guess(header, texts).logical_type == kind


# Dates and times


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["2024-01-31 09:05:07", "2023-12-08 23:59:59"], {}),
        (["2024-01-31T09:05:07Z", "2023-12-08 23:59:59+08:00"], {"timezone": True}),
        (["2024-01-31 09:05", "2023-12-08 23:59"], {"format": "yyyy-MM-dd HH:mm"}),
        (["2024/01/31 09:05:07", "2023/12/08 23:59:59"], {"format": "yyyy/MM/dd HH:mm:ss"}),
        (["2024/1/31 9:05:07", "2023/12/8 23:59:59"], {"format": "yyyy/M/d H:mm:ss"}),
        (["31/01/2024 09:05", "08/12/2023 23:59"], {"format": "dd/MM/yyyy HH:mm"}),
    ],
)
def test_the_format_of_moments(texts: list[str], options: dict[str, object]) -> None:
    found = guess("observed", texts)
    assert (found.logical_type, found.options) == ("timestamp", options)


@pytest.mark.parametrize(
    ("texts", "options"),
    [
        (["2024-01-31", "2023-12-08"], {}),
        (["2024.01.31", "2023.12.08"], {"format": "yyyy.MM.dd"}),
        (["31-01-2024", "08-12-2023"], {"format": "dd-MM-yyyy"}),
        (["2024-1-31", "2023-12-8"], {"format": "yyyy-M-d"}),
        (["31/1/2024", "8/12/2023"], {"format": "d/M/yyyy"}),
        (["1/31/2024", "12/8/2023"], {"format": "M/d/yyyy"}),
        (["2024年1月31日", "2023年12月8日"], {"format": "yyyy年M月d日"}),
    ],
)
def test_the_format_of_days(texts: list[str], options: dict[str, object]) -> None:
    found = guess("observed", texts)
    assert (found.logical_type, found.options, found.doubts) == ("date", options, ())
    assert found.seen == f"{min(texts)} to {max(texts)}"


@pytest.mark.parametrize(
    ("good", "bad", "kind"), [(8, "2024-13-40", "date"), (7, "2024-13-40", "string")]
)
def test_most_dates_must_be_in_the_calendar(good: int, bad: str, kind: str) -> None:
    found = guess("observed", [f"2024-01-{n + 1:02d}" for n in range(good)] + [bad] * (10 - good))
    assert found.logical_type == kind
    if kind == "date":
        assert found.doubts == ("2 of 10 values are not dates, such as '2024-13-40'",)


@pytest.mark.parametrize(("good", "kind"), [(19, "date"), (18, "string")])
def test_days_in_digits_alone_must_nearly_all_be_in_the_calendar(good: int, kind: str) -> None:
    texts = [f"202401{n + 1:02d}" for n in range(good)] + ["20249999"] * (20 - good)
    assert guess("observed", texts).logical_type == kind


@pytest.mark.parametrize(
    ("good", "bad", "kind"),
    [
        (8, "2024/13/40 09:05", "timestamp"), (7, "2024/13/40 09:05", "string"),
        (9, "noon", "timestamp"), (8, "noon", "string"),
    ],
)  # fmt: skip
def test_most_moments_must_be_in_the_form_and_in_the_calendar(
    good: int, bad: str, kind: str
) -> None:
    found = guess("observed", ["2024/01/31 09:05"] * good + [bad] * (10 - good))
    assert found.logical_type == kind
    if kind == "timestamp":
        count = 10 - good
        assert found.doubts == (f"{count} of 10 values are not times, such as '{bad}'",)


@pytest.mark.parametrize(
    ("form", "good", "words"),
    [
        ("2024-01-31T09:05:07", "timestamp", "times in ISO 8601"),
        ("09:05:07", "time", "times of day"),
        ("POINT (1.0 2.0)", "object", "geometries"),
        ("a@b.cn", "string", "of this form"),
        ("true", "boolean", "true or false"),
    ],
)
def test_nine_of_ten_values_make_any_type(form: str, good: str, words: str) -> None:
    found = guess("observed", [form] * 9 + ["x"])
    assert found.logical_type == good
    assert f"1 of 10 values are not {words}, such as 'x'" in found.doubts
    other = guess("observed", [form] * 8 + ["x"] * 2)
    assert other.logical_type == "string"
    assert not any(words in doubt for doubt in other.doubts)


def test_json_is_told_by_nine_of_ten_values() -> None:
    assert guess("observed", ["{}"] * 9 + ["x"]).logical_type == "object"
    assert guess("observed", ["{}"] * 8 + ["x"] * 2).logical_type == "string"


def test_a_time_of_day_is_of_the_clock() -> None:
    assert guess("observed", ["09:05:07", "23:59:59"]).logical_type == "time"
    assert guess("observed", ["24:05:07", "23:60:59"]).logical_type == "string"


# Shapes


WKB = (b"\x01" + struct.pack("<I2d", 1, 114.1, 22.5)).hex()


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("POINT (114.1 22.5)", "POINT"),
        ("SRID=4326; multipolygon Z ((...))", "MULTIPOLYGON"),
        ("POLYGON EMPTY", "POLYGON"),
        (WKB, "POINT"),
        ("0102", None),
        ('{"type": "LineString", "coordinates": []}', "LINESTRING"),
        ('{"type": "Feature", "coordinates": []}', None),
        ('{"type": "Point"}', None),
        ("POINTS", None),
    ],
)
def test_the_type_of_a_geometry(text: str, kind: str | None) -> None:
    assert geometry_type(text) == kind


@pytest.mark.parametrize(
    ("texts", "kind", "doubt"),
    [
        (["POINT (-180.0 90.0)"], "POINT", "assumed"),
        (["POINT (180.5 22.5)"], "POINT", "not degrees"),
        (["POINT (114.5 -90.5)"], "POINT", "not degrees"),
        (["POINT (1 2)"], "POINT", "not degrees"),
        (["POINT (1.0 2.0)", "LINESTRING (1.0 2.0, 3.0 4.0)"], "GEOMETRY", "assumed"),
        (["POINT (1.0 2.0)"] * 9 + ["x"], "POINT", "assumed"),
    ],
)
def test_a_geometry_is_doubted_for_its_crs(texts: list[str], kind: str, doubt: str) -> None:
    found = guess("place", texts)
    assert (found.logical_type, found.physical_type) == ("object", kind)
    assert doubt in found.doubts[0]
    assert len(found.doubts) == (2 if "x" in texts else 1)


def test_json_is_an_object_or_an_array() -> None:
    assert guess("tags", ['{"a": 1}', "{}"]).logical_type == "object"
    assert guess("tags", ["[1]", "[]"]).logical_type == "array"
    assert guess("tags", ["{a", "[1"]).logical_type == "string"


# Texts


def test_mail_and_links_have_patterns() -> None:
    assert guess("note", ["a@b.cn", "c@d.org"]).options == {
        "pattern": r"[^@\s]+@[^@\s]+\.[A-Za-z]{2,}"
    }
    assert guess("note", ["http://x", "https://y"]).options == {"pattern": "https?://.+"}


@pytest.mark.parametrize(
    ("texts", "listed"),
    [
        (["a", "b"] * 5, ("a", "b")),
        (["a", "b"] * 4 + ["a"], ()),
        (["a"] * 10, ()),
        ([f"t{chr(97 + n)}" for n in range(20)] * 5, tuple(f"t{chr(97 + n)}" for n in range(20))),
        ([f"t{chr(97 + n)}" for n in range(21)] * 5, ()),
        (["a", "b"] * 6 + ["c"], ()),
        (["a", "b"] * 7 + ["c"], ("a", "b")),
    ],
)
def test_texts_that_come_five_times_each_are_listed(texts: list[str], listed: tuple[str]) -> None:
    found = guess("note", texts)
    assert found.enum == listed
    assert found.doubts == (
        *(("is this list of values complete?",) if listed else ()),
        *(("left out of the list, being rare: 'c'",) if listed and "c" in texts else ()),
    )


def test_a_value_is_rare_by_the_number_of_rows() -> None:
    assert guess("note", ["a", "b"] * 3000 + ["c"] * 3).enum == ("a", "b", "c")
    assert guess("note", ["a", "b"] * 4000 + ["c"] * 3).enum == ("a", "b")
    assert guess("note", ["a"] * 2999 + ["b"] * 2998 + ["c"] * 2).enum == ("a", "b", "c")
    assert guess("note", ["a"] * 2999 + ["b"] * 2999 + ["c"] * 2).enum == ("a", "b")


# Traits of persons


@pytest.mark.parametrize(
    ("header", "texts", "found"),
    [
        ("note", ["a@b.cn"] * 4 + ["x"], Trait.MAIL),
        ("note", ["a@b.cn"] * 3 + ["x"], None),
        ("note", ["13800000000", "+86 13800000001"], Trait.PHONE),
        ("note", ["0755-1234567", "+44 20 7946 0000"], Trait.PHONE),
        ("note", ["11800000000"], None),
        ("note", ["粤B12345", "粤B·D12345"], Trait.PLATE),
        ("note", ["王伟", "李芳", "张敏", "刘秀英", "陈娜"], Trait.NAME),
        ("note", ["王伟", "李芳", "张敏", "刘秀英", "刘秀英"], None),
        ("note", ["王", "李芳秀英敏", "张路", "刘x", "啊芳"], None),
        ("soc_sec_id", ["1"], Trait.NUMBER),
        ("dob", ["1"], Trait.BIRTH),
        ("gender", ["f"], Trait.SEX),
        ("first_name", ["f"], Trait.NAME),
        ("email", ["f"], Trait.MAIL),
        ("phone", ["f"], Trait.PHONE),
        ("addr", ["f"], Trait.ADDRESS),
        ("home_address", ["f"], Trait.ADDRESS),
        ("plate", ["f"], Trait.PLATE),
        ("email", [""], Trait.MAIL),
        ("note", [""], None),
    ],
)
def test_a_trait_is_told_by_the_values_before_the_name(
    header: str, texts: list[str], found: Trait | None
) -> None:
    assert trait(header, texts) == found


@pytest.mark.parametrize(
    ("text", "is_name"),
    [
        ("王伟", True), ("王", False), ("王秀英敏", True), ("王秀英敏芳", False), ("伟王", False),
        ("王a", False), ("王鿿", True), ("王一", True), ("王㐀", False), ("王ꀀ", False),
        ("王路", False), ("张家村", False),
    ],
)  # fmt: skip
def test_a_chinese_name_is_a_surname_and_one_to_three_characters(text: str, is_name: bool) -> None:
    others = ["李芳", "张敏", "刘秀英", "陈娜"]
    assert trait("note", [*others, text]) is Trait.NAME
    assert trait("note", [*others[:3], text, "x", "y"]) is None
    assert (trait("note", [*others, text, text, text, text]) is Trait.NAME) == is_name


@pytest.mark.parametrize(
    ("text", "is_phone"),
    [
        ("12900000000", True), ("19900000000", True), ("1290000000", False),
        ("129000000000", False), ("8612900000000", True), ("+86-12900000000", True),
        ("0755-12345678", True), ("010-12345678", True), ("07555-1234567", False),
        ("0755-123456", False), ("+1 202 555 0100", True), ("+1234 2025550100", True),
        ("+12345", False),
    ],
)  # fmt: skip
def test_a_telephone_number_is_told_by_its_digits(text: str, is_phone: bool) -> None:
    assert (trait("note", [text]) is Trait.PHONE) == is_phone


@given(st.text("0123456789", min_size=17, max_size=17), st.integers(0, 10))
@example("11010519491231002", 2)
def test_a_resident_numbers_last_character_checks_all_others(body: str, shift: int) -> None:
    """By the standard: the sum of each digit times 2 to its place from the right is 1 modulo 11."""
    total = sum(int(digit) * pow(2, 17 - place, 11) for place, digit in enumerate(body))
    right = (1 - total) % 11
    given = (right + shift) % 11
    assert is_resident_number(body + "0123456789X"[given]) == (shift == 0)
    assert is_resident_number(body + "0123456789x"[right])
    assert not is_resident_number(body)


SENTENCE = "the lamp beside door is broken since {}"


@pytest.mark.parametrize(
    ("texts", "free"),
    [
        ([SENTENCE.format(n) for n in range(5)], True),
        ([SENTENCE.format(0)] * 6, False),
        ([SENTENCE.format(0)] * 5, True),
        (["only five short words here", "no"], True),
        (["four short words here", "no"], False),
        (["路" * 16, "x"], True),
        (["路" * 15, "x"], False),
        (["http://one two three four five six"], False),
        ([SENTENCE.format(n) for n in range(3)] + [str(n) for n in range(7)], False),
        ([SENTENCE.format(n) for n in range(4)] + [str(n) for n in range(6)], True),
        ([*(SENTENCE.format(n) for n in range(2)), *[""] * 20], True),
        ([""], False),
    ],
)
def test_sentences_of_their_own_are_free_text(texts: list[str], free: bool) -> None:
    assert is_free_text(values(texts)) is free


# Headers and delimiters


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert read_header("a", 1, ["a"]).name == "a_2"
    assert read_header("a", 1, ["a", "a_2"]).name == "a_3"


@pytest.mark.parametrize(
    ("header", "name", "unit", "doubt"),
    [
        ("speed km/h", "speed_km_h", "km/h", None),
        ("Area (SQM)", "area", "m2", None),
        ("area (of all)", "area_of_all", None, None),
        ("x" * 70, "x" * 60, None, None),
        ("面积和人口", "area_population", None, None),
        ("魑魅", "column_7", None, "'魑魅' is not in the dictionary: name it"),
        ("", "column_7", None, "the file gives it no name"),
        ("tel", "phone", None, None),
    ],
)
def test_a_header_gives_a_name_a_unit_and_a_doubt(
    header: str, name: str, unit: str | None, doubt: str | None
) -> None:
    assert read_header(header, 7) == (name, header, unit, doubt)


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        ("a^b\n1^2\n", "^"),
        ("a;b,c\n1;2\n3;4\n", ";"),
        ("a,b;c;d\n1,2;3;4\n", ";"),
        ("", ","),
        ("\n\n", ","),
    ],
)
def test_lines_agree_on_their_delimiter(head: str, delimiter: str) -> None:
    assert guess_delimiter(head) == delimiter
