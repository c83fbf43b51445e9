"""Bytes of a delivered file: decompressed, decoded, as UTF-8."""

import codecs
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from cityloom.errors import DeliveryError

BLOCK = 1 << 20
"""Bytes read at a time; small enough to stay in a processor's cache while it is parsed."""


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """The file's content, decompressed where its name ends in ``.gz`` or ``.zip``.

    Raises:
        DeliveryError: the file is missing, damaged, or a zip archive of more than one file.
    """
    try:
        with _opened(path) as stream:
            yield stream
    except FileNotFoundError:
        raise DeliveryError(f"{path}: no such file") from None
    except RuntimeError as error:
        raise DeliveryError(f"{path.name}: cannot be unpacked: {error}") from None
    except (EOFError, zlib.error, gzip.BadGzipFile, zipfile.BadZipFile) as error:
        raise DeliveryError(
            f"{path.name}: the compressed file is damaged or cut short ({error}); "
            "ask for it to be sent again"
        ) from None


@contextmanager
def _opened(path: Path) -> Iterator[IO[bytes]]:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        with gzip.open(path) as stream:
            yield stream  # type: ignore[misc]
    elif suffix == ".zip":
        with zipfile.ZipFile(path) as archive, archive.open(_only_member(path, archive)) as stream:
            yield stream
    else:
        with open(path, "rb", buffering=0) as stream:
            yield stream


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    members = [info.filename for info in archive.infolist() if not info.is_dir()]
    if len(members) != 1:
        raise DeliveryError(
            f"{path.name}: a zip archive must hold one file, this one holds {len(members)}; "
            "unpack it and deliver the folder"
        )
    return members[0]


def utf8_blocks(stream: IO[bytes], encoding: str, name: str) -> Iterator[bytes]:
    """The stream's text as blocks of UTF-8, without a byte-order mark.

    Bytes that are not valid in ``encoding`` come through as invalid UTF-8, so that whoever parses
    the block can refuse the one record that holds them.

    Raises:
        DeliveryError: Python knows no such encoding.
    """
    try:
        canonical = codecs.lookup(encoding).name
    except LookupError:
        raise DeliveryError(f"{name}: unknown encoding '{encoding}' in the contract") from None
    first = stream.read(BLOCK)
    if canonical in ("utf-8", "utf-8-sig", "ascii"):
        yield first.removeprefix(codecs.BOM_UTF8)
        while block := stream.read(BLOCK):
            yield block
        return
    decoder = codecs.getincrementaldecoder(canonical)(errors=_AS_SURROGATES)
    block, started = first, False
    while block:
        text = decoder.decode(block)
        yield _utf8(text if started else text.removeprefix("\ufeff"))
        started = started or bool(text)
        block = stream.read(BLOCK)
    yield _utf8(decoder.decode(b"", final=True))


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", errors="surrogatepass")


def _as_surrogates(error: UnicodeError) -> tuple[str, int]:
    """Bytes that cannot be decoded as lone surrogates, which are not valid UTF-8 either."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "".join(chr(0xDC00 + byte) for byte in error.object[error.start : error.end]), error.end


_AS_SURROGATES = "cityloom.surrogates"
codecs.register_error(_AS_SURROGATES, _as_surrogates)
