"""How a draft guards each column, which it takes for the key, and what it asks a person."""

import re
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path

import pyarrow as pa
import pytest
import yaml

from cityloom.contract.draft import Draft, dataset_name, draft_contract, keys
from cityloom.contract.draft.guesses import Guess
from cityloom.contract.draft.headers import Header, read_header
from cityloom.contract.draft.keys import is_key, joint_keys, single_keys
from cityloom.contract.draft.values import values_of
from cityloom.contract.draft.write import (
    DraftedColumn,
    DraftedContract,
    all_doubts,
    scalar,
    write_contract,
)
from cityloom.contract.model import Classification, Files
from cityloom.contract.odcs import parse_contract

Columns = Mapping[str, Sequence[str]]

INTERNAL, PERSONAL = Classification.INTERNAL, Classification.PERSONAL

WHOLE = [
    "who owns it? (team: name)",
    "how is it delivered: append, snapshot or upsert?",
    "classified internal by what its columns look like: does its owner agree?",
]


def draft(folder: Path, columns: Columns, name: str = "trial.csv") -> Draft:
    path = folder / name
    rows = [",".join(columns), *(",".join(row) for row in zip(*columns.values(), strict=True))]
    path.write_text("\n".join(rows), encoding="utf-8")
    return draft_contract(path)


def doubts(drafted: Draft, column: str = "") -> list[str]:
    return [doubt.text for doubt in drafted.doubts if doubt.column == column]


def levels(drafted: Draft) -> dict[str, Classification]:
    return {c.name: c.classification for c in parse_contract(drafted.yaml).columns}


def key(drafted: Draft) -> list[str]:
    return [column.name for column in parse_contract(drafted.yaml).key]


def numbers(count: int, first: int = 0) -> list[str]:
    return [str(number) for number in range(first, first + count)]


def texts(count: int, form: str = "t{}x") -> list[str]:
    return [form.format(number) for number in range(count)]


# Who may see a column


@pytest.mark.parametrize(
    ("values", "level"),
    [
        (texts(51), PERSONAL),
        (texts(50), INTERNAL),
        ([*texts(51), *["t1x"] * 969], INTERNAL),
        ([*texts(51), *["t1x"] * 968], PERSONAL),
        (texts(51, "http://x/{}"), PERSONAL),
        (texts(51, "{}路"), INTERNAL),
        ([*texts(48, "{}路"), *texts(12, "{}x")], INTERNAL),
        ([*texts(47, "{}路"), *texts(13, "{}x")], PERSONAL),
        (numbers(99), INTERNAL),
        (texts(51, "+41.{}"), INTERNAL),
        (texts(51, "1,{:03d}"), INTERNAL),
        (texts(51, "Block {}"), INTERNAL),
        (texts(51, "地块 {}"), INTERNAL),
        ([*texts(30, "Ann {}"), *texts(30, "Bob {}")], PERSONAL),
        ([*texts(51, "Block {}"), *texts(51, "{}x")], PERSONAL),
    ],
)
def test_many_different_texts_may_name_people(
    tmp_path: Path, values: list[str], level: Classification
) -> None:
    drafted = draft(tmp_path, {"code": numbers(len(values)), "note": values})
    assert levels(drafted)["note"] is level
    said = ["many texts, which may name people: personal"] if level is PERSONAL else []
    assert [doubt for doubt in doubts(drafted, "note") if "people" in doubt] == said


def test_every_column_is_personal_where_one_is_of_persons(tmp_path: Path) -> None:
    drafted = draft(tmp_path, {"level": ["1", "2"], "gender": ["f", "m"]})
    assert levels(drafted) == {"level": PERSONAL, "gender": PERSONAL}
    assert doubts(drafted, "gender") == ["looks like a person's sex: personal"]
    assert doubts(drafted, "level")[:-1] == []


def test_only_a_place_is_personal_beside_an_address(tmp_path: Path) -> None:
    columns = {"latitude": ["22.5", "22.6"], "storeys": ["1", "1"]}
    assert set(levels(draft(tmp_path, columns)).values()) == {INTERNAL}
    drafted = draft(tmp_path, {**columns, "address": ["1 quay", "2 quay"]})
    assert levels(drafted) == {"latitude": PERSONAL, "storeys": INTERNAL, "address": PERSONAL}
    assert doubts(drafted, "latitude") == ["tells the place of an address: personal"]
    assert doubts(drafted, "storeys") == ["has one value in every row"]


