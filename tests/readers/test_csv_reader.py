"""Delimited text comes back as it was written, and a broken record costs that record alone."""

import csv
import gzip
import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import cityloom.readers.csv
import cityloom.readers.stream
from cityloom.contract import Files
from cityloom.errors import DeliveryError
from cityloom.readers import open_reader
from tests.readers.reading import Row, read, values

BLOCKS = (7, 16, 61, 1 << 20)
SETTINGS = settings(
    deadline=None,
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

DELIMITERS = (",", ";", "\t", "|")
ENCODINGS = ("utf-8", "utf-8-sig", "utf-16", "gb18030")

PLAIN = st.text(st.sampled_from("ab1 .é区,;|\t'"), max_size=6)
ANY_TEXT = st.text(
    st.one_of(st.sampled_from('a"\n,;|é区 '), st.characters(exclude_categories=["Cs"])), max_size=6
)


@contextmanager
def blocks_of(size: int) -> Iterator[None]:
    """Files are read in blocks of so many bytes."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cityloom.readers.stream, "BLOCK", size)
        yield


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "delivered.csv"


def written(rows: list[Row], width: int, encoding: str = "utf-8", **dialect: Any) -> bytes:
    """Rows as Python's csv module writes them, below the header a, b, c…"""
    out = io.StringIO(newline="")
    writer = csv.writer(out, **dialect)
    writer.writerow("abcdef"[:width])
    writer.writerows(["" if value is None else value for value in row] for row in rows)
    return out.getvalue().encode(encoding)


@st.composite
def tables(draw: st.DrawFn, texts: st.SearchStrategy[str], narrowest: int = 1) -> list[Row]:
    """Rows of one width, with at least one."""
    width = draw(st.integers(narrowest, 4))
    row = st.tuples(*[texts] * width)
    return draw(st.lists(row, min_size=1, max_size=8))


def nulls(rows: list[Row]) -> list[Row]:
    """Rows with an empty text as null."""
    return [tuple(value or None for value in row) for row in rows]


@SETTINGS
@given(
    rows=tables(PLAIN, narrowest=2),
    delimiter=st.sampled_from(",;|"),
    encoding=st.sampled_from(ENCODINGS),
    quoting=st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL, csv.QUOTE_NONNUMERIC)),
    line_end=st.sampled_from(("\n", "\r\n")),
    block=st.sampled_from(BLOCKS),
)
def test_rows_of_single_lines_read_back_as_they_were_written(
    rows: list[Row],
    delimiter: str,
    encoding: str,
    quoting: int,
    line_end: str,
    block: int,
    file: Path,
) -> None:
    content = written(
        rows,
        len(rows[0]),
        encoding,
        delimiter=delimiter,
        quoting=quoting,
        lineterminator=line_end,
    )
    with blocks_of(block):
        found = values(file, content, delimiter=delimiter, encoding=encoding)
    assert found == nulls(rows)


@SETTINGS
@given(
    rows=tables(ANY_TEXT, narrowest=2),
    encoding=st.sampled_from(ENCODINGS),
    line_end=st.sampled_from(("\n", "\r\n")),
    block=st.sampled_from(BLOCKS),
)
@example(rows=[("a\nb", "c")], encoding="utf-8", line_end="\n", block=1 << 20)
def test_any_text_at_all_reads_back_or_is_refused_as_one_record(
    rows: list[Row], encoding: str, line_end: str, block: int, file: Path
) -> None:
    first = ("x",) * len(rows[0])
    content = written(
        [first, *rows], len(rows[0]), encoding, quoting=csv.QUOTE_ALL, lineterminator=line_end
    )
    with blocks_of(block):
        found, malformed = read(file, content, encoding=encoding)
    assert found[0] == (1, first)
    kept = [row for _, row in found[1:]]
    if not malformed:
        assert kept == nulls(rows)
    assert not [row for row in kept if row not in nulls(rows)]
    assert malformed == [] or any("\n" in text or "\r" in text for row in rows for text in row)


