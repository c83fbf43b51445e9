"""Delivery files, in the formats in which departments deliver.

How a file looks is read from the dataset's contract: order and names of its columns, their types,
delimiter and encoding. A block of lines is one Arrow text column whose buffer is the file's bytes.
"""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from cityloom.sample.text import Strings, either, filled, join, overwritten

_NUMERIC: Final = ("integer", "number")
_BETWEEN_FEATURES: Final = ",\n"
_ARROW_TYPES: Final[dict[str, pa.DataType]] = {
    "integer": pa.int64(),
    "number": pa.float64(),
    "date": pa.date32(),
}


@dataclass(frozen=True)
class Form:
    """How the files of a dataset look: its columns with their written names and types."""

    columns: tuple[str, ...]
    headers: tuple[str, ...]
    types: tuple[str, ...]
    delimiter: str
    encoding: str


Block: TypeAlias = "bytes | pa.Table"
"""Rows as they go into a file: its own text, or a table for Parquet."""


class DeliveryFile(Protocol):
    """A file being delivered; `rows` have been written so far."""

    rows: int

    def put(self, block: Block, rows: int) -> None:
        """Appends a block of so many rows."""

    def close(self) -> None:
        """Ends the file."""


@lru_cache(maxsize=32)
def form_of(dataset: str) -> Form:
    """The form that a dataset's contract gives its files."""
    text = (files("cityloom.sample") / "contracts" / f"{dataset}.odcs.yaml").read_text("utf-8")
    contract: dict[str, Any] = yaml.safe_load(text)
    properties = contract["schema"][0]["properties"]
    server = contract.get("servers", [{}])[0]
    return Form(
        columns=tuple(column["name"] for column in properties),
        headers=tuple(column.get("physicalName", column["name"]) for column in properties),
        types=tuple(column["logicalType"] for column in properties),
        delimiter=server.get("delimiter", ","),
        encoding=server.get("encoding", "UTF-8"),
    )


def format_of(file_name: str) -> str:
    """The format that a file name tells: csv, ndjson, geojson or parquet."""
    return Path(file_name.removesuffix(".gz")).suffix.removeprefix(".")


def open_delivery(path: Path, dataset: str) -> DeliveryFile:
    """A new delivery file of a dataset, its format told by its name."""
    path.parent.mkdir(parents=True, exist_ok=True)
    form = form_of(dataset)
    match format_of(path.name):
        case "csv":
            head = form.delimiter.join(form.headers) + "\n"
            return _TextFile(path, head.encode(form.encoding))
        case "ndjson":
            return _TextFile(path, b"")
        case "geojson":
            return _GeoJson(path)
        case _:
            return _Parquet(path, form)


def block_of(
    dataset: str, file_format: str, columns: dict[str, Strings], spoiled: dict[int, str]
) -> Block:
    """Rows as a file of a format holds them, some of them spoiled in the way named."""
    form = form_of(dataset)
    match file_format:
        case "csv":
            lines = _csv_lines(form, columns, spoiled)
        case "ndjson":
            lines = _json_lines(form, columns, spoiled)
        case "geojson":
            lines = _features(form, columns)
        case _:
            return _table(form, columns)
    text = _bytes(lines)
    return text if form.encoding == "UTF-8" else text.decode().encode(form.encoding)


class _TextFile:
    """Rows of text, gzipped when the name says so (with no time of day in it)."""

    def __init__(self, path: Path, head: bytes) -> None:
        self.rows = 0
        self._raw = path.open("wb")
        self._file: BufferedIOBase = self._raw
        if path.suffix == ".gz":
            self._file = gzip.GzipFile("", "wb", compresslevel=1, fileobj=self._raw, mtime=0)
        self._file.write(head)

    def put(self, block: Block, rows: int) -> None:
        """Appends a block of rows."""
        assert isinstance(block, bytes)
        self.rows += rows
        self._file.write(block)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
        self._raw.close()


