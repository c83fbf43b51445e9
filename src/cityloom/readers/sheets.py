"""Spreadsheets: XLSX, XLS, XLSB and ODS, one sheet, its header in one row."""

from pathlib import Path

from cityloom.contract.model import Files
from cityloom.readers.apart import ApartReader
from cityloom.readers.stream import must_be_a_file


class SheetReader(ApartReader):
    """One sheet of a spreadsheet."""

    def __init__(self, path: Path, files: Files) -> None:
        must_be_a_file(path)
        asked = {"path": str(path), "sheet": files.sheet, "header": files.header}
        super().__init__(path, "sheets", "spreadsheet", asked)
