"""The files of a backup, fetched and compared: byte by byte, then table by table."""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from sqlalchemy import create_engine

from cityloom.backup.manifest import Manifest, SavedFile, SavedTable, read_schema
from cityloom.backup.seal import unseal
from cityloom.backup.target import Target
from cityloom.city import FOLDERS
from cityloom.counts import counted
from cityloom.digest import Digests
from cityloom.errors import UsageError
from cityloom.lake import LakeTable
from cityloom.store import metadata

if TYPE_CHECKING:
    from pyrage.x25519 import Identity

OnFile = Callable[[str, int, int], None]
"""Told of each file: its path, how many are done, how many there are."""


def fetch(
    target: Target,
    manifest: Manifest,
    identities: "Sequence[Identity]",
    staging: Path,
    on_file: OnFile,
) -> int:
    """Write all files of a backup to a folder and compare them; the rows of all tables.

    Raises:
        UsageError: a blob is missing or damaged, or a table is not what was saved.
    """
    missing = {p.blob for f in manifest.files for p in f.parts if not target.has(p.blob)}
    if missing:
        files = [f.path for f in manifest.files if missing & {part.blob for part in f.parts}]
        raise UsageError(
            f"{target.path}: backup {manifest.id} lacks {counted(len(missing), 'blob')}, such as "
            f"{target.blob(min(missing))} with {files[0]}. Put back what is missing from a copy "
            f"of this folder, or restore another backup; see: cityloom backups {target.path}"
        )
    for number, file in enumerate(manifest.files):
        on_file(file.path, number, len(manifest.files))
        _write(target, file, identities, staging / file.path)
    for name in FOLDERS:
        (staging / name).mkdir(parents=True, exist_ok=True)
    for table in manifest.tables:
        _verify_table(staging, table)
    return sum(table.rows for table in manifest.tables)


def _write(target: Target, file: SavedFile, identities: "Sequence[Identity]", path: Path) -> None:
    """Write one file of a backup."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, file.mode), "wb") as into:
        for part in file.parts:
            blob = target.blob(part.blob)
            try:
                found = unseal(blob, into, identities, file.packed)
            except UsageError as error:
                raise UsageError(f"{file.path}: {error}") from None
            if (found.sha256, found.size) != (part.sha256, part.size):
                raise UsageError(f"{file.path}: {blob} is damaged: it holds something else")
    os.utime(path, ns=(file.modified, file.modified))


def _verify_table(city: Path, saved: SavedTable) -> None:
    """Compare a table that was restored with what its backup says of it."""
    table = LakeTable(city / "lake" / saved.folder)
    with TemporaryDirectory(dir=city / "scratch") as scratch:
        engine = create_engine("sqlite://")
        metadata.create_all(engine)
        digest = Digests(engine, Path(scratch)).of(table.files(), read_schema(saved.schema))
    found = (table.latest_version(), table.rows(), digest)
    if found != (saved.version, saved.rows, saved.digest):
        raise UsageError(
            f"lake/{saved.folder} is not what was saved: version {found[0]}, "
            f"{counted(found[1], 'row')}, digest {found[2]}; saved was version {saved.version}, "
            f"{counted(saved.rows, 'row')}, digest {saved.digest}"
        )
