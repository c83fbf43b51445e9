"""A city with a past, its key, and a folder for its backups."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cityloom.backup.keys import new_key, read_identities
from cityloom.backup.restore import Asked, Restored, restore
from cityloom.backup.take import Taken, back_up
from cityloom.city import City
from tests.cities import digests, quarantined
from tests.faults.scene import first_act, second_act


@dataclass(frozen=True)
class Saved:
    """A city that is backed up, and the places around it."""

    folder: Path

    @property
    def city(self) -> City:
        return City.open(self.folder / "city")

    @property
    def target(self) -> Path:
        return self.folder / "backups"

    @property
    def key(self) -> Path:
        return self.folder / "key"

    def back_up(self, keep: int | None = None, prune_erased: bool = False) -> Taken:
        return back_up(self.city, self.target, keep, prune_erased)

    def restore(self, name: str = "restored", asked: Asked | None = None) -> Restored:
        return restore(self.target, self.folder / name, read_identities(self.key), asked)

    def restored(self, name: str = "restored") -> City:
        return City.open(self.folder / name)


def truth(city: City) -> dict[str, Any]:
    """All that a reader sees of a city, now and in its past."""
    tables = {name: (city.kept(name), city.quarantine(name)) for name in city.contracts}
    return {
        "digests": digests(city),
        "refused": {name: quarantined(city, name) for name in city.contracts},
        "runs": city.runs(),
        "past": {
            name: [(sorted(t.versions()), [t.rows(v) for v in sorted(t.versions())]) for t in pair]
            for name, pair in tables.items()
        },
        "missing": [
            path
            for pair in tables.values()
            for table in pair
            for version in table.versions()
            for path in table.files(version)
            if not path.exists()
        ],
        "plan": city.plan(),
    }


def with_backups(city: Path, key: Path, more: str = "") -> None:
    """Make a key and let a city's backups be encrypted to it."""
    public = new_key(key)
    with open(city / "city.toml", "a", encoding="utf-8") as file:
        file.write(f'\n[backup]\nrecipients = ["{public}"]\n{more}')


@pytest.fixture(scope="session")
def woven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A city that was woven twice; to be copied, not changed."""
    city = tmp_path_factory.mktemp("woven") / "city"
    first_act(city)
    City.open(city).weave()
    second_act(city)
    City.open(city).weave()
    return city


@pytest.fixture
def saved(woven: Path, tmp_path: Path) -> Saved:
    from tests.faults.scene import copied

    copied(woven, tmp_path / "city")
    with_backups(tmp_path / "city", tmp_path / "key")
    return Saved(tmp_path)
