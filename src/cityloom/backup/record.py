"""What a city remembers of its backups: when each was made, and where it lies."""

import json
import os
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from cityloom.errors import UsageError

if TYPE_CHECKING:
    from cityloom.city import City

FILE = "backups.ndjson"


@dataclass(frozen=True)
class Made:
    """A backup that was made: its id, when, in which folder."""

    id: str
    at: str
    target: str


def remember(city: Path, made: Made) -> None:
    """Write down that a backup was made."""
    with open(city / FILE, "a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(made)) + "\n")
        file.flush()
        os.fsync(file.fileno())


def made_backups(city: Path) -> list[Made]:
    """The backups that were made, oldest first; a line that was cut off is none."""
    path = city / FILE
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return [made for line in lines if (made := _made(line))]


def targets_of(city: Path) -> list[Path]:
    """The folders that backups of a city were put in."""
    return list(dict.fromkeys(Path(made.target) for made in made_backups(city)))


def stated_target(city: "City") -> Path:
    """The folder for backups that ``city.toml`` names.

    Raises:
        UsageError: it names none.
    """
    if city.settings.backup is None or city.settings.backup.target is None:
        raise UsageError("name the folder for backups, or write 'target' below [backup]")
    return city.path / city.settings.backup.target


def lateness(city: "City", moment: datetime | None = None) -> str:
    """How the newest backup is late, where ``city.toml`` wants any; empty where it is not."""
    wanted = city.settings.backup
    if wanted is None:
        return ""
    made = made_backups(city.path)
    if not made:
        return "no backup was ever made"
    since = (moment or datetime.now(UTC)) - datetime.fromisoformat(made[-1].at)
    if since <= timedelta(days=wanted.every_days):
        return ""
    return f"the last backup is {since / timedelta(days=1):.1f} days old, of {made[-1].at[:16]}"


def _made(line: str) -> Made | None:
    try:
        return Made(**json.loads(line))
    except (ValueError, TypeError):
        return None
