"""Making a backup, and taking old ones away."""

import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from hashlib import sha256
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from shutil import rmtree
from typing import IO, TYPE_CHECKING
from uuid import uuid4

from cityloom.backup.carry import carry_erasures
from cityloom.backup.fetch import OnFile
from cityloom.backup.keys import holds_key, recipients_of
from cityloom.backup.manifest import Index, Manifest, Part, SavedFile, SavedTable, written_schema
from cityloom.backup.record import Made, remember
from cityloom.backup.seal import seal
from cityloom.backup.snapshot import Moved, Snapshot, Source, snapshot
from cityloom.backup.target import Target
from cityloom.digest import Digests
from cityloom.erasures import FILE, Erasures
from cityloom.errors import UsageError
from cityloom.runs import now
from cityloom.secret import city_secret, keyed

if TYPE_CHECKING:
    from pyrage.x25519 import Recipient

    from cityloom.city import City

PART = 4 * 1024 * 1024
"""Bytes of each part that a file which grows or changes in place is saved in."""

_TRIES = 3
_SMALL = 65_536
_PACKED_ALREADY = (".parquet", ".gz", ".zip", ".zst", ".xz", ".bz2", ".png", ".jpg", ".pmtiles")


@dataclass(frozen=True)
class Taken:
    """A backup that was made: what it holds and what was written for it; sizes in bytes.

    ``notes`` are words on what is not in it, and on what lies beside it and is damaged.
    """

    id: str
    at: str
    target: Path
    files: int
    size: int
    written: int
    datasets: int
    removed: list[str] = field(default_factory=list)
    freed: int = 0
    notes: list[str] = field(default_factory=list)


def back_up(
    city: "City",
    folder: Path,
    keep: int | None = None,
    prune_erased: bool = False,
    on_file: OnFile = lambda path, done, total: None,
) -> Taken:
    """Make a backup of a city as it is now, in a folder that may hold earlier ones.

    The city may be read and written to meanwhile. What an earlier backup in the same folder holds
    already is not written again. One that is interrupted leaves the earlier ones whole, and what it
    wrote is used by the next.

    Args:
        city: what to save.
        folder: where to; made if it is not there.
        keep: how many backups to keep there, this one among them; all if not said.
        prune_erased: remove earlier backups that hold someone who has been erased since.
        on_file: told of each file.

    Raises:
        UsageError: the city names no recipients, the folder is of no use, or the lake is damaged
            or away.
    """
    recipients = recipients_of(city)
    city.see_tables()
    folder = folder.resolve()
    if folder.is_relative_to(city.path) or city.path.is_relative_to(folder):
        raise UsageError(f"{folder}: backups of a city cannot lie in it or around it")
    target = Target.for_city(folder, keyed(city_secret(city.path), "city"))
    with target.held():
        carry_erasures(city, target, recipients)
        taken = _take(city, target, recipients, on_file)
        doomed = _doomed(city, target, keep, prune_erased)
        freed = target.remove(doomed) if keep or prune_erased else 0
        notes = [*taken.notes, *map(_passed_over, target.damaged())]
    remember(city.path, Made(taken.id, taken.at, str(target.path)))
    return replace(taken, removed=doomed, freed=freed, notes=notes)


def _take(city: "City", target: Target, recipients: "list[Recipient]", on_file: OnFile) -> Taken:
    for _ in range(_TRIES):
        city.readers_scratch.mkdir(parents=True, exist_ok=True)
        work = _Work(city, target, recipients)
        try:
            return work.run(on_file)
        except Moved:
            continue
        finally:
            work.clear()
    raise UsageError(
        f"{city.path}: rows were erased or expired each time it was saved; run the backup again"
    )


