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


def connect(scratch: Path | None = None, threads: int | None = None) -> "duckdb.DuckDBPyConnection":
    """A DuckDB in memory, in UTC; what memory cannot hold goes below ``scratch``.

    Each connection has a folder of its own there (without ``scratch``, in the system's folder for
    temporary files): two that shared one would take each other's files away.
    """
    import duckdb

    spilled = Path(scratch or gettempdir()) / f"duckdb-{uuid4().hex}"
    config: dict[str, str | int] = {"temp_directory": str(spilled)}
    if threads:
        config["threads"] = threads
    connection = duckdb.connect(config=config)
    connection.execute("SET TimeZone = 'UTC'")
    return connection
