"""The store as one SQLite file, whatever database it lies in, and back into a database."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from sqlalchemy import Connection, Engine, MetaData, Table, create_engine, func, select, text
from sqlalchemy.engine import make_url

from cityloom.errors import UsageError
from cityloom.store import open_store

_AT_A_TIME = 5_000


def dump(store: Engine, file: Path) -> None:
    """Write the store, as it is at one moment, to an SQLite file; others may write meanwhile."""
    if store.dialect.name == "sqlite":
        with closing(sqlite3.connect(file)) as copy, store.connect() as connection:
            original = connection.connection.driver_connection
            assert isinstance(original, sqlite3.Connection)
            original.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")
        return
    snapshot = store.execution_options(isolation_level="REPEATABLE READ")
    with snapshot.begin() as source, _sqlite(file).begin() as copy_of:
        metadata = MetaData()
        for table in _tables(source):
            plain = table.to_metadata(metadata)
            for column in plain.columns:
                column.server_default = None
            plain.create(copy_of)
            _copy(source, table, copy_of, plain)


def load(file: Path, city: Path, url: str) -> None:
    """Put the store in an SQLite file into a database that holds none yet.

    Raises:
        UsageError: the database holds runs already, or its store is of another version.
    """
    target = open_store(city, url)
    with _sqlite(file).connect() as source, target.begin() as connection:
        found = {table.name: table for table in _tables(connection)}
        if any(_rows(connection, t) for name, t in found.items() if name != _VERSION):
            shown = make_url(url).render_as_string()
            raise UsageError(f"{shown}: this database is not empty; name one of its own")
        for table in _tables(source):
            if table.name != _VERSION and table.name in found:
                _copy(source, table, connection, found[table.name])
                _count_on(connection, found[table.name])


_VERSION = "alembic_version"


def _sqlite(file: Path) -> Engine:
    return create_engine(f"sqlite:///{file}")


def _tables(connection: Connection) -> list[Table]:
    """The tables of a database, those first that others refer to."""
    found = MetaData()
    found.reflect(connection)
    return found.sorted_tables


def _rows(connection: Connection, table: Table) -> int:
    return int(connection.execute(select(func.count()).select_from(table)).scalar() or 0)


def _copy(source: Connection, table: Table, into: Connection, same: Table) -> None:
    for rows in _batches(source, table):
        into.execute(same.insert(), rows)


def _batches(source: Connection, table: Table) -> Iterator[list[dict[str, object]]]:
    found = source.execution_options(yield_per=_AT_A_TIME).execute(select(table))
    for rows in found.partitions():
        yield [dict(row._mapping) for row in rows]


def _count_on(connection: Connection, table: Table) -> None:
    """Let numbers that the database gives begin after those that were put in."""
    if connection.dialect.name != "postgresql":
        return
    for column in table.primary_key.columns:
        if column.server_default is not None:
            name = text(
                "SELECT setval(pg_get_serial_sequence(:t, :c), "
                f'coalesce((SELECT max("{column.name}") FROM "{table.name}"), 0) + 1, false)'
            )
            connection.execute(name, {"t": table.name, "c": column.name})
