"""Spreadsheets: which sheet, which row names the columns, and each kind of cell as text."""

import datetime as dt
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from cityloom.apart import xlsx
from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers import open_reader
from tests.readers.reading import Row, read

Write = Callable[[Any, Any], None]


def workbook(path: Path, *sheets: tuple[str, Write], **options: Any) -> Path:
    """An XLSX file of sheets that are each written by a function of the book and the sheet."""
    book = xlsxwriter.Workbook(path, options)
    for name, write in sheets:
        write(book, book.add_worksheet(name))
    book.close()
    return path


def table(*rows: list[object], at: tuple[int, int] = (0, 0)) -> Write:
    def write(_: Any, sheet: Any) -> None:
        for number, row in enumerate(rows):
            sheet.write_row(at[0] + number, at[1], row)

    return write


def values(path: Path, **stated: Any) -> list[Row]:
    reader = open_reader(path, Files(**stated))
    found = [batch.rows for batch in reader.batches(reader.columns)]
    return [tuple(row.values()) for part in found for row in part.to_pylist()]


def test_rows_come_as_they_were_typed(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", ("一", table(["编号", "n", "b"], ["007", 5, True], ["x", 0.1, False]))
    )
    assert list(open_reader(path, Files()).columns) == ["编号", "n", "b"]
    assert values(path) == [("007", "5", "true"), ("x", "0.1", "false")]
    rows, malformed = read(path, columns=["b"])
    assert (rows, malformed) == ([(1, ("true",)), (2, ("false",))], [])


@pytest.mark.parametrize(
    ("number", "text"),
    [(5.0, "5"), (-5, "-5"), (0.1 + 0.2, "0.3"), (1234567890123456, "1234567890123456"),
     (1e300, "1e+300"), (113.945123456789, "113.945123456789"), (0, "0")],
)  # fmt: skip
def test_a_number_is_written_as_a_spreadsheet_shows_it(
    number: float, text: str, tmp_path: Path
) -> None:
    assert values(workbook(tmp_path / "a.xlsx", ("s", table(["n"], [number])))) == [(text,)]


@pytest.mark.parametrize("system_1904", [False, True])
def test_dates_and_times_are_written_in_the_contracts_forms(
    system_1904: bool, tmp_path: Path
) -> None:
    def write(book: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["day", "moment", "clock", "long"])
        for place, (value, form) in enumerate(
            [(dt.date(2024, 2, 29), "yyyy/m/d"), (dt.datetime(2024, 2, 29, 3, 4, 5), "d.m.yy h:mm"),
             (dt.time(3, 4, 5), "h:mm:ss"), (1.5, "[h]:mm:ss")]
        ):  # fmt: skip
            sheet.write(1, place, value, book.add_format({"num_format": form}))

    path = workbook(tmp_path / "a.xlsx", ("s", write), date_1904=system_1904)
    assert values(path) == [("2024-02-29", "2024-02-29T03:04:05", "03:04:05", "36:00:00")]


