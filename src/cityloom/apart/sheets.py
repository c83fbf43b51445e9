"""One sheet of a spreadsheet as batches of text, each value as a person would have typed it."""

import datetime as dt
import zipfile
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import pyarrow as pa
import python_calamine as calamine

from cityloom.apart import WRONG, Refused
from cityloom.apart.xlsx import Look, Xlsx, damaged

_ROWS_AT_A_TIME = 16_384
_WHOLE = 1 << 53
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"

Cells = list[Any]


class Sheet:
    """A sheet that is open.

    Args:
        path: the file.
        sheet: the sheet's name; the only one that has cells, if none is named.
        header: the number of the row that names the columns, from 1; the first that is not blank,
            if none is given.

    Raises:
        Refused: it is no whole spreadsheet, it is not plain which sheet is meant, or the row of
            the header does not name the columns.
    """

    def __init__(self, path: str, sheet: str | None, header: int | None) -> None:
        self._xlsx = Xlsx(path) if _is_xlsx(path) else None
        try:
            self._book = calamine.load_workbook(path)
        except (calamine.CalamineError, OSError, ValueError) as error:
            raise damaged(error) from None
        self._looks: dict[str, Look] = {}
        self._name, self._sheet = self._chosen(sheet)
        self._first = self._sheet.start[1] if self._sheet.start else 0
        self._merged = _merged(self._sheet)
        self._header, self._places = self._find_header(header)
        self.facts = {"columns": list(self._places)}

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """All rows that are not blank, in text, with what is wrong with each."""
        places = [self._places[name] for name in columns]
        names = [*columns, WRONG]
        rows = self._rows()
        while True:
            found = list(islice(rows, _ROWS_AT_A_TIME))
            texts = [[_text(cells[place]) for _, cells in found] for place in places]
            wrong = [self._wrong(number, columns) for number, _ in found]
            arrays = [pa.array(values, pa.string()) for values in [*texts, wrong]]
            yield pa.record_batch(arrays, names=names)
            if len(found) < _ROWS_AT_A_TIME:
                return

    # Which sheet

    def _chosen(self, wanted: str | None) -> tuple[str, Any]:
        names = self._book.sheet_names
        if wanted is not None and wanted not in names:
            raise Refused(
                f"no sheet '{wanted}', which the contract names; it has {_listed(names)}",
                "the sheet that the contract names is not in it",
            )
        if wanted is not None:
            return wanted, self._opened(wanted)
        shown = [m.name for m in self._book.sheets_metadata if _is_shown(m)]
        filled = [name for name in shown if self._has_cells(name)]
        if not filled:
            raise Refused("no sheet of it that is shown has cells; name a hidden one with 'sheet'")
        if len(filled) > 1:
            raise Refused(
                f"several sheets have cells, {_listed(filled)}; say which in the contract's "
                "servers: customProperties: [{property: sheet, value: …}]",
                "several sheets have cells; say which in the contract's servers: 'sheet'",
            )
        return filled[0], self._opened(filled[0])

    def _has_cells(self, name: str) -> bool:
        if self._xlsx:
            return self._look(name).filled
        return any(any(cell != "" for cell in row) for row in self._opened(name).iter_rows())

    def _look(self, name: str) -> Look:
        if name not in self._looks:
            self._looks[name] = self._xlsx.look(name) if self._xlsx else Look()
        return self._looks[name]

    def _opened(self, name: str) -> Any:
        self._look(name)
        try:
            return self._book.get_sheet_by_name(name)
        except calamine.CalamineError as error:
            raise damaged(error) from None

    # Which row names the columns

    def _find_header(self, wanted: int | None) -> tuple[int, dict[str, int]]:
        for number, cells in enumerate(self._sheet.iter_rows(), start=1):
            if number == wanted or (wanted is None and any(cell != "" for cell in cells)):
                return number, self._named(number, cells)
        raise Refused(
            f"sheet '{self._name}' has no row {wanted or 1} to name the columns",
            f"it has no row {wanted or 1} to name the columns",
        )

    def _named(self, row: int, cells: Cells) -> dict[str, int]:
        places: dict[str, int] = {}
        for place, cell in enumerate(cells):
            name = " ".join((_text(cell) or "").split())
            if not name:
                continue
            if name in places:
                raise Refused(
                    f"row {row} of sheet '{self._name}' names column '{name}' twice; if the "
                    "columns are named in another row, say which: 'header' in the contract",
                    f"row {row} names a column twice",
                )
            places[name] = place
        self._check_named(row, cells, set(places.values()))
        return places

    def _check_named(self, row: int, cells: Cells, named: set[int]) -> None:
        """Refuse values below a cell of the header that is empty: nobody knows what they are."""
        unnamed = [place for place in range(len(cells)) if place not in named]
        if not unnamed:
            return
        for number, below in islice(enumerate(self._sheet.iter_rows(), start=1), row, None):
            place = next((place for place in unnamed if below[place] != ""), None)
            if place is not None:
                letter = _letters(self._first + place + 1)
                raise Refused(
                    f"column {letter} of sheet '{self._name}' has a value in row {number} and no "
                    f"name in row {row}; name it there or, if the columns are named in another "
                    "row, say which in the contract's servers: customProperties: "
                    "[{property: header, value: …}]",
                    f"column {letter} has a value and no name in row {row}",
                )

    # Its rows

    def _rows(self) -> Iterator[tuple[int, Cells]]:
        """The rows below the header that are not blank, with their numbers in the sheet."""
        last = max(self._places.values()) + 1
        wrong = {row for row, _ in self._look(self._name).wrong}
        for number, cells in enumerate(self._sheet.iter_rows(), start=1):
            if number <= self._header:
                continue
            if number not in wrong and all(cell == "" for cell in cells[:last]):
                continue
            for place, value in self._merged.get(number, ()):
                cells[place] = value
            yield number, cells

    def _wrong(self, row: int, columns: Sequence[str]) -> str | None:
        wrong = self._look(self._name).wrong
        if not wrong:
            return None
        for name in columns:
            if words := wrong.get((row, self._first + self._places[name] + 1)):
                return f"{name}: {words}"
        return None


