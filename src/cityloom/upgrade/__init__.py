"""Upgrade: a city of an earlier format is brought to this one, step by step, and back.

Each step leads from one format to the next. What it touches is set aside first; the format in
``city.toml`` is changed last, in one write. A step that was interrupted is done again.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cityloom.errors import UsageError, faults_in_words
from cityloom.lake import sweep_lake
from cityloom.lock import writer_lock
from cityloom.settings import FILE, FORMAT, Settings, stated_settings
from cityloom.store import take_store_back
from cityloom.upgrade import aside, names
from cityloom.upgrade.step import Step, set_format

STEPS: dict[int, Step] = {1: names.STEP}
"""The step that leads on from each earlier format."""


@dataclass(frozen=True)
class Change:
    """What one step does to a city, in words."""

    before: int
    after: int
    what: list[str]


def plan(city: Path) -> list[Change]:
    """What :func:`upgrade` would do to the city in a folder; nothing is changed.

    Raises:
        UsageError: there is no city there, or of a format that is not known.
    """
    return [_change(city, before, step) for before, step in _pending(city)]


def upgrade(city: Path) -> list[Change]:
    """Bring the city in a folder to the present format; what was done.

    Raises:
        CityLocked: another process writes to it.
        UsageError: there is no city there, or of a format that is not known.
    """
    _pending(city)
    done = []
    with _alone(city):
        for before, step in _pending(city):
            done.append(_change(city, before, step))
            aside.put(city, before, step.touches)
            step.apply(city)
            set_format(city, before + 1)
    return done


def roll_back(city: Path) -> int:
    """Undo the newest step, with what it had set aside; the format that the city has then.

    The store, which is brought up to date whenever a city is opened, goes back to what a cityloom
    of that format reads.

    Raises:
        CityLocked: another process writes to it.
        UsageError: there is nothing to undo, or the city was written to since.
    """
    before = format_of(city) - 1
    if not aside.is_there(city, before):
        raise UsageError(f"{city}: no upgrade to format {before + 1} to roll back here")
    with _alone(city):
        if since := aside.written_since(city, before):
            raise UsageError(
                f"{city}: {since} since the upgrade, which rolling back would lose or bring back. "
                "Go on with this format, or restore a backup"
            )
        stated = stated_settings(city).get("database", Settings.model_fields["database"].default)
        take_store_back(city, stated, STEPS[before].store)
        aside.take_back(city, before, STEPS[before].touches)
    return before


def format_of(city: Path) -> int:
    """The format of the city in a folder.

    Raises:
        UsageError: there is no city there, or what it says is no format that is known.
    """
    found = stated_settings(city).get("format", FORMAT)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 < found <= FORMAT:
        raise UsageError(
            f"{city / FILE}: format {found} is not known; this cityloom knows 1 to {FORMAT}. "
            "Upgrade cityloom, or mend the file"
        )
    return found


def _pending(city: Path) -> list[tuple[int, Step]]:
    return [(before, STEPS[before]) for before in range(format_of(city), FORMAT)]


def _change(city: Path, before: int, step: Step) -> Change:
    return Change(before, before + 1, step.says(city))


@contextmanager
def _alone(city: Path) -> Iterator[None]:
    """Be the city's one writer; what storage fails with comes out in words."""
    with faults_in_words(city), writer_lock(city) as unended:
        if unended:
            sweep_lake(city / "lake")
        yield
