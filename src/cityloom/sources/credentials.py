"""Passwords and keys: named in ``city.toml``, kept in the environment or a file, never shown."""

import os
import re
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated
from urllib.parse import quote, quote_plus

from pydantic import BaseModel, BeforeValidator, ConfigDict

from cityloom.errors import PullError

HIDDEN = "•••"
"""What stands for a secret in whatever is said."""

_EXPECTED = 'expected {env = "NAME"} or {file = "PATH"}; what is secret does not stand in this file'
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Secret(BaseModel):
    """Where something secret is kept: a variable of the environment, or a file of mode 0600."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    env: str = ""
    file: str = ""

    def reveal(self, city: Path) -> str:
        """The secret; a relative file lies in the city's folder.

        Raises:
            PullError: the variable is not set, or the file is missing, empty or open to others.
        """
        found = os.environ.get(self.env, "") if self.env else _read(city / self.file)
        if not found:
            where = f"the variable {self.env}" if self.env else Path(self.file).name
            raise PullError(f"{where} holds nothing; put the password or key there")
        return found


def _stated(value: object) -> object:
    """A secret as stated; whatever is wrong with it is not repeated."""
    if isinstance(value, Secret):
        return value
    given = {k: v for k, v in value.items() if v} if isinstance(value, dict) else {}
    if list(given) == ["file"] and isinstance(given["file"], str):
        return given
    if list(given) == ["env"] and isinstance(given["env"], str) and _NAME.fullmatch(given["env"]):
        return given
    raise ValueError(_EXPECTED)


StatedSecret = Annotated[Secret, BeforeValidator(_stated)]
"""A secret of ``city.toml``."""


def _read(path: Path) -> str:
    keep_to_oneself(path)
    return path.read_text(encoding="utf-8").rstrip("\r\n")


def keep_to_oneself(path: Path) -> None:
    """See that a file is there and that nobody but its owner may read it.

    Raises:
        PullError: it is not.
    """
    try:
        mode = path.stat().st_mode
    except OSError:
        raise PullError(f"{path.name}: no such file; put the password or key there") from None
    if not stat.S_ISREG(mode) or stat.S_IMODE(mode) & 0o077:
        raise PullError(f"{path.name}: others may read it; let its owner alone: chmod 600")


def without(text: str, secrets: Iterable[str]) -> str:
    """A text in which some secrets are hidden, also as they are written in a URL."""
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        for written in (secret, quote(secret, safe=""), quote_plus(secret)):
            text = text.replace(written, HIDDEN)
    return text