@pytest.mark.parametrize(
    ("values", "is_doubted"),
    [(["7", "7"], True), (["7"], False), (["7", "8"], False), (["7", "7", ""], True)],
)
def test_a_column_of_one_value_is_doubted(
    tmp_path: Path, values: list[str], is_doubted: bool
) -> None:
    drafted = draft(tmp_path, {"row": texts(len(values)), "level": values})
    assert ("has one value in every row" in doubts(drafted, "level")) == is_doubted


def test_the_whole_is_classified_as_most_columns_and_the_stricter_of_equals(
    tmp_path: Path,
) -> None:
    columns = {"phone": ["12900000000"] * 2, "level": ["1", "2"]}
    equal = yaml.safe_load(draft(tmp_path, columns).yaml)["schema"][0]
    assert equal["customProperties"][0]["value"] == "personal"
    most = draft(tmp_path, {**columns, "size": ["1", "1"]})
    whole = yaml.safe_load(most.yaml)["schema"][0]
    assert whole["customProperties"][0]["value"] == "internal"
    assert [prop.get("classification") for prop in whole["properties"]] == ["personal", None, None]


def test_what_is_left_out_does_not_count_for_the_whole(tmp_path: Path) -> None:
    columns = {"level": ["1"], "religion": ["x"], "ethnicity": ["y"], "gender": ["f"]}
    drafted = draft(tmp_path, columns)
    assert set(levels(drafted)) == {"level", "gender"}
    assert doubts(drafted, "religion")[0].startswith("left out: 'religio")
    assert len(doubts(drafted, "religion")) == 1


@pytest.mark.parametrize(("beside", "is_left_out"), [("gender", True), ("level", False)])
def test_a_special_matter_is_left_out_only_where_it_is_of_persons(
    tmp_path: Path, beside: str, is_left_out: bool
) -> None:
    drafted = draft(tmp_path, {"income": ["1", "2"], beside: ["f", "m"]})
    assert ("income" not in levels(drafted)) == is_left_out
    assert any("holds finance" in doubt for doubt in doubts(drafted, "income")) == is_left_out


# What is asked of the whole


def test_what_is_asked_of_any_file(tmp_path: Path) -> None:
    drafted = draft(tmp_path, {"case_id": numbers(10)})
    assert doubts(drafted) == WHOLE
    assert doubts(drafted, "case_id") == []


def test_more_is_asked_of_persons_of_no_key_and_of_broken_records(tmp_path: Path) -> None:
    persons = draft(tmp_path, {"gender": ["f", "m", "f"]})
    assert doubts(persons) == [
        *WHOLE[:2],
        WHOLE[2].replace("internal", "personal"),
        "for which purposes may it be read, and how long kept? (purposes, retention)",
        "no column, and no few columns together, name a row: it has no key",
    ]  # fmt: skip
    (tmp_path / "b.csv").write_text("case_id,b\n1,2\n3\n" + "4,5,6\n" * 1_000)
    assert doubts(draft_contract(tmp_path / "b.csv"))[-1] == (
        "1,001 records cannot be split into fields"
    )


@pytest.mark.parametrize(
    ("file", "name"),
    [
        ("trees.csv", "trees"), ("Tree List.2024.csv", "tree_list"),
        ("户籍.csv", "household_register"), ("魑魅.csv", "dataset"), ("---.csv", "dataset"),
        ("2024.csv", "n_2024"),
    ],
)  # fmt: skip
def test_a_dataset_is_called_by_its_file(tmp_path: Path, file: str, name: str) -> None:
    assert dataset_name(Path(file)) == name
    drafted = draft(tmp_path, {"a": ["1"]}, file)
    assert drafted.dataset == parse_contract(drafted.yaml).dataset == name
    unnamed = "what is it called? its file's name gives no dataset name"
    assert (unnamed in doubts(drafted)) == (name == "dataset")


