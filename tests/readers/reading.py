"""Files for readers, and what is read from them."""

from collections.abc import Sequence
from pathlib import Path

from cityloom.contract import Files
from cityloom.readers import Malformed, open_reader

Row = tuple[str | None, ...]


def read(
    path: Path, content: bytes | None = None, columns: Sequence[str] | None = None, **files: str
) -> tuple[list[tuple[int, Row]], list[Malformed]]:
    """The rows of a file by their numbers, and its malformed records; ``content`` is written first.

    Checks as well that each record has one number, from 1 on, and none is given twice.
    """
    if content is not None:
        path.write_bytes(content)
    reader = open_reader(path, Files(**files))
    wanted = list(columns or reader.columns)
    rows: list[tuple[int, Row]] = []
    malformed: list[Malformed] = []
    for batch in reader.batches(wanted):
        assert batch.rows.column_names == wanted
        values = zip(*(batch.rows.column(name).to_pylist() for name in wanted), strict=True)
        rows += zip(batch.ordinals.tolist(), values, strict=True)
        malformed += batch.malformed
    numbers = [number for number, _ in rows] + [bad.ordinal for bad in malformed]
    assert sorted(numbers) == list(range(1, len(numbers) + 1))
    assert [number for number, _ in rows] == sorted(number for number, _ in rows)
    return rows, malformed


def values(path: Path, content: bytes | None = None, **files: str) -> list[Row]:
    """The rows of a file in which no record is malformed."""
    rows, malformed = read(path, content, **files)
    assert malformed == []
    return [row for _, row in rows]
