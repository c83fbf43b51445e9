"""A pull that is killed, or whose server is, ends where an unbroken one ends when called again."""

import gc
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow.parquet as pq
import pytest

from cityloom.city import City
from tests.cities import column, contract_text, rows
from tests.faults.pulls import kill_spread
from tests.sources.sites import MariaDb, Postgres, mariadbd, pulled, pulling_city, sound

pytestmark = [pytest.mark.faults, pytest.mark.filterwarnings("ignore:XDG_RUNTIME_DIR")]

ROWS = 200_000
CONTRACT = {"visit": contract_text("visit", [column("id", "integer", key=1), column("place")])}
PLACE = "a place whose name is so long that its rows fill what is under way between two machines"


@pytest.fixture
def postgres() -> Iterator[Postgres]:
    """A server of its own, which can be killed."""
    with TemporaryDirectory() as folder:
        server = Postgres(Path(folder))
        yield server
        server.stop()


@pytest.fixture
def mariadb(tmp_path: Path) -> Iterator[MariaDb]:
    """A server of its own, which can be killed."""
    if mariadbd() is None:
        pytest.skip("MariaDB is not installed: apt-get install mariadb-server")
    server = MariaDb(tmp_path)
    yield server
    server.kill()


def test_killed_pulls_lose_nothing_and_double_nothing(postgres: Postgres, tmp_path: Path) -> None:
    outcome = kill_spread(5, tmp_path, postgres, size=2_000)
    assert outcome.wrong == []
    assert outcome.landed == 5


def city_of(path: Path, url: str) -> City:
    return pulling_city(
        path,
        CONTRACT,
        f'[network]\ninternal = ["127.0.0.1"]\n[sources.visits]\nkind = "database"\n'
        f'dataset = "visit"\nurl = "{url}"\ntable = "visit"\nwatermark = "id"',
    )


def kill_in_mid_pull(city: City, server: Postgres | MariaDb) -> str:
    """Kill a server once three batches of its rows were written; what the pull says."""
    with pytest.MonkeyPatch.context() as patch:
        written: list[int] = []
        write = pq.ParquetWriter.write_table

        def writes(writer: pq.ParquetWriter, table: object, *more: object) -> None:
            write(writer, table, *more)
            written.append(1)
            if len(written) == 3:
                server.kill()

        patch.setattr(pq.ParquetWriter, "write_table", writes)
        said = pulled(city).error
    assert len(written) >= 3
    return said


def held(city: City) -> list[str]:
    """The files that a source has put into the inbox, finished or not."""
    found = (path for path in (city.path / "inbox" / "visit").rglob("*") if path.is_file())
    return sorted(path.name for path in found if path.name != ".lock")


def check_restart(city: City, server: Postgres | MariaDb) -> None:
    assert "connection" in kill_in_mid_pull(city, server)
    assert held(city) == []
    assert "does not answer" in pulled(city).error or isinstance(server, MariaDb)
    server.start()
    assert sound(city).rows == ROWS
    city.weave()
    assert {row["id"] for row in rows(city, "visit")} == set(range(1, ROWS + 1))


def test_a_killed_postgresql_loses_nothing(postgres: Postgres, tmp_path: Path) -> None:
    postgres.execute(
        f"CREATE TABLE visit AS SELECT i AS id, '{PLACE}' AS place "
        f"FROM generate_series(1, {ROWS}) i"
    )
    url = f"postgresql://postgres@127.0.0.1:{postgres.port}/postgres"
    check_restart(city_of(tmp_path / "city", url), postgres)


def test_a_killed_mariadb_loses_nothing(mariadb: MariaDb, tmp_path: Path) -> None:
    mariadb.execute(
        "USE permits",
        f"CREATE TABLE visit AS SELECT seq AS id, '{PLACE}' AS place FROM seq_1_to_{ROWS}",
        "CREATE USER plain@'127.0.0.1'",
        "GRANT SELECT ON permits.* TO plain@'127.0.0.1'",
    )
    url = f"mariadb://plain@127.0.0.1:{mariadb.port}/permits"
    check_restart(city_of(tmp_path / "city", url), mariadb)
    gc.collect()  # what is left of the broken pull goes without a word
