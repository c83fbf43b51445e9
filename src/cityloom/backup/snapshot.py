"""A city at one moment: the list of its files, taken while others write and read.

Data files of the lake never change, so a moment of the lake is a version of each table. The
versions are looked up until nothing was committed between two looks; nobody has to wait. The store
is copied before, and what it lacks of the lake's past the log of runs reads from the commits.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from sqlalchemy.engine import make_url

from cityloom import erasures
from cityloom.backup import record
from cityloom.backup.storedump import dump
from cityloom.errors import UsageError, harmed
from cityloom.inbox import delivered_files
from cityloom.lake import LakeTable, tables_in
from cityloom.ledger import publish
from cityloom.ledger.chain import HEAD
from cityloom.lines import whole_lines
from cityloom.runs import Run, deliveries
from cityloom.upgrade import aside

if TYPE_CHECKING:
    from cityloom.city import City

STORE = "store.sqlite"
"""What the store is called in a backup."""

_LEDGER = "ledger.ndjson"
_LOGS = {erasures.FILE, record.FILE, publish.FILE}
_ELSEWHERE = {"lake", "scratch", ".lock", HEAD, aside.FOLDER}
_LOOKS = 50

_Versions = dict[Path, tuple[int, int]]


class Moved(Exception):
    """The city changed in a way that a snapshot does not outlast; another one may."""


@dataclass(frozen=True)
class Source:
    """A file to save: its path in the city, where its bytes are, how many of them (``None``: all).

    ``lives`` tells of one that changes in place or grows; ``must`` of one that may not go missing.
    """

    name: str
    path: Path
    size: int | None = None
    lives: bool = False
    must: bool = False


@dataclass(frozen=True)
class Snapshot:
    """What of a city is saved; ``erased`` are the ids of the erasures that were done before.

    ``links`` are the paths in the inbox of what is not saved, since it lies elsewhere.
    """

    sources: list[Source]
    tables: dict[str, tuple[LakeTable, int]]
    erased: set[str]
    links: list[str]


def snapshot(city: "City", scratch: Path) -> Snapshot:
    """The city as it is now; the copy of its store is put into ``scratch``.

    Raises:
        Moved: a table's past was erased meanwhile.
        UsageError: a table cannot be opened, or writers never pause, or a folder is a link.
    """
    logs = {name: _whole_lines(city.path / name) for name in _LOGS}
    head = scratch / f"{HEAD}-{uuid4().hex}"
    logs[_LEDGER] = city.ledger.copy_head(head)
    done = erasures.Erasures(city.path / erasures.FILE).done(logs[erasures.FILE])
    before = _versions(city)
    store = scratch / f"{STORE}-{uuid4().hex}"
    dump(city.store, store)
    versions = _settled(city)
    if any(versions.get(folder, (-1, -1))[0] != oldest for folder, (oldest, _) in before.items()):
        raise Moved(city.path)
    tables = {
        folder.relative_to(city.path / "lake").as_posix(): (city.table(folder), newest)
        for folder, (_, newest) in versions.items()
    }
    sources = [Source(STORE, store, lives=True, must=True)]
    sources += [Source(HEAD, head, lives=True, must=True)] if head.exists() else []
    sources += [
        source for table, version in tables.values() for source in _of(city, table, version)
    ]
    others = _others(city, _received(city, versions))
    links = [path for path in others if path.is_symlink() and city.path / "inbox" in path.parents]
    sources += _in_place(city, others, {*links}, logs)
    return Snapshot(sources, tables, done, [_name(city, path) for path in links])


def _settled(city: "City") -> _Versions:
    """The versions of all tables at one moment."""
    seen = _versions(city)
    for _ in range(_LOOKS):
        again = _versions(city)
        if again == seen:
            return seen
        seen = again
    raise UsageError(f"{city.path}: it is being written to without a pause; try again later")


def _versions(city: "City") -> _Versions:
    """The oldest and the newest version of each table, by its folder."""
    tables = tables_in(city.path / "lake")
    return {table.folder: (table.oldest_version(), table.latest_version()) for table in tables}


def _of(city: "City", table: LakeTable, version: int) -> Iterator[Source]:
    """The files of a table; the data files of the version have to be whole."""
    try:
        yield from _files(city, table, version)
    except (UsageError, FileNotFoundError) as error:
        if table.latest_version() != version:
            raise Moved(table.folder) from error
        raise


def _files(city: "City", table: LakeTable, version: int) -> Iterator[Source]:
    sizes = table.sizes(version)
    for path in table.all_files(version):
        if path in sizes and not path.exists():
            raise harmed(path)
        if path in sizes and (found := path.stat().st_size) != sizes[path]:
            raise harmed(path, f"{found:,} bytes instead of {sizes[path]:,}")
        yield Source(_name(city, path), path, must=True)


def _others(city: "City", received: set[Path]) -> list[Path]:
    """Whatever else lies in the city's folder, but for what writers set aside."""
    left_out = {*_store_files(city), *received}
    tops = [entry for entry in sorted(city.path.iterdir()) if entry.name not in _ELSEWHERE]
    below = [path for top in tops for path in (top, *sorted(top.rglob("*")))]
    return [path for path in below if path not in left_out]


def _in_place(
    city: "City", paths: list[Path], links: set[Path], logs: dict[str, int]
) -> Iterator[Source]:
    """The files among some paths, without the links in the inbox."""
    for path in paths:
        if path.is_symlink() and path.is_dir() and path not in links and path.parent != city.path:
            raise UsageError(
                f"{path} is a link to a folder, of which a backup would have nothing; put the "
                "folder itself in its place"
            )
        if path.is_file() and path not in links:
            name = _name(city, path)
            yield Source(name, path, logs.get(name), lives=name in logs)


def _name(city: "City", path: Path) -> str:
    return path.relative_to(city.path).as_posix()


def _store_files(city: "City") -> list[Path]:
    """The files of the store where it lies in the city, and of one that it had there before."""
    url = make_url(city.settings.database)
    names = {STORE, url.database or STORE} if url.get_backend_name() == "sqlite" else {STORE}
    beside = ("", "-wal", "-shm", "-journal")
    return [city.path / f"{name}{more}" for name in names for more in beside]


def _received(city: "City", versions: _Versions) -> set[Path]:
    """The delivered files that some versions have received, where the city does not save those."""
    if city.settings.backup is None or city.settings.backup.received:
        return set()
    known = {name: _receipts(city, name, versions) for name in city.received}
    return {
        part
        for name, contract in city.received.items()
        for file in delivered_files(city.path, contract)
        if (run := known[name].get(file.source)) and run.sha256 == city.fingerprints.of(file.path)
        for part in file.parts
    }


def _receipts(city: "City", dataset: str, versions: _Versions) -> dict[str, Run]:
    """The receipts of a dataset, by source, that its saved version has; a later one is not in it.

    A weave may have received more since the versions were looked up.
    """
    _, newest = versions.get(city.kept(dataset).folder, (-1, -1))
    runs = city.runs(dataset)
    return deliveries(run for run in runs if run.version is not None and run.version <= newest)


def _whole_lines(path: Path) -> int:
    """The bytes of a record up to the end of its last whole line."""
    if not path.exists():
        return 0
    with open(path, "rb") as file:
        return whole_lines(file.fileno())
