"""The desk asks a busy store again, and gives up in words."""

from pathlib import Path

import pytest

from cityloom.city import City
from cityloom.errors import StorageError
from cityloom.runs import Run
from cityloom.web.desk import Desk
from tests.cities import column, contract_text, new_city


def busy(monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """Make the store busy for some questions."""
    left = [times]
    ask = City.runs

    def runs(city: City, dataset: str | None = None) -> list[Run]:
        left[0] -= 1
        if left[0] >= 0:
            raise StorageError("database is locked")
        return ask(city, dataset)

    monkeypatch.setattr(City, "runs", runs)


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(new_city(tmp_path / "city", {"thing": contract_text("thing", [column("id")])}))


def test_a_store_that_is_busy_for_a_moment_is_asked_again(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(monkeypatch, times=2)
    assert desk.look().runs == []


def test_a_store_that_stays_busy_is_an_error_in_words(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    busy(monkeypatch, times=99)
    with pytest.raises(StorageError, match="database is locked"):
        desk.look()