LINES = ["two\nlines", "two\r\nlines", "a\n\nb", 'a "word"\nand', "\n"]


def among_others(value: str, place: int) -> list[Row]:
    """Rows with a value in one of three columns."""
    row = tuple(value if number == place else "x" for number in range(3))
    return [row, ("1", "2", "3"), row]


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("value", LINES)
def test_a_value_over_several_lines_is_one_value(value: str, place: int, file: Path) -> None:
    rows = among_others(value, place)
    assert values(file, written(rows, 3)) == rows


@pytest.mark.parametrize("value", ["two\nlines", "two\r\nlines", 'a "word"\nand'])
def test_a_value_over_two_lines_may_stand_in_the_first_column(value: str, file: Path) -> None:
    rows = among_others(value, 0)
    assert values(file, written(rows, 3)) == rows


@pytest.mark.parametrize("place", [1, 2])
@pytest.mark.parametrize("value", LINES)
def test_a_value_over_several_lines_may_go_on_in_the_next_block(
    value: str, place: int, file: Path
) -> None:
    rows = among_others(value, place)
    with blocks_of(7):
        assert values(file, written(rows, 3)) == rows


@pytest.mark.parametrize("block", BLOCKS)
def test_a_row_of_empty_fields_between_tabs_is_a_row(block: int, file: Path) -> None:
    with blocks_of(block):
        found = values(file, b'a\tb\tc\n1\t2\t3\n\t\t\n"x\ny"\t\t\n\t\t\n', delimiter="\t")
    assert found == [("1", "2", "3"), (None,) * 3, ("x\ny", None, None), (None,) * 3]


RECORDS = st.lists(
    st.sampled_from(
        [
            b"1,2", b'"1","2"', b'"a ""b""",2', b"1,", b",", b"1", b"1,2,3", b'a"b,2', b'"a"b,2',
            b'"open,2', b'1,"open', b"\xff,2", b"1,\xe5\x8c", b"", b'"",""', "区,西".encode(),
        ]
    ),
    min_size=1,
    max_size=7,
)  # fmt: skip


@SETTINGS
@example(records=[b'"open,2'], line_end=b"\n", block=7)
@given(records=RECORDS, line_end=st.sampled_from((b"\n", b"\r\n")), block=st.sampled_from(BLOCKS))
def test_what_is_read_does_not_depend_on_where_the_blocks_end(
    records: list[bytes], line_end: bytes, block: int, file: Path
) -> None:
    content = line_end.join([b"a,b", *records, b"7,8"]) + line_end
    whole = read(file, content)
    with blocks_of(block):
        assert read(file) == whole


BROKEN = {
    b"1,2,3": "3 fields where the header names 2",
    b"1": "1 fields where the header names 2",
    b'"a"b,2': "text follows a closing quote",
    b"\xff\xfe,2": "cannot be decoded",
    b"1,\xe5\x8c": "cannot be decoded",
}
OPEN = (b'"open,2', b'1,"open')


@pytest.mark.parametrize("block", BLOCKS)
@pytest.mark.parametrize("record", BROKEN)
def test_a_broken_record_costs_itself_alone(record: bytes, block: int, file: Path) -> None:
    content = b"\n".join([b"a,b", b"1,2", record, b'3,"4"', b"5,6", b""])
    with blocks_of(block):
        rows, malformed = read(file, content)
    assert rows == [(1, ("1", "2")), (3, ("3", "4")), (4, ("5", "6"))]
    assert [(bad.ordinal, BROKEN[record] in bad.reason) for bad in malformed] == [(2, True)]
    assert malformed[0].raw == record.decode(errors="backslashreplace")


