"""Watermarks: the highest that was pulled, and from where the next pull reads again."""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from math import ceil
from typing import Any

from cityloom.errors import PullError

OVERLAP_OF_TIMES = timedelta(minutes=10)
OVERLAP_OF_NUMBERS = 1000
"""How far back a pull reads again where nothing else is stated: for rows committed late."""

_NUMBERS = {"int": int, "float": float, "decimal": Decimal}
_READERS: Mapping[str, Any] = {
    **_NUMBERS,
    "datetime": datetime.fromisoformat,
    "date": date.fromisoformat,
    "bytes": bytes.fromhex,
    "text": str,
}


def written(mark: Any) -> str:
    """A watermark as the store keeps it, with its type.

    Raises:
        PullError: values of its type have no order to go by.
    """
    kind = _kind(mark)
    text = mark.isoformat() if kind in ("datetime", "date") else str(mark)
    return json.dumps([kind, mark.hex() if kind == "bytes" else text])


def read(text: str) -> Any:
    """A watermark that was :func:`written`; ``None`` for an empty text."""
    if not text:
        return None
    kind, value = json.loads(text)
    return _READERS[kind](value)


def reads_from(mark: Any, overlap: int | timedelta | None) -> Any:
    """From where a pull reads that was preceded by one up to a watermark.

    Args:
        mark: the highest watermark that was pulled.
        overlap: how far back to read again; the usual length where none is stated.

    Raises:
        PullError: the overlap is a length of time and the watermark a number, or the reverse.
    """
    kind = _kind(mark)
    if kind in ("text", "bytes") and overlap is None:
        return mark
    usual = OVERLAP_OF_NUMBERS if kind in _NUMBERS else OVERLAP_OF_TIMES
    back = usual if overlap is None else overlap
    if kind in ("text", "bytes") or isinstance(back, timedelta) != isinstance(usual, timedelta):
        raise PullError(f"overlap '{overlap}' does not fit a watermark of type {kind}")
    return _back(mark, back)


def _back(mark: Any, back: Any) -> Any:
    if not isinstance(mark, datetime) and isinstance(mark, date):
        back = timedelta(days=ceil(back / timedelta(days=1)))
    try:
        return mark - back
    except OverflowError:
        return mark


def _kind(mark: Any) -> str:
    if isinstance(mark, str):
        return "text"
    for kind, type_ in (("int", int), ("float", float), ("decimal", Decimal),
                        ("datetime", datetime), ("date", date), ("bytes", bytes)):  # fmt: skip
        if isinstance(mark, type_) and not isinstance(mark, bool):
            return kind
    raise PullError(f"a watermark of type {type(mark).__name__} has no order to go by")


class Tail:
    """Watches rows go by: the highest watermark, and a digest of what the next pull reads again.

    A digest does not depend on the order of rows: it is the sum of those of the rows.
    """

    def __init__(self, overlap: int | timedelta | None) -> None:
        self.highest: Any = None
        self.rows = 0
        self._overlap = overlap
        self._from: Any = None
        self._whole = 0
        self._unmarked = 0
        self._sums: dict[Any, int] = {}

    def add(self, rows: Iterable[Sequence[Any]], marks: Iterable[Any]) -> None:
        """Watch some rows, each with its watermark.

        Raises:
            PullError: the watermarks are of several types, which have no order among them.
        """
        try:
            self._watch(rows, marks)
        except TypeError:
            raise PullError(
                "its watermarks are of several types and have no order; choose a column of one type"
            ) from None

    def _watch(self, rows: Iterable[Sequence[Any]], marks: Iterable[Any]) -> None:
        for row, mark in zip(rows, marks, strict=True):
            digest = _digest(row)
            self.rows += 1
            self._whole += digest
            if mark is None:
                self._unmarked += digest
            elif self._from is None or mark >= self._from:
                self._sums[mark] = self._sums.get(mark, 0) + digest
        self._move()

    def _move(self) -> None:
        """Forget what the next pull does not read again."""
        if not self._sums or (highest := max(self._sums)) == self.highest:
            return
        self.highest, self._from = highest, reads_from(highest, self._overlap)
        self._sums = {mark: total for mark, total in self._sums.items() if mark >= self._from}

    @property
    def whole(self) -> str:
        """The digest of all rows."""
        return _text(self._whole)

    @property
    def again(self) -> str:
        """The digest of the rows that the next pull reads again."""
        return _text(self._unmarked + sum(self._sums.values()))


def _digest(row: Sequence[Any]) -> int:
    return int.from_bytes(blake2b(repr(tuple(row)).encode(), digest_size=16).digest()) + 1


def _text(total: int) -> str:
    return f"{total:x}"
