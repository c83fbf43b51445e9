"""Files encrypted with age, and back, as streams: memory does not grow with what they hold.

What is not compressed in itself is compressed with gzip first. ``age --decrypt -i KEY FILE``, and
``gunzip`` behind it where the manifest says so, read a sealed file without cityloom.
"""

import hashlib
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from cityloom.errors import UsageError, plain

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

_STEP = 65_536
_GZIP = 31
_QUICK = 1


@dataclass(frozen=True)
class Sealed:
    """What was sealed: SHA-256 (hexadecimal) and bytes before compression and encryption."""

    sha256: str
    size: int


def seal(
    source: IO[bytes],
    into: IO[bytes],
    recipients: "Sequence[Recipient]",
    packed: bool,
) -> Sealed:
    """Encrypt a file for some recipients; ``packed`` gzips it first."""
    import pyrage

    plain_bytes = _Hashed(source)
    pyrage.encrypt_io(_Packed(plain_bytes) if packed else plain_bytes, into, recipients)
    return plain_bytes.sealed()


def unseal(blob: Path, into: IO[bytes], identities: "Sequence[Identity]", packed: bool) -> Sealed:
    """Decrypt a sealed file to the end of another.

    Raises:
        UsageError: the key is not one that it was encrypted to, or it is damaged or missing.
        OSError: what is written to cannot hold it.
    """
    import pyrage

    opened = _Unpacked(into) if packed else _Plain(into)
    try:
        with open(blob, "rb") as file:
            pyrage.decrypt_io(file, opened, identities)
        opened.end()
    except FileNotFoundError:
        raise UsageError(f"{blob} is missing") from None
    except pyrage.DecryptError as error:
        if "No matching keys" in str(error):
            raise UsageError(f"{blob} was not encrypted to this key; take another key") from None
        raise UsageError(f"{blob} is damaged: {plain(error)}") from None
    except (OSError, zlib.error) as error:
        if getattr(error, "errno", None) is not None:
            raise
        raise UsageError(f"{blob} is damaged: {plain(error)}") from None
    return opened.sealed()


class _Hashed:
    """The bytes of a file, of which is told at the end what they were."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def read(self, size: int) -> bytes:
        found = self._file.read(size)
        self._hash.update(found)
        self._size += len(found)
        return found

    def sealed(self) -> Sealed:
        return Sealed(self._hash.hexdigest(), self._size)


class _Packed:
    """The same bytes as gzip has them."""

    def __init__(self, source: _Hashed) -> None:
        self._source = source
        self._packer = zlib.compressobj(_QUICK, wbits=_GZIP)
        self._ready = bytearray()
        self._ended = False

    def read(self, size: int) -> bytes:
        while len(self._ready) < size and not self._ended:
            found = self._source.read(_STEP)
            self._ended = not found
            self._ready += self._packer.compress(found) if found else self._packer.flush()
        given = bytes(self._ready[:size])
        del self._ready[:size]
        return given


class _Plain:
    """Takes bytes to a file and tells at the end what they were."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = hashlib.sha256()
        self._size = 0

    def write(self, data: bytes) -> int:
        self._file.write(data)
        self._hash.update(data)
        self._size += len(data)
        return len(data)

    def flush(self) -> None:
        self._file.flush()

    def end(self) -> None:
        """All has come."""

    def sealed(self) -> Sealed:
        return Sealed(self._hash.hexdigest(), self._size)


class _Unpacked(_Plain):
    """The same of what gzip has made of the bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        super().__init__(file)
        self._unpacker = zlib.decompressobj(_GZIP)

    def write(self, data: bytes) -> int:
        rest = data
        while rest:
            super().write(self._unpacker.decompress(rest, _STEP))
            rest = self._unpacker.unconsumed_tail
        return len(data)

    def end(self) -> None:
        super().write(self._unpacker.flush())
        if not self._unpacker.eof:
            raise zlib.error("it ends before its end")
