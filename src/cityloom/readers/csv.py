"""Delimited text, strictly: RFC 4180 with any one-character delimiter and any encoding.

A block of whole lines whose quotes are in order goes to PyArrow's parser. A block with a quote out
of place, a value over several lines or bytes that cannot be decoded is taken record by record with
Python's strict ``csv`` parser, so that one broken record costs that record and no other.
"""

import codecs
import csv
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv

from cityloom.contract.model import Files
from cityloom.errors import DeliveryError
from cityloom.readers.batch import Batch, Malformed
from cityloom.readers.stream import open_bytes, utf8_blocks

LONGEST_RECORD = 4 << 20
"""Bytes after which a quote that never closes is taken for a stray one."""

LONGEST_LINE = 64 << 20
"""Bytes without a line end after which a file is refused: it is not delimited text."""

Octets = npt.NDArray[np.uint8]

_QUOTE, _NEWLINE, _RETURN, _ENDS = b'"', b"\n", b"\r", b"\r\n"
_WRITTEN = re.compile(b"[^\r\n]")
_HEADER = re.compile(b"[\r\n]*[^\r\n][^\n]*\n")

csv.field_size_limit(LONGEST_RECORD)


class CsvReader:
    """Delimited text with a header line."""

    def __init__(self, path: Path, files: Files) -> None:
        self._path = path
        self._files = files
        self.columns = self._header()

    def _header(self) -> list[str]:
        with open_bytes(self._path) as stream:
            blocks = utf8_blocks(stream, self._files.encoding, self._path.name)
            line = next(_lines(_unix_lines(blocks)), b"")
        fields = _split(line, self._files.delimiter)
        if isinstance(fields, str) or not any(fields):
            raise DeliveryError(
                f"{self._path.name}: no header line; the first line must name the columns"
            )
        names = [name.strip() for name in fields]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise DeliveryError(
                f"{self._path.name}: the header names column '{twice}' twice",
                f"{self._path.name}: the header names a column twice",
            )
        return names

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """See :class:`cityloom.readers.Reader`."""
        shape = _Shape(self.columns, list(columns), self._files.delimiter)
        with open_bytes(self._path) as stream:
            blocks = utf8_blocks(stream, self._files.encoding, self._path.name)
            ordinal, rest, headed = 1, b"", False
            for block in _unix_lines(blocks):
                rest = rest + block if rest else block
                if len(rest) > LONGEST_LINE:
                    raise DeliveryError(
                        f"{self._path.name}: more than {LONGEST_LINE >> 20} MB without a line end "
                        f"near row {ordinal}; this is not delimited text"
                    )
                if not headed:
                    header = _HEADER.match(rest)
                    if not header:
                        continue
                    rest, headed = rest[header.end() :], True
                batch, rest, read = _parse(rest, shape, ordinal, last=False)
                ordinal += read
                yield batch
            yield _parse(rest if headed else b"", shape, ordinal, last=True)[0]


class _Shape:
    """The columns of the file, those that are wanted, and the delimiter."""

    def __init__(self, columns: list[str], wanted: list[str], delimiter: str) -> None:
        self.columns = columns
        self.wanted = wanted
        self.delimiter = delimiter
        self.convert = pa.csv.ConvertOptions(
            check_utf8=False,
            include_columns=wanted,
            column_types=dict.fromkeys(columns, pa.string()),
            null_values=[""],
            strings_can_be_null=True,
        )
        self.schema = pa.schema([(name, pa.string()) for name in wanted])
        self.is_edge = np.zeros(256, bool)
        self.is_edge[list(b'\n\r"' + delimiter.encode())] = True


def _unix_lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    """The blocks, with the line ends of a file that knows only carriage returns made newlines."""
    first = next(blocks, b"")
    while first.endswith(_RETURN) and (more := next(blocks, b"")):
        first += more
    old_mac = _RETURN in first and _NEWLINE not in first
    yield first.replace(_RETURN, _NEWLINE) if old_mac else first
    for block in blocks:
        yield block.replace(_RETURN, _NEWLINE) if old_mac else block


def _lines(blocks: Iterator[bytes]) -> Iterator[bytes]:
    rest = b""
    for block in blocks:
        *lines, rest = (rest + block).split(_NEWLINE)
        yield from (line for line in lines if line.strip(_ENDS))
        if len(rest) > LONGEST_LINE:
            raise DeliveryError(
                f"more than {LONGEST_LINE >> 20} MB without a line end; this is not delimited text"
            )
    if rest.strip(_ENDS):
        yield rest


