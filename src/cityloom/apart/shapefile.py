"""What a Shapefile says of itself: whether its parts are whole, and in what its texts are."""

import codecs
import re
from pathlib import Path

from cityloom.apart import Refused

_HEADER = 100
_DRIVER_IDS = {
    0x01: "cp437", 0x02: "cp850", 0x03: "cp1252", 0x13: "cp932", 0x4D: "cp936", 0x4E: "cp949",
    0x4F: "cp950", 0x57: "cp1252", 0x58: "cp1252", 0x59: "cp1252", 0x78: "cp950", 0x79: "cp949",
    0x7A: "cp936", 0x7B: "cp932", 0x7C: "cp874", 0xC8: "cp1250", 0xC9: "cp1251",
}  # fmt: skip
"""What the byte of a dBASE header says of the encoding, where it says something."""


def check_whole(shp: Path) -> None:
    """See that the parts of a Shapefile are there, as long as they say, and fit each other.

    Raises:
        Refused: a part is missing or cut short, or they tell of different numbers of records.
    """
    parts = {suffix: _part(shp, suffix) for suffix in (".shp", ".shx", ".dbf")}
    for suffix in (".shp", ".shx"):
        length = 2 * int.from_bytes(_start(parts[suffix], _HEADER)[24:28], "big")
        if length > parts[suffix].stat().st_size:
            raise Refused(f"its {suffix} is cut short; ask for it to be sent again")
    shapes = (parts[".shx"].stat().st_size - _HEADER) // 8
    head = _start(parts[".dbf"], 32)
    records, header, width = (
        int.from_bytes(head[a:b], "little") for a, b in ((4, 8), (8, 10), (10, 12))
    )
    if records != shapes:
        raise Refused(f"its .dbf has {records:,} records and its .shx {shapes:,} shapes; ask for "
                      "it to be sent again")  # fmt: skip
    if header + records * width > parts[".dbf"].stat().st_size:
        raise Refused("its .dbf is cut short; ask for it to be sent again")


def text_encoding(shp: Path, stated: str | None) -> str:
    """In what a Shapefile's texts are: as the contract states, its .cpg says, or its .dbf marks.

    Raises:
        Refused: its .cpg names an encoding that is not known.
    """
    if stated:
        return stated
    if said := _code_page(shp):
        for name in (said, f"cp{said}", f"iso{said}", said.replace("ANSI", "cp").replace(" ", "")):
            try:
                "".encode(name)
                return codecs.lookup(name).name
            except (LookupError, ValueError):
                continue
        raise Refused(
            "its .cpg names an encoding that is not known; say in the contract's servers in what "
            "'encoding' its texts are, such as gb18030"
        )
    mark = _start(_part(shp, ".dbf"), 32)[29]
    return _DRIVER_IDS.get(mark, "utf-8")


def _code_page(shp: Path) -> str:
    path = _beside(shp, ".cpg")
    if path is None:
        return ""
    text = path.read_bytes()[:200].decode("ascii", errors="replace").strip("\ufeff \r\n\t\0")
    return re.sub(r"^(8859)(\d+)$", r"\1-\2", text)


def _part(shp: Path, suffix: str) -> Path:
    path = _beside(shp, suffix)
    if path is None:
        raise Refused(f"its {suffix} is missing; a Shapefile is at least .shp, .shx and .dbf")
    return path


def _beside(shp: Path, suffix: str) -> Path | None:
    places = (shp.with_suffix(suffix), shp.with_suffix(suffix.upper()))
    return next((path for path in places if path.is_file()), None)


def _start(path: Path, size: int) -> bytes:
    with open(path, "rb") as file:
        start = file.read(size)
    if len(start) < size:
        raise Refused(f"its {path.suffix} is cut short; ask for it to be sent again")
    return start
