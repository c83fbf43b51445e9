"""What the tests pull from."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.sources.sites import MariaDb, Postgres, Site, mariadbd


@pytest.fixture
def site() -> Iterator[Site]:
    """A web site that answers nothing yet."""
    with Site().open() as found:
        yield found


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server, in a folder that its own user may enter."""
    with TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        yield server
        server.stop()


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A MariaDB server."""
    if mariadbd() is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    server = MariaDb(tmp_path_factory.mktemp("mariadb"))
    yield server
    server.kill()
