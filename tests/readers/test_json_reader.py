"""JSON, NDJSON and GeoJSON: values as they were written, broken records by themselves."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cityloom.readers.json
import cityloom.readers.nesting
import cityloom.readers.stream
from cityloom.contract import Files
from cityloom.errors import DeliveryError
from cityloom.readers import Malformed, open_reader
from tests.readers.reading import Row, read, values

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


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    "digits",
    ["0.00000001", "-0.00000012", "1e5", "1E+05", "-0", "-0.0", "1e9999999999", "9" * 5000],
)
def test_numbers_keep_the_form_they_were_written_in(digits: str, form: str, tmp_path: Path) -> None:
    assert one(tmp_path, form, digits) == digits


@pytest.mark.parametrize("form", FORMS)
def test_numbers_within_objects_keep_their_digits(form: str, tmp_path: Path) -> None:
    text = '{"x": [1.10, 12345678901234567890.5], "区": true, "y": 1}'
    found = one(tmp_path, form, text)
    assert found is not None
    assert "1.10" in found
    assert "12345678901234567890.5" in found
    assert json.loads(found) == json.loads(text)


@pytest.mark.parametrize("form", FORMS)
def test_an_object_is_written_on_one_line_however_it_came(form: str, tmp_path: Path) -> None:
    assert one(tmp_path, form, '{"a":[1,2.50] ,\t"b": {}}') == '{"a": [1, 2.50], "b": {}}'


KEPT = {
    "an exponent beyond measure": "1e9999999999999999999",
    "a large exponent": "1e400",
    "a large exponent within an object": '{"x": 1e5000}',
    "five thousand digits": "1" * 5000,
    "five thousand digits within an array": "[" + "1" * 5000 + "]",
    "nesting of hundreds": "[" * 450 + "]" * 450,
    "brackets within a string": '"' + "[{" * 5000 + '"',
    "quotes and backslashes": r'"\\\" \\\\"',
    "a surrogate pair": '"\\ud83d\\ude00"',
    "a null character": '"\\u0000"',
}
REFUSED = {
    "half a surrogate pair": ('"\\ud800"', "not JSON"),
    "half a surrogate pair within an object": ('{"x": "\\ud800."}', "not JSON"),
    "the wrong half first": ('"\\ude00\\ud83d"', "not JSON"),
    "not a number": ("NaN", "not JSON"),
    "infinity": ("-Infinity", "not JSON"),
    "a number with a leading zero": ("01", "not JSON"),
    "a control character": ('"\t"', "not JSON"),
    "an unknown escape": (r'"\x"', "not JSON"),
    "a stray pair of quotes": ('"a "word" here"', "not JSON"),
    "a comma at the end": ("[1,]", "not JSON"),
    "brackets that do not match": ("[1}", "not JSON"),
    "nesting of a thousand": ("[" * 990 + "]" * 990, "nested more than 500 deep"),
    "nesting of many objects": ('{"a":' * 600 + "1" + "}" * 600, "nested more than 500 deep"),
    "nesting beyond all measure": ("[" * 100_000 + "]" * 100_000, "nested more than 500 deep"),
}


def among_others(form: str, value: str) -> bytes:
    """A file whose second record of three holds a value of JSON text."""
    return encoded(form, ['{"v": 1}', f'{{"v": {value}}}', '{"v": 2}'])


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", KEPT)
def test_an_awkward_value_is_kept(what: str, form: str, tmp_path: Path) -> None:
    found = values(tmp_path / form, among_others(form, KEPT[what]))
    expected = json.loads(KEPT[what]) if KEPT[what].startswith('"') else KEPT[what]
    assert found == [("1",), (expected,), ("2",)]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("what", REFUSED)
def test_a_value_that_is_not_json_costs_its_record_alone(
    what: str, form: str, tmp_path: Path
) -> None:
    value, reason = REFUSED[what]
    rows, (bad,) = read(tmp_path / form, among_others(form, value))
    assert rows == [(1, ("1",)), (3, ("2",))]
    assert (bad.ordinal, bad.raw) == (2, f'{{"v": {value}}}')
    assert reason in bad.reason


@pytest.mark.parametrize("form", FORMS)
def test_what_is_refused_does_not_depend_on_the_columns_asked_for(
    form: str, tmp_path: Path
) -> None:
    for value, _ in REFUSED.values():
        records = ['{"a": 1, "v": 1}', f'{{"a": 2, "v": {value}}}']
        rows, malformed = read(tmp_path / form, encoded(form, records), columns=["a"])
        assert (rows, len(malformed)) == ([(1, ("1",))], 1)


@pytest.mark.parametrize("form", FORMS)
def test_a_byte_that_cannot_be_decoded_costs_its_record_alone(form: str, tmp_path: Path) -> None:
    content = among_others(form, '"?"').replace(b"?", b"\xff")
    rows, (bad,) = read(tmp_path / form, content)
    assert rows == [(1, ("1",)), (3, ("2",))]
    assert bad.raw == r'{"v": "\xff"}'
    assert "cannot be decoded" in bad.reason


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
    assert [bad.raw for bad in malformed] == ["5", "null", '"x"', "[1]"]


@pytest.mark.parametrize(
    "content",
    [b"", b"[]", b"{}", b'{"items": [{"a": 1}]}', b"[1, 2]", b"null", b"[{}]"],
)
def test_a_file_without_objects_is_refused(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match=r"a\.json"):
        read(tmp_path / "a.json", content)


@pytest.mark.parametrize(
    "content",
    [
        b'[{"a": 1}', b'[{"a": 1}, {"a": "', b'[{"a": 1}] x', b'[{"a": 1},]', b"\x00",
        b'[{"a": 1}][{"a": 2}]', b'[{"a": 1}}', b'[{"a": 1}},{"a": 2}]', b'[,{"a": 1}]',
        b'[{"a": 1},,{"a": 2}]', b'[{"a": "1}, {"a": 2}]', b'x[{"a": 1}]', b'{"a": 1}',
        b'[{"a": 1},', b'[{"a": 1}]]', b"[" * 100_000, b"{" * 100_000, b'{"a":' * 100_000,
    ],
)  # fmt: skip
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


@pytest.mark.parametrize("form", FORMS)
def test_a_key_that_first_comes_late_can_be_asked_for(form: str, tmp_path: Path) -> None:
    records = ['{"a": 1}'] * 1500 + ['{"a": 1, "late": 2}']
    rows, _ = read(tmp_path / form, encoded(form, records), columns=["a", "late"])
    assert rows[-1] == (1501, ("1", "2"))
    assert "late" in open_reader(tmp_path / form, Files()).columns


@pytest.mark.parametrize("form", FORMS)
def test_a_file_of_ever_other_keys_is_refused(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.readers.json, "MOST_COLUMNS", 20)
    records = [f'{{"k{number}": 1}}' for number in range(30)]
    with pytest.raises(DeliveryError, match="more than 20 different keys by record 21"):
        read(tmp_path / form, encoded(form, records))


@pytest.mark.parametrize("form", [*FORMS, "a.geojson"])
def test_a_record_without_end_is_refused_before_the_file_is_in_memory(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.readers.json, "LONGEST_RECORD", 4096)
    monkeypatch.setattr(cityloom.readers.nesting, "LONGEST_RECORD", 4096)
    monkeypatch.setattr(cityloom.readers.stream, "BLOCK", 512)
    start = b'{"features": [' if form == "a.geojson" else b"["
    content = b"" if form == "a.ndjson" else start
    with pytest.raises(DeliveryError, match="does not end within"):
        read(tmp_path / form, content + b'{"a": "' + b"x" * 100_000)


def test_a_collection_without_end_besides_its_records_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.readers.json, "LONGEST_RECORD", 4096)
    content = b'{"numbers": [' + b"1," * 10_000
    with pytest.raises(DeliveryError, match="besides its records"):
        read(tmp_path / "a.geojson", content)


@pytest.mark.parametrize("form", FORMS)
def test_long_records_come_in_small_batches(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.readers.json, "_BYTES_AT_A_TIME", 100)
    records = [f'{{"v": "{"x" * 60}{number}"}}' for number in range(9)]
    (tmp_path / form).write_bytes(encoded(form, records))
    found = open_reader(tmp_path / form, Files()).batches(["v"])
    assert [batch.ordinals.tolist() for batch in found if len(batch.ordinals)] == [
        [1, 2], [3, 4], [5, 6], [7, 8], [9],
    ]  # fmt: skip


class Digits(str):
    """A number as it was written."""


ANY_JSON = st.recursive(
    VALUES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=12,
)


def told(value: object) -> str | None:
    """How Python's own parser reads a value that it was told to keep the digits of."""
    if isinstance(value, dict | list):
        return None
    return str(value) if isinstance(value, Digits) else as_text(value)