def opened(record: bytes, block: int, file: Path) -> None:
    content = b"\n".join([b"a,b", b"1,2", record, b'3,"4"', b"5,6", b""])
    with blocks_of(block):
        rows, malformed = read(file, content)
    assert rows == [(1, ("1", "2")), (3, ("3", "4")), (4, ("5", "6"))]
    assert [(bad.ordinal, bad.raw) for bad in malformed] == [(2, record.decode())]
    assert "a quote opens" in malformed[0].reason


@pytest.mark.parametrize("record", OPEN)
def test_a_quote_that_does_not_close_costs_its_line_alone(record: bytes, file: Path) -> None:
    opened(record, 1 << 20, file)


@pytest.mark.parametrize("record", OPEN)
def test_a_quote_at_the_end_of_a_block_that_does_not_close_costs_its_line_alone(
    record: bytes, file: Path
) -> None:
    opened(record, 7, file)


def test_an_undecodable_record_of_too_many_fields_is_refused_quietly(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unraised: list[object] = []
    monkeypatch.setattr("sys.unraisablehook", unraised.append)
    read(file, b"a,b\n1,2\n\xff,2,3\n3,4\n")
    assert unraised == []


@SETTINGS
@given(
    records=st.lists(st.sampled_from([b"1,2", b'"3",4', *list(BROKEN)]), min_size=1),
    block=st.sampled_from(BLOCKS),
)
def test_broken_records_anywhere_leave_the_others_in_their_places(
    records: list[bytes], block: int, file: Path
) -> None:
    good = {b"1,2": ("1", "2"), b'"3",4': ("3", "4")}
    with blocks_of(block):
        rows, malformed = read(file, b"\n".join([b"a,b", *records]))
    numbered = list(enumerate(records, start=1))
    assert rows == [(number, good[record]) for number, record in numbered if record in good]
    assert [bad.ordinal for bad in malformed] == [n for n, r in numbered if r not in good]


@pytest.mark.parametrize("block", BLOCKS)
def test_a_blank_line_is_no_row_among_several_columns(block: int, file: Path) -> None:
    with blocks_of(block):
        assert values(file, b'\n\na,b\n\n1,2\r\n\r\nx"y,4\n\n') == [("1", "2"), ('x"y', "4")]


def test_a_blank_line_is_an_empty_value_of_a_single_column(file: Path) -> None:
    assert values(file, b"a\n1\n\n2\n\n") == [("1",), (None,), ("2",), (None,)]


@pytest.mark.parametrize("content", [b'a\n1\n\nx"y\n', b'a\n1\n\n"q\nr"\n', b"a\n\n\n"])
def test_a_blank_line_is_an_empty_value_whatever_stands_beside_it(
    content: bytes, file: Path
) -> None:
    assert (None,) in values(file, content)


@pytest.mark.parametrize("quoted", [b"", b'"3",4\r'])
def test_lines_that_end_as_on_old_macs_are_lines(quoted: bytes, file: Path) -> None:
    found = values(file, b"a,b\r1,2\r" + quoted)
    assert found == [("1", "2"), ("3", "4")][: 1 + bool(quoted)]


def test_a_carriage_return_within_a_line_is_refused_where_lines_end_otherwise(file: Path) -> None:
    rows, malformed = read(file, b'a,b\n1\r,2\n3,4\n"5\r",6\n')
    assert rows == [(2, ("3", "4")), (3, ("5\r", "6"))]
    assert [bad.ordinal for bad in malformed] == [1]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_gzip_and_zip_hold_what_the_plain_file_holds(encoding: str, tmp_path: Path) -> None:
    rows = [("区", "1"), ("街", "2")]
    content = written(rows, 2, encoding)
    assert values(tmp_path / "a.csv.gz", gzip.compress(content), encoding=encoding) == rows
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner/whatever.csv", content)
    assert values(tmp_path / "a.csv.zip", encoding=encoding) == rows


def test_a_file_that_is_not_there_or_no_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.csv", "none.csv.gz", "none.csv.zip"):
        with pytest.raises(DeliveryError, match="no such file"):
            values(tmp_path / name)
        (tmp_path / "folder" / name).mkdir(parents=True)
        with pytest.raises(DeliveryError, match="cannot be opened: Is a directory"):
            values(tmp_path / "folder" / name)


PACKED = {
    "stored.csv.zip": zipfile.ZIP_STORED,
    "deflated.csv.zip": zipfile.ZIP_DEFLATED,
    "bzip2.csv.zip": zipfile.ZIP_BZIP2,
    "lzma.csv.zip": zipfile.ZIP_LZMA,
    "gzip.csv.gz": None,
}


def packed(method: int | None) -> bytes:
    """A file of a hundred rows, compressed."""
    content = b"a,b\n" + b"".join(b"%d,x\n" % number for number in range(100))
    if method is None:
        return gzip.compress(content, mtime=0)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive:
        archive.writestr("区.csv", content)
    return out.getvalue()


@pytest.mark.parametrize("name", PACKED)
@SETTINGS
@given(
    flips=st.lists(st.tuples(st.integers(-150, 80), st.integers(0, 7)), max_size=3),
    length=st.one_of(st.none(), st.integers(0, 500)),
)
def test_a_damaged_archive_is_read_whole_or_refused_in_words(
    name: str, flips: list[tuple[int, int]], length: int | None, tmp_path: Path
) -> None:
    content = bytearray(packed(PACKED[name]))
    for place, bit in flips:
        content[place % len(content)] ^= 1 << bit
    refused = ""
    try:
        found = values(tmp_path / name, bytes(content[:length]))
    except DeliveryError as error:
        refused = str(error)
    assert name in refused if refused else len(found) == 100
    assert "()" not in refused


def test_a_zip_whose_offsets_point_before_its_start_is_refused(tmp_path: Path) -> None:
    content = packed(zipfile.ZIP_STORED)
    end = content.rindex(b"PK\x05\x06")
    broken = content[: end + 16] + b"\xff\x00\x00\x00" + content[end + 20 :]
    for content in (broken, broken[:end]):
        with pytest.raises(DeliveryError, match="damaged or cut short"):
            values(tmp_path / "a.csv.zip", content)


def test_a_zip_of_two_files_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
        archive.writestr("b.csv", "a\n1\n")
    with pytest.raises(DeliveryError, match="must hold one file, this one holds 2"):
        values(tmp_path / "a.csv.zip")


def test_a_zip_behind_a_password_is_refused(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.csv.zip", "w") as archive:
        archive.writestr("a.csv", "a\n1\n")
    content = bytearray((tmp_path / "a.csv.zip").read_bytes())
    content[6] |= 1
    content[content.index(b"PK\x01\x02") + 8] |= 1
    with pytest.raises(DeliveryError, match="password"):
        values(tmp_path / "a.csv.zip", bytes(content))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b'"a\n1\n', b",,\n1,2,3\n"])
