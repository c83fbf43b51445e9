"""The city as the pages see it: always its newest state, looked at once for each change."""

import time
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock

from cityloom.catalogue import DatasetFacts
from cityloom.check import Finding, findings
from cityloom.city import City
from cityloom.contract import Contract
from cityloom.errors import StorageError
from cityloom.policy import Principal
from cityloom.runs import Run

CONSOLE = Principal("console", signed_in=False, roles=("console",))
"""Who the console is to policy: a door that does not know who stands before it."""

_FINDINGS_LAST = 30.0
_TRIES = 5

Mark = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Look:
    """What a city was like at one moment."""

    city: City
    facts: dict[str, DatasetFacts]
    runs: list[Run]

    @cached_property
    def runs_of(self) -> dict[str, list[Run]]:
        """The runs of each dataset, oldest first; an empty list where there were none."""
        grouped: dict[str, list[Run]] = defaultdict(list)
        for run in self.runs:
            grouped[run.dataset].append(run)
        return grouped

    def failures(self) -> list[Run]:
        """What failed and can still be mended; the inbox is looked at each time."""
        return self.city.failures(self.runs)

    @property
    def contracts(self) -> dict[str, Contract]:
        """Every contract, by dataset."""
        return self.city.contracts


class Desk:
    """Hands out the newest look at a city; opens it again when its contracts have changed."""

    def __init__(self, city: City) -> None:
        self._city = city
        self._mark = _mark(city.path)
        self._look: Look | None = None
        self._findings: tuple[float, list[Finding]] | None = None
        self._lock = Lock()

    @property
    def path(self) -> Path:
        """The city's folder."""
        return self._city.path

    @property
    def city(self) -> City:
        """The city, with the contracts that it has now."""
        mark = _mark(self._city.path)
        if mark != self._mark:
            self._city = City.open(self._city.path, self._city.settings.engine)
            self._mark, self._look, self._findings = mark, None, None
        return self._city

    def look(self) -> Look:
        """What the city is like now."""
        with self._lock:
            city = self.city
            runs = _runs(city)
            if self._look is None or self._look.runs != runs:
                facts = {item.dataset: item for item in city.datasets()}
                self._look, self._findings = Look(city, facts, runs), None
            return self._look

    def findings(self) -> list[Finding]:
        """What is wrong with the city, discreetly; again after half a minute or a run."""
        with self._lock:
            if self._findings is None or self._findings[0] < time.monotonic():
                found = findings(self.city, discreet=True)
                self._findings = (time.monotonic() + _FINDINGS_LAST, found)
            return self._findings[1]


def _mark(path: Path) -> Mark:
    """What changes when a contract, a policy or the city's settings change."""
    folders = (path / "contracts", path / "policies")
    files = [path / "city.toml", *(file for folder in folders for file in sorted(folder.glob("*")))]
    return tuple((file.name, file.stat().st_mtime_ns) for file in files if file.exists())


def _runs(city: City) -> list[Run]:
    """The city's runs; asked again where a weave wrote to the log at the same moment."""
    for attempt in range(_TRIES):
        try:
            return city.runs()
        except StorageError:
            if attempt == _TRIES - 1:
                raise
            time.sleep(0.05 * (attempt + 1))
    raise AssertionError("unreachable")