def _is_xlsx(path: str) -> bool:
    """Whether a file is XLSX by what is in it, whatever its name."""
    try:
        with open(path, "rb") as file:
            start = file.read(8)
        if start == _COMPOUND or not start.startswith(b"PK"):
            return False
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        raise damaged(error) from None
    return "mimetype" not in names and not any(name.endswith("workbook.bin") for name in names)


def _is_shown(sheet: Any) -> bool:
    kinds, shown = calamine.SheetTypeEnum, calamine.SheetVisibleEnum
    return bool(sheet.typ == kinds.WorkSheet and sheet.visible == shown.Visible)


def _merged(sheet: Any) -> dict[int, list[tuple[int, Any]]]:
    """The values that merged cells hold below their first row: row, then place and value.

    A value counts for all rows of the merged cells, but for the first of their columns alone.
    """
    ranges = [(top, left, bottom) for (top, left), (bottom, _) in sheet.merged_cell_ranges or []]
    ranges = [found for found in ranges if found[2] > found[0]]
    if not ranges:
        return {}
    first = sheet.start[1] if sheet.start else 0
    tops = {top for top, _, _ in ranges}
    values = {n: row for n, row in enumerate(sheet.iter_rows()) if n in tops}
    below: dict[int, list[tuple[int, Any]]] = {}
    for top, left, bottom in ranges:
        row = values.get(top, [])
        if not 0 <= left - first < len(row) or row[left - first] == "":
            continue
        for number in range(top + 1, min(bottom, sheet.end[0]) + 1):
            below.setdefault(number + 1, []).append((left - first, row[left - first]))
    return below


def _text(cell: Any) -> str | None:
    """A cell as text; nothing where it is empty."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, int | float):
        return _number(cell)
    if isinstance(cell, dt.date):
        return cell.isoformat()
    if isinstance(cell, dt.timedelta):
        return _duration(cell)
    return str(cell) or None


def _number(value: float) -> str:
    """A number as a spreadsheet shows it: whole ones in full, others with 15 digits at most."""
    if abs(value) < _WHOLE and value == int(value):
        return str(int(value))
    return f"{value:.15g}"


def _duration(value: dt.timedelta) -> str:
    seconds = round(value.total_seconds())
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names[:12]) + (" and more" if len(names) > 12 else "")