def test_a_file_without_a_header_is_refused(content: bytes, file: Path) -> None:
    with pytest.raises(DeliveryError, match="header"):
        values(file, content)


def test_a_header_that_names_a_column_twice_is_refused(file: Path) -> None:
    with pytest.raises(DeliveryError, match="names column 'b' twice"):
        values(file, b"a,b,b\n1,2,3\n")


def test_a_header_alone_is_a_file_of_no_rows(file: Path) -> None:
    assert values(file, b"a,b") == []
    assert values(file, b"a,b\n") == []


def test_names_in_a_header_lose_the_blanks_around_them(file: Path) -> None:
    file.write_bytes(b' a ,"b, c", \xe5\x8c\xba\n1,2,3\n')
    assert list(open_reader(file, Files()).columns) == ["a", "b, c", "区"]


def test_columns_come_in_the_order_that_was_asked_for(file: Path) -> None:
    rows, _ = read(file, b'a,b,c\n1,2,3\n4,"5\n",6\n', columns=["c", "b"])
    assert rows == [(1, ("3", "2")), (2, ("6", "5\n"))]


def test_a_file_without_line_ends_is_refused(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cityloom.readers.csv, "LONGEST_LINE", 4096)
    with blocks_of(512), pytest.raises(DeliveryError):
        values(file, b"a,b\n" + b"x" * 10_000)


