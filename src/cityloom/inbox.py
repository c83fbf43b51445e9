"""The inbox: delivered files as they lie in a city's directory, and what identifies each."""

import hashlib
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePath

from sqlalchemy import BigInteger, Column, Engine, String, Table, delete, insert, select

from cityloom.contract import Contract
from cityloom.errors import DeliveryError
from cityloom.store import metadata

SEEN = Table(
    "seen_file",
    metadata,
    Column("path", String, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("modified", BigInteger, nullable=False),
    Column("sha256", String, nullable=False),
)


@dataclass(frozen=True)
class DeliveredFile:
    """A file and the name it goes by: the same name again means the same delivery again.

    The name is the file's own, below the dataset's inbox with the folders between.
    """

    path: Path
    source: str


def delivered_files(city: Path, contract: Contract) -> list[DeliveredFile]:
    """The files that lie ready for a dataset, by name."""
    places = (f"inbox/{contract.dataset}/**/*", f"inbox/{contract.dataset}.*")
    found = {path for place in _said(contract.files.path, places) for path in city.glob(place)}
    own = city / "inbox" / contract.dataset
    return [
        DeliveredFile(path, _in_text(path.relative_to(own) if own in path.parents else path.name))
        for path in sorted(found)
        if path.is_file() and not path.name.startswith((".", "~"))
    ]


def _said(path: str | None, otherwise: tuple[str, ...]) -> tuple[str, ...]:
    return (path,) if path else otherwise


def files_in(path: Path) -> list[DeliveredFile]:
    """One file, or the files of a folder, by name.

    Raises:
        DeliveryError: there is nothing there.
    """
    if path.is_dir():
        files = [f for f in sorted(path.iterdir()) if f.is_file() and not f.name.startswith(".")]
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise DeliveryError(f"{path}: no such file, or an empty folder")
    return [DeliveredFile(file, _in_text(file.name)) for file in files]


def _in_text(name: PurePath | str) -> str:
    """A name as text, also one that was written in GBK, or in whatever bytes."""
    written = os.fsencode(name.as_posix() if isinstance(name, PurePath) else name)
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return written.decode(encoding)
    return written.decode(errors="backslashreplace")


class Fingerprints:
    """SHA-256 of files, remembered as long as size and time of change stay the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.connect() as connection:
            rows = connection.execute(select(SEEN)).all()
        self._seen = {row.path: (row.size, row.modified, row.sha256) for row in rows}

    def of(self, path: Path) -> str:
        """The SHA-256 of a file's bytes, in hexadecimal."""
        path = path.resolve()
        stat = path.stat()
        name = _in_text(path)
        known = self._seen.get(name)
        if known and known[:2] == (stat.st_size, stat.st_mtime_ns):
            return str(known[2])
        with open(path, "rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        self._remember(name, stat.st_size, stat.st_mtime_ns, digest)
        return digest

    def _remember(self, path: str, size: int, modified: int, digest: str) -> None:
        self._seen[path] = (size, modified, digest)
        row = {"path": path, "size": size, "modified": modified, "sha256": digest}
        with self._engine.begin() as connection:
            connection.execute(delete(SEEN).where(SEEN.c.path == path))
            connection.execute(insert(SEEN), row)