def test_a_draft_says_how_much_it_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    columns = {"a": numbers(1_200), "b": numbers(1_200)}
    assert ": all 1,200 rows of 2 columns.\n" in draft(tmp_path, columns).yaml
    monkeypatch.setattr("cityloom.contract.draft.rows._MOST_ROWS", 1)
    columns = {"a": numbers(400_000)}
    assert re.search(r": the first [0-9,]+ rows of 1 column\.\n", draft(tmp_path, columns).yaml)


# Keys


@pytest.mark.parametrize(
    ("columns", "found", "doubt"),
    [
        ({"case_id": numbers(10)}, ["case_id"], []),
        ({"case_id": numbers(9)}, ["case_id"], ["unique in 9 rows: is it the key?"]),
        ({"case_id": ["1"]}, ["case_id"], ["unique in 1 row: is it the key?"]),
        ({"grade": texts(12, "g{}")}, ["grade"], ["unique in 12 rows: is it the key?"]),
        ({"grade": numbers(12)}, ["grade"], ["unique in 12 rows: is it the key?"]),
        ({"area": numbers(12)}, [], None),
        ({"grade": [f"{n}.5" for n in range(12)]}, [], None),
        ({"mailed": texts(12, "a{}@b.cn")}, [], None),
        ({"phone": [f"1290000{n:04d}" for n in range(12)]}, ["phone"], None),
        ({"religion_id": numbers(12), "a": ["1"] * 12}, [], None),
    ],
)
def test_one_column_is_the_key_where_it_could_be_meant_so(
    tmp_path: Path, columns: Columns, found: list[str], doubt: list[str] | None
) -> None:
    drafted = draft(tmp_path, columns)
    assert key(drafted) == found
    if doubt is not None:
        assert doubts(drafted, next(iter(columns)))[-1:] == doubt


def test_the_first_identifier_is_the_key_and_no_other(tmp_path: Path) -> None:
    drafted = draft(
        tmp_path, {"grade": numbers(12), "a_id": numbers(12), "b_id": numbers(12)}
    )  # fmt: skip
    assert key(drafted) == ["a_id"]


def test_columns_that_are_a_key_together_are_doubted_and_in_the_order_of_likeness(
    tmp_path: Path,
) -> None:
    rows = list(product("abcde", "vwxyz"))
    columns = {"grade": [a for a, _ in rows], "shop_id": [b for _, b in rows]}
    drafted = draft(tmp_path, columns)
    assert key(drafted) == ["shop_id", "grade"]
    doubt = "unique only together with shop_id, grade: is that the key?"
    assert doubt in doubts(drafted, "shop_id")
    assert doubt in doubts(drafted, "grade")


@pytest.mark.parametrize("number", ["fid", "ogc_fid", "objectid", "OBJECTID"])
def test_a_number_that_exports_give_anew_is_the_key_only_where_nothing_else_is(
    tmp_path: Path, number: str
) -> None:
    doubt = "numbered anew by each export: a column of the owner's own is a better key"
    alone = draft(tmp_path, {number: numbers(12), "kind": ["a"] * 12})
    assert key(alone) == [number.lower()]
    assert doubt in doubts(alone, number.lower())
    for other in ({"hydrant_no": texts(12, "H{}")}, {"spot": texts(12, "H{}")}):
        drafted = draft(tmp_path, {number: numbers(12), **other})
        assert key(drafted) == list(other)
        assert doubt in doubts(drafted, number.lower())


def table(rows: Sequence[Sequence[str]]) -> pa.Table:
    columns = [list(column) for column in zip(*rows, strict=True)]
    return pa.table(columns, names=[f"c{place}" for place in range(len(columns))])


