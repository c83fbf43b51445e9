"""How a delivered file is written: its format, its encoding, its delimiter."""

import codecs
import csv
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZipFile, is_zipfile

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers import file_format
from cityloom.readers.stream import BLOCK, is_folder, open_bytes

csv.field_size_limit(max(csv.field_size_limit(), BLOCK))  # a field may be as long as the head

_LOOKED_AT = 64 << 20
_TEXTS = ("csv", "json", "ndjson", "geojson")
_DELIMITERS = (",", "\t", ";", "|", "^")
_NUMBER_OR_DATE = re.compile(r"-?[0-9][0-9.,:/ T-]*")


@dataclass(frozen=True)
class Written:
    """How a file is written, and what is doubtful about it.

    ``goes_without_saying`` where all of it follows from the file's name.
    """

    files: Files
    goes_without_saying: bool = True
    doubts: tuple[str, ...] = ()


def how_written(path: Path) -> Written:
    """The format, encoding and delimiter of a file.

    Raises:
        DeliveryError: the file cannot be opened, is a folder, or has no known format.
    """
    if path.is_dir():
        raise DeliveryError(f"{path}: a folder; a draft is made of one file, name one in it")
    named = _format_by_name(path)
    form = named or _format_by_member(path)
    if form not in _TEXTS:
        return Written(Files(None, form), form == named)
    encoding, doubts = _encoding(path)
    head = _head(path, encoding)
    delimiter = guess_delimiter(head) if form == "csv" else ","
    files = Files(None, _json_form(head, form), delimiter, encoding)
    if form == "csv":
        doubts += _headless(head, delimiter)
    return Written(files, files == Files(None, named), doubts)


def _format_by_name(path: Path) -> str | None:
    try:
        return file_format(path, Files())
    except DeliveryError:
        return None


def _format_by_member(path: Path) -> str:
    """The format of the one file in an archive whose own name does not tell it."""
    if path.suffix.lower() == ".zip" and is_zipfile(path):
        with ZipFile(path) as archive:
            members = [info.filename for info in archive.infolist() if not is_folder(info)]
        if len(members) == 1 and (form := _format_by_name(Path(members[0]))):
            return form
    raise DeliveryError(
        f"{path.name}: format not known by its name; a draft is made of .csv, .tsv, .txt, .json, "
        ".ndjson, .geojson, .parquet, .arrow, .xlsx, .xls, .xlsb, .ods, .gpkg or .shp, of a zipped "
        "Shapefile, or of one file of text in a .gz or .zip"
    )


def _blocks(path: Path) -> Iterator[bytes]:
    with open_bytes(path) as stream:
        read = 0
        while read < _LOOKED_AT and (block := stream.read(BLOCK)):
            read += len(block)
            yield block


def _encoding(path: Path) -> tuple[str, tuple[str, ...]]:
    """The encoding of a text file: by its mark, or the first that can decode it."""
    first = next(_blocks(path), b"")
    if first.startswith(codecs.BOM_UTF8):
        return "utf-8", ()
    if first.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16", ()
    if half := _utf16_half(first):
        return half, (f"encoding guessed as {half}: the file carries no byte-order mark",)
    if _decodes(path, "utf-8"):
        return "utf-8", ()
    if _decodes(path, "gb18030"):
        return "gb18030", ("encoding guessed as gb18030; Big5 cannot be told from it",)
    return "latin-1", ("encoding not recognised; latin-1 reads any byte and may be wrong",)


def _utf16_half(head: bytes) -> str | None:
    """UTF-16 without its mark, known by the zero bytes of Latin text."""
    pairs = len(head) // 2
    if pairs < 4:
        return None
    high, low = head[0::2].count(0), head[1::2].count(0)
    if low > pairs * 0.3 and high < pairs * 0.05:
        return "utf-16-le"
    return "utf-16-be" if high > pairs * 0.3 and low < pairs * 0.05 else None


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        for block in _blocks(path):
            decoder.decode(block)
    except UnicodeDecodeError:
        return False
    return True


def _head(path: Path, encoding: str) -> str:
    first = next(_blocks(path), b"")
    return first.decode(encoding, errors="replace").removeprefix("\ufeff")


def guess_delimiter(head: str) -> str:
    """The delimiter that splits most lines into the same number of fields, and into most."""
    lines = [line for line in head.splitlines() if line.strip()]
    best = max(_DELIMITERS, key=lambda delimiter: _agreement(lines, delimiter))
    return best if _agreement(lines, best) > (0.0, 0) else ","


def _agreement(lines: list[str], delimiter: str) -> tuple[float, int]:
    """The share of lines that split into as many fields as the first, and how many those are."""
    widths = [len(row) for row in csv.reader(lines, delimiter=delimiter) if row]
    if not widths or widths[0] < 2:
        return 0.0, 0
    return round(Counter(widths)[widths[0]] / len(widths), 1), widths[0]


def _headless(head: str, delimiter: str) -> tuple[str, ...]:
    first = next(csv.reader(head.splitlines(), delimiter=delimiter), [])
    if first and all(_NUMBER_OR_DATE.fullmatch(field.strip()) for field in first if field.strip()):
        return ("the first line looks like data; a delivered file needs a line of column names",)
    return ()


def _json_form(head: str, by_name: str) -> str:
    """GeoJSON, NDJSON or JSON, by the beginning of the text."""
    start = head.lstrip()
    if re.match(r'\{[^\[]*("FeatureCollection"|"features"\s*:\s*\[)', start):
        return "geojson"
    lines = start.splitlines()[:2]
    whole = [line.strip() for line in lines if line.strip().startswith("{")]
    if by_name == "json" and len(whole) == 2 and all(line.endswith("}") for line in whole):
        return "ndjson"
    return by_name
