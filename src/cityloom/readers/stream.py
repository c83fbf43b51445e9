"""Bytes of a delivered file: decompressed, decoded, as UTF-8."""

import codecs
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

from cityloom.errors import DeliveryError

BLOCK = 1 << 20
"""Bytes read at a time; small enough to stay in a processor's cache while it is parsed."""

_COMPRESSIONS = (".gz", ".zip")
_DAMAGE = (EOFError, ValueError, OSError, lzma.LZMAError, zlib.error, zipfile.BadZipFile)


class Source(Protocol):
    """Where bytes come from."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, ``size`` at most; none at the end."""
        ...


@contextmanager
def open_bytes(path: Path) -> Iterator[Source]:
    """The file's content, decompressed where its name ends in ``.gz`` or ``.zip``.

    Raises:
        DeliveryError: the file is missing, damaged, or a zip archive of more than one file.
    """
    with ExitStack() as opened:
        with refusing(path):
            stream = _opened(path, opened)
        yield _Checked(stream, path)


def must_be_a_file(path: Path) -> None:
    """See that there is a file that can be opened.

    Raises:
        DeliveryError: there is none.
    """
    with refusing(path), open(path, "rb"):
        pass


class _Checked:
    """A stream that says what is wrong with its file where it cannot be read on."""

    def __init__(self, stream: Source, path: Path) -> None:
        self._stream = stream
        self._path = path

    def read(self, size: int, /) -> bytes:
        with refusing(self._path):
            return self._stream.read(size)


@contextmanager
def refusing(path: Path) -> Iterator[None]:
    """Say in words what is wrong with a file that cannot be read inside the block.

    Raises:
        DeliveryError: the file is missing or damaged.
    """
    try:
        yield
    except FileNotFoundError:
        raise DeliveryError(f"{path}: no such file") from None
    except RuntimeError as error:
        raise DeliveryError(f"{path.name}: cannot be unpacked: {error}") from None
    except _DAMAGE as error:
        raise DeliveryError(f"{path.name}: {_what_is_wrong(path, error)}") from None


def _what_is_wrong(path: Path, error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None:
        return f"cannot be opened: {error.strerror}"
    words = getattr(error, "strerror", None) or str(error) or "it ends too early"
    if path.suffix.lower() in _COMPRESSIONS:
        return f"the compressed file is damaged or cut short ({words}); ask for it to be sent again"
    return f"cannot be read: {words}"


def _opened(path: Path, opened: ExitStack) -> Source:
    suffix = path.suffix.lower()
    if suffix == ".gz":
        return opened.enter_context(gzip.open(path))
    if suffix == ".zip":
        archive = opened.enter_context(zipfile.ZipFile(path))
        return opened.enter_context(archive.open(_only_member(path, archive)))
    return opened.enter_context(open(path, "rb", buffering=0))


def is_folder(member: zipfile.ZipInfo) -> bool:
    """Whether a member of an archive is a folder; one without a name is none."""
    return member.filename.endswith("/")


def _only_member(path: Path, archive: zipfile.ZipFile) -> str:
    members = [info.filename for info in archive.infolist() if not is_folder(info)]
    if len(members) != 1:
        raise DeliveryError(
            f"{path.name}: a zip archive must hold one file, this one holds {len(members)}; "
            "unpack it and deliver the folder"
        )
    return members[0]


def utf8_blocks(stream: Source, encoding: str, name: str) -> Iterator[bytes]:
    """The stream's text as blocks of UTF-8, without a byte-order mark.

    Bytes that are not valid in ``encoding`` come through as invalid UTF-8, so that whoever parses
    the block can refuse the one record that holds them.

    Raises:
        DeliveryError: Python knows no such encoding of text, or the stream is not in it at all.
    """
    try:
        "a".encode(encoding)
    except (LookupError, ValueError):
        raise DeliveryError(f"{name}: unknown encoding '{encoding}' in the contract") from None
    canonical = codecs.lookup(encoding).name
    first = stream.read(BLOCK)
    if canonical in ("utf-8", "utf-8-sig", "ascii"):
        yield first.removeprefix(codecs.BOM_UTF8)
        while block := stream.read(BLOCK):
            yield block
        return
    try:
        yield from _transcoded(first, stream, canonical)
    except UnicodeError as error:
        raise DeliveryError(
            f"{name}: not {encoding}, which the contract says it is ({error}); "
            "mend the contract's encoding"
        ) from None


def _transcoded(first: bytes, stream: Source, encoding: str) -> Iterator[bytes]:
    decoder = codecs.getincrementaldecoder(encoding)(errors=_AS_SURROGATES)
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
