"""The parsers of ours that are handed bytes: what holds of each for any bytes at all.

The first byte of an input chooses the parser, the rest is the file.
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from cityloom.apart import Refused
from cityloom.apart.shapefile import check_whole, text_encoding
from cityloom.apart.xlsx import Xlsx
from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers import open_reader

_TEXTS = (
    ("a.csv", Files()), ("a.csv", Files(delimiter=";", encoding="gb18030")),
    ("a.csv", Files(encoding="utf-16")), ("a.ndjson", Files()), ("a.json", Files()),
    ("a.geojson", Files()), ("a.csv.gz", Files()), ("a.csv.zip", Files()),
)  # fmt: skip


def read_text(path: Path, files: Files) -> None:
    """Every record has one number, from 1 on, and every column the rows of its batch."""
    reader = open_reader(path, files)
    numbers: list[int] = []
    for batch in reader.batches(reader.columns):
        assert batch.rows.column_names == list(reader.columns)
        assert len(batch.rows) == len(batch.ordinals)
        batch.rows.validate(full=True)
        numbers += batch.ordinals.tolist()
        numbers += [bad.ordinal for bad in batch.malformed]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))


def look_at_workbook(path: Path) -> None:
    """What an XLSX says of itself is read without asking for more than the file is worth."""
    book = Xlsx(str(path))
    for name in book.sheets:
        book.look(name)


def check_shapefile(path: Path) -> None:
    """The parts of a Shapefile, cut from one input, are judged by their headers."""
    content = path.read_bytes()
    third = len(content) // 3
    for number, suffix in enumerate((".shp", ".shx", ".dbf")):
        path.with_suffix(suffix).write_bytes(content[number * third : (number + 1) * third])
    path.with_suffix(".cpg").write_bytes(content[-20:])
    check_whole(path.with_suffix(".shp"))
    text_encoding(path.with_suffix(".shp"), None)


def _reading(name: str, files: Files) -> tuple[str, Callable[[Path], None]]:
    return name, lambda path: read_text(path, files)


TARGETS: tuple[tuple[str, Callable[[Path], None]], ...] = (
    *(_reading(name, files) for name, files in _TEXTS),
    ("a.xlsx", look_at_workbook),
    ("a.bin", check_shapefile),
)


def one(data: bytes) -> None:
    """Hand one input to the parser that it chooses; a refusal is an answer like any other."""
    if not data:
        return
    name, parse = TARGETS[data[0] % len(TARGETS)]
    memory = "/dev/shm" if os.path.isdir("/dev/shm") else None
    with TemporaryDirectory(dir=memory) as folder:
        path = Path(folder) / name
        path.write_bytes(data[1:])
        with suppress(DeliveryError, Refused):
            parse(path)