class _Work:
    """One try at a backup."""

    def __init__(self, city: "City", target: Target, recipients: "list[Recipient]") -> None:
        self._city = city
        self._target = target
        self._recipients = recipients
        self._whom = "\n".join(sorted(map(str, recipients)))
        self._secret = city_secret(city.path)
        self._scratch = city.readers_scratch / f"backup-{uuid4().hex}"
        self._written = 0

    def run(self, on_file: OnFile) -> Taken:
        self._scratch.mkdir()
        at = now()
        name = f"{''.join(filter(str.isdigit, at[:23]))}-{uuid4().hex[:4]}"
        found = snapshot(self._city, self._scratch)
        files: list[SavedFile] = []
        for number, source in enumerate(found.sources):
            on_file(source.name, number, len(found.sources))
            files += self._saved(source)
        manifest = Manifest(
            name, at, self._city.settings.name, version("cityloom"), files, self._tables(found)
        )
        blobs = sorted({part.blob for file in files for part in file.parts})
        size = sum(file.size for file in files)
        index = Index(name, at, len(files), size, self._written, blobs, sorted(found.erased))
        self._target.add(manifest, index, self._recipients)
        datasets = sum("/" not in folder for folder in found.tables)
        taken = Taken(name, at, self._target.path, len(files), size, self._written, datasets)
        return replace(
            taken, notes=[f"left out, since it is a link: {path}" for path in found.links]
        )

    def clear(self) -> None:
        """Take away what the try set aside."""
        rmtree(self._scratch, ignore_errors=True)

    def _tables(self, found: Snapshot) -> list[SavedTable]:
        digests = Digests(self._city.store, self._scratch)
        saved = []
        for folder, (table, newest) in found.tables.items():
            contract = self._city.contracts.get(folder)
            schema = contract.schema if contract else table.schema(newest)
            try:
                digest = digests.of(table.files(newest), schema)
            except UsageError as error:
                if table.latest_version() != newest:
                    raise Moved(folder) from error
                raise
            rows = table.rows(newest)
            saved.append(SavedTable(folder, newest, rows, digest, written_schema(schema)))
        return saved

    def _saved(self, source: Source) -> Iterator[SavedFile]:
        """A file of the city in blobs; none where it has gone meanwhile and need not be there."""
        packed = not source.name.endswith(_PACKED_ALREADY)
        try:
            self._refuse_private_key(source)
            facts = source.path.stat()
            parts = list(self._parts(source, packed))
        except FileNotFoundError as error:
            if source.must:
                raise Moved(source.name) from error
            return
        mode, modified = facts.st_mode & 0o777, facts.st_mtime_ns
        yield SavedFile(source.name, parts, packed, mode, modified)

    def _parts(self, source: Source, packed: bool) -> Iterator[Part]:
        with open(source.path, "rb") as file:
            if source.lives:
                yield from self._lively(file, source.size)
            else:
                yield self._whole(file, self._city.fingerprints.of_bytes(source.path), packed)

    def _lively(self, file: IO[bytes], size: int | None) -> Iterator[Part]:
        """A file part by part, so that of one which has grown only the end is written again."""
        left = os.fstat(file.fileno()).st_size if size is None else size
        while left > 0 and (content := file.read(min(PART, left))):
            left -= len(content)
            yield self._whole(BytesIO(content), sha256(content).hexdigest(), packed=True)

    def _whole(self, file: IO[bytes], expected: str, packed: bool) -> Part:
        """All bytes of a file as a blob; it is named for what was read, whatever was expected."""
        if self._target.has(known := self._name(expected, packed)):
            return Part(known, expected, file.seek(0, os.SEEK_END))
        with self._target.draft() as draft:
            sealed = seal(file, draft, self._recipients, packed)
            blob = self._name(sealed.sha256, packed)
            if not self._target.has(blob):
                self._written += draft.tell()
                self._target.keep(draft, blob)
        return Part(blob, sealed.sha256, sealed.size)

    def _name(self, sha256: str, packed: bool) -> str:
        """The name of a blob: without the city's secret it tells nothing of what is in it."""
        return keyed(self._secret, "blob", self._whom, sha256, "gzip" if packed else "")

    def _refuse_private_key(self, source: Source) -> None:
        """Refuse one that was put into the city; what is delivered to it stops no backup."""
        if source.lives or source.must or source.name.startswith("inbox/"):
            return
        if source.path.stat().st_size < _SMALL and holds_key(source.path.read_bytes()):
            raise UsageError(
                f"{source.path} holds a private key: whoever takes the city takes the key as well. "
                "Move it out of the city"
            )


def _passed_over(said: str) -> str:
    return (
        f"{said}. It was passed over, and while it is there no blobs are removed; put the file "
        "back from a copy, or remove it to give that backup up"
    )


def _doomed(city: "City", target: Target, keep: int | None, prune_erased: bool) -> list[str]:
    """The backups to remove: those beyond the newest, and those that hold someone erased since."""
    found = target.backups()
    doomed = {index.id for index in found[: -keep or None]} if keep else set()
    if prune_erased:
        erased = Erasures(city.path / FILE).done() | target.erasures()
        doomed |= {index.id for index in found if erased - set(index.erased)}
    return sorted(doomed - {found[-1].id})
