"""What an XLSX file says of itself before it is opened, and what its reader leaves out.

Its sizes are looked at first, since the reader holds a sheet whole. Cells of errors and formulas
that were never computed come from the reader as empty ones; where they are is read here.
"""

import posixpath
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element, ParseError, XMLParser
from xml.parsers import expat

from cityloom.apart import Refused

MOST_BYTES = 1 << 30
"""Unpacked bytes of a whole file."""

MOST_TEXT = 256 << 20
"""Unpacked bytes of the table of texts that cells share."""

MOST_CELLS = 20_000_000
"""Cells of the rectangle that a sheet's cells span."""

MOST_COLUMNS = 10_000
"""Columns of that rectangle."""

_MOST_OUTLINE = 16 << 20
_BLOCK = 1 << 20
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_STRICT = "{http://purl.oclc.org/ooxml/spreadsheetml/main}"
_DAMAGE = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError,
           RuntimeError, KeyError, ParseError, expat.ExpatError)  # fmt: skip


@dataclass
class Look:
    """What was seen of a sheet's cells: how far they reach, from 1, and which are not whole.

    ``wrong`` has what is the matter by row and column.
    """

    rows: int = 0
    columns: int = 0
    filled: bool = False
    wrong: dict[tuple[int, int], str] = field(default_factory=dict)


class Xlsx:
    """An XLSX file that has not been opened yet.

    Raises:
        Refused: it is damaged, larger than may be, or has a document type, which no XLSX has.
    """

    def __init__(self, path: str) -> None:
        try:
            self._archive = zipfile.ZipFile(path)
            self._check_sizes()
            self._parts = self._sheet_parts()
        except _DAMAGE as error:
            raise damaged(error) from None

    @property
    def sheets(self) -> list[str]:
        """The names of its sheets."""
        return list(self._parts)

    def look(self, sheet: str) -> Look:
        """A look at all cells of a sheet."""
        found = Look()
        cells = _Cells(found)
        try:
            with self._archive.open(self._parts[sheet]) as part:
                parser = _parser(cells.start, cells.end)
                while block := part.read(_BLOCK):
                    parser.Parse(block, False)
                parser.Parse(b"", True)
        except _DAMAGE as error:
            raise damaged(error) from None
        return found

    def _check_sizes(self) -> None:
        members = self._archive.infolist()
        whole = sum(info.file_size for info in members)
        if whole > MOST_BYTES:
            raise Refused(f"unpacked it is {whole >> 20:,} MB, more than {MOST_BYTES >> 20:,} MB; "
                          "deliver it as CSV")  # fmt: skip
        for info in members:
            if "sharedstrings" in info.filename.lower() and info.file_size > MOST_TEXT:
                raise Refused(f"its texts are {info.file_size >> 20:,} MB unpacked, more than "
                              f"{MOST_TEXT >> 20} MB; deliver it as CSV")  # fmt: skip

    def _sheet_parts(self) -> dict[str, str]:
        """The file of each sheet in the archive, by the sheet's name."""
        root = self._target("", "/officeDocument")
        targets = dict(self._relations(root))
        found: dict[str, str] = {}
        for sheet in _children(self._outline(root), "sheets"):
            relation = next((v for k, v in sheet.attrib.items() if k.endswith("}id")), "")
            if relation in targets:
                found[sheet.get("name", "")] = targets[relation]
        return found

    def _target(self, part: str, kind: str) -> str:
        root = self._outline(_relations_of(part))
        found = (item for item in root if item.get("Type", "").endswith(kind))
        return _resolved(part, next(found, Element("none")).get("Target", "xl/workbook.xml"))

    def _relations(self, part: str) -> Iterator[tuple[str, str]]:
        for item in self._outline(_relations_of(part)):
            if item.get("TargetMode") != "External":
                yield item.get("Id", ""), _resolved(part, item.get("Target", ""))

    def _outline(self, part: str) -> Element:
        """A small part of the archive, parsed."""
        with self._archive.open(part) as opened:
            text = opened.read(_MOST_OUTLINE + 1)
        if len(text) > _MOST_OUTLINE:
            raise Refused(f"'{part}' in it is more than {_MOST_OUTLINE >> 20} MB")
        _parser(lambda *_: None, lambda *_: None).Parse(text, True)
        parser = XMLParser()
        parser.feed(text)
        root: Element = parser.close()
        return root


def damaged(error: Exception) -> Refused:
    """The words for a file that is not whole."""
    said = " ".join(str(error).split()) or type(error).__name__
    return Refused(
        f"not a whole spreadsheet ({said}); ask for it to be sent again",
        "not a whole spreadsheet; ask for it to be sent again",
    )


def _parser(
    start: Callable[[str, dict[str, str]], None], end: Callable[[str], None]
) -> expat.XMLParserType:
    """A parser that expands no entity and follows no reference, as there may be none to follow."""
    parser = expat.ParserCreate(namespace_separator="}")
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.StartDoctypeDeclHandler = _refuse_doctype
    return parser


def _refuse_doctype(*_: object) -> None:
    raise Refused("its XML declares a document type, which no spreadsheet has; it was not read")


def _children(root: Element, name: str) -> list[Element]:
    return [child for space in (_MAIN, _STRICT) for child in root.iterfind(f"{space}{name}/*")]


def _relations_of(part: str) -> str:
    folder, name = posixpath.split(part)
    return posixpath.join(folder, "_rels", f"{name}.rels")


def _resolved(part: str, target: str) -> str:
    joined = posixpath.join("/", posixpath.dirname(part), target)
    return posixpath.normpath(joined).lstrip("/")


class _Cells:
    """Goes through the elements of a sheet; columns and rows that are not named follow on."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._row = self._column = 0
        self._formula = self._value = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        name = name.rpartition("}")[2]
        if name == "c":
            self._begin(attributes)
        elif name == "row":
            self._row = int(attributes.get("r", self._row + 1))
            self._column = 0
        elif name == "f":
            self._formula = True
        elif name in ("v", "is"):
            self._value = True

    def _begin(self, attributes: dict[str, str]) -> None:
        self._column, self._row = _place(attributes.get("r", ""), self._column + 1, self._row)
        self._formula = self._value = False
        look = self._look
        look.rows, look.columns = max(look.rows, self._row), max(look.columns, self._column)
        if look.columns > MOST_COLUMNS:
            raise Refused(f"a sheet has more than {MOST_COLUMNS:,} columns; deliver it as CSV")
        if look.rows * look.columns > MOST_CELLS:
            raise Refused(
                f"its cells span {look.rows:,} rows and {look.columns:,} columns, more than "
                f"{MOST_CELLS:,} cells; deliver it as CSV, or clear the far cells"
            )
        if attributes.get("t") == "e":
            look.wrong[self._row, self._column] = "holds the error of a formula"

    def end(self, name: str) -> None:
        if name.rpartition("}")[2] != "c":
            return
        self._look.filled |= self._value or self._formula
        if self._formula and not self._value:
            words = "holds a formula that was never computed; open the file, save it, deliver that"
            self._look.wrong[self._row, self._column] = words


def _place(reference: str, column: int, row: int) -> tuple[int, int]:
    """Column and row of a reference such as ``AB12``."""
    letters = reference.rstrip("0123456789")
    if not letters or letters == reference:
        return column, row
    place = 0
    for letter in letters.upper():
        place = place * 26 + ord(letter) - 64
    return place, int(reference[len(letters) :])