@pytest.mark.parametrize("form", FORMS)
@SETTINGS
@given(
    records=st.lists(ANY_JSON, max_size=6),
    block=st.sampled_from((3, 8, 1 << 20)),
    escaped=st.booleans(),
)
def test_of_any_records_those_that_are_objects_are_rows_and_the_others_refused(
    form: str, records: list[object], block: int, escaped: bool, tmp_path: Path
) -> None:
    texts = [json.dumps(record, ensure_ascii=escaped) for record in [{"v": 1}, *records]]
    parsed = [json.loads(t, parse_float=Digits, parse_int=Digits) for t in texts]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cityloom.readers.stream, "BLOCK", block)
        rows, malformed = read(tmp_path / form, encoded(form, texts))
        names = open_reader(tmp_path / form, Files()).columns
    objects = {number: item for number, item in enumerate(parsed, 1) if isinstance(item, dict)}
    assert set(names) == {key for item in objects.values() for key in item}
    assert [number for number, _ in rows] == list(objects)
    assert [(bad.ordinal, bad.raw) for bad in malformed] == [
        (number, text) for number, text in enumerate(texts, 1) if number not in objects
    ]
    for number, row in rows:
        for name, found in zip(names, row, strict=True):
            value = objects[number].get(name)
            if isinstance(value, dict | list):
                assert found is not None
                assert json.loads(found, parse_float=Digits, parse_int=Digits) == value
            else:
                assert found == told(value)


