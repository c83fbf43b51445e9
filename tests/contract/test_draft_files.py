"""How a file is written is told from its bytes, and how much of it a draft looks at."""

import gzip
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from cityloom.contract.draft import rows as rows_module
from cityloom.contract.draft import sniff
from cityloom.contract.draft.rows import read_columns, read_sample
from cityloom.contract.draft.sniff import Written, guess_delimiter, how_written
from cityloom.contract.model import Files
from cityloom.errors import DeliveryError

NO_MARK = "the file carries no byte-order mark"
GB18030 = "encoding guessed as gb18030; Big5 cannot be told from it"
HEADLESS = "the first line looks like data; a delivered file needs a line of column names"


def written(folder: Path, content: bytes, name: str = "trial.csv") -> Written:
    path = folder / name
    path.write_bytes(content)
    return how_written(path)


# Encodings


@pytest.mark.parametrize(
    ("content", "encoding", "doubts"),
    [
        (b"name\nx\n", "utf-8", ()),
        ("名\n张\n".encode(), "utf-8", ()),
        ("名\n张\n".encode("utf-8-sig"), "utf-8", ()),
        (b"\xff\xfe" + "名\n".encode("utf-16-le"), "utf-16", ()),
        (b"\xfe\xff" + "名\n".encode("utf-16-be"), "utf-16", ()),
        ("name\n".encode("utf-16-le"), "utf-16-le", (f"encoding guessed as utf-16-le: {NO_MARK}",)),
        ("name\n".encode("utf-16-be"), "utf-16-be", (f"encoding guessed as utf-16-be: {NO_MARK}",)),
        ("abc\n".encode("utf-16-le"), "utf-16-le", (f"encoding guessed as utf-16-le: {NO_MARK}",)),
        ("ab\n".encode("utf-16-le"), "utf-8", ()),
        ("名\n张\n".encode("gb18030"), "gb18030", (GB18030,)),
        ("名\n張\n".encode("big5"), "gb18030", (GB18030,)),
        (
            b"name\n\xff\xff\n",
            "latin-1",
            ("encoding not recognised; latin-1 reads any byte and may be wrong",),
        ),
    ],
)
def test_an_encoding_is_told_by_its_mark_or_is_the_first_that_fits(
    tmp_path: Path, content: bytes, encoding: str, doubts: tuple[str, ...]
) -> None:
    found = written(tmp_path, content)
    assert (found.files.encoding, found.doubts) == (encoding, doubts)
    assert found.goes_without_saying == (encoding == "utf-8")


@pytest.mark.parametrize("end", ["le", "be"])
@pytest.mark.parametrize(
    ("text", "is_utf16"),
    [
        ("abc" + "名" * 6 + "\n", True),
        ("ab" + "名" * 7 + "\n", False),
        ("一" * 4 + "a" * 95 + "\n", True),
        ("一" * 5 + "a" * 94 + "\n", False),
    ],
)
def test_utf16_without_a_mark_is_known_by_the_zeros_of_latin_letters(
    tmp_path: Path, end: str, text: str, is_utf16: bool
) -> None:
    found = written(tmp_path, text.encode(f"utf-16-{end}"))
    assert (found.files.encoding == f"utf-16-{end}") == is_utf16


def test_only_the_beginning_of_a_large_file_is_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = b"name\nabc\n" + "名".encode("gb18030")
    assert written(tmp_path, content).files.encoding == "gb18030"
    monkeypatch.setattr(sniff, "BLOCK", 3)
    for bound, encoding in ((9, "utf-8"), (10, "gb18030")):
        monkeypatch.setattr(sniff, "_LOOKED_AT", bound)
        assert written(tmp_path, content).files.encoding == encoding


def test_a_compressed_file_is_looked_into(tmp_path: Path) -> None:
    text = "名;年\n张;7\n".encode("gb18030")
    found = written(tmp_path, gzip.compress(text, mtime=0), "trial.csv.gz")
    assert found == Written(Files(None, "csv", ";", "gb18030"), False, (GB18030,))


# Formats


def zipped(folder: Path, members: dict[str, str]) -> Path:
    path = folder / "trial.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in members.items():
            archive.writestr(name, text)
    return path


def test_the_one_file_of_an_archive_tells_its_format(tmp_path: Path) -> None:
    found = how_written(zipped(tmp_path, {"folder/": "", "folder/in.csv": "a;b\n1;2\n"}))
    assert found == Written(Files(None, "csv", ";"), False, ())
    assert how_written(zipped(tmp_path, {"in.parquet": ""})) == Written(
        Files(None, "parquet"), False
    )


@pytest.mark.parametrize(
    "members", [{}, {"a.csv": "a\n", "b.csv": "a\n"}, {"notes.doc": "x"}, {"only/": ""}]
)
def test_an_archive_of_anything_else_is_refused(tmp_path: Path, members: dict[str, str]) -> None:
    with pytest.raises(DeliveryError, match=r"trial\.zip: format not known by its name"):
        how_written(zipped(tmp_path, members))