def _parse(text: bytes, shape: _Shape, ordinal: int, last: bool) -> tuple[Batch, bytes, int]:
    """A batch of the text's whole records, the rest of the text, and how many records were read."""
    end = len(text) if last else text.rfind(_NEWLINE) + 1
    whole, rest = text if end == len(text) else text[:end], text[end:]
    if not _WRITTEN.search(whole) and (not whole or len(shape.columns) > 1):
        return Batch(shape.schema.empty_table(), np.empty(0, np.int64)), rest, 0
    if fast := _parse_fast(whole, shape, ordinal):
        batch, read = fast
        return batch, rest, read
    batch, unfinished, read = _parse_carefully(whole, shape, ordinal, last)
    return batch, unfinished + rest, read


def _is_in_order(text: bytes, octets: Octets, shape: _Shape) -> bool:
    """Whether the text is UTF-8 whose carriage returns end lines and whose quotes are in order."""
    return (
        not text.startswith(codecs.BOM_UTF8)
        and _is_utf8(octets)
        and (_RETURN not in text or _returns_end_lines(octets))
        and (_QUOTE not in text or _quotes_in_order(octets, shape))
    )


def _quotes_in_order(octets: Octets, shape: _Shape) -> bool:
    """Whether every quote opens or closes a field or is doubled."""
    quotes = np.flatnonzero(octets == ord(_QUOTE))
    if len(quotes) % 2:
        return False
    left = octets[np.maximum(quotes - 1, 0)]
    right = octets[np.minimum(quotes + 1, len(octets) - 1)]
    return bool((shape.is_edge[left] | shape.is_edge[right] | (quotes == 0)).all())


def _parse_fast(text: bytes, shape: _Shape, ordinal: int) -> tuple[Batch, int] | None:
    """A batch of the records, if each is one line with its quotes in order, and their number."""
    octets = np.frombuffer(text, np.uint8)
    quoted = _QUOTE in text
    if not _is_in_order(text, octets, shape):
        return None
    malformed: list[Malformed] = []

    def set_aside(row: pa.csv.InvalidRow) -> str:
        reason = _wrong_count(row.actual_columns, row.expected_columns)
        malformed.append(Malformed(ordinal + row.number - 1, row.text, reason))
        return "skip"

    try:
        rows = pa.csv.read_csv(
            pa.py_buffer(text),
            read_options=pa.csv.ReadOptions(
                column_names=shape.columns, use_threads=False, block_size=len(text) + 1
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=shape.delimiter,
                quote_char='"' if quoted else False,
                newlines_in_values=False,
                ignore_empty_lines=len(shape.columns) > 1,
                invalid_row_handler=set_aside,
            ),
            convert_options=shape.convert,
        )
    except pa.ArrowInvalid:
        return None
    read = len(rows) + len(malformed)
    if quoted and not _one_line_each(read, text, octets, blank_is_row=len(shape.columns) == 1):
        return None
    ordinals = np.arange(ordinal, ordinal + read, dtype=np.int64)
    if malformed:
        ordinals = np.delete(ordinals, [bad.ordinal - ordinal for bad in malformed])
    return Batch(rows, ordinals, malformed), read


def _is_utf8(octets: Octets) -> bool:
    ends = pa.py_buffer(np.array([0, len(octets)], np.int64))
    whole = pa.Array.from_buffers(pa.large_string(), 1, [None, ends, pa.py_buffer(octets)])
    try:
        whole.validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def _returns_end_lines(octets: Octets) -> bool:
    returns = np.flatnonzero(octets == ord(_RETURN))
    followed = octets[np.minimum(returns + 1, len(octets) - 1)]
    return bool((followed == ord(_NEWLINE)).all())


def _one_line_each(records: int, text: bytes, octets: Octets, blank_is_row: bool) -> bool:
    """Whether there are as many records as lines, but for blank lines."""
    line_ends = octets == ord(_NEWLINE)
    lines = int(np.count_nonzero(line_ends)) + (not text.endswith(_NEWLINE))
    if records == lines or blank_is_row:
        return records == lines
    ends = np.flatnonzero(line_ends)
    lengths = np.diff(ends, prepend=-1)
    lengths[(lengths == 2) & (octets[ends - 1] == ord(_RETURN))] = 1
    return records == lines - int(np.count_nonzero(lengths == 1))


