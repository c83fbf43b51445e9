"""What a step of an upgrade is, and the format as ``city.toml`` says it."""

import re
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cityloom.disk import put
from cityloom.errors import UsageError
from cityloom.settings import FILE

_FORMAT = re.compile(r"^(?P<key>\s*format\s*=\s*)\d+", re.MULTILINE)


@dataclass(frozen=True)
class Step:
    """From one format to the next.

    ``says`` what it would do to a city; ``apply`` does it, and may be interrupted and called again;
    ``touches`` are the paths that it makes or changes, but for ``city.toml``. ``store`` is the
    newest version of the store that a cityloom of the earlier format reads.
    """

    says: Callable[[Path], list[str]]
    apply: Callable[[Path], None]
    touches: tuple[str, ...]
    store: str


def set_format(city: Path, number: int) -> None:
    """Change the format in ``city.toml`` and nothing else there, in one write.

    Raises:
        UsageError: the file does not say its format in a line of its own.
    """
    path = city / FILE
    text = path.read_text(encoding="utf-8")
    changed = _FORMAT.sub(rf"\g<key>{number}", text, count=1)
    if tomllib.loads(changed) != tomllib.loads(text) | {"format": number}:
        raise UsageError(f"{path}: write its format in a line of its own, as in 'format = 1'")
    replace_file(path, changed.encode())


def replace_file(path: Path, content: bytes) -> None:
    """Write a file in the place of what is there, whole or not at all."""
    draft = path.with_name(f".{path.name}-new")
    draft.write_bytes(content)
    put(draft, path)