def joint(rows: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
    found = table(rows)
    values = {name: values_of(found[name]) for name in found.column_names}
    return list(joint_keys(found, values, found.column_names))


def test_up_to_four_columns_are_tried_together_the_fewest_first() -> None:
    assert joint([*product("ab", repeat=2)]) == [("c0", "c1")]
    assert joint([*product("ab", repeat=4)]) == [("c0", "c1", "c2", "c3")]
    assert joint([*product("ab", repeat=5)]) == []
    pairs = joint([(a, b, b + "x") for a, b in product("abc", "de")])
    assert pairs == [("c0", "c1"), ("c0", "c2"), ("c0", "c1", "c2")]


def test_columns_of_one_value_or_with_gaps_are_in_no_key() -> None:
    assert joint([("a", "x", "1"), ("a", "y", "1"), ("b", "x", "1")]) == [("c0", "c1")]
    assert joint([("a", "x"), ("a", ""), ("b", "x")]) == []


def test_eight_columns_are_tried_and_forty_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    def rows(place: int) -> list[list[str]]:
        """Ten columns of which the first and the one at a place are a key."""
        found = [["x"] * 10 for _ in range(6)]
        for number, row in enumerate(found):
            row[:] = "ab"[number % 2] * 10
            row[place] = "vwx"[number // 2]
        return found

    assert joint(rows(7))[0] == ("c0", "c7")
    assert joint(rows(8)) == []
    tried: list[tuple[str, ...]] = []
    monkeypatch.setattr(keys, "is_key", lambda _, chosen: tried.append(chosen))
    assert joint([[letter] * 9 for letter in "abc"]) == []
    assert len(tried) == len(set(tried)) == 40


COUNTED = {"a": ["1", "2"], "b": ["2", "1"], "c": ["1", "1"]}


def test_a_key_is_told_by_its_rows() -> None:
    found = table([("a", "1"), ("a", "2"), ("b", "1")])
    assert is_key(found.to_reader(), ["c0", "c1"])
    assert not is_key(found.to_reader(), ["c0"])
    assert is_key(found.slice(0, 0).to_reader(), ["c0"])
    odd = pa.table({'a"b': ["1", "1"]})
    assert not is_key(odd.to_reader(), ['a"b'])
    values = {name: values_of(pa.chunked_array([texts])) for name, texts in COUNTED.items()}
    assert single_keys(values, ["b", "c", "a"]) == ["b", "a"]


# Degrees


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        ({"x": ["114.1"], "y": ["22.5"]}, ["longitude", "latitude"]),
        ({"y": ["22.5"], "n": ["1"], "x": ["114.1"]}, ["latitude", "n", "longitude"]),
        ({"x": ["114.1"], "n": ["22.5"]}, ["x", "n"]),
        ({"x": ["114.1"], "y": ["922.5"]}, ["x", "y"]),
        ({"x": ["914.1"], "y": ["22.5"]}, ["x", "y"]),
        ({"x": ["1.5"], "y": ["2.5"], "latitude": ["22.5"]}, ["x", "y", "latitude"]),
        ({"x": ["1.5"], "lon": ["2.5"]}, ["x", "longitude"]),
    ],
)
def test_a_pair_of_columns_in_degrees_is_called_by_what_it_is(
    tmp_path: Path, columns: Columns, names: list[str]
) -> None:
    assert list(levels(draft(tmp_path, columns))) == names


# What is written


def drafted_column(name: str, **facts: object) -> DraftedColumn:
    level = facts.pop("classification", INTERNAL)
    guess = facts.pop("guess", Guess())
    header = facts.pop("header", Header(name, name, None, None))
    return DraftedColumn(header, guess, level, **facts)  # type: ignore[arg-type]


def written(*columns: DraftedColumn, files: Files | None = None) -> str:
    whole = DraftedContract("trial", "t.csv", "all", files, INTERNAL, columns, ("one?", "two?"))
    return write_contract(whole)