class _GeoJson(_TextFile):
    """A feature collection; the column `geometry` holds a GeoJSON geometry."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, b'{"type": "FeatureCollection", "features": [\n')

    def put(self, block: Block, rows: int) -> None:
        """Appends a block of features, each with the comma that sets it off from the one before."""
        first = not self.rows and isinstance(block, bytes)
        super().put(block[len(_BETWEEN_FEATURES) :] if first else block, rows)

    def close(self) -> None:
        """Ends the collection and the file."""
        self._file.write(b"\n]}\n")
        super().close()


class _Parquet:
    def __init__(self, path: Path, form: Form) -> None:
        self.rows = 0
        self._file = pq.ParquetWriter(path, _arrow_schema(form), compression="zstd")

    def put(self, block: Block, rows: int) -> None:
        """Appends a block of rows."""
        assert isinstance(block, pa.Table)
        self.rows += rows
        self._file.write_table(block)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def _csv_lines(form: Form, columns: dict[str, Strings], spoiled: dict[int, str]) -> Strings:
    parts: list[Strings | str] = []
    for name in form.columns:
        parts += [_quoted(columns[name], form.delimiter), form.delimiter]
    lines = join(*parts[:-1], "\n")
    return _spoil(lines, spoiled, lambda row, kind: _spoiled_record(form, columns, row, kind))


def _spoiled_record(form: Form, columns: dict[str, Strings], row: int, kind: str) -> str:
    delimiter = form.delimiter
    values = [columns[name][row].as_py() or "" for name in form.columns]
    values = ["".join(c for c in value if c not in f'"\n{delimiter}') for value in values]
    if kind == "stray_quote":
        place = row % (len(values) - 1)
        values[place] = '"' + values[place]
        values[place + 1] += '"'
    elif row % 2:
        values.append("备注")
    else:
        values.pop()
    return delimiter.join(values) + "\n"


def _json_lines(form: Form, columns: dict[str, Strings], spoiled: dict[int, str]) -> Strings:
    """Objects, a line each; a null is left out."""
    lines = join("{", *_members(columns, form, form.columns), "}\n")
    return _spoil(lines, spoiled, lambda row, _: _cut(str(lines[row])))


def _features(form: Form, columns: dict[str, Strings]) -> Strings:
    named = tuple(name for name in form.columns if name != "geometry")
    return join(
        _BETWEEN_FEATURES + '{"type": "Feature", "properties": {',
        *_members(columns, form, named),
        '}, "geometry": ',
        columns["geometry"],
        "}",
    )


def _table(form: Form, columns: dict[str, Strings]) -> pa.Table:
    schema = _arrow_schema(form)
    arrays = [columns[name].cast(field.type)
              for name, field in zip(form.columns, schema, strict=True)]  # fmt: skip
    return pa.Table.from_arrays(arrays, schema=schema)


def _arrow_schema(form: Form) -> pa.Schema:
    kinds = [_ARROW_TYPES.get(kind, pa.string()) for kind in form.types]
    return pa.schema(list(zip(form.headers, kinds, strict=True)))


def _bytes(lines: Strings) -> bytes:
    """The text of all lines one after the other: the array's own buffer."""
    return _octets(lines).tobytes()


def _octets(values: Strings) -> npt.NDArray[np.uint8]:
    _, positions, text = values.buffers()
    if positions is None or text is None:
        return np.zeros(0, dtype=np.uint8)
    offsets = np.frombuffer(memoryview(positions), dtype=np.int32)
    start, stop = int(offsets[values.offset]), int(offsets[values.offset + len(values)])
    return np.frombuffer(memoryview(text), dtype=np.uint8)[start:stop]


def _quoted(values: Strings, delimiter: str) -> Strings:
    values = filled(values)
    letters = ('"', "\n", delimiter)
    if not any(_holds(values, letter) for letter in letters):
        return values
    special = pc.match_substring_regex(values, "|".join(map(re.escape, letters)))
    wrapped = join('"', pc.replace_substring(values, '"', '""'), '"')
    return either(special.to_numpy(zero_copy_only=False), wrapped, values)


def _members(
    columns: dict[str, Strings], form: Form, names: tuple[str, ...]
) -> list[Strings | str]:
    """The members of a JSON object, null ones left out; the first column is never null."""
    parts: list[Strings | str] = []
    for name, header, kind in zip(form.columns, form.headers, form.types, strict=True):
        if name not in names:
            continue
        comma = ", " if parts else ""
        value = columns[name]
        if kind not in _NUMERIC:
            value = join('"', _escaped(value), '"')
        member = join(f'{comma}"{header}": ', value)
        parts.append(filled(member))
    return parts


def _escaped(values: Strings) -> Strings:
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n")):
        if _holds(values, plain):
            values = pc.replace_substring(values, plain, escaped)
    return values


def _holds(values: Strings, letter: str) -> bool:
    """Whether the ASCII letter is anywhere in the column."""
    return bool((_octets(values) == ord(letter)).any())


def _cut(line: str) -> str:
    return line[: len(line) * 2 // 3] + "\n"


def _spoil(lines: Strings, spoiled: dict[int, str], rewrite: Callable[[int, str], str]) -> Strings:
    rows = sorted(spoiled)
    return overwritten(lines, np.array(rows), [rewrite(row, spoiled[row]) for row in rows])
