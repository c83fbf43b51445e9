"""The store: what changes a row at a time, in SQLite or PostgreSQL through SQLAlchemy."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import (
    Connection,
    Engine,
    Insert,
    MetaData,
    Table,
    create_engine,
    event,
    inspect,
    text,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry

from cityloom.errors import StorageError, UsageError, plain

if TYPE_CHECKING:
    from alembic.config import Config

metadata = MetaData()
"""Every table of the store."""

REVISION = "0003"
"""The newest migration."""

_KEPT_SINCE = {
    "source": ("0002", "sources were pulled", "how far"),
    "account": ("0003", "accounts were made", "them"),
}
"""Tables that an earlier version has no place for: since when, and what would be lost of what."""

_ALONE = {"sqlite": "BEGIN IMMEDIATE", "postgresql": "SELECT pg_advisory_xact_lock(20114)"}
"""What makes a transaction wait for others that migrate the same store."""


def open_store(city: Path, url: str) -> Engine:
    """The store at a database URL, migrated; a relative SQLite file lies in the city's folder.

    Raises:
        StorageError: it cannot be opened, or is damaged.
        UsageError: the URL names no database that is known, or a newer cityloom made the store.
    """
    try:
        engine = _engine(city, url)
        found = _revision(engine)
        if found and found > REVISION:
            raise UsageError(
                f"{city}: the store is of version {found}, this cityloom reads up to {REVISION}; "
                "upgrade cityloom"
            )
        if found != REVISION:
            _migrate(engine)
    except (SQLAlchemyError, ImportError) as error:
        raise StorageError(
            f"{city}: the store cannot be opened: {plain(error)}. See that you may write there, "
            "that the disk has free space, and that 'database' in city.toml is right, then run the "
            "same command again"
        ) from error
    return engine


def take_store_back(city: Path, url: str, revision: str) -> None:
    """Bring the store at a database URL back to an earlier version, where it is of a newer one.

    Raises:
        UsageError: sources were pulled or accounts made, for which it has no place.
    """
    from alembic import command

    engine = _engine(city, url)
    if engine.dialect.name == "sqlite" and not Path(engine.url.database or "").exists():
        return
    try:
        with _alone(engine) as connection:
            if (_revision_on(connection) or "") > revision:
                _refuse_to_lose(city, connection, revision)
                command.downgrade(_alembic(connection), revision)
    finally:
        engine.dispose()


def _refuse_to_lose(city: Path, connection: Connection, revision: str) -> None:
    """See that nothing is in the tables that a version lacks and that cannot be made again."""
    for table, (since, what, lost) in _KEPT_SINCE.items():
        there = revision < since and inspect(connection).has_table(table)
        if there and connection.execute(text(f"SELECT 1 FROM {table} LIMIT 1")).first():
            raise UsageError(
                f"{city}: {what} since the upgrade, and rolling back would lose {lost}. "
                "Go on with this format, or restore a backup"
            )


def _engine(city: Path, url: str) -> Engine:
    parsed = make_url(url)
    backend = parsed.get_backend_name()
    if backend not in _ALONE:
        raise UsageError(
            f"{city / 'city.toml'}: database '{backend}' is not known; expected {', '.join(_ALONE)}"
        )
    if backend != "sqlite":
        return create_engine(parsed)
    engine = create_engine(parsed.set(database=str(city / (parsed.database or "store.sqlite"))))
    event.listen(engine, "connect", _write_ahead)
    return engine


def insert_new(engine: Engine, table: Table) -> Insert:
    """An insert that passes over rows that are there already."""
    if engine.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()


def _write_ahead(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout = 10000")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = NORMAL")
    cursor.close()


def _revision(engine: Engine) -> str | None:
    with engine.connect() as connection:
        return _revision_on(connection)


def _revision_on(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    """Bring the store to the newest version, in one transaction."""
    from alembic import command

    with _alone(engine) as connection:
        if _revision_on(connection) != REVISION:
            command.upgrade(_alembic(connection), "head")


@contextmanager
def _alone(engine: Engine) -> Iterator[Connection]:
    """A transaction in which nobody else migrates the same store."""
    with engine.begin() as connection:
        connection.exec_driver_sql(_ALONE[engine.dialect.name])
        yield connection


def _alembic(connection: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