SCRAPS = st.lists(
    st.sampled_from(
        [
            b"[", b"]", b"{", b"}", b",", b":", b'"', b"\\", b"\n", b" ", b'"a"', b'"b":', b"1",
            b"-", b"1e9", b"null", b"NaN", b'{"a": 1}', b'{"b": [2]}', rb'"\ud800"', rb'"\""',
            b"\xff", "区".encode(), b"\x00", b'"type": "Feature"', b'"properties": {"a": 1}',
            b'"features": [',
        ]
    ),
    max_size=14,
)  # fmt: skip
AROUND = {"a.ndjson": (b"", b""), "a.json": (b"[", b"]"), "a.geojson": (b'{"features": [', b"]}")}
GOOD = {"a.geojson": b'{"type": "Feature", "properties": {"a": 1}}'}


def outcome(
    path: Path, content: bytes, block: int = 1 << 20
) -> tuple[list[tuple[int, Row]], list[Malformed]] | str:
    """What is read, or that the file is refused."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cityloom.readers.stream, "BLOCK", block)
        try:
            return read(path, content)
        except DeliveryError as error:
            return str(error)


@pytest.mark.parametrize("form", AROUND)
@SETTINGS
@given(scraps=SCRAPS, block=st.integers(1, 20), bare=st.booleans())
def test_any_text_at_all_is_read_or_refused_wherever_its_blocks_end(
    form: str, scraps: list[bytes], block: int, bare: bool, tmp_path: Path
) -> None:
    start, end = AROUND[form] if not bare else (b"", b"")
    content = start + b"".join(scraps) + end
    assert outcome(tmp_path / form, content) == outcome(tmp_path / form, content, block)


@pytest.mark.parametrize("form", AROUND)
@SETTINGS
@given(scraps=SCRAPS)
def test_scraps_among_good_records_take_none_of_them_along_unseen(
    form: str, scraps: list[bytes], tmp_path: Path
) -> None:
    """Whatever stands between two good records, they are rows, or in a raw text, or all refused."""
    good = GOOD.get(form, b'{"a": 1}')
    start, end = AROUND[form]
    separator = b"\n" if form == "a.ndjson" else b","
    content = start + separator.join([good, b"".join(scraps), good]) + end
    found = outcome(tmp_path / form, content)
    if not isinstance(found, str):
        rows, malformed = found
        held = "".join(bad.raw for bad in malformed)
        assert len(rows) + held.count(good.decode()) >= 2
        assert rows[0][0] == 1


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


@pytest.mark.parametrize(
    "content",
    [
        '{"features": [%s], "type": "FeatureCollection"}',
        '{"type": "FeatureCollection", "bbox": [1, [2]], "x": {"features": [{}]}, '
        '"features": [%s]}',
        '\n{ "features" : [ %s ] , "crs": {"a": [1, 2], "b": "]}"} } \n',
        '{"a": "\\"features\\": [", "features": [%s], "features": []}',
    ],
)
def test_features_are_found_among_whatever_else_a_collection_has(
    content: str, tmp_path: Path
) -> None:
    feature = '{"type": "Feature", "properties": {"a": 1.0}}'
    rows, _ = read(tmp_path / "a.geojson", (content % feature).encode(), columns=["a"])
    assert rows == [(1, ("1.0",))]


@pytest.mark.parametrize(
    "content",
    [
        '{"features": [%s]', '{"features": [%s}', '{"features": [%s]]', '{"features": [%s]} x',
        '{"features": [%s],}', '{"type" "x", "features": [%s]}', '[{"features": [%s]}]',
        '{"crs": nope, "features": [%s]}', '{"x": {"features": [%s]}}', '{"features": {"a": %s}}',
    ],
)  # fmt: skip
def test_a_collection_that_is_not_whole_or_without_features_is_refused(
    content: str, tmp_path: Path
) -> None:
    feature = '{"type": "Feature", "properties": {"a": 1}}'
    with pytest.raises(DeliveryError, match=r"a\.geojson"):
        read(tmp_path / "a.geojson", (content % feature).encode())


def test_what_is_no_feature_costs_itself_alone(tmp_path: Path) -> None:
    good = {"type": "Feature", "properties": {"a": 1}, "geometry": POINT}
    rows, malformed = read(tmp_path / "a.geojson", features(good, POINT, 5, good))
    assert [number for number, _ in rows] == [1, 4]
    assert {item.reason for item in malformed} == {"not a GeoJSON Feature"}
