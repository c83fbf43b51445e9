"""The keys of backups: a city knows public ones alone; who restores has the private one."""

import os
from collections.abc import Collection
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.errors import UsageError
from cityloom.settings import FILE

if TYPE_CHECKING:
    from pyrage.x25519 import Identity, Recipient

    from cityloom.city import City

PRIVATE = b"AGE-SECRET-KEY-"
"""What every private key of age begins with."""


def new_key(path: Path, targets: Collection[Path] = ()) -> str:
    """Make a private key in a file that only its owner may read; the public key.

    The file is one that ``age`` reads, too.

    Args:
        path: where; nothing may be there yet.
        targets: folders of backups.

    Raises:
        UsageError: something is there, the place is in a city or among its backups, or there is no
            such folder.
    """
    from pyrage import x25519

    folder = path.resolve().parent
    if not folder.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
    for place in (folder, *folder.parents):
        if (place / FILE).exists() or place in targets or _holds_backups(place):
            raise UsageError(
                f"{path}: a private key may not lie in a city or among backups, where whoever "
                "takes them takes the key as well; name a place outside of both"
            )
    key = x25519.Identity.generate()
    public = str(key.to_public())
    made = datetime.now(UTC).isoformat(timespec="seconds")
    try:
        opened = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    except FileExistsError:
        raise UsageError(f"{path}: there is a file already; name another") from None
    with open(opened, "w", encoding="utf-8") as file:
        file.write(f"# created: {made}\n# public key: {public}\n{key}\n")
        file.flush()
        os.fsync(file.fileno())
    return public


def recipients_of(city: "City") -> "list[Recipient]":
    """The public keys that a city's backups are encrypted to.

    Raises:
        UsageError: the city states none.
    """
    from pyrage import x25519

    if city.settings.backup is None:
        raise UsageError(
            f"{city.path / FILE} does not say for whom backups are encrypted. Make a key with "
            "'cityloom backup --new-key FILE', FILE outside of the city, and add the two lines "
            "that it prints"
        )
    return [x25519.Recipient.from_str(text) for text in city.settings.backup.recipients]


def read_identities(path: Path) -> "list[Identity]":
    """The private keys in a file, one a line; lines that begin with ``#`` say nothing.

    Raises:
        UsageError: there is no such file, or no key in it.
    """
    from pyrage import IdentityError, x25519

    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, UnicodeDecodeError):
        raise UsageError(f"{path}: no file with a private key") from None
    keys = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    try:
        return [x25519.Identity.from_str(key) for key in keys] or _none(path)
    except IdentityError:
        return _none(path)


def holds_key(content: bytes) -> bool:
    """Whether a line of a file is a private key, and not only begins like one."""
    from pyrage import IdentityError, x25519

    for line in content.splitlines():
        if PRIVATE in line:
            with suppress(IdentityError, UnicodeDecodeError):
                x25519.Identity.from_str(line.strip().decode("ascii"))
                return True
    return False


def _none(path: Path) -> "list[Identity]":
    raise UsageError(f"{path}: no private key; expected a line that begins with {PRIVATE.decode()}")


def _holds_backups(folder: Path) -> bool:
    from cityloom.backup.target import MARK

    return (folder / MARK).exists()