def test_a_draft_is_written_in_full() -> None:
    options = {"minimum": 0, "format": "a b"}
    guess = Guess("number", "DECIMAL(18,2)", options, ("x", "no"), "m2", ("odd",), "1 to 2")
    full = drafted_column(
        "area", header=Header("area", "面积", "m2", None), guess=guess, required=True, unique=True,
        key_position=2, trim=True, doubts=("why?",), classification=PERSONAL,
    )  # fmt: skip
    left = drafted_column("faith", left_out="holds\nreligion", doubts=("unsaid",), guess=guess)
    text = written(full, left, drafted_column("bare"), files=Files(None, "csv", "\t", "gb18030"))
    assert (
        text
        == """\
# Drafted from t.csv: all.
# Settle and remove each line that begins with 'doubt:', then set the status to active.
# doubt: one?
# doubt: two?
apiVersion: v3.1.0
kind: DataContract
id: trial
version: 0.1.0
status: draft
servers:
  - server: inbox
    type: local
    path: inbox/trial
    format: csv
    delimiter: tab
    encoding: gb18030
schema:
  - name: trial
    customProperties:
      - {property: classification, value: internal}
      - {property: delivery, value: append}
    properties:
      # doubt: why?
      # doubt: odd
      # seen: 1 to 2
      - name: area
        physicalName: "面积"
        businessName: "面积"
        logicalType: number
        physicalType: DECIMAL(18,2)
        logicalTypeOptions: {minimum: 0, format: "a b"}
        required: true
        unique: true
        primaryKey: true
        primaryKeyPosition: 2
        classification: personal
        enum:
          - value: x
          - value: "no"
        customProperties:
          - {property: trim, value: true}
          - {property: unit, value: m2}
      # doubt: left out, 'faith': holds religion
      # - name: faith
      #   logicalType: number
      #   physicalType: DECIMAL(18,2)
      #   logicalTypeOptions: {minimum: 0, format: "a b"}
      #   enum:
      #     - value: x
      #     - value: "no"
      #   customProperties:
      #     - {property: unit, value: m2}
      - name: bare
        logicalType: string
"""
    )
    assert list(all_doubts([full, left])) == [
        ("area", "why?"), ("area", "odd"), ("faith", "left out: holds\nreligion"),
    ]  # fmt: skip


def test_the_form_of_files_is_written_as_far_as_it_is_unusual() -> None:
    assert "servers" not in written(drafted_column("a"))
    assert "delimiter" not in written(drafted_column("a"), files=Files(None, "csv"))
    assert "encoding" not in written(drafted_column("a"), files=Files(None, "csv"))
    assert '    delimiter: ";"\n' in written(drafted_column("a"), files=Files(None, "csv", ";"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"), (7, "7"), (1.5, "1.5"), ("a", "a"), ("a b", '"a b"'), ("7", '"7"'),
        ("no", '"no"'), ("Null", '"Null"'), ("a.b/c-d_1", "a.b/c-d_1"), ("路", '"路"'),
        ("a\u200bb", '"a\\U0000200bb"'), ("", '""'), ("-a", '"-a"'),
    ],
)  # fmt: skip
def test_a_scalar_is_in_quotes_where_it_could_be_taken_for_another(
    value: object, text: str
) -> None:
    assert scalar(value) == text
    assert yaml.safe_load(text) == value


# Headers


@pytest.mark.parametrize(
    ("header", "name", "unit", "doubt"),
    [
        ("Area [m2]", "area", "m2", None),
        ("Area (M2)", "area", "m2", None),
        ("Area ( m2 ) ", "area", "m2", None),
        ("Area (123456789)", "area_123456789", None, None),
        ("speed_KM/H", "speed_km_h", "km/h", None),
        ("speedm", "speedm", None, None),
        ("HTTPServerName", "http_server_name", None, None),
        ("aB", "a_b", None, None),
        ("a1B", "a1_b", None, None),
        ("Straße café", "strae_cafe", None, None),
        ("１２３", "n_123", None, None),
        ("lng", "longitude", None, None),
        ("面积m2", "area_m2", None, None),
        ("2020年人口", "n_2020_year_population", None, None),
        ("的", "column_7", None, "'的' is not in the dictionary: name it"),
        ("姓名" * 20, "_".join(["name"] * 20)[:60].strip("_"), None, None),
        ("a" * 59 + "_b", "a" * 59, None, None),
    ],
)
def test_names_come_from_headers_of_any_spelling(
    header: str, name: str, unit: str | None, doubt: str | None
) -> None:
    found = read_header(header, 7)
    assert (found.name, found.unit, found.doubt) == (name, unit, doubt)
    assert found.source_name == header


def test_only_a_chinese_header_is_kept_as_the_title() -> None:
    assert read_header("a面", 1).is_chinese
    assert not read_header("Área", 1).is_chinese
