"""What every reader gives: rows of text with their place in the file."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt
import pyarrow as pa


@dataclass(frozen=True)
class Malformed:
    """A record that could not be split into its fields; ``ordinal`` counts from 1."""

    ordinal: int
    raw: str
    reason: str


@dataclass(frozen=True)
class Batch:
    """Some rows of a file.

    ``rows`` holds one text column for each of the file's columns that were asked for, named as in
    the file; an empty field is null. ``ordinals`` holds each row's number in the file, from 1,
    ascending; the numbers that are missing from it are those of ``malformed``.
    """

    rows: pa.Table
    ordinals: npt.NDArray[np.int64]
    malformed: list[Malformed] = field(default_factory=list)


class Reader(Protocol):
    """One delivered file, read as text in bounded memory."""

    @property
    def columns(self) -> Sequence[str]:
        """The names of the file's columns, in its order."""
        ...

    def batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """All rows from the first, with the named columns only; may be called again.

        Raises:
            DeliveryError: the file breaks off or cannot be decoded.
        """
        ...


@runtime_checkable
class TypedReader(Reader, Protocol):
    """A reader of a file whose columns have types, which it can leave as they are."""

    def typed_batches(self, columns: Sequence[str]) -> Iterator[Batch]:
        """The same rows with values of the file's own types; an empty text is null.

        Raises:
            DeliveryError: the file breaks off or cannot be decoded.
        """
        ...
