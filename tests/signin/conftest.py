"""A door, and the clock beside it."""

from pathlib import Path
from shutil import copyfile

import pytest

from cityloom.signin.door import Door
from cityloom.signin.roles import Role
from cityloom.store import open_store
from tests.signin.doors import PASSWORD, Clock, new_door


@pytest.fixture
def clock() -> Clock:
    """A clock that stands still until a test lets time pass."""
    return Clock()


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a store that holds nothing yet."""
    folder = tmp_path_factory.mktemp("store")
    open_store(folder, "sqlite:///store.sqlite").dispose()
    return folder / "store.sqlite"


@pytest.fixture
def door(tmp_path: Path, clock: Clock, empty_store: Path) -> Door:
    """A door with one account, 'li'."""
    copyfile(empty_store, tmp_path / "store.sqlite")
    found = new_door(tmp_path, clock)
    found.accounts.add("li", PASSWORD, [Role.ANALYST], {"district": "north"}, "Li Lei")
    return found
