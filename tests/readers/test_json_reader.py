"""JSON, NDJSON and GeoJSON: values as they were written, broken records by themselves."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cityloom.readers.stream
from cityloom.contract import Files
from cityloom.errors import DeliveryError
from cityloom.readers import open_reader
from tests.readers.reading import read, values

SETTINGS = settings(
    deadline=None,
    max_examples=80,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
FORMS = ("a.ndjson", "a.json")

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=8),
)
RECORDS = st.lists(st.fixed_dictionaries({"a": VALUES, "b": VALUES}), min_size=1, max_size=6)


def encoded(form: str, records: list[str]) -> bytes:
    """Records, each JSON text, as a file."""
    text = "\n".join(records) if form.endswith("ndjson") else f"[{','.join(records)}]"
    return text.encode()


def one(tmp_path: Path, form: str, value: str) -> str | None:
    """How a value of JSON text is read."""
    ((found,),) = values(tmp_path / form, encoded(form, [f'{{"v": {value}}}']))
    return found


def as_text(value: object) -> str | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, str) else json.dumps(value)


@pytest.mark.parametrize("form", FORMS)
@SETTINGS
@given(records=RECORDS, block=st.sampled_from((5, 33, 1 << 20)), escaped=st.booleans())
def test_values_are_read_as_they_were_written(
    form: str, records: list[dict[str, object]], block: int, escaped: bool, tmp_path: Path
) -> None:
    content = encoded(form, [json.dumps(r, ensure_ascii=escaped) for r in records])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cityloom.readers.stream, "BLOCK", block)
        rows, malformed = read(tmp_path / form, content, columns=["a", "b"])
    assert malformed == []
    assert [row for _, row in rows] == [(as_text(r["a"]), as_text(r["b"])) for r in records]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "digits",
    ["0", "1.10", "0.1", "12345678901234567890.123456789", "100000000000000000000000", "1.0e-9"],
)
def test_numbers_keep_their_digits(digits: str, form: str, tmp_path: Path) -> None:
    assert one(tmp_path, form, digits) == digits


@pytest.mark.xfail(
    strict=True, reason="str(Decimal) writes exponents, which a DECIMAL column refuses"
)
@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("digits", ["0.00000001", "-0.00000012", "1e5"])
def test_numbers_keep_the_form_they_were_written_in(digits: str, form: str, tmp_path: Path) -> None:
    assert one(tmp_path, form, digits) == digits


@pytest.mark.xfail(strict=True, reason="they become floats")
@pytest.mark.parametrize("form", FORMS)
def test_numbers_within_objects_keep_their_digits(form: str, tmp_path: Path) -> None:
    text = '{"x": [1.10, 12345678901234567890.5], "区": true, "y": 1}'
    found = one(tmp_path, form, text)
    assert found is not None
    assert "1.10" in found
    assert "12345678901234567890.5" in found
    assert json.loads(found) == json.loads(text)


AWKWARD = {
    "an exponent beyond measure": "1e9999999999999999999",
    "a large exponent": "1e400",
    "a large exponent within an object": '{"x": 1e5000}',
    "half a surrogate pair": '"\\ud800"',
    "not a number": "NaN",
    "infinity": "-Infinity",
    "five thousand digits": "1" * 5000,
    "nesting of a thousand": "[" * 990 + "]" * 990,
    "nesting of thousands": "[" * 5_000 + "]" * 5_000,
    "a null character": '"\\u0000"',
}


CRASHES = {
    ("an exponent beyond measure", "a.json"): "decimal.InvalidOperation",
    ("an exponent beyond measure", "a.ndjson"): "decimal.InvalidOperation",
    ("a large exponent within an object", "a.json"): "ValueError: more than 4300 digits",
    ("a large exponent within an object", "a.ndjson"): "ValueError: more than 4300 digits",
    ("half a surrogate pair", "a.ndjson"): "UnicodeEncodeError",
    ("five thousand digits", "a.json"): "ijson ends the process: segmentation fault",
    ("nesting of a thousand", "a.json"): "RecursionError",
    ("nesting of thousands", "a.json"): "RecursionError",
}
CASES = [
    pytest.param(
        what,
        form,
        marks=pytest.mark.xfail(
            (what, form) in CRASHES,
            reason=CRASHES.get((what, form), ""),
            run="segmentation" not in CRASHES.get((what, form), ""),
            strict=True,
        ),
    )
    for what in AWKWARD
    for form in FORMS
]


@pytest.mark.parametrize(("what", "form"), CASES)
def test_an_awkward_value_never_ends_in_a_crash(what: str, form: str, tmp_path: Path) -> None:
    records = ['{"v": 1}', f'{{"v": {AWKWARD[what]}}}', '{"v": 2}']
    try:
        rows, _ = read(tmp_path / form, encoded(form, records))
    except RecursionError:
        pytest.fail("a RecursionError, whose long trace is left out here")
    except DeliveryError:
        if form == "a.ndjson":
            raise  # a line of NDJSON costs itself alone
    else:
        assert [row for number, row in rows if number != 2] == [("1",), ("2",)]


def test_a_broken_line_costs_itself_alone(tmp_path: Path) -> None:
    lines = [b'{"a": 1}', b'{"a": ', b"[1]", b'"text"', b"", b'{"a": "\xff"}', b'{"a": 2}', b"nul"]
    rows, malformed = read(tmp_path / "a.ndjson", b"\n".join(lines))
    assert rows == [(1, ("1",)), (6, ("2",))]
    assert [(bad.ordinal, bad.raw) for bad in malformed] == [
        (2, '{"a":'), (3, "[1]"), (4, '"text"'), (5, '{"a": "\\xff"}'), (7, "nul"),
    ]  # fmt: skip
    assert "not JSON" in malformed[0].reason
    assert malformed[1].reason == "not a JSON object"
    assert "cannot be decoded" in malformed[3].reason


def test_an_element_that_is_no_object_costs_itself_alone(tmp_path: Path) -> None:
    rows, malformed = read(tmp_path / "a.json", b'[{"a": 1}, 5, null, "x", [1], {"a": 2}]')
    assert rows == [(1, ("1",)), (6, ("2",))]
    assert [bad.raw for bad in malformed] == ["5", "null", "x", "[1]"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"items": [{"a": 1}]}', b"[1, 2]", b"null", b"[{}]"],
)
def test_a_file_without_objects_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"a\.json"):
        read(tmp_path / "a.json", content)


@pytest.mark.parametrize(
    "content", [b'[{"a": 1}', b'[{"a": 1}, {"a": "', b'[{"a": 1}] x', b'[{"a": 1},]', b"\x00"]
)
def test_json_that_is_not_whole_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError):
        read(tmp_path / "a.json", content)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "gb18030"])
def test_encodings_and_byte_order_marks(encoding: str, form: str, tmp_path: Path) -> None:
    content = encoded(form, ['{"名": "区"}']).decode().encode(encoding)
    assert values(tmp_path / form, content, encoding=encoding) == [("区",)]


@pytest.mark.parametrize("form", FORMS)
def test_of_a_key_given_twice_the_last_counts(form: str, tmp_path: Path) -> None:
    assert values(tmp_path / form, encoded(form, ['{"a": 1, "a": 2}'])) == [("2",)]


@pytest.mark.parametrize("form", FORMS)
def test_keys_may_come_in_any_order_or_not_at_all(form: str, tmp_path: Path) -> None:
    records = ['{"a": 1}', '{"b": 2}', '{"b": 3, "a": ""}', '{"a": null, "c": 4}']
    assert values(tmp_path / form, encoded(form, records)) == [
        ("1", None, None), (None, "2", None), (None, "3", None), (None, None, "4"),
    ]  # fmt: skip


@pytest.mark.xfail(strict=True, reason="only the first thousand records are looked at")
@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_first_comes_late_can_be_asked_for(form: str, tmp_path: Path) -> None:
    records = ['{"a": 1}'] * 1500 + ['{"a": 1, "late": 2}']
    rows, _ = read(tmp_path / form, encoded(form, records), columns=["a", "late"])
    assert rows[-1] == (1501, ("1", "2"))
    assert "late" in open_reader(tmp_path / form, Files()).columns


POINT = {"type": "Point", "coordinates": [114.0, 22.5]}


def features(*items: object) -> bytes:
    return json.dumps({"type": "FeatureCollection", "features": items}).encode()


def test_a_feature_is_a_row_of_its_properties_and_its_geometry(tmp_path: Path) -> None:
    content = features(
        {"type": "Feature", "id": 7, "properties": {"name": "区"}, "geometry": POINT},
        {"type": "Feature", "properties": None, "geometry": None},
        {"type": "Feature", "id": 8, "properties": {"id": "own"}, "geometry": POINT},
    )
    rows, _ = read(tmp_path / "a.geojson", content, columns=["id", "name", "geometry"])
    geometry = rows[0][1][2]
    assert geometry is not None
    assert json.loads(geometry) == POINT
    assert [row[:2] for _, row in rows] == [("7", "区"), (None, None), ("own", None)]
    assert rows[1][1][2] is None


@pytest.mark.parametrize("properties", [[1, 2], "text", 5, [["a", 1]]])
def test_a_feature_whose_properties_are_no_object_costs_itself_alone(
    properties: object, tmp_path: Path
) -> None:
    good = {"type": "Feature", "properties": {"a": 1}, "geometry": POINT}
    bad = {"type": "Feature", "properties": properties, "geometry": POINT}
    rows, malformed = read(tmp_path / "a.geojson", features(good, bad, good))
    assert [number for number, _ in rows] == [1, 3]
    assert [item.ordinal for item in malformed] == [2]


def test_what_is_no_feature_costs_itself_alone(tmp_path: Path) -> None:
    good = {"type": "Feature", "properties": {"a": 1}, "geometry": POINT}
    rows, malformed = read(tmp_path / "a.geojson", features(good, POINT, 5, good))
    assert [number for number, _ in rows] == [1, 4]
    assert {item.reason for item in malformed} == {"not a GeoJSON Feature"}
