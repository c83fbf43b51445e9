"""The store: what changes a row at a time, in SQLite or PostgreSQL through SQLAlchemy."""

from pathlib import Path

from sqlalchemy import Engine, Insert, MetaData, Table, create_engine, event, inspect, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

metadata = MetaData()
"""Every table of the store."""

REVISION = "0001"
"""The newest migration."""


def open_store(city: Path, url: str) -> Engine:
    """The store at a database URL, migrated; a relative SQLite file lies in the city's folder."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "sqlite":
        parsed = parsed.set(database=str(city / (parsed.database or "store.sqlite")))
        engine = create_engine(parsed)
        event.listen(engine, "connect", _write_ahead)
    else:
        engine = create_engine(parsed)
    if _revision(engine) != REVISION:
        _migrate(engine)
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
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
