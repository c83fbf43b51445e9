"""The inbox: delivered files as they lie in a city's directory, and what identifies each."""

import os
import re
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import file_digest, sha256
from itertools import takewhile
from pathlib import Path, PurePath

from sqlalchemy import BigInteger, Column, Engine, String, Table, delete, insert, select

from cityloom.contract import Contract
from cityloom.errors import DeliveryError
from cityloom.readers.layers import is_side_file, side_files
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
    """A file and the name it goes by: the same name again means the same delivery again."""

    path: Path
    source: str

    @property
    def parts(self) -> list[Path]:
        """The file, and those that come with it where it is a Shapefile."""
        return _parts(self.path)


def delivered_files(city: Path, contract: Contract) -> list[DeliveredFile]:
    """The files that lie ready for a dataset, in their order, each with a name of its own.

    A file goes by its path below the dataset's folder of the inbox, or below what stands before the
    first wildcard of the contract's own pattern.
    """
    inbox = city / "inbox"
    own = inbox / contract.dataset
    pattern = contract.files.path
    found = _matching(city, (pattern,) if pattern else _usual_places(contract))
    files = _named(found, own, city / _fixed_part(pattern) if pattern else inbox)
    return sorted(files, key=lambda file: in_order(file.source))


def in_order(name: str) -> tuple[list[tuple[bool, int, str]], str]:
    """By what names are ordered as people count: numbers by their value, so 9 before 10."""
    parts = re.split(r"([0-9]+)", name)
    return [(part.isdecimal(), int(part) if part.isdecimal() else 0, part) for part in parts], name


def overlooked_files(city: Path, contracts: Iterable[Contract]) -> dict[str, list[Path]]:
    """The files in each dataset's usual place of the inbox that no contract's path matches."""
    known = list(contracts)
    elsewhere = [contract for contract in known if contract.files.path]
    if not elsewhere:
        return {}
    matched = {file.path for contract in known for file in delivered_files(city, contract)}
    usual = {c.dataset: _matching(city, _usual_places(c)) - matched for c in elsewhere}
    return {dataset: sorted(paths) for dataset, paths in usual.items() if paths}


def _usual_places(contract: Contract) -> tuple[str, str]:
    """Where a dataset's files lie if its contract names no other place."""
    return f"inbox/{contract.dataset}/**/*", f"inbox/{contract.dataset}.*"


def _matching(city: Path, places: Iterable[str]) -> set[Path]:
    return {path for place in places for path in city.glob(place) if _is_delivered(path)}


def _is_delivered(path: Path) -> bool:
    return path.is_file() and not path.name.startswith((".", "~")) and not is_side_file(path)


def _fixed_part(pattern: str) -> Path:
    """The folders of a pattern that stand before its first wildcard."""
    folders = Path(pattern).parent.parts
    return Path(*takewhile(lambda folder: not set(folder) & set("*?["), folders))


def _named(paths: Iterable[Path], own: Path, base: Path) -> list[DeliveredFile]:
    """The files by their names; of two with one name, that in the dataset's folder keeps it."""
    taken: dict[str, Path] = {}
    for path in sorted(paths, key=lambda p: (own not in p.parents, in_text(p) != str(p), p)):
        usual = in_text(path.relative_to(own if own in path.parents else base))
        beside = os.path.relpath(path, own)
        escaped = os.fsencode(beside).decode("ascii", errors="backslashreplace")
        names = (name for name in (usual, in_text(beside), escaped) if name not in taken)
        taken[next(names)] = path
    return [DeliveredFile(path, name) for name, path in taken.items()]


def files_in(path: Path) -> list[DeliveredFile]:
    """One file, or the files of a folder, in the order of their names.

    Raises:
        DeliveryError: there is nothing there.
    """
    if path.is_dir():
        files = [path for path in path.iterdir() if _is_delivered(path)]
    else:
        files = [path] if path.is_file() else []
    if not files:
        raise DeliveryError(f"{path}: no such file, or an empty folder")
    delivered = [DeliveredFile(file, in_text(file.name)) for file in files]
    return sorted(delivered, key=lambda file: in_order(file.source))


def check_link(city: Path, path: Path) -> None:
    """See that a file that lies in a city is no link to a file outside of its folder and the inbox.

    The same holds for the files that come with it.

    Whoever may put files into an inbox could otherwise have any file of the machine read.

    Raises:
        DeliveryError: it is one.
    """
    if city.absolute() not in path.absolute().parents:
        return
    places = [place.resolve() for place in (city / "inbox", path.parent)]
    for part in _parts(path):
        if not part.is_symlink() or any(part.resolve().is_relative_to(p) for p in places):
            continue
        raise DeliveryError(
            f"{part.name}: a link that leads out of the inbox; deliver the file itself, or receive "
            "what it leads to with: cityloom receive DATASET FILE"
        )


def in_text(name: PurePath | str) -> str:
    """A name as text, also one that was written in GBK, or in whatever bytes."""
    written = os.fsencode(name.as_posix() if isinstance(name, PurePath) else name)
    for encoding in ("utf-8", "gb18030"):
        with suppress(UnicodeDecodeError):
            return written.decode(encoding)
    return written.decode(errors="backslashreplace")


def _parts(path: Path) -> list[Path]:
    return [path, *side_files(path)] if path.suffix.lower() == ".shp" else [path]


class Fingerprints:
    """SHA-256 of files, remembered as long as size and time of change stay the same."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        with engine.connect() as connection:
            rows = connection.execute(select(SEEN)).all()
        self._seen = {row.path: (row.size, row.modified, row.sha256) for row in rows}

    def of(self, path: Path) -> str:
        """The SHA-256 of a file's bytes, and of the files that come with it, in hexadecimal."""
        digests = [self.of_bytes(part) for part in _parts(path.resolve())]
        return digests[0] if len(digests) == 1 else sha256("".join(digests).encode()).hexdigest()

    def of_bytes(self, path: Path) -> str:
        """The SHA-256 of a file's bytes alone, in hexadecimal."""
        path = path.resolve()
        facts, name = path.stat(), in_text(path)
        known = self._seen.get(name)
        if known and known[:2] == (facts.st_size, facts.st_mtime_ns):
            return str(known[2])
        with open(path, "rb") as file:
            digest = file_digest(file, "sha256").hexdigest()
        self._remember(name, facts.st_size, facts.st_mtime_ns, digest)
        return digest

    def _remember(self, path: str, size: int, modified: int, digest: str) -> None:
        self._seen[path] = (size, modified, digest)
        row = {"path": path, "size": size, "modified": modified, "sha256": digest}
        with self._engine.begin() as connection:
            connection.execute(delete(SEEN).where(SEEN.c.path == path))
            connection.execute(insert(SEEN), row)
