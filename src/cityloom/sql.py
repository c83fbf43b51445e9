"""Names and texts as they stand in SQL, and connections to DuckDB."""

from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING
from uuid import uuid4

if TYPE_CHECKING:
    import duckdb


def quoted(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def spill_folder(scratch: Path | None = None) -> Path:
    """A folder below ``scratch`` that no other connection to DuckDB has, not yet there.

    Two that shared one would take each other's files away.
    """
    return Path(scratch or gettempdir()) / f"duckdb-{uuid4().hex}"


def connect(scratch: Path | None = None, threads: int | None = None) -> "duckdb.DuckDBPyConnection":
    """A DuckDB in memory, in UTC; what memory cannot hold goes to a folder below ``scratch``.

    Without ``scratch``, that is the system's folder for temporary files.
    """
    import duckdb

    config: dict[str, str | int] = {"temp_directory": str(spill_folder(scratch))}
    if threads:
        config["threads"] = threads
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection
