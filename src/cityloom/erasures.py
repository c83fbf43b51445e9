"""The record of erasures: who was erased, as names that tell nothing without the city's secret.

A backup made before an erasure still holds the person. Whoever restores it looks for rows whose
value has one of these names, and erases them again. One JSON object a line: an erasure is written
down before it begins and marked as done after it; one that is not marked may have to be repeated.
"""

import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any
from uuid import uuid4

import msgspec

from cityloom.contract import Column
from cityloom.errors import UsageError
from cityloom.lake import sql_type
from cityloom.runs import now
from cityloom.secret import keyed
from cityloom.sql import connect, literal

FILE = "erasures.ndjson"


@dataclass(frozen=True)
class Erased:
    """One erasure; ``kept`` names the value as kept rows have it, ``given`` as it was stated.

    ``kept`` is empty where the value is none of the column's type. ``length`` is that of the stated
    value, in characters: refused rows have raw text, in which it may stand anywhere.
    """

    id: str
    at: str
    dataset: Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_]*\Z")]
    column: str
    kept: str
    given: str
    length: Annotated[int, msgspec.Meta(ge=0)]


class Erasures:
    """The record in one file of a city."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def begin(
        self, secret: bytes, dataset: str, column: Column, value: str, scratch: Path
    ) -> Erased:
        """Write down an erasure that is about to begin; it is on disk when this returns."""
        stored = as_kept(column, value, scratch)
        place = (dataset, column.name)
        erased = Erased(
            id=uuid4().hex,
            at=now(),
            dataset=dataset,
            column=column.name,
            kept="" if stored is None else name_of(secret, place, stored),
            given=name_of(secret, place, value),
            length=len(value),
        )
        self.add([erased])
        return erased

    def add(self, erased: Iterable[Erased]) -> None:
        """Write down erasures that are known from elsewhere, as not done here."""
        self._append(asdict(item) for item in erased)

    def finish(self, erased: Erased) -> None:
        """Mark an erasure as done, and earlier ones of the same value that were cut off."""
        about = (erased.dataset, erased.column, erased.given)
        alike = (e for e in self.all().values() if (e.dataset, e.column, e.given) == about)
        done = self.done()
        self._append({"done": item.id} for item in alike if item.id not in done)

    def all(self) -> dict[str, Erased]:
        """Every erasure, by its id, in order."""
        lines = read_lines(self._bytes(), str(self._path))
        return {line["id"]: as_erased(line, str(self._path)) for line in lines if "id" in line}

    def done(self, size: int | None = None) -> set[str]:
        """The ids of those that are done, as the first ``size`` bytes of the record have it."""
        lines = read_lines(self._bytes()[:size], str(self._path))
        return {line["done"] for line in lines if "done" in line}

    def _bytes(self) -> bytes:
        return self._path.read_bytes() if self._path.exists() else b""

    def _append(self, lines: Iterable[object]) -> None:
        whole = _whole(self._bytes())
        with open(self._path, "ab") as file:
            file.truncate(len(whole))
            file.write("".join(json.dumps(line) + "\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())


def name_of(secret: bytes, place: tuple[str, str], value: str) -> str:
    """The name of a value of a dataset's column."""
    return keyed(secret, "erased", *place, value)


def as_kept(column: Column, value: str, scratch: Path) -> str | None:
    """A stated value as text in the form that kept rows have; ``None`` where it is of no use."""
    typed = f"TRY_CAST({literal(value)} AS {sql_type(column.arrow_type)})"
    found = connect(scratch).execute(f"SELECT CAST({typed} AS VARCHAR)").fetchone()
    return found[0] if found else None


def read_lines(content: bytes, origin: str) -> Iterator[dict[str, Any]]:
    """The lines of a record, without one that was cut off.

    Raises:
        UsageError: a line in it is damaged.
    """
    for number, line in enumerate(_whole(content).splitlines(), start=1):
        try:
            found = json.loads(line)
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UsageError(f"{origin} line {number}: not a record of an erasure")
        yield found


def _whole(content: bytes) -> bytes:
    return content[: content.rfind(b"\n") + 1]


def as_erased(line: dict[str, Any], origin: str) -> Erased:
    """An erasure from a line of a record.

    Raises:
        UsageError: it is none.
    """
    try:
        return msgspec.convert(line, Erased)
    except msgspec.ValidationError:
        raise UsageError(f"{origin}: not a record of erasures") from None
