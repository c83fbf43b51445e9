"""A dataset's tiles in one file: PMTiles version 3, replaced as a whole or not at all.

Its metadata carries, beside what viewers read, what it was made of: the version of the rows and the
recipe. The hashes of the content of its tiles, which only the next making asks for, lie in a file
beside it, so that looking at an archive costs the same however many tiles it has.
"""

import gzip
import json
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING, Any, BinaryIO
from uuid import uuid4

import numpy as np
from pmtiles.tile import Compression, TileType, deserialize_directory, deserialize_header
from pmtiles.writer import Writer

if TYPE_CHECKING:
    from cityloom.tiles.features import Marks
    from cityloom.tiles.mercator import Ints

HEADER = 127
"""Bytes of the header that every archive begins with."""

LARGEST = 500_000
"""Bytes of a packed tile, at most."""

_OURS = "cityloom"

_HELD = 256
"""Archives whose headers and metadata are held, at most."""


@dataclass(frozen=True)
class Origin:
    """What an archive was made of: the version of the rows, and how tiles were made of them."""

    rows: str
    recipe: str


@dataclass(frozen=True)
class Archive:
    """A finished archive whose header and metadata could be read."""

    path: Path
    header: Mapping[str, Any]
    metadata: Mapping[str, Any]

    @property
    def origin(self) -> Origin:
        """What it was made of."""
        return Origin(self.metadata[_OURS]["rows"], self.metadata[_OURS]["recipe"])

    def is_tile(self, part: range) -> bool:
        """Whether some of its bytes can be one tile, and nothing by which tiles are found."""
        return part.start >= self.header["tile_data_offset"] and len(part) <= LARGEST

    def marks(self) -> dict[int, int]:
        """The hash of each tile's content, by the tile's identifier; also of tiles left empty.

        None where they are gone, or are not those of this archive.
        """
        try:
            packed = marks_path(self.path).read_bytes()
        except FileNotFoundError:
            return {}
        if sha256(packed).hexdigest() != self.metadata[_OURS]["marks"]:
            return {}
        return dict(np.frombuffer(packed, "<u8").reshape(-1, 2).tolist())

    @contextmanager
    def tiles(self) -> Iterator[Callable[[int], bytes | None]]:
        """A look-up of tiles by identifier; ``None`` where there is none, or it is damaged."""
        with open(self.path, "rb") as file:
            found = dict(self._entries(file.fileno(), "root_offset", "root_length"))

            def tile(number: int) -> bytes | None:
                place = found.get(number)
                return place and _sound(os.pread(file.fileno(), place[1], place[0]))

            yield tile

    def _entries(
        self, file: int, start: str, length: str, leaf: tuple[int, int] | None = None
    ) -> Iterator[tuple[int, tuple[int, int]]]:
        """Each tile's identifier, and where its bytes lie."""
        offset, size = leaf or (self.header[start], self.header[length])
        for entry in deserialize_directory(os.pread(file, size, offset)):
            if entry.run_length == 0:
                below = self.header["leaf_directory_offset"] + entry.offset, entry.length
                yield from self._entries(file, start, length, below)
            for number in range(entry.tile_id, entry.tile_id + entry.run_length):
                yield number, (self.header["tile_data_offset"] + entry.offset, entry.length)


def marks_path(path: Path) -> Path:
    """Where the hashes of an archive's tiles lie."""
    return path.with_suffix(".marks")


def opened(path: Path) -> Archive | None:
    """The archive at a path; ``None`` where there is none, or it is cut off or not one of ours.

    One that was read before, and has not been replaced since, is not read again.
    """
    try:
        found = path.stat()
        return _read(path, found.st_ino, found.st_mtime_ns, found.st_size)
    except Exception:
        return None


@lru_cache(maxsize=_HELD)
def _read(path: Path, inode: int, changed: int, size: int) -> Archive:
    """The archive at a path, as the file there is known by its number, time and size."""
    with open(path, "rb") as file:
        header = deserialize_header(file.read(HEADER))
        if header["tile_data_offset"] + header["tile_data_length"] != size:
            raise ValueError("it is cut off")
        file.seek(header["metadata_offset"])
        metadata = json.loads(gzip.decompress(file.read(header["metadata_length"])))
    if not {"rows", "recipe", "marks"} <= metadata[_OURS].keys():
        raise ValueError("it is not one of ours")
    return Archive(path, header, metadata)


def remove(path: Path) -> None:
    """Take an archive away, if there is one, and the hashes beside it."""
    path.unlink(missing_ok=True)
    marks_path(path).unlink(missing_ok=True)


class ArchiveWriter:
    """Takes tiles in the order of their identifiers, then all else."""

    def __init__(self, file: BinaryIO, beside: BinaryIO, spool: IO[bytes]) -> None:
        """Use :func:`writing`."""
        self._file = file
        self._beside = beside
        self._writer = Writer(file)
        self._writer.tile_f.close()
        self._writer.tile_f = spool
        self._marks: list[np.ndarray] = []

    def write(self, number: int, tile: bytes) -> None:
        """Add a tile."""
        self._writer.write_tile(number, tile)

    def remember(self, numbers: "Ints", marks: "Marks") -> None:
        """Note of what some tiles were made."""
        self._marks.append(np.column_stack([numbers.astype("<u8"), marks.astype("<u8")]))

    def finish(self, header: dict[str, Any], metadata: dict[str, Any], origin: Origin) -> None:
        """Write all else; the archive is whole and on disk afterwards."""
        if not self._writer.tile_entries:
            self.write(0, gzip.compress(b"", mtime=0))
        marks = b"".join(part.tobytes() for part in self._marks)
        self._beside.write(marks)
        ours = {
            "rows": origin.rows,
            "recipe": origin.recipe,
            "marks": sha256(marks).hexdigest(),
        }
        self._writer.finalize(
            {
                "version": 3,
                "tile_type": TileType.MVT,
                "tile_compression": Compression.GZIP,
                **header,
            },
            {**metadata, _OURS: ours},
        )
        for written in (self._beside, self._file):
            written.flush()
            os.fsync(written.fileno())


@contextmanager
def writing(path: Path, scratch: Path) -> Iterator[ArchiveWriter]:
    """Write an archive that takes the place of the one at a path once the block has finished it.

    Where the block fails, what is in its place stays. Between the two files that are replaced there
    may be a crash: then the hashes are not those of the archive, and nobody goes by them.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch.mkdir(parents=True, exist_ok=True)
    unfinished = scratch / f"tiles-{uuid4().hex}.pmtiles"
    beside = marks_path(unfinished)
    try:
        with (
            open(unfinished, "wb") as file,
            open(beside, "wb") as marks,
            TemporaryFile(dir=scratch) as spool,
        ):
            yield ArchiveWriter(file, marks, spool)
        os.replace(beside, marks_path(path))
        os.replace(unfinished, path)
    finally:
        remove(unfinished)


def _sound(tile: bytes) -> bytes | None:
    """A packed tile, if it can be unpacked."""
    try:
        gzip.decompress(tile)
    except (OSError, EOFError, zlib.error):
        return None
    return tile