def test_a_cell_that_begins_like_a_formula_is_text(tmp_path: Path) -> None:
    def write(_: Any, sheet: Any) -> None:
        sheet.write_string(0, 0, "v")
        for row, text in enumerate(["=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")']):
            sheet.write_string(row + 1, 0, text)

    assert [v for (v,) in values(workbook(tmp_path / "a.xlsx", ("s", write)))] == [
        "=1+1", "+1", "-1", "@SUM(A1)", '=HYPERLINK("http://x")',
    ]  # fmt: skip


def test_a_formula_gives_the_value_that_was_computed_and_refuses_its_row_where_none_was(
    tmp_path: Path,
) -> None:
    def write(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["id", "f"])
        for row, value in enumerate([2, "text", "#DIV/0!", "#N/A", None], start=1):
            sheet.write(row, 0, row)
            sheet.write_formula(row, 1, "=A1", None, 0 if value is None else value)

    path = workbook(tmp_path / "a.xlsx", ("s", write))
    edit(
        path,
        "xl/worksheets/sheet1.xml",
        lambda text: text.replace("<f>A1</f><v>0</v>", "<f>A1</f>"),
    )
    rows, malformed = read(path)
    assert rows == [(1, ("1", "2")), (2, ("2", "text"))]
    assert [(bad.ordinal, bad.reason.partition(";")[0]) for bad in malformed] == [
        (3, "f: holds the error of a formula"),
        (4, "f: holds the error of a formula"),
        (5, "f: holds a formula that was never computed"),
    ]
    assert malformed[0].raw == '{"id": "3", "f": null}'
    assert read(path, columns=["id"])[1] == []


def edit(path: Path, member: str, change: Callable[[str], str]) -> None:
    """Change one part of an XLSX file."""
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    parts[member] = change(parts[member].decode()).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def test_merged_cells_count_for_every_row_and_for_their_first_column(tmp_path: Path) -> None:
    def write(_: Any, sheet: Any) -> None:
        sheet.write_row(0, 0, ["district", "street", "n"])
        sheet.merge_range(1, 0, 3, 0, "福田")
        sheet.merge_range(2, 1, 2, 2, "wide")
        sheet.write_row(1, 1, ["A", 1])
        sheet.write_row(3, 1, ["C", 3])

    assert values(workbook(tmp_path / "a.xlsx", ("s", write))) == [
        ("福田", "A", "1"), ("福田", "wide", None), ("福田", "C", "3"),
    ]  # fmt: skip


def test_blank_rows_and_columns_around_and_among_the_rows_are_left_out(tmp_path: Path) -> None:
    rows = table(["a", "b"], [1, None], [None, None], [None, 2], [None, None], at=(3, 2))
    assert values(workbook(tmp_path / "a.xlsx", ("s", rows))) == [("1", None), (None, "2")]


def test_the_row_of_the_header_is_the_contracts(tmp_path: Path) -> None:
    path = workbook(
        tmp_path / "a.xlsx", ("s", table(["Report of 2024"], ["by roads"], ["a", "b"], [1, 2]))
    )
    assert values(path, header=3) == [("1", "2")]
    with pytest.raises(DeliveryError, match=r"column B .* row 3 and no name in row 1.*header"):
        open_reader(path, Files())
    with pytest.raises(DeliveryError, match="no row 9"):
        open_reader(path, Files(header=9))


def test_a_header_that_names_a_column_twice_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", table(["a", " a\n"], [1, 2])))
    with pytest.raises(DeliveryError, match="names column 'a' twice"):
        open_reader(path, Files())


def test_the_only_sheet_with_cells_is_taken_and_of_several_the_contract_says_which(
    tmp_path: Path,
) -> None:
    def hidden(_: Any, sheet: Any) -> None:
        sheet.write(0, 0, "codes")
        sheet.hide()

    one = ("one", table(["a"], [1]))
    path = workbook(tmp_path / "a.xlsx", ("empty", table()), one, ("codes", hidden))
    assert values(path) == [("1",)]
    two = workbook(tmp_path / "b.xlsx", one, ("2024", table(["a"], [2])))
    assert values(two, sheet="2024") == [("2",)]
    with pytest.raises(
        DeliveryError, match=r"several sheets have cells, 'one', '2024'.*sheet"
    ) as many:
        open_reader(two, Files())
    assert "several sheets have cells; say which" in many.value.discreet
    with pytest.raises(DeliveryError, match="no sheet 'three'"):
        open_reader(two, Files(sheet="three"))
    with pytest.raises(DeliveryError, match="has cells"):
        open_reader(workbook(tmp_path / "c.xlsx", ("empty", table())), Files())


def test_batches_begin_anew_each_time_and_after_breaking_off(tmp_path: Path) -> None:
    rows = [[number] for number in range(20_000)]
    reader = open_reader(
        workbook(tmp_path / "a.xlsx", ("s", table(["a"], *rows))), Files(sheet="s")
    )
    first = next(iter(reader.batches(["a"])))
    assert len(first.rows) < 20_000
    for _ in range(2):
        found = list(reader.batches(["a"]))
        assert [n for batch in found for n in batch.ordinals.tolist()] == list(range(1, 20_001))


def test_an_opendocument_sheet_is_read(tmp_path: Path) -> None:
    assert values(opendocument(tmp_path / "a.ods", ODS_ROWS)) == [("a", "1"), ("区", "2.5")]


ODS_ROWS = (
    "<table:table-row><table:table-cell office:value-type='string'><text:p>名</text:p>"
    "</table:table-cell><table:table-cell office:value-type='string'><text:p>n</text:p>"
    "</table:table-cell></table:table-row>"
    + "".join(
        "<table:table-row><table:table-cell office:value-type='string'>"
        f"<text:p>{name}</text:p></table:table-cell>"
        f"<table:table-cell office:value-type='float' office:value='{number}'/></table:table-row>"
        for name, number in (("a", 1), ("区", 2.5))
    )
)


def opendocument(path: Path, rows: str) -> Path:
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"'
        for name in ("office", "table", "text")
    )
    content = (
        f"<?xml version='1.0'?><office:document-content {spaces}><office:body><office:spreadsheet>"
        f"<table:table table:name='s'>{rows}</table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", "<manifest/>")
        archive.writestr("content.xml", content)
    return path


