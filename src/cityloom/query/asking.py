"""Asking a city a question in SQL: each dataset cut to what policy permits before it is asked."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Timer
from typing import TYPE_CHECKING

import duckdb
import ibis
import pyarrow as pa

from cityloom.errors import QueryError, plain
from cityloom.lake import scan
from cityloom.policy import Principal
from cityloom.query.readable import readable
from cityloom.query.statement import Statement, read_statement
from cityloom.reading import left_of, record
from cityloom.sql import quoted, spill_folder

if TYPE_CHECKING:
    from ibis.backends.duckdb import Backend

    from cityloom.city import City


@dataclass(frozen=True)
class Limits:
    """What a question may cost: seconds, memory as DuckDB writes it, threads, and rows given."""

    seconds: float = 30.0
    memory: str = "2GB"
    threads: int = 2
    rows: int = 10_000


@dataclass(frozen=True)
class Answer:
    """The rows of an answer (geometries as WKT), the datasets asked, whether there were more."""

    rows: pa.Table
    datasets: tuple[str, ...]
    has_more: bool


def ask(
    city: "City",
    text: str,
    principal: Principal,
    purpose: str | None = None,
    limits: Limits | None = None,
) -> Answer:
    """The answer to a SELECT over a city's datasets, as far as a principal may read them.

    Each dataset that is asked is in the ledger, with the rows that the question could see.

    Raises:
        QueryError: it is not one SELECT over datasets, fails, or costs too much.
        AccessRefused: policy does not permit one of the datasets.
    """
    limits = limits or Limits()
    statement = read_statement(text, city.contracts)
    city.see_tables(statement.datasets)
    with _connection(city.readers_scratch, limits) as connection:
        backend = ibis.duckdb.from_connection(connection)
        for dataset in statement.datasets:
            _offer(city, backend, dataset, principal, purpose)
        _close_off(connection, [f for name in statement.datasets for f in city.kept(name).files()])
        return _answered(connection, statement, limits)


def _offer(
    city: "City", backend: "Backend", dataset: str, principal: Principal, purpose: str | None
) -> None:
    """Let a question see what its asker may read of a dataset, under the dataset's name."""
    contract = city.contract(dataset)
    decision = city.may_read(dataset, principal, purpose)
    if not decision.granted:
        record(city, contract, principal, purpose, dataset, decision)
    whole = f"_whole_{dataset}"
    backend.raw_sql(
        f"CREATE VIEW {quoted(whole)} AS {scan(city.kept(dataset).files(), contract.schema)}"
    )
    left, rows = left_of(city, backend, backend.table(whole), contract, decision, purpose)
    record(city, contract, principal, purpose, f"{dataset} (query)", decision, rows)
    cut = f"_cut_{dataset}"
    backend.create_view(cut, left)
    source = quoted(cut) if decision.is_of_all_rows else _apart(cut)
    backend.raw_sql(f"CREATE VIEW {quoted(dataset)} AS SELECT * FROM {source}")


def _apart(view: str) -> str:
    """A view whose rows are chosen before the question's own conditions are tried on them.

    Otherwise a condition that fails on some values would tell of rows that may not be read.
    """
    return f"(WITH chosen AS MATERIALIZED (SELECT * FROM {quoted(view)}) SELECT * FROM chosen)"


@contextmanager
def _connection(scratch: Path, limits: Limits) -> Iterator[duckdb.DuckDBPyConnection]:
    config: dict[str, str | int] = {
        "temp_directory": str(spill_folder(scratch)),
        "memory_limit": limits.memory,
        "threads": limits.threads,
    }
    with duckdb.connect(config=config) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        yield connection


def _close_off(connection: duckdb.DuckDBPyConnection, files: list[Path]) -> None:
    """Leave a connection no file but some, no network, no extension and no setting to change."""
    connection.execute("SET allowed_paths = ?", [[str(file) for file in files]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET python_enable_replacements = false")
    connection.execute("SET lock_configuration = true")


def _answered(
    connection: duckdb.DuckDBPyConnection, statement: Statement, limits: Limits
) -> Answer:
    alarm = Timer(limits.seconds, connection.interrupt)
    alarm.start()
    try:
        found = connection.execute(
            f"SELECT * FROM ({statement.text}) LIMIT {limits.rows + 1}"
        ).to_arrow_table()
    except duckdb.InterruptException:
        raise QueryError(
            f"the query took longer than {limits.seconds:g} seconds; ask for fewer rows"
        ) from None
    except duckdb.OutOfMemoryException:
        raise QueryError(
            f"the query needs more than {limits.memory} of memory; ask for fewer rows"
        ) from None
    except duckdb.Error as error:
        raise QueryError(plain(error).partition(" LINE ")[0]) from None
    finally:
        alarm.cancel()
    rows = readable(found.slice(0, limits.rows))
    return Answer(rows, statement.datasets, len(found) > limits.rows)
