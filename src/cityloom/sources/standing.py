"""How a city's sources stand: what feeds a dataset, and what is wrong with it."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cityloom.counts import counted
from cityloom.sources.schedule import late_by
from cityloom.sources.state import SourceLog, State
from cityloom.sources.stated import Stated

if TYPE_CHECKING:
    from cityloom.city import City

_HOURS = 48
"""Up to how many hours a time is said in hours."""


@dataclass(frozen=True)
class Standing:
    """One source as it is stated, and what is known of it.

    ``late`` is how long ago the last pull was that succeeded, where that is too long ago.
    """

    name: str
    source: Stated
    state: State
    late: timedelta | None

    @property
    def pulled(self) -> datetime | None:
        """When it was last pulled, if it ever was."""
        return datetime.fromisoformat(self.state.pulled) if self.state.pulled else None

    @property
    def facts(self) -> dict[str, object]:
        """What may be shown of it to whoever may look at the console."""
        every = self.source.every
        return {
            "source": self.name,
            "kind": self.source.kind,
            "dataset": self.source.dataset,
            "every_minutes": every and round(every / timedelta(minutes=1)),
            "pulled": self.state.pulled,
            "changed": self.state.changed,
            "failing": bool(self.state.error),
        }


def standings(city: "City", dataset: str | None = None) -> list[Standing]:
    """How each source stands; those of one dataset if asked."""
    stated = city.settings.sources
    if not stated:
        return []
    states, now = SourceLog(city.store).all(), datetime.now(UTC)
    return [
        Standing(name, source, state, late_by(source, state, now))
        for name, source in stated.items()
        for state in [states.get(name) or State(name)]
        if dataset in (None, source.dataset)
    ]


def wrongs(city: "City", discreet: bool = False) -> Iterator[tuple[str, str, bool]]:
    """What is wrong with the sources: what, its mend, and whether data may be missing.

    ``discreet`` leaves out what they failed with, which may hold data and hosts.
    """
    for item in standings(city):
        dataset = item.source.dataset
        if dataset not in city.received and not city.what_broke(dataset):
            yield (
                f"source {item.name} feeds '{dataset}', which is no dataset that is delivered",
                f"put contracts/{dataset}.odcs.yaml there, or mend city.toml",
                True,
            )
        elif item.state.error:
            said = "; 'cityloom check' says with what" if discreet else f": {item.state.error}"
            yield (
                f"source {item.name} of {dataset} fails{said}",
                f"mend it, then run: cityloom pull {item.name}",
                True,
            )
        elif overdue := _overdue(item):
            yield (
                f"source {item.name} of {dataset} {overdue}",
                f"see that the timer of 'cityloom pull' runs, or run: cityloom pull {item.name}",
                False,
            )


def _overdue(item: Standing) -> str:
    if not item.state.pulled:
        return "was never pulled"
    if item.late is None:
        return ""
    hours = item.late / timedelta(hours=1)
    few = hours < _HOURS
    since = counted(round(hours), "hour") if few else counted(round(hours / 24), "day")
    return f"was last pulled {since} ago"
