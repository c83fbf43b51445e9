"""A draft guesses what a file says of itself, marks what it does not, and always loads."""

import csv
import gzip
import io
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks.draft import FILES, REAL_FILES
from cityloom.contract.draft import Draft, draft_contract
from cityloom.contract.draft.headers import read_header
from cityloom.contract.draft.persons import is_resident_number
from cityloom.contract.draft.sniff import guess_delimiter
from cityloom.contract.draft.write import scalar
from cityloom.contract.model import Classification, Column, Contract, Kind
from cityloom.contract.odcs import parse_contract
from cityloom.contract.split import Splitter
from cityloom.errors import ContractError, DeliveryError
from cityloom.readers import open_reader

SURNAMES, GIVEN = "王李张刘陈杨赵黄周吴", ("伟", "芳", "娜", "秀英", "敏")


def resident(number: int) -> str:
    body = f"49030119{70 + number % 30:02d}0101{number % 1000:03d}"
    weights = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(digit) * weight for digit, weight in zip(body, weights, strict=True))
    return body + "10X98765432"[total % 11]


def household_rows(count: int = 60) -> list[dict[str, str]]:
    return [
        {
            "户号": f"{n // 3:06d}",
            "姓名": SURNAMES[n % 10] + GIVEN[n % 5],
            "身份证号": resident(n),
            "性别": "男女"[n % 2],
            "出生日期": f"19{70 + n % 30:02d}0101",
            "联系电话": f"1290000{n:04d}",
            "建筑面积(平方米)": f"{40 + n % 7}.5",
            "登记时间": f"2024-0{1 + n % 9}-11 08:00:00",
        }
        for n in range(count)
    ]


def as_csv(rows: list[dict[str, str]], delimiter: str = ",") -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), delimiter=delimiter, lineterminator="\r\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def drafted(folder: Path, text: str, name: str = "trial.csv") -> Contract:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return parse_contract(draft_contract(path).yaml)


def column_of(folder: Path, header: str, values: list[str]) -> Column:
    rows = [{"row": str(n), header: value} for n, value in enumerate(values)]
    return drafted(folder, as_csv(rows)).columns[1]


def doubts_about(draft: Draft, column: str) -> str:
    return " / ".join(doubt.text for doubt in draft.doubts if doubt.column == column)


# A file of a department


def test_a_chinese_register_is_drafted_whole(tmp_path: Path) -> None:
    contract = drafted(tmp_path, as_csv(household_rows()), "户籍人口.csv")
    columns = {column.name: column for column in contract.columns}
    assert list(columns) == [
        "household_number", "name", "resident_number", "sex", "birth_date", "phone",
        "floor_area", "registration_time",
    ]  # fmt: skip
    assert contract.dataset == "household_register_population"
    assert contract.key == (columns["resident_number"],)
    assert columns["household_number"].pattern == "[0-9]{6}"
    assert columns["name"].title == columns["name"].source_name == "姓名"
    assert columns["sex"].enum == ("女", "男")
    assert columns["birth_date"].kind is Kind.DATE
    assert columns["birth_date"].format == "yyyyMMdd"
    assert columns["floor_area"].unit == "m2"
    assert columns["registration_time"].kind is Kind.TIMESTAMP
    assert all(column.required for column in contract.columns)


def test_a_register_of_persons_is_personal_and_their_numbers_sensitive(tmp_path: Path) -> None:
    contract = drafted(tmp_path, as_csv(household_rows()))
    levels = {column.name: column.classification for column in contract.columns}
    assert levels.pop("resident_number") is Classification.SENSITIVE
    assert set(levels.values()) == {Classification.PERSONAL}