def test_what_is_no_archive_though_called_one_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="format not known by its name"):
        written(tmp_path, b"a,b\n", "trial.zip")


FEATURES = '{"type": "FeatureCollection", "features": []}'


@pytest.mark.parametrize(
    ("name", "text", "form"),
    [
        ("a.json", '[{"a": 1}]', "json"),
        ("a.json", '{"a": 1}\n', "json"),
        ("a.json", '{"a": 1}\n{"a": 2}\n', "ndjson"),
        ("a.json", '  {"a": 1}  \n{"a": 2}', "ndjson"),
        ("a.json", '{"a":\n{"b": 1}}', "json"),
        ("a.json", '{"a": 1}\n[1]', "json"),
        ("a.json", '[\n{"a": 1}\n]', "json"),
        ("a.json", FEATURES, "geojson"),
        ("a.json", f" \n{FEATURES}", "geojson"),
        ("a.json", '{"features" : [{"a": 1}]}', "geojson"),
        ("a.json", '{"rows": [{"features": []}]}', "json"),
        ("a.json", '[{"type": "FeatureCollection"}]', "json"),
        ("a.ndjson", '{"a": 1}\n{"a": 2}\n', "ndjson"),
        ("a.ndjson", '{"a": 1}', "ndjson"),
        ("a.geojson", FEATURES, "geojson"),
        ("a.parquet", "PAR1", "parquet"),
    ],
)
def test_a_form_of_json_is_told_by_its_beginning(
    tmp_path: Path, name: str, text: str, form: str
) -> None:
    found = written(tmp_path, text.encode(), name)
    assert found == Written(Files(None, form), form == name.partition(".")[2], ())


# Delimiters and header lines


@pytest.mark.parametrize(
    ("lines", "delimiter"),
    [
        (["a;b,c,d"] * 96 + ["a;b"] * 4, ","),
        (["a;b,c,d"] * 60 + ["a;b"] * 40, ";"),
        (["a,b;c"] * 200 + ["a;b;c;d;e"] * 900, ","),
        (["a;b,c"] * 200 + ["a;b"] * 900, ";"),
        (["", "a;b", "", "1;2"], ";"),
        (["a;b", "1;2", "", ""], ";"),
        (["a", "b;c", "d;e"], ","),
        (['"' + "x" * 140_000, "a;b"], ","),
        (["a;b", "x" * 140_000 + ";1"], ";"),
        (["a;b", "1;2,5", "3;4,5"], ";"),
        (["a,b;c", "1;2"], ";"),
    ],
)
def test_most_lines_must_split_as_the_first_does(lines: list[str], delimiter: str) -> None:
    assert guess_delimiter("\n".join(lines)) == delimiter


def test_a_long_field_is_looked_at_before_any_reader_was() -> None:
    said = (
        "from cityloom.contract.draft.sniff import guess_delimiter\n"
        "print(guess_delimiter('a;b\\n' + '1' * 140_000 + ';2'))"
    )
    found = subprocess.run([sys.executable, "-c", said], capture_output=True, check=True)
    assert found.stdout.strip() == b";"


@pytest.mark.parametrize(
    ("first", "is_data"),
    [
        ("1,2024-01-01", True),
        ("-1.5, 12:30 ", True),
        ("1,,2", True),
        ("1,name", False),
        ("name,1", False),
        (",", True),
        ("", False),
        ("2024年,1", False),
        ("1" * 140_000, True),
    ],
)
def test_a_first_line_of_numbers_and_dates_is_doubted(
    tmp_path: Path, first: str, is_data: bool
) -> None:
    doubts = written(tmp_path, f"{first}\nx,y\n".encode()).doubts
    assert doubts == ((HEADLESS,) if is_data else ())


# Rows


def test_a_sample_is_whole_unless_its_bounds_are_passed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("n\n" + "".join(f"{n}\n" for n in range(400_000)))
    whole = read_sample(path, Files())
    assert not whole.is_whole
    assert 200_000 <= len(whole.rows) < 400_000
    monkeypatch.setattr(rows_module, "_MOST_ROWS", 400_000)
    assert len(read_sample(path, Files()).rows) == 400_000
    monkeypatch.setattr(rows_module, "_MOST_BYTES", 1)
    assert not read_sample(path, Files()).is_whole


def test_what_could_not_be_split_is_counted_in_a_sample(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("a,b\n1,2\n1,2,3\n3\n")
    sample = read_sample(path, Files())
    assert (sample.malformed, len(sample.rows), sample.is_whole) == (2, 1, True)


def test_some_columns_of_all_rows_are_read_as_text(tmp_path: Path) -> None:
    path = tmp_path / "trial.csv"
    path.write_text("a,b,c\n1,2,3\n4,,6\n")
    assert read_columns(path, Files(), ["c", "b"]).read_all().to_pydict() == {
        "c": ["3", "6"],
        "b": ["2", None],
    }
