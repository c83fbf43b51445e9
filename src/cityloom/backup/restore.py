"""Restoring: a backup becomes a city in a new folder, all of it verified, or nothing does."""

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy.engine import make_url

from cityloom.backup.again import ErasedAgain
from cityloom.backup.fetch import OnFile, fetch
from cityloom.backup.manifest import Index, Manifest
from cityloom.backup.snapshot import STORE
from cityloom.backup.storedump import load
from cityloom.backup.target import MARK, Target
from cityloom.city import City
from cityloom.disk import sync
from cityloom.erasure import StillHeld
from cityloom.erasures import FILE as ERASURES
from cityloom.erasures import Erased, Erasures, as_erased, read_lines
from cityloom.errors import CityLocked, UsageError
from cityloom.lake import check_place
from cityloom.settings import Settings, read_settings, write_settings
from cityloom.upgrade import upgrade

if TYPE_CHECKING:
    from pyrage.x25519 import Identity


@dataclass(frozen=True)
class Restored:
    """What was restored and verified; ``path`` is ``None`` where it was verified alone."""

    backup: str
    at: str
    path: Path | None
    files: int
    size: int
    tables: int
    rows: int
    again: ErasedAgain = field(default_factory=ErasedAgain)
    notes: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Asked:
    """What is to be restored, and with what.

    Args:
        backup: its id, or the beginning of it; the newest if not said.
        erasures: a record of erasures from elsewhere: the file of a city, or a folder of backups.
        database: the URL of an empty database for the store, in place of an SQLite file.
    """

    backup: str | None = None
    erasures: Path | None = None
    database: str | None = None


def restore(
    folder: Path,
    path: Path,
    identities: "Sequence[Identity]",
    asked: Asked | None = None,
    on_file: OnFile = lambda path, done, total: None,
) -> Restored:
    """Restore a backup as a city in a new folder.

    Every byte is compared with its SHA-256 and every table with its digest. Then whoever was erased
    since the backup is erased again. Only after that the folder gets its name.

    Args:
        folder: the folder of the backups.
        path: where the city is to be; nothing may be there, or an empty folder.
        identities: private keys, of which one has to fit.
        asked: which backup, and with what.
        on_file: told of each file.

    Raises:
        UsageError: something is there, the key does not fit, or something is damaged or missing;
            the message says which. No city was made.
    """
    asked = asked or Asked()
    path = path.resolve()
    check_place(path)
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise UsageError(f"{path}: not empty; a city is restored into a folder of its own")
    target = Target.opened(folder)
    index = target.find(asked.backup)
    manifest = target.manifest(index, identities)
    elsewhere = _erasures_elsewhere(target, asked.erasures, identities)
    with _staging(path) as staging:
        rows = fetch(target, manifest, identities, staging, on_file)
        upgrade(staging)
        notes = _settle_store(staging, asked.database)
        again = _erase_again(staging, elsewhere)
        _sync_tree(staging)
        os.rename(staging, path)
        sync(path.parent)
    return _restored(index, manifest, path, rows, again, notes)


def verify(
    folder: Path,
    identities: "Sequence[Identity]",
    backup: str | None = None,
    beside: Path | None = None,
    on_file: OnFile = lambda path, done, total: None,
) -> Restored:
    """Verify a backup as :func:`restore` does, and leave nothing behind.

    ``beside`` is a folder with room for the city while it is verified.
    """
    target = Target.opened(folder)
    index = target.find(backup)
    manifest = target.manifest(index, identities)
    with TemporaryDirectory(prefix=".cityloom-verify-", dir=beside) as staging:
        rows = fetch(target, manifest, identities, Path(staging), on_file)
    return _restored(index, manifest, None, rows, ErasedAgain(), [])


def _restored(
    index: Index,
    manifest: Manifest,
    path: Path | None,
    rows: int,
    again: ErasedAgain,
    notes: list[str],
) -> Restored:
    return Restored(
        index.id, index.at, path, index.files, index.size, len(manifest.tables), rows, again, notes
    )


@contextmanager
def _staging(path: Path) -> Iterator[Path]:
    """A folder beside a path, gone after the block but if it was given another name.

    Raises:
        CityLocked: another process restores to the same path.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    staging, lock = (path.with_name(f".{path.name}.{what}") for what in ("restoring", "lock"))
    with open(lock, "a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CityLocked(f"{path}: another process is restoring to it") from None
        rmtree(staging, ignore_errors=True)
        staging.mkdir(mode=0o700)
        try:
            yield staging
        finally:
            rmtree(staging, ignore_errors=True)
            lock.unlink(missing_ok=True)


def _settle_store(city: Path, database: str | None) -> list[str]:
    """Put the restored store where the city looks for it, and never where another city does."""
    settings = read_settings(city)
    own = Settings.model_fields["database"].default
    url = database or (settings.database if _lies_in(city, settings.database) else own)
    if database:
        load(city / STORE, city, database)
        (city / STORE).unlink()
    elif (name := make_url(url).database or STORE) != STORE:
        (city / name).parent.mkdir(parents=True, exist_ok=True)
        os.replace(city / STORE, city / name)
    if url == settings.database:
        return []
    write_settings(city, settings.model_copy(update={"database": url}))
    shown = [make_url(u).render_as_string() for u in (url, settings.database)]
    return [f"city.toml says database = {shown[0]} now; it was {shown[1]}, which was not touched"]


def _lies_in(city: Path, database: str) -> bool:
    """Whether the store at a database URL is a file in the city's own folder."""
    url, folder = make_url(database), city.resolve()
    if url.get_backend_name() != "sqlite":
        return False
    return folder in (folder / (url.database or STORE)).resolve().parents


def _erase_again(city: Path, elsewhere: dict[str, Erased]) -> ErasedAgain:
    """Erase whoever was erased since the backup."""
    own = Erasures(city / ERASURES)
    done = own.done()
    pending = [item for name, item in {**own.all(), **elsewhere}.items() if name not in done]
    if not pending:
        return ErasedAgain()
    opened = City.open(city)
    try:
        return opened.erase_again(pending)
    except StillHeld as error:
        raise UsageError(f"{error}. Mend or install what makes it, and restore again") from None
    finally:
        opened.store.dispose()


def _erasures_elsewhere(
    target: Target, given: Path | None, identities: "Sequence[Identity]"
) -> dict[str, Erased]:
    """The erasures that are known where the backups lie, and in a record from elsewhere."""
    lines = [(text + b"\n", str(target.path)) for text in target.read_erasures(identities)]
    if given is not None and (given / MARK).exists():
        other = Target.opened(given).read_erasures(identities)
        lines += [(text + b"\n", str(given)) for text in other]
    elif given is not None:
        lines.append((_read(given), str(given)))
    found = (
        as_erased(line, origin)
        for text, origin in lines
        for line in read_lines(text, origin)
        if "id" in line
    )
    return {item.id: item for item in found}


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        raise UsageError(f"{path}: no record of erasures and no folder of backups") from None


def _sync_tree(folder: Path) -> None:
    """See to it that all below a folder is on disk for good."""
    for path in [folder, *folder.rglob("*")]:
        sync(path)
