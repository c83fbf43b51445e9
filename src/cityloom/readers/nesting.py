"""Where JSON text opens, closes and divides, found block by block without reading its values.

What stands in a string is told by the parity of the quotes before it, what is nested by the
brackets before it; so a record is cut out whole however broken its inside is.
"""

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from cityloom.errors import DeliveryError

LONGEST_RECORD = 64 << 20
"""Bytes after which a file is refused whose record does not end."""

DEEPEST = 500
"""How deep brackets may be nested in a record."""

_OPENING, _CLOSING, _QUOTE = b"[{", b"]}", b'"'
_IS_MARK = bytes(byte in b'[]{},"' for byte in range(256))
_STEP = np.zeros(256, np.int8)
_STEP[list(_OPENING)], _STEP[list(_CLOSING)] = 1, -1

Numbers = npt.NDArray[np.int64]


class Nesting:
    """How deep the text is nested so far, and whether it has come into a string."""

    def __init__(self) -> None:
        self._depth = 0
        self._in_string = False
        self._escaped = False

    def marks(self, block: bytes) -> tuple[Numbers, Numbers]:
        """The places of the brackets and commas of the next block, and how deep each is nested.

        A bracket is as deep as what it encloses.
        """
        block = self._without_escapes(block)
        octets = np.frombuffer(block, np.uint8)
        places = np.flatnonzero(np.frombuffer(block.translate(_IS_MARK), bool))
        found = octets[places]
        quotes = found == ord(_QUOTE)
        in_string = np.cumsum(quotes, dtype=np.uint8) + np.uint8(self._in_string) & 1
        self._in_string = bool(in_string[-1]) if len(in_string) else self._in_string
        is_mark = ~quotes & (in_string == 0)
        places, found = places[is_mark], found[is_mark]
        steps = _STEP[found]
        after = self._depth + np.cumsum(steps, dtype=np.int64)
        self._depth = int(after[-1]) if len(after) else self._depth
        return places, after + (steps < 0)

    def _without_escapes(self, block: bytes) -> bytes:
        """The block with what backslashes escape made harmless, byte for byte."""
        if self._escaped and block.startswith((b"\\", _QUOTE)):
            block = b"_" + block[1:]
        if b"\\" not in block:
            self._escaped = False
            return block
        block = block.replace(rb"\\", b"__")
        self._escaped = block.endswith(b"\\")
        return block.replace(rb"\"", b"__")


def pieces(blocks: Iterable[bytes], depth: int, name: str) -> Iterator[tuple[bytes, bytes]]:
    """The text between the marks that are nested no deeper, each piece with the mark after it.

    After the last piece, which the end of the text ends, comes an empty mark.

    Raises:
        DeliveryError: a piece is longer than any record may be.
    """
    nesting, begun, size = Nesting(), list[bytes](), 0
    for block in filter(None, blocks):
        places, depths = nesting.marks(block)
        start = 0
        for place in places[depths <= depth].tolist():
            yield b"".join(begun) + block[start:place], block[place : place + 1]
            begun, size, start = [], 0, place + 1
        begun.append(block[start:])
        size += len(block) - start
        if size > LONGEST_RECORD:
            raise DeliveryError(
                f"{name}: a record that does not end within {LONGEST_RECORD >> 20} MB; "
                "is a quote or a bracket missing?"
            )
    yield b"".join(begun), b""


def is_too_deep(record: bytes) -> bool:
    """Whether a record's brackets are nested deeper than :data:`DEEPEST`."""
    if record.count(b"[") + record.count(b"{") <= DEEPEST:
        return False
    _, depths = Nesting().marks(record)
    return bool(depths.max(initial=0) > DEEPEST)
