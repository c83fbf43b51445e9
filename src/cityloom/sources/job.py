"""One pull of one source: what it works with and what it counts."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Generic, TypeVar

from cityloom.errors import PullError
from cityloom.sources.credentials import Secret, without
from cityloom.sources.drop import Drop
from cityloom.sources.network import Network
from cityloom.sources.state import SourceLog, State
from cityloom.sources.stated import Stated

Kind = TypeVar("Kind", bound=Stated)


@dataclass
class Job(Generic[Kind]):
    """A pull at work.

    ``files``, ``rows`` and ``size`` (bytes) count what was put into the inbox; ``rows`` is of
    sources that give rows.
    """

    name: str
    source: Kind
    city: Path
    network: Network
    drop: Drop
    log: SourceLog
    state: State
    files: int = 0
    rows: int = 0
    size: int = 0
    _secrets: list[str] = field(default_factory=list)

    def reveal(self, secret: Secret | None) -> str:
        """A secret, which will not be in what is said of this pull; empty where none is stated."""
        if secret is None:
            return ""
        found = secret.reveal(self.city)
        self._secrets.append(found)
        return found

    def said(self, text: str) -> str:
        """What may be said: a text without the secrets that were revealed."""
        return without(text, self._secrets)

    def own_file(self, path: str) -> Path:
        """A file that the source names; a relative one lies in the city's folder.

        Raises:
            PullError: there is none.
        """
        if not (found := self.city / path).is_file():
            raise PullError(f"{found.name}: no such file, as it is named in city.toml")
        return found