def test_doubts_stand_beside_their_columns(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text(as_csv(household_rows()), encoding="utf-8")
    draft = draft_contract(path)
    lines = draft.yaml.splitlines()
    place = next(n for n, line in enumerate(lines) if "name: resident_number" in line)
    assert "# doubt: looks like an official number of a person: sensitive" in lines[place - 1]
    assert "looks like a person's name" in doubts_about(draft, "name")
    assert "who owns it" in doubts_about(draft, "")
    assert draft.yaml.count("# doubt: ") == len(draft.doubts)


def test_forbidden_and_special_columns_are_left_out_as_comments(tmp_path: Path) -> None:
    rows = [
        row | {"民族": "汉族", "col7": ["群众", "中共党员", "共青团员"][n % 3], "残疾等级": "一级"}
        for n, row in enumerate(household_rows())
    ]
    path = tmp_path / "trial.csv"
    path.write_text(as_csv(rows), encoding="utf-8")
    draft = draft_contract(path)
    names = {column.source_name for column in parse_contract(draft.yaml).columns}
    assert not names & {"民族", "col7", "残疾等级"}
    assert "# doubt: left out, '民族': " in draft.yaml
    assert "ethnicity" in draft.yaml
    assert "political opinion" in doubts_about(draft, "col7")
    assert "special_purpose" in draft.yaml


def test_a_file_of_forbidden_columns_alone_gives_no_draft(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no column is left"):
        drafted(tmp_path, "民族,宗教\n汉族,佛教\n")


# How a file is written


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "gb18030"])
@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_any_encoding_and_delimiter_is_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    path = tmp_path / "trial.csv"
    path.write_bytes(as_csv(household_rows(), delimiter).encode(encoding))
    contract = parse_contract(draft_contract(path).yaml)
    assert contract.files.delimiter == delimiter
    assert [column.name for column in contract.columns][:2] == ["household_number", "name"]
    reader = open_reader(path, contract.files)
    assert next(iter(reader.batches(["姓名"]))).rows["姓名"][0].as_py() == "王伟"


def test_what_follows_from_the_files_name_is_not_written_down(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text(as_csv(household_rows()), encoding="utf-8")
    assert "servers:" not in draft_contract(path).yaml


def test_every_format_gives_the_same_columns(tmp_path: Path) -> None:
    rows = household_rows()
    table = pa.Table.from_pylist(rows)
    text = as_csv(rows)
    (tmp_path / "a.csv").write_text(text, encoding="utf-8")
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(text.encode(), mtime=0))
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("inside.csv", text)
    (tmp_path / "a.json").write_text(json.dumps(rows, ensure_ascii=False), encoding="utf-8")
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    (tmp_path / "a.ndjson").write_text(lines, encoding="utf-8")
    (tmp_path / "lines.json").write_text(lines, encoding="utf-8")
    pq.write_table(table, tmp_path / "a.parquet")
    pyarrow.feather.write_feather(table, tmp_path / "a.arrow")
    drafts = [parse_contract(draft_contract(path).yaml) for path in tmp_path.iterdir()]
    assert len(drafts) == 8
    assert len({contract.columns for contract in drafts}) == 1


def test_geojson_is_known_by_its_content(tmp_path: Path) -> None:
    squares = [
        {
            "type": "Feature",
            "properties": {"code": f"{n:03d}"},
            "geometry": {"type": "Point", "coordinates": [114.1 + n / 100, 22.5]},
        }
        for n in range(12)
    ]
    text = json.dumps({"type": "FeatureCollection", "features": squares})
    contract = drafted(tmp_path, text, "places.json")
    assert contract.files.format == "geojson"
    assert contract.column("geometry").geometry_type == "point"
    assert contract.column("code").pattern == "[0-9]{3}"
    assert contract.classification is Classification.INTERNAL