def _wrong_count(found: int, expected: int) -> str:
    return f"{found} fields where the header names {expected}"


def _parse_carefully(
    text: bytes, shape: _Shape, ordinal: int, last: bool
) -> tuple[Batch, bytes, int]:
    lines = text.splitlines(keepends=True) if _NEWLINE not in text else _keep_ends(text)
    good: list[list[str]] = []
    ordinals: list[int] = []
    malformed: list[Malformed] = []
    at, number = 0, ordinal
    while at < len(lines):
        if not lines[at].strip(_ENDS) and len(shape.columns) > 1:
            at += 1
            continue
        fields, taken = _record(lines, at, shape, last)
        if taken == 0:
            break
        if isinstance(fields, str):
            raw = lines[at].rstrip(b"\r\n").decode("utf-8", errors="backslashreplace")
            malformed.append(Malformed(number, raw, fields))
        else:
            good.append(fields)
            ordinals.append(number)
        at, number = at + taken, number + 1
    batch = Batch(_table(good, shape), np.array(ordinals, np.int64), malformed)
    return batch, b"".join(lines[at:]), number - ordinal


def _keep_ends(text: bytes) -> list[bytes]:
    lines = [line + _NEWLINE for line in text.split(_NEWLINE)]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _record(lines: list[bytes], at: int, shape: _Shape, last: bool) -> tuple[list[str] | str, int]:
    """The fields of the record that begins on a line, or what is wrong with it; lines it takes.

    A record that may go on in the next block takes 0 lines.
    """
    fields = _split(lines[at], shape.delimiter)
    if fields != _OPEN:
        return _counted(fields, shape), 1
    end = _closing_line(lines, at)
    if end is None:
        if not last and sum(map(len, lines[at:])) < LONGEST_RECORD:
            return "", 0
        return "a quote opens and never closes", 1
    joined = _split(b"".join(lines[at : end + 1]), shape.delimiter)
    swallowed = lines[at + 1 : end]
    if len(shape.columns) > 1 and swallowed and all(_is_record(x, shape) for x in swallowed):
        return "a quote opens and closes only after other whole records", 1
    if isinstance(joined, str) or len(joined) != len(shape.columns):
        return "a stray quote", 1
    return joined, end + 1 - at


def _is_record(line: bytes, shape: _Shape) -> bool:
    fields = _split(line, shape.delimiter)
    return not isinstance(fields, str) and len(fields) == len(shape.columns)


def _closing_line(lines: list[bytes], at: int) -> int | None:
    quotes = lines[at].count(_QUOTE)
    size = len(lines[at])
    for end in range(at + 1, len(lines)):
        quotes += lines[end].count(_QUOTE)
        size += len(lines[end])
        if size > LONGEST_RECORD:
            return None
        if quotes % 2 == 0:
            return end
    return None


_OPEN = "a quote opens and does not close"


def _split(record: bytes, delimiter: str) -> list[str] | str:
    """The fields of one record, or what is wrong with it."""
    try:
        text = record.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError as error:
        return f"byte {error.start + 1} cannot be decoded in the contract's encoding"
    try:
        return next(csv.reader([text], delimiter=delimiter, strict=True)) or [""]
    except csv.Error as error:
        if "unexpected end of data" in str(error):
            return _OPEN
        return _csv_words(str(error))


def _csv_words(error: str) -> str:
    if "expected after" in error:
        return "text follows a closing quote"
    if "new-line" in error:
        return "a carriage return inside a field that is not quoted"
    if "field larger" in error:
        return f"a field of more than {LONGEST_RECORD:,} characters"
    return error


def _counted(fields: list[str] | str, shape: _Shape) -> list[str] | str:
    if isinstance(fields, str) or len(fields) == len(shape.columns):
        return fields
    return _wrong_count(len(fields), len(shape.columns))


def _table(records: list[list[str]], shape: _Shape) -> pa.Table:
    places = [shape.columns.index(name) for name in shape.wanted]
    columns = [pa.array([r[place] or None for r in records], pa.string()) for place in places]
    return pa.table(columns, schema=shape.schema)