def test_an_opendocument_sheet_that_says_its_cells_are_repeated_without_end_is_refused(
    tmp_path: Path,
) -> None:
    far = (
        "<table:table-row table:number-rows-repeated='1048576'><table:table-cell "
        "table:number-columns-repeated='16384' office:value-type='float' office:value='1'/>"
        "</table:table-row>"
    )
    with pytest.raises(DeliveryError, match="Cell limit exceeded"):
        open_reader(opendocument(tmp_path / "a.ods", ODS_ROWS + far), Files())


# Hostile and broken ones


@pytest.mark.parametrize("part", [0.0, 0.2, 0.9, 0.99])
def test_a_truncated_file_is_refused(part: float, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", table(["a"], [1])))
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(DeliveryError, match="ask for it to be sent again"):
        open_reader(path, Files())


@pytest.mark.parametrize("name", ["a.xlsx", "a.xls", "a.xlsb", "a.ods"])
def test_what_is_no_spreadsheet_is_refused(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"<html><table><tr><td>a</td></tr></table></html>")
    with pytest.raises(DeliveryError, match="not a whole spreadsheet"):
        open_reader(tmp_path / name, Files())


LAUGHS = (
    '<!DOCTYPE x [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">'
    '<!ENTITY out SYSTEM "file:///etc/passwd">]>'
)


@pytest.mark.parametrize("member", ["xl/worksheets/sheet1.xml", "xl/workbook.xml"])
def test_a_document_type_with_its_entities_is_refused(member: str, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", table(["a"], [1])))
    edit(path, member, lambda text: text.replace("?>", f"?>{LAUGHS}", 1))
    with pytest.raises(DeliveryError, match="declares a document type"):
        open_reader(path, Files())


def test_entities_in_shared_texts_are_not_expanded(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", table(["a"], ["text"])))
    edit(
        path,
        "xl/sharedStrings.xml",
        lambda text: text.replace("?>", f"?>{LAUGHS}", 1).replace("text", "&b;&out;"),
    )
    try:
        found = str(values(path))
    except DeliveryError as error:
        found = str(error)
    assert "haha" not in found
    assert "root:" not in found


def test_a_sheet_that_spans_more_cells_than_memory_holds_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", table(["a"], [1])))
    edit(path, "xl/worksheets/sheet1.xml", lambda text: text.replace('r="A2"', 'r="ALL1048576"'))
    with pytest.raises(DeliveryError, match=r"span 1,048,576 rows and 1,000 columns"):
        open_reader(path, Files())


def test_a_sheet_of_ten_thousand_columns_is_read_and_of_more_refused(tmp_path: Path) -> None:
    names = [f"c{number}" for number in range(xlsx.MOST_COLUMNS + 1)]
    most = workbook(tmp_path / "a.xlsx", ("s", table(names[:-1], names[:-1])))
    assert len(values(most)[0]) == xlsx.MOST_COLUMNS
    with pytest.raises(DeliveryError, match="more than 10,000 columns"):
        open_reader(workbook(tmp_path / "b.xlsx", ("s", table(names))), Files())


@pytest.mark.parametrize(
    ("member", "size"),
    [("xl/sharedStrings.xml", xlsx.MOST_TEXT), ("xl/worksheets/sheet9.xml", xlsx.MOST_BYTES)],
)
def test_a_bomb_is_refused_by_what_its_archive_says(member: str, size: int, tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", ("s", table(["a"], [1])))
    with zipfile.ZipFile(path, "a") as archive, archive.open(member, "w") as part:
        for _ in range(size // (16 << 20) + 1):
            part.write(b" " * (16 << 20))
    with pytest.raises(DeliveryError, match="deliver it as CSV"):
        open_reader(path, Files())
