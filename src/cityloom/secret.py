"""The secret of a city: a key of its own, by which values and files get names that tell nothing.

It lies in the city, where those values lie too, so it opens nothing to whoever can read it there.
Elsewhere, as in the folder of backups, only what was named with it is seen.
"""

import hmac
import os
from pathlib import Path
from secrets import token_hex

from cityloom.errors import UsageError

FILE = "secret"
_DIGITS = 64


def city_secret(city: Path) -> bytes:
    """The secret of the city in a folder, made at its first use; 32 bytes.

    Raises:
        UsageError: the file is not what was written.
    """
    path = city / FILE
    if not path.exists():
        _make(path)
    text = path.read_text(encoding="utf-8", errors="replace").strip()
    try:
        secret = bytes.fromhex(text)
    except ValueError:
        secret = b""
    if len(text) != _DIGITS or not secret:
        raise UsageError(f"{path} is damaged; put it back from a copy of the city")
    return secret


def keyed(secret: bytes, purpose: str, *parts: str) -> str:
    """A name for some texts, in hexadecimal: HMAC-SHA256 under a secret.

    The same texts get the same name for one purpose, and another for any other.
    """
    written = (os.fsencode(part) for part in (purpose, *parts))
    message = b"".join(len(part).to_bytes(8, "big") + part for part in written)
    return hmac.digest(secret, message, "sha256").hex()


def _make(path: Path) -> None:
    """Write a new secret, whole or not at all; of two that do so at once, one wins."""
    draft = path.with_name(f".{path.name}-{token_hex(8)}")
    with open(os.open(draft, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
        file.write(token_hex(_DIGITS // 2) + "\n")
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
