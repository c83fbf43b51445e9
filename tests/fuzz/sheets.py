"""Workbooks: hostile XML in the parts of an XLSX, far cells, and other spreadsheets broken."""

import zipfile
from pathlib import Path
from random import Random

import xlsxwriter

from tests.fuzz import texts
from tests.readers.test_sheet_reader import ODS_ROWS, opendocument

DOCTYPES = (
    '<!DOCTYPE x [<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    ) + "]>",
    '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>',
    '<!DOCTYPE x SYSTEM "http://127.0.0.1:9/x.dtd">',
    '<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///dev/zero"> %p;]>',
)  # fmt: skip
SWAPS = (
    ('r="A2"', 'r="XFD1048576"'), ('r="A2"', 'r="ZZZZZZ99999999999"'), ('r="A2"', 'r="A-2"'),
    ("<v>0</v>", "<v>99999999</v>"), ("<v>", "<v>&i;"), ("<v>", "<v>\x00"), ('t="s"', 't="e"'),
    ("<sheetData>", "<sheetData>" * 500), ("</row>", ""), ('r="1"', 'r="0"'), ('r="1"', 'r="x"'),
    ('count="', 'count="999999999'), ("<sheet ", "<sheet state='hidden' "), ("rId1", "rId9"),
    ("worksheets/sheet1.xml", "../../../etc/passwd"), ("<t>", "<t>" + "a" * 100_000),
    ("utf-8", "utf-16"), ("UTF-8", "klingon"), ("spreadsheetml", "x"), ("<v>", "<f>A1</f><v>"),
    ("</sheetData>", '</sheetData><mergeCells><mergeCell ref="A1:XFD1048576"/></mergeCells>'),
)  # fmt: skip


def workbook(chance: Random, folder: Path) -> Path:
    path = folder / "a.xlsx"
    book = xlsxwriter.Workbook(path, {"strings_to_formulas": False, "strings_to_urls": False})
    for number in range(chance.choice([1, 1, 1, 1, 2])):
        sheet = book.add_worksheet()
        if number:
            sheet.hide()
        sheet.write_row(0, 0, texts.COLUMNS)
        for place, row in enumerate(texts.rows(chance), start=1):
            sheet.write_row(place, 0, [_cell(row[name]) for name in texts.COLUMNS])
    book.close()
    return path


def _cell(text: str) -> object:
    text = text.encode(errors="replace").decode()
    return int(text) if text.isdigit() and len(text) < 16 else text


def hostile(chance: Random, folder: Path) -> Path:
    path = workbook(chance, folder)
    with zipfile.ZipFile(path) as archive:
        parts = {info.filename: archive.read(info) for info in archive.infolist()}
    name = chance.choice([n for n in parts if "workbook" in n or "sheet" in n or "Strings" in n])
    text = parts[name].decode()
    if chance.random() < 0.3:
        text = text.replace("?>", f"?>{chance.choice(DOCTYPES)}", 1)
    for _ in range(chance.randrange(4)):
        old, new = chance.choice(SWAPS)
        text = text.replace(old, new, chance.choice([1, -1]))
    parts[name] = text.encode()
    if chance.random() < 0.2:
        del parts[chance.choice(list(parts))]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part, content in parts.items():
            archive.writestr(part, content)
    return path


def renamed(chance: Random, folder: Path) -> Path:
    path = folder / f"b{chance.choice(texts.EXTENSIONS)}"
    return workbook(chance, folder).rename(path)


def ods(chance: Random, folder: Path) -> Path:
    repeated = (
        f"table:number-{chance.choice(['rows', 'columns'])}-repeated='{1 << chance.randrange(40)}'"
    )
    cells = ODS_ROWS.replace("名", "id").replace(
        chance.choice(["<table:table-cell", "<table:table-row"]),
        chance.choice(["<table:table-cell ", "<table:table-row "]) + repeated,
        chance.choice([0, 1, 3]),
    )
    return opendocument(folder / "a.ods", chance.choice([cells, ODS_ROWS.replace("名", "id")]))


MAKERS = {
    "xlsx": workbook, "xlsx of hostile XML": hostile, "xlsx by another name": renamed, "ods": ods,
}  # fmt: skip
