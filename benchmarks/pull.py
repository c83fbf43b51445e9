"""What it costs to pull a table: rows a CPU second and memory, against reading it with pandas.

The table has a key, a text, a number with decimals and a time. Each way runs in its own process;
PostgreSQL is started for it. ``python -m benchmarks.pull --rows 1000000``
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.cities import column, contract_text
from tests.sources.sites import Postgres, pulling_city, sound

CONTRACT = contract_text(
    "permit",
    [
        column("id", "integer", key=1),
        column("kind"),
        column("fee", "number", physicalType="DECIMAL(10,2)"),
        column("changed", "timestamp", logicalTypeOptions={"timezone": True}),
    ],
)
TABLE = """
CREATE TABLE permit AS
SELECT i AS id, 'permit for a kiosk of the kind ' || i % 100 AS kind,
       (i % 10000)::numeric(10,2) / 4 AS fee,
       timestamptz '2024-01-01' + i * interval '1 second' AS changed
FROM generate_series(1, {rows}) i
"""
STATED = """
[network]
internal = ["127.0.0.1"]
[sources.office]
kind = "database"
dataset = "permit"
url = "postgresql://postgres@127.0.0.1:{port}/postgres"
table = "permit"
{more}
"""


def by_cityloom(folder: Path, port: int, more: str) -> None:
    """Pull the table into the inbox of a new city."""
    stated = STATED.format(port=port, more=more)
    sound(pulling_city(folder / "city", {"permit": CONTRACT}, stated))


def whole(folder: Path, port: int) -> None:
    """Pull it whole."""
    by_cityloom(folder, port, "")


def by_watermark(folder: Path, port: int) -> None:
    """Pull it by its time of change."""
    by_cityloom(folder, port, 'watermark = "changed"')


def by_pandas(folder: Path, port: int) -> None:
    """Read it whole into memory and write it as Parquet."""
    import pandas as pd
    import sqlalchemy as sa

    engine = sa.create_engine(f"postgresql+psycopg://postgres@127.0.0.1:{port}/postgres")
    pd.read_sql_table("permit", engine).to_parquet(folder / "permit.parquet")


WAYS: dict[str, Callable[[Path, int], None]] = {
    "cityloom, whole": whole,
    "cityloom, by watermark": by_watermark,
    "pandas.read_sql_table": by_pandas,
}


def measured(way: str, port: int) -> tuple[float, float]:
    """The CPU seconds of a way in a process of its own, and its peak memory in MB."""
    command = [sys.executable, "-m", "benchmarks.pull", "--way", way, "--port", str(port)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, peak = done.stdout.split()
    return float(seconds), float(peak)


def run(way: str, port: int) -> None:
    """Go one way, and print its CPU seconds and its peak memory in MB."""
    with TemporaryDirectory() as folder:
        start = time.process_time()
        WAYS[way](Path(folder), port)
        seconds = time.process_time() - start
    print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000])
    parser.add_argument("--way", choices=WAYS)
    parser.add_argument("--port", type=int)
    asked = parser.parse_args()
    if asked.way:
        run(asked.way, asked.port)
        return
    print(f"{'rows':>10}  {'way':<24} {'CPU s':>8} {'rows/CPU s':>10} {'peak MB':>8}")
    with TemporaryDirectory() as folder:
        database = Postgres(Path(folder))
        try:
            for rows in asked.rows:
                database.execute("DROP TABLE IF EXISTS permit", TABLE.format(rows=rows))
                for way in WAYS:
                    seconds, peak = measured(way, database.port)
                    speed = rows / seconds
                    print(f"{rows:>10,}  {way:<24} {seconds:>8.1f} {speed:>10,.0f} {peak:>8.0f}")
        finally:
            database.stop()


if __name__ == "__main__":
    main()
