"""Tables and queries of a database, read through a cursor on its server, in one statement."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from cityloom.contract import Contract
from cityloom.errors import PullError, plain
from cityloom.sources import marks
from cityloom.sources.job import Job
from cityloom.sources.network import SECONDS
from cityloom.sources.rows import Page, check_contract, pull_rows
from cityloom.sources.stated import DatabaseSource
from cityloom.sources.urls import DRIVERS, PORTS

ROWS_AT_A_TIME = 8_192


def pull(job: Job[DatabaseSource], contract: Contract) -> None:
    """Pull what is new by watermark, or all rows if there may be others than before.

    Raises:
        PullError: the database cannot be reached, or does not answer as it should.
    """
    check_contract(contract, numbered=bool(job.source.watermark))
    with _connected(job) as connection:
        marker = _marker(connection, job.source.marker)
        if marker and marker == job.state.mark:
            return
        _pull(job, contract, connection)
        if marker:
            job.log.note(job.name, mark=marker)


def _pull(job: Job[DatabaseSource], contract: Contract, connection: sa.Connection) -> None:
    source = job.source
    found = _columns(connection, source)
    wanted = {
        column.source_name: found[column.source_name.lower()]
        for column in contract.columns
        if column.source_name.lower() in found
    }
    if not wanted:
        raise PullError(f"none of its columns is in the contract; it has {', '.join(found)}")
    statement = statement_of(source, list(wanted.values()), found, job.state.mark)
    pages = _pages(connection, statement, bool(source.watermark))
    pull_rows(job, list(wanted), pages, source.overlap, numbered=bool(source.watermark))


def statement_of(
    source: DatabaseSource, columns: Sequence[str], found: dict[str, str], mark: str
) -> sa.Select[Any]:
    """What is read: the columns, and last the watermark, of all rows that may be new.

    Rows of the last watermark are read again, and so are those without one.

    Raises:
        PullError: there is no such watermark.
    """
    fields: list[sa.ColumnElement[Any]] = [sa.column(name) for name in columns]
    if not source.watermark:
        return sa.select(*fields).select_from(rows_of(source))
    if source.watermark.lower() not in found:
        raise PullError(f"the watermark '{source.watermark}' is not among {', '.join(found)}")
    field: sa.ColumnElement[Any] = sa.column(found[source.watermark.lower()])
    statement = sa.select(*fields, field.label("cityloom_mark")).select_from(rows_of(source))
    if not mark:
        return statement
    since = marks.reads_from(marks.read(mark), source.overlap)
    return statement.where(sa.or_(field >= since, field.is_(None)))


def rows_of(source: DatabaseSource) -> sa.FromClause:
    """The table, or the query as one."""
    if source.table:
        schema, _, name = source.table.rpartition(".")
        return sa.table(name, schema=schema or None)
    return _text(source.query).columns().subquery("pulled")


def _text(query: str) -> sa.TextClause:
    """A query as it is written: a colon is no parameter, a comment at its end ends with it."""
    return sa.text(query.strip().rstrip(";").replace(":", r"\:") + "\n")


def _columns(connection: sa.Connection, source: DatabaseSource) -> dict[str, str]:
    """The names of the columns there are, by their names in small letters."""
    nothing = sa.select(sa.text("*")).select_from(rows_of(source)).where(sa.text("1 = 0"))
    names = list(connection.execute(nothing).keys())
    return {name.lower(): name for name in names}


def _marker(connection: sa.Connection, query: str) -> str:
    """What the change marker's query answers, as text; empty where there is none."""
    if not query:
        return ""
    row = connection.execute(_text(query)).first()
    return marks.written(repr(tuple(row))) if row is not None else ""


def _pages(connection: sa.Connection, statement: sa.Select[Any], has_mark: bool) -> Iterator[Page]:
    result = connection.execution_options(stream_results=True, yield_per=ROWS_AT_A_TIME).execute(
        statement
    )
    for rows in result.partitions():
        if has_mark:
            yield Page([row[:-1] for row in rows], [row[-1] for row in rows])
        else:
            yield Page([tuple(row) for row in rows], [None] * len(rows))


@contextmanager
def _connected(job: Job[DatabaseSource]) -> Iterator[sa.Connection]:
    url = reached(make_url(job.source.url), job.city)
    _check(job, url)
    password = job.reveal(job.source.password) or None
    try:
        engine = sa.create_engine(
            url.set(password=password),
            connect_args=_arguments(job, url),
            poolclass=sa.NullPool,
            hide_parameters=True,
        )
        sa.event.listen(engine, "handle_error", _let_go)
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise PullError(f"{url.get_backend_name()}: {plain(error)}") from None
    except ImportError as error:
        raise PullError(f"{error}; pip install 'cityloom[sources]'") from None


def _let_go(failure: sa.engine.ExceptionContext) -> None:
    """Mark a result of PyMySQL as read: once collected, it would read on from a lost connection."""
    reading = failure.execution_context
    result = getattr(reading.cursor, "_result", None) if reading else None
    if failure.is_disconnect and result is not None:
        result.unbuffered_active = False


def reached(url: URL, city: Path) -> URL:
    """A URL with the driver that we use; a relative file of SQLite lies in the city's folder."""
    backend = url.get_backend_name()
    if backend != "sqlite":
        return url.set(drivername=DRIVERS[backend])
    path = (city / (url.database or "")).resolve()
    if not path.is_file():
        raise PullError(f"{path.name}: no such file, as it is named in city.toml")
    return URL.create("sqlite", database=f"{path.as_uri()}", query={"mode": "ro", "uri": "true"})


def _check(job: Job[DatabaseSource], url: URL) -> None:
    """See that a host may be reached; a driver that looks up its address itself must be trusted."""
    backend = url.get_backend_name()
    if backend == "sqlite" or (backend == "postgresql" and url.host):
        return
    what = f"the driver of {backend}" if url.host else "a socket of this machine"
    job.network.trusts(url.host or "localhost", url.port or PORTS[backend], what)


def _arguments(job: Job[DatabaseSource], url: URL) -> dict[str, Any]:
    """What a driver is told: to give up in time, to read only, and where to connect."""
    backend, seconds = url.get_backend_name(), int(job.source.longest.total_seconds())
    if backend == "postgresql":
        return _postgresql(job, url, seconds)
    if backend in ("mysql", "mariadb"):
        return {
            "connect_timeout": SECONDS,
            "read_timeout": seconds,
            "init_command": "SET SESSION TRANSACTION READ ONLY",
        }
    if backend == "mssql":
        return {"login_timeout": SECONDS, "timeout": seconds}
    return {"tcp_connect_timeout": SECONDS} if backend == "oracle" else {}


def _postgresql(job: Job[DatabaseSource], url: URL, seconds: int) -> dict[str, Any]:
    options = f"-c default_transaction_read_only=on -c statement_timeout={seconds * 1000}"
    told: dict[str, Any] = {"connect_timeout": SECONDS, "options": options}
    port = url.port or PORTS["postgresql"]
    if not url.host:
        return told
    told["hostaddr"] = job.network.answering(url.host, port)
    if not job.network.is_internal(url.host, port):
        told |= {"sslmode": "verify-full", "sslrootcert": url.query.get("sslrootcert", "system")}
    return told
