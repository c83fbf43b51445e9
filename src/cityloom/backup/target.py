"""The folder that backups lie in: blobs by the name of what they hold, and a file a backup.

A blob is written once, under another name, synced and then given its own; it never changes. A
backup is there from the moment its index is. So whatever is interrupted leaves the others whole.
"""

import fcntl
import json
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any

from cityloom.backup.manifest import FORMAT, Index, Manifest, as_json, from_json
from cityloom.backup.seal import unseal
from cityloom.disk import put, sync
from cityloom.errors import CityLocked, UsageError

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

MARK = "cityloom-backups.json"
"""The file by which a folder of backups is known."""

_UNFINISHED = ".unfinished-"


class Target:
    """A folder of backups of one city."""

    def __init__(self, path: Path) -> None:
        self.path = path.resolve()

    @classmethod
    def opened(cls, path: Path) -> "Target":
        """The backups in a folder.

        Raises:
            UsageError: there are none.
        """
        target = cls(path)
        if not (target.path / MARK).exists():
            raise UsageError(f"{path}: no backups here ({MARK} is missing)")
        stated = target._stated()
        if stated.get("format", FORMAT) > FORMAT:
            raise UsageError(f"{path}: backups of a newer cityloom; upgrade cityloom")
        return target

    @classmethod
    def for_city(cls, path: Path, city: str) -> "Target":
        """The backups of a city in a folder, which is made where it is not there.

        Args:
            path: the folder.
            city: a name of the city that tells nothing to others.

        Raises:
            UsageError: the folder holds something else, or backups of another city.
        """
        target = cls(path)
        if not (target.path / MARK).exists():
            target._make(city)
        elif cls.opened(path)._stated().get("city") != city:
            raise UsageError(f"{path}: these are backups of another city; name another folder")
        return target

    def _make(self, city: str) -> None:
        if self.path.exists() and any(e.name != ".lock" for e in self.path.iterdir()):
            raise UsageError(f"{self.path}: not empty; backups need a folder of their own")
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._write(self.path / MARK, json.dumps({"format": FORMAT, "city": city}).encode())

    def _stated(self) -> dict[str, Any]:
        try:
            found = json.loads((self.path / MARK).read_bytes())
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise UsageError(f"{self.path / MARK} is damaged")
        return found

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one that writes here; what one left that did not come to its end is gone.

        Raises:
            CityLocked: another process is at it.
        """
        with open(self.path / ".lock", "a") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise CityLocked(
                    f"{self.path}: another backup is at work here; wait until it is done"
                ) from None
            for left in self.path.glob(f"{_UNFINISHED}*"):
                left.unlink()
            yield

    # Blobs

    def has(self, blob: str) -> bool:
        """Whether a blob is there."""
        return self.blob(blob).exists()

    def blob(self, name: str) -> Path:
        """The file of a blob."""
        return self.path / "blobs" / name[:2] / name

    @contextmanager
    def draft(self) -> Iterator[IO[bytes]]:
        """A file to write a blob to; :meth:`keep` makes it one, else it is gone after the block."""
        file = NamedTemporaryFile(dir=self.path, prefix=_UNFINISHED, delete=False)  # noqa: SIM115
        try:
            with file:
                yield file
        finally:
            Path(file.name).unlink(missing_ok=True)

    def keep(self, draft: IO[bytes], blob: str) -> None:
        """Give a blob that is written its name."""
        draft.flush()
        os.fsync(draft.fileno())
        path = self.blob(blob)
        path.parent.mkdir(parents=True, exist_ok=True)
        os.replace(draft.name, path)

    # Backups

    def backups(self) -> list[Index]:
        """The backups that are there, oldest first, but for :meth:`damaged` ones."""
        return [item for item in self._read() if isinstance(item, Index)]

    def damaged(self) -> list[str]:
        """What is wrong with the indexes of backups that cannot be read."""
        return [str(item) for item in self._read() if isinstance(item, UsageError)]

    def _read(self) -> Iterator[Index | UsageError]:
        for path in self._indexes():
            try:
                yield _index(path)
            except UsageError as error:
                yield error

    def _indexes(self) -> list[Path]:
        return sorted((self.path / "backups").glob("*.json"))

    def find(self, backup: str | None) -> Index:
        """A backup by its id or the beginning of it; the newest where none is named.

        Raises:
            UsageError: there is none, or more than one, or its index is damaged.
        """
        found = [path for path in self._indexes() if path.stem.startswith(backup or "")]
        if not found:
            what = f"no backup '{backup}'" if backup else "no backup that was finished"
            raise UsageError(f"{self.path}: {what} here; see: cityloom backups {self.path}")
        if backup and len(found) > 1:
            raise UsageError(f"{self.path}: several backups begin with '{backup}'; say more of it")
        return _index(found[-1])

    def add(self, manifest: Manifest, index: Index, recipients: "Sequence[Recipient]") -> None:
        """Make a backup be there."""
        self._sync_blobs(index.blobs)
        self._put(self._manifest(index.id), as_json(manifest), recipients)
        self._write(self.path / "backups" / f"{index.id}.json", as_json(index))

    def manifest(self, index: Index, identities: "Sequence[Identity]") -> Manifest:
        """What a backup says of itself.

        Raises:
            UsageError: the key is another one, or the manifest is damaged or missing.
        """
        path = self._manifest(index.id)
        found = from_json(self._opened(path, identities), Manifest, str(path))
        if found.id != index.id:
            raise UsageError(f"{path} is damaged: it is the manifest of another backup")
        return found

    def remove(self, backups: Collection[str]) -> int:
        """Remove backups, and the blobs that no other needs; how many bytes that frees.

        While an index is damaged no blob is removed: nobody knows which of them it needs.
        """
        for backup in backups:
            (self.path / "backups" / f"{backup}.json").unlink(missing_ok=True)
            self._manifest(backup).unlink(missing_ok=True)
        return 0 if self.damaged() else self._sweep()

    def _sweep(self) -> int:
        kept = {index.id: index for index in self.backups()}
        for path in (self.path / "backups").glob("*.age"):
            if path.stem not in kept:
                path.unlink()
        needed = {blob for index in kept.values() for blob in index.blobs}
        freed = 0
        for path in (self.path / "blobs").glob("*/*"):
            if path.name not in needed:
                freed += path.stat().st_size
                path.unlink()
        return freed

    # Erasures

    def erasures(self) -> set[str]:
        """The ids of the erasures that are known here."""
        return {path.stem for path in (self.path / "erasures").glob("*.age")}

    def add_erasure(self, name: str, line: bytes, recipients: "Sequence[Recipient]") -> None:
        """Make an erasure be known here."""
        self._put(self._erasure(name), line, recipients)

    def read_erasures(self, identities: "Sequence[Identity]") -> list[bytes]:
        """The erasures that are known here, as they were written down.

        Raises:
            UsageError: the key is another one, or a file is damaged.
        """
        return [self._opened(self._erasure(name), identities) for name in sorted(self.erasures())]

    def _erasure(self, name: str) -> Path:
        return self.path / "erasures" / f"{name}.age"

    def _manifest(self, backup: str) -> Path:
        return self.path / "backups" / f"{backup}.age"

    # Files

    def _put(self, path: Path, content: bytes, recipients: "Sequence[Recipient]") -> None:
        """Write some bytes to a file of their own, encrypted, whole or not at all."""
        import pyrage

        self._write(path, pyrage.encrypt(content, recipients))

    def _opened(self, path: Path, identities: "Sequence[Identity]") -> bytes:
        from io import BytesIO

        found = BytesIO()
        unseal(path, found, identities, packed=False)
        return found.getvalue()

    def _write(self, path: Path, content: bytes) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=self.path, prefix=_UNFINISHED, delete=False) as file:
            file.write(content)
        put(Path(file.name), path)

    def _sync_blobs(self, blobs: Iterable[str]) -> None:
        for folder in {self.blob(blob).parent for blob in blobs}:
            sync(folder)
        sync(self.path)


def _index(path: Path) -> Index:
    """The index in a file.

    Raises:
        UsageError: it is damaged, or another backup's.
    """
    index = from_json(path.read_bytes(), Index, str(path))
    if index.id != path.stem:
        raise UsageError(f"{path} is damaged: it is the index of another backup")
    return index