def test_a_header_without_end_is_refused_before_the_file_is_in_memory(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.readers.csv, "LONGEST_LINE", 4096)
    taken = 0
    blocks = cityloom.readers.csv.utf8_blocks

    def counted(*args: Any) -> Iterator[bytes]:
        nonlocal taken
        for block in blocks(*args):
            taken += len(block)
            yield block

    monkeypatch.setattr(cityloom.readers.csv, "utf8_blocks", counted)
    with blocks_of(512), pytest.raises(DeliveryError):
        values(file, b"x" * 100_000)
    assert taken < 10_000


def test_a_quote_that_never_closes_costs_one_line(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.readers.csv, "LONGEST_RECORD", 2048)
    lines = [b"%d,x" % number for number in range(2000)]
    lines[700] = b'700,"x'
    with blocks_of(512):
        rows, malformed = read(file, b"\n".join([b"a,b", *lines]))
    assert [bad.ordinal for bad in malformed] == [701]
    assert len(rows) == 1999


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "gb18030", "big5", "latin-1"])
def test_an_encoding_that_the_contract_names_is_decoded(encoding: str, file: Path) -> None:
    text = "a,b\n" + ("é,1\n" if encoding == "latin-1" else "區,1\n")
    assert values(file, text.encode(encoding), encoding=encoding) == [(text[4], "1")]


@pytest.mark.parametrize("encoding", ["klingon", "hex", "undefined", "utf\0", ""])
def test_an_encoding_that_nobody_knows_is_refused(encoding: str, file: Path) -> None:
    with pytest.raises(DeliveryError, match="unknown encoding"):
        values(file, b"a\n1\n", encoding=encoding)


def test_a_file_that_is_not_in_its_encoding_at_all_is_refused(file: Path) -> None:
    with pytest.raises(DeliveryError, match="not utf-16, which the contract says it is"):
        values(file, b"a,b\n1,2\n", encoding="utf-16")


@SETTINGS
@given(
    damage=st.binary(min_size=1, max_size=4),
    encoding=st.sampled_from(("utf-16", "utf-16-le", "gb18030", "big5", "shift_jis")),
    place=st.integers(0, 40),
    block=st.sampled_from(BLOCKS),
)
@example(damage=b"\x00\xd8", encoding="utf-16-le", place=8, block=1 << 20)
@example(damage=b"\x81\x30", encoding="gb18030", place=40, block=1 << 20)
def test_bytes_that_are_not_in_the_encoding_cost_records_and_never_a_crash(
    damage: bytes, encoding: str, place: int, block: int, file: Path
) -> None:
    content = ("a,b\n" + "一,西\n" * 3).encode(encoding)
    broken = content[:place] + damage + content[place:]
    with blocks_of(block), suppress(DeliveryError):
        read(file, broken, encoding=encoding)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "gb18030"])
@pytest.mark.parametrize("block", BLOCKS)
def test_a_byte_order_mark_is_dropped_at_the_start_and_nowhere_else(
    block: int, encoding: str, file: Path
) -> None:
    rows = [("\ufeffa", "b\ufeff"), ("\ufeff", "\ufeff\ufeff\ufeff"), ("x" * 5 + "\ufeff", "y")]
    with blocks_of(block):
        assert values(file, written(rows, 2, encoding), encoding=encoding) == rows


@pytest.mark.parametrize("size", BLOCKS)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_blank_lines_before_the_header_are_passed_over(file: Path, size: int, end: str) -> None:
    text = end * 2000 + f"id,name{end}1,a{end}2,b{end}"
    with blocks_of(size):
        assert values(file, text.encode()) == [("1", "a"), ("2", "b")]
        assert values(file, (end * 2000 + "id,name").encode()) == []
