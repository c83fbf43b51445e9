"""What can go wrong, in words a person can act on."""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
_ARROW = re.compile(r"\s*\x1b\[\d*m↳\x1b\[\d*m")
_DATA_FILE = re.compile(r"""[^'"\n]*/lake/(?:_quarantine/)?[^/'"\n]+/[^/'"\n]+\.parquet""")


_MENDS: dict[type[Exception], str] = {
    FileNotFoundError: "see that its folder exists",
    PermissionError: "work where you may write, or ask whoever owns it",
    NotADirectoryError: "there is a file where a folder should be; name a folder",
    IsADirectoryError: "there is a folder where a file should be; name a file",
}


class UsageError(Exception):
    """Something a person can mend: the message says what is wrong, where, and what to do.

    The command line prints the message alone; a stack trace is for defects only.
    """


class ContractError(UsageError):
    """A contract that cannot be read, contradicts itself or is refused."""


class DeliveryError(UsageError):
    """A delivered file that cannot be received as a whole; nothing of it was kept.

    ``discreet`` is the message without anything that the file holds.
    """

    def __init__(self, message: str, discreet: str = "") -> None:
        super().__init__(message)
        self.discreet = discreet or message


class PullError(UsageError):
    """A source that cannot be pulled from; what was pulled before is whole."""


class AccessRefused(UsageError):
    """A read that policy does not permit; the message names the rule and whom to ask."""


class PolicyError(UsageError):
    """The city's policies cannot be used, so nothing may be read."""


class QueryError(UsageError):
    """A question that cannot be asked, or not answered."""


class CityLocked(UsageError):
    """Another process is writing to the city; the message says which."""


class StorageError(UsageError):
    """A disk, a database or memory that is full or fails; all that was committed is whole."""


@contextmanager
def faults_in_words(place: Path | None = None) -> Iterator[None]:
    """Raise a :class:`StorageError` in the place of what storage fails with inside the block.

    Raises:
        StorageError: storage failed; the message has the ``place`` and what its system said.
    """
    try:
        yield
    except Exception as error:
        if (told := in_words(error, place)) is None:
            raise
        raise told from error


def in_words(error: Exception, place: Path | None = None) -> StorageError | None:
    """What storage failed with, in words with the ``place``; ``None`` where it was not storage."""
    if isinstance(error, UsageError | BrokenPipeError):
        return None
    said = plain(error)
    if hurt := _hurt_file(error):
        return harmed(hurt, said.partition(" LINE ")[0])
    if not isinstance(error, storage_faults()) or _is_defect(error):
        return None
    where = f"{place}: " if place and str(place) not in said else ""
    if mend := _MENDS.get(type(error)):
        return StorageError(f"{where}{said}; {mend}")
    return StorageError(
        f"{where}{said}. What was committed is whole; nothing else was kept. "
        "See that the disk is sound and has free space, then run the same command again"
    )


def harmed(file: Path, said: str = "") -> StorageError:
    """A data file of the lake is missing, or damaged as ``said``; with what to do about it."""
    state = f"damaged ({said})" if said else "damaged"
    state = state if os.path.exists(file) else "missing"
    dataset = file.parent.name
    return StorageError(f"{dataset}: the data file {file} is {state}. {mended(dataset)}")


def mended(dataset: str) -> str:
    """What to do about a dataset of whose files in the lake one is damaged or missing."""
    return (
        "Put what is damaged or missing back from a copy of the city. Without one, move "
        f"lake/{dataset} and lake/_quarantine/{dataset}, as far as they are there, out of the "
        "city, weave, and receive again what did not come from the inbox"
    )


@contextmanager
def passed_over() -> Iterator[None]:
    """Go on after the block where it meets what a person has to mend, unless storage fails."""
    try:
        yield
    except StorageError:
        raise
    except UsageError:
        pass


def pasteable(path: Path) -> str:
    """A path as it stands in a command that a person can copy, whatever signs are in it."""
    text = str(path)
    return quote(f"./{text}" if text.startswith("-") else text)


def visible(text: str) -> str:
    """A text with its control characters written out, so that none reaches a terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def plain(error: Exception) -> str:
    """What an error of a library says, in one line."""
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    text = str(getattr(error, "orig", error)) or type(error).__name__
    return " ".join(_ARROW.sub(":", text).split())


def storage_faults() -> tuple[type[Exception], ...]:
    """What storage fails with."""
    import duckdb
    from deltalake.exceptions import DeltaError
    from sqlalchemy.exc import DatabaseError

    told = (duckdb.IOException, duckdb.OutOfMemoryException, duckdb.InvalidInputException)
    return (OSError, MemoryError, DatabaseError, DeltaError, *told)


def _is_defect(error: Exception) -> bool:
    """Whether an error of a database tells of a wrong query, not of a damaged or full disk."""
    import duckdb
    from sqlalchemy.exc import DatabaseError, OperationalError

    if isinstance(error, DatabaseError):
        return not isinstance(error, OperationalError) and type(error) is not DatabaseError
    return isinstance(error, duckdb.InvalidInputException)


def _hurt_file(error: Exception) -> Path | None:
    """The data file that an error names, where it is missing or is not what was written."""
    import duckdb

    named = _DATA_FILE.search(str(error))
    if named is None or not isinstance(error, OSError | duckdb.Error):
        return None
    file = Path(named[0])
    gone = os.access(file.parent, os.X_OK) and not os.path.exists(file)
    return file if gone or isinstance(error, duckdb.InvalidInputException) else None
