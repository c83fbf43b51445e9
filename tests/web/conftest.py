"""A served town."""

import pytest
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.web.app import create_app
from tests.web.staff import employ
from tests.web.towns import new_town


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> City:
    """The town, woven once; tests only read it."""
    return new_town(tmp_path_factory.mktemp("town"))


@pytest.fixture(scope="session")
def client(town: City) -> TestClient:
    """A reader of the town's console."""
    return TestClient(create_app(town), base_url="http://127.0.0.1")


@pytest.fixture
def reader(town: City) -> TestClient:
    """A reader with no cookie yet."""
    return TestClient(create_app(town), base_url="http://127.0.0.1")


@pytest.fixture(scope="session")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A town in which people have accounts."""
    return employ(new_town(tmp_path_factory.mktemp("staffed")))