def test_a_format_that_no_reader_knows_is_said_in_words(tmp_path: Path) -> None:
    path = tmp_path / "log.xes.gz"
    path.write_bytes(gzip.compress(b"<log/>", mtime=0))
    with pytest.raises(DeliveryError, match=r"log\.xes\.gz: format not known by its name"):
        draft_contract(path)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("cut.csv.gz", gzip.compress(b"a,b\n1,2\n" * 999, mtime=0)[:-20], "damaged or cut short"),
        ("empty.csv", b"", "no header line"),
        ("cut.json", b'[{"a": 1}, {"a":', "not whole JSON"),
        ("junk.parquet", b"PAR1 and then nothing", "not a whole Parquet file"),
        ("twice.csv", b"a,a\n1,2\n", "names column 'a' twice"),
    ],
)
def test_a_file_that_cannot_be_read_is_said_in_words(
    tmp_path: Path, name: str, content: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(DeliveryError, match=words):
        draft_contract(tmp_path / name)


def test_a_folder_or_a_missing_file_is_said_in_words(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="a folder"):
        draft_contract(tmp_path)
    with pytest.raises(DeliveryError, match="no such file"):
        draft_contract(tmp_path / "gone.csv")


def test_a_header_without_rows_is_drafted_with_doubts(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("code,name\n", encoding="utf-8")
    draft = draft_contract(path)
    assert "every value is empty" in doubts_about(draft, "code")
    assert not parse_contract(draft.yaml).key


def test_a_file_without_a_header_is_doubted(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("1,2024-01-01\n2,2024-01-02\n", encoding="utf-8")
    assert "looks like data" in doubts_about(draft_contract(path), "")


def test_broken_records_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("a,b\n1,2\n1,2,3\n2,3\n", encoding="utf-8")
    assert "1 records cannot be split" in doubts_about(draft_contract(path), "")


@pytest.mark.parametrize(
    ("head", "delimiter"),
    [
        ("a,b\n1,2\n", ","), ("a;b\n1,5;2,5\n", ";"), ("a\tb, c\n1\t2\n", "\t"),
        ("a|b\n1|x;y\n", "|"), ("alone\n1\n", ","), ('a,b\n"x;y",2\n', ","),
    ],
)  # fmt: skip
def test_the_delimiter_is_the_one_that_splits_most_evenly(head: str, delimiter: str) -> None:
    assert guess_delimiter(head) == delimiter


# Types


@pytest.mark.parametrize(
    ("header", "values", "kind"),
    [
        ("area_code", ["044", "0755", "020"], Kind.STRING),
        ("value", ["044", "075", "020"], Kind.STRING),
        ("level", ["1", "20", "-3"], Kind.INTEGER),
        ("level", ["1.5", "2", "-3e4"], Kind.NUMBER),
        ("is_open", ["1", "0", "1"], Kind.BOOLEAN),
        ("open", ["是", "否", "是"], Kind.BOOLEAN),
        ("open", ["Yes", "no", "NO"], Kind.BOOLEAN),
        ("state", ["1", "0", "1"], Kind.INTEGER),
        ("day", ["2024-01-31", "2023-02-28"], Kind.DATE),
        ("opened", ["20240131", "20230228", "19991231"], Kind.DATE),
        ("case_id", ["20240131", "20230228", "19991231"], Kind.STRING),
        ("at", ["2024-01-31 10:00:00", "2023-02-28T23:59:59.25"], Kind.TIMESTAMP),
        ("at", ["2024/1/31 9:05", "2023/12/28 23:59"], Kind.TIMESTAMP),
        ("at", ["10:00:00", "23:59:59"], Kind.TIME),
        ("tags", ['["a"]', "[]"], Kind.JSON),
        ("shape", ["POINT (1.5 2.5)", "POINT (114.0 22.5)"], Kind.GEOMETRY),
        ("count", ["1,234", "12,345,678"], Kind.STRING),
        ("text", ["a", "b"], Kind.STRING),
    ],
)
def test_a_type_is_told_by_written_form_and_name(
    tmp_path: Path, header: str, values: list[str], kind: Kind
) -> None:
    assert column_of(tmp_path, header, values * 4).kind is kind


@pytest.mark.parametrize(
    ("values", "form"),
    [
        (["31/01/2024", "28/02/2023"], "dd/MM/yyyy"),
        (["01/31/2024", "02/28/2023"], "MM/dd/yyyy"),
        (["2024/01/31", "2023/02/28"], "yyyy/MM/dd"),
        (["2024年01月31日", "2023年02月28日"], "yyyy年MM月dd日"),
        (["2024/1/31", "2023/12/8"], "yyyy/M/d"),
        (["31.01.2024", "28.02.2023"], "dd.MM.yyyy"),
    ],
)
def test_a_date_format_is_the_one_in_which_the_dates_exist(
    tmp_path: Path, values: list[str], form: str
) -> None:
    assert column_of(tmp_path, "day", values).format == form


def test_dates_that_tell_day_and_month_not_apart_are_doubted(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("day\n01/02/2024\n03/04/2024\n", encoding="utf-8")
    assert "no value tells dd/MM/yyyy from MM/dd/yyyy" in doubts_about(draft_contract(path), "day")


def test_an_offset_makes_a_time_an_instant(tmp_path: Path) -> None:
    assert column_of(tmp_path, "at", ["2024-01-31T10:00:00Z", "2024-01-31 10:00:00+08:00"]).timezone


def test_unix_times_stay_numbers_with_a_unit_and_a_doubt(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("updated_at\n1700000000\n1700000060\n", encoding="utf-8")
    draft = draft_contract(path)
    assert parse_contract(draft.yaml).column("updated_at").unit == "s"
    assert "Unix time" in doubts_about(draft, "updated_at")


def test_strays_do_not_change_a_type_and_are_counted(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("level\n" + "\n".join(map(str, range(40))) + "\nabc\n", encoding="utf-8")
    draft = draft_contract(path)
    assert parse_contract(draft.yaml).column("level").kind is Kind.INTEGER
    assert "1 of 41 values are not whole numbers, such as 'abc'" in doubts_about(draft, "level")


def test_blanks_around_values_are_trimmed(tmp_path: Path) -> None:
    column = column_of(tmp_path, "opened", [" 2024-01-31", " 2024-02-01"])
    assert column.trim
    assert column.kind is Kind.DATE


def test_money_is_decimal(tmp_path: Path) -> None:
    assert column_of(tmp_path, "金额(元)", ["12.50", "3.00"]).decimal == (18, 2)
    assert column_of(tmp_path, "金额(元)", ["12.50", "3.00"]).unit == "CNY"


def test_coordinates_in_degrees_are_called_by_what_they_are(tmp_path: Path) -> None:
    contract = drafted(tmp_path, "X,Y\n114.1,22.5\n114.2,22.6\n")
    assert [column.name for column in contract.columns] == ["longitude", "latitude"]
    assert contract.column("latitude").maximum == 90
    metres = drafted(tmp_path, "X,Y\n500114.1,2522.5\n500114.2,2622.6\n")
    assert [column.name for column in metres.columns] == ["x", "y"]


def test_values_that_come_again_and_again_are_listed_without_the_rare(tmp_path: Path) -> None:
    values = ["open", "closed"] * 3000 + ["oepn"]
    assert column_of(tmp_path, "state", values).enum == ("closed", "open")


def test_people_are_not_listed(tmp_path: Path) -> None:
    assert column_of(tmp_path, "surname", ["Smith", "Jones"] * 50).enum == ()


# Keys


def test_a_key_is_an_identifier_before_any_other_unique_column(tmp_path: Path) -> None:
    text = "label,case_no\n" + "\n".join(f"text {n},{n:05d}" for n in range(20))
    assert [column.name for column in drafted(tmp_path, text).key] == ["case_no"]


def test_a_few_columns_together_are_a_key(tmp_path: Path) -> None:
    text = "a,b,n\n" + "\n".join(f"{n // 5},{n % 5},7" for n in range(25))
    assert [column.name for column in drafted(tmp_path, text).key] == ["a", "b"]


def test_measures_and_texts_are_no_keys(tmp_path: Path) -> None:
    text = "length,weight\n" + "\n".join(f"{n}.5,{n}" for n in range(20))
    assert drafted(tmp_path, text).key == ()


def test_a_key_of_the_sample_is_tried_on_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.contract.draft.rows._MOST_BYTES", 1)
    lines = [f"{n:07d},{'x' * 40}" for n in range(60_000)]
    unique = drafted(tmp_path, "case_no,note\n" + "\n".join(lines))
    assert [column.name for column in unique.key] == ["case_no"]
    twice = drafted(tmp_path, "case_no,note\n" + "\n".join([*lines, lines[0]]))
    assert twice.key == ()


# Headers


@pytest.mark.parametrize(
    ("header", "name", "unit"),
    [
        ("caseNumber", "case_number", None),
        ("GEOID20", "geoid20", None),
        ("Created Date", "created_date", None),
        ("HTTPStatus", "http_status", None),
        ("height_m", "height_m", "m"),
        ("面积(平方米)", "area", "m2"),
        ("建筑高度（米）", "building_height", "m"),
        ("法定代表人姓名", "legal_representative_name", None),
        ("統一社會信用代碼", "credit_code", None),
        ("企业名称", "company_name", None),
        ("是否有效", "is_valid", None),
        ("2020人口", "n_2020_population", None),
        ("魑魅魍魉", "column_4", None),
        ("", "column_4", None),
        ("%%%", "column_4", None),
        ("1st", "n_1st", None),
    ],
)
def test_headers_become_names_and_units(header: str, name: str, unit: str | None) -> None:
    found = read_header(header, 4)
    assert (found.name, found.unit) == (name, unit)


def test_an_unknown_chinese_header_is_kept_and_doubted(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("编号,魑魅\n1,a\n2,b\n", encoding="utf-8")
    draft = draft_contract(path)
    column = parse_contract(draft.yaml).column("column_2")
    assert column.source_name == column.title == "魑魅"
    assert "not in the dictionary" in doubts_about(draft, "column_2")


@settings(deadline=None)
@given(st.lists(st.text(min_size=1, max_size=30), unique=True, max_size=8))
def test_headers_always_become_different_identifiers(texts: list[str]) -> None:
    names: list[str] = []
    for place, text in enumerate(texts, start=1):
        names.append(read_header(text, place, names).name)
    assert len(set(names)) == len(names)
    assert all(name[0].isalpha() and name.isascii() and len(name) <= 63 for name in names)


# Whatever is delivered


CELLS = st.text(st.characters(codec="utf-8", exclude_characters="\x00\r\n"), max_size=12)


@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    header=st.lists(CELLS.filter(lambda text: text.strip()), min_size=1, max_size=4),
    rows=st.lists(st.lists(CELLS, min_size=4, max_size=4), max_size=6),
)
def test_any_readable_file_gives_a_draft_that_loads(
    tmp_path: Path, header: list[str], rows: list[list[str]]
) -> None:
    path = tmp_path / "any.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerows([header, *(row[: len(header)] for row in rows)])
    try:
        draft = draft_contract(path)
    except (DeliveryError, ContractError):
        return
    assert parse_contract(draft.yaml).dataset == "any"


@settings(deadline=None)
@given(st.text(max_size=40))
def test_scalars_are_read_back_as_they_were(text: str) -> None:
    assert yaml.safe_load(scalar(text)) == text


def test_a_resident_number_is_known_by_its_check_character() -> None:
    number = resident(7)
    assert is_resident_number(number)
    assert not is_resident_number(number[:-1] + ("0" if number[-1] != "0" else "1"))


@pytest.mark.skipif(not REAL_FILES.exists(), reason="the real files are not here")
@pytest.mark.parametrize("file", FILES)
def test_a_real_files_draft_receives_the_file(file: str) -> None:
    path = REAL_FILES / file
    contract = parse_contract(draft_contract(path).yaml)
    splitter = Splitter(contract)
    batch = next(
        iter(open_reader(path, contract.files).batches([c.source_name for c in contract.columns]))
    )
    met = splitter.split(splitter.prepare(batch.rows), batch.ordinals).met
    assert met.mean() > (0.5 if "geojson" in file else 0.9)
