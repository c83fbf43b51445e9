"""Delivery files, in the formats in which departments deliver.

How a file looks is read from the dataset's contract: order and names of its columns, their types,
delimiter and encoding. A block of rows is one Arrow text column whose buffer is the file's bytes.
"""

import gzip
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from io import BufferedIOBase
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

from cityloom.sample.text import Strings, either, filled, join, overwritten

_NUMERIC: Final = ("integer", "number")
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


class DeliveryFile(Protocol):
    """A file being delivered; `rows` have been written so far."""

    rows: int

    def write(self, columns: dict[str, Strings], spoiled: dict[int, str]) -> None:
        """Appends a block of rows, some of them spoiled in the way named."""

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
            return _Csv(path, form)
        case "ndjson":
            return _Ndjson(path, form)
        case "geojson":
            return _GeoJson(path, form)
        case _:
            return _Parquet(path, form)


class _TextFile:
    """Rows of text, gzipped when the name says so (with no time of day in it)."""

    def __init__(self, path: Path, form: Form) -> None:
        self.rows = 0
        self.form = form
        self._raw = path.open("wb")
        self._file: BufferedIOBase = self._raw
        if path.suffix == ".gz":
            self._file = gzip.GzipFile("", "wb", compresslevel=1, fileobj=self._raw, mtime=0)

    def put(self, lines: Strings) -> None:
        """Appends lines, each with its own line end."""
        self.rows += len(lines)
        self.put_text(_bytes(lines))

    def put_text(self, text: bytes) -> None:
        """Appends text given in UTF-8."""
        if self.form.encoding != "UTF-8":
            text = text.decode().encode(self.form.encoding)
        self._file.write(text)

    def close(self) -> None:
        """Ends the file."""
        self._file.close()
        self._raw.close()


class _Csv(_TextFile):
    def __init__(self, path: Path, form: Form) -> None:
        super().__init__(path, form)
        self.put_text((form.delimiter.join(form.headers) + "\n").encode())

    def write(self, columns: dict[str, Strings], spoiled: dict[int, str]) -> None:
        """Appends a block of rows."""
        delimiter = self.form.delimiter
        fields = [_quoted(columns[name], delimiter) for name in self.form.columns]
        parts: list[Strings | str] = []
        for field in fields:
            parts += [field, delimiter]
        lines = join(*parts[:-1], "\n")
        self.put(_spoil(lines, spoiled, lambda row, kind: self._spoiled(columns, row, kind)))

    def _spoiled(self, columns: dict[str, Strings], row: int, kind: str) -> str:
        delimiter = self.form.delimiter
        values = [columns[name][row].as_py() or "" for name in self.form.columns]
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


class _Ndjson(_TextFile):
    def write(self, columns: dict[str, Strings], spoiled: dict[int, str]) -> None:
        """Appends a block of rows; a null is left out."""
        lines = join("{", *_members(columns, self.form, self.form.columns), "}\n")
        self.put(_spoil(lines, spoiled, lambda row, _: _cut(str(lines[row]))))


class _GeoJson(_TextFile):
    """A feature collection; the column `geometry` holds a GeoJSON geometry."""

    def __init__(self, path: Path, form: Form) -> None:
        super().__init__(path, form)
        self.put_text(b'{"type": "FeatureCollection", "features": [\n')

    def write(self, columns: dict[str, Strings], spoiled: dict[int, str]) -> None:
        """Appends a block of features."""
        named = tuple(name for name in self.form.columns if name != "geometry")
        count = len(columns["geometry"])
        first = np.arange(count) + self.rows == 0
        lines = join(
            either(first, "", ",\n"),
            '{"type": "Feature", "properties": {',
            *_members(columns, self.form, named),
            '}, "geometry": ',
            columns["geometry"],
            "}",
        )
        self.put(lines)

    def close(self) -> None:
        """Ends the collection and the file."""
        self.put_text(b"\n]}\n")
        super().close()


class _Parquet:
    def __init__(self, path: Path, form: Form) -> None:
        self.rows = 0
        self.form = form
        kinds = [_ARROW_TYPES.get(kind, pa.string()) for kind in form.types]
        self._schema = pa.schema(list(zip(form.headers, kinds, strict=True)))
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, columns: dict[str, Strings], spoiled: dict[int, str]) -> None:
        """Appends a block of rows."""
        arrays = [columns[name].cast(field.type)
                  for name, field in zip(self.form.columns, self._schema, strict=True)]  # fmt: skip
        self.rows += len(arrays[0])
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Ends the file."""
        self._file.close()


def _bytes(lines: Strings) -> bytes:
    """The text of all lines one after the other: the array's own buffer."""
    _, positions, text = lines.buffers()
    if positions is None or text is None:
        return b""
    offsets = np.frombuffer(memoryview(positions), dtype=np.int32)
    start, stop = int(offsets[lines.offset]), int(offsets[lines.offset + len(lines)])
    return bytes(text.slice(start, stop - start))


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
    """Whether the letter is anywhere in the column."""
    return letter.encode() in _bytes(values)


def _cut(line: str) -> str:
    return line[: len(line) * 2 // 3] + "\n"


def _spoil(lines: Strings, spoiled: dict[int, str], rewrite: Callable[[int, str], str]) -> Strings:
    rows = sorted(spoiled)
    return overwritten(lines, np.array(rows), [rewrite(row, spoiled[row]) for row in rows])
