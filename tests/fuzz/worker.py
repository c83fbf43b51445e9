"""A process that receives one delivery after another into a city and says what came of each.

It reads lines of JSON with a case, and answers each with a line of JSON.
"""

import json
import os
import resource
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cityloom.city import City
from cityloom.errors import UsageError
from tests.cities import column, contract_text, new_city
from tests.fuzz.cases import Case, read_case

CASES_IN_A_CITY = 100

COLUMNS = (
    column("id", key=1), column("n", "integer"), column("x", "number"), column("day", "date"),
    column("at", "timestamp"), column("flag", "boolean"), column("note"),
    column("geometry", "object", physicalType="GEOMETRY"),
)  # fmt: skip


def fresh_city(path: Path) -> City:
    """A city with a row in each dataset, so that there is something to spoil."""
    odd = {"path": "inbox/odd", "delimiter": ";", "encoding": "gb18030"}
    city = new_city(
        path,
        {
            "plain": contract_text("plain", COLUMNS),
            "odd": contract_text("odd", COLUMNS, delivery="snapshot", server=odd),
        },
    )
    for dataset, delimiter in (("plain", ","), ("odd", ";")):
        first = path / "scratch" / "first.csv"
        first.write_text(f"id{delimiter}n\nfirst{delimiter}1\n", encoding="utf-8")
        city.receive(dataset, first)
    return city


def state(city: City) -> dict[str, Any]:
    """The newest commit of each dataset and its quarantine, and the files that it names."""
    tables = [table for d in city.contracts for table in (city.kept(d), city.quarantine(d))]
    return {
        str(table.folder): (table.latest_version(), table.files())
        for table in tables
        if table.exists
    }


def receive(city: City, case: Case, folder: Path) -> dict[str, Any]:
    """Receive one case; the answer's outcome is ``received``, ``refused`` or what was broken."""
    before = state(city)
    try:
        path = case.write(folder)
        runs = city.receive(case.dataset, path)
    except UsageError as error:
        said = str(error)
        if not said.strip():
            return {"outcome": "broken", "said": "refused without a word"}
        if state(city) != before:
            return {"outcome": "broken", "said": f"refused, but not without a trace: {said}"}
        return {"outcome": "refused", "said": said[:300]}
    for run in runs:
        if run.rows_read != run.rows_kept + run.rows_quarantined + run.rows_duplicate:
            return {"outcome": "broken", "said": f"rows are not accounted for: {run}"}
    return {"outcome": "received", "said": "", "rows": sum(run.rows_read for run in runs)}


def answer(city: City, case: Case, temporary: Path) -> dict[str, Any]:
    """What came of a case, with seconds, and megabytes of this process and of its children."""
    clear_peak()
    start = time.perf_counter()
    folder = Path(tempfile.mkdtemp(dir=city.path / "scratch"))
    try:
        found = receive(city, case, folder)
    except BaseException:
        found = {"outcome": "broken", "said": traceback.format_exc()}
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if left := [path.name for path in temporary.iterdir()]:
        found = {"outcome": "broken", "said": f"left in the temporary folder: {left}"}
    found["seconds"] = time.perf_counter() - start
    found["peak"] = peak() / 1024
    found["children"] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return found


def clear_peak() -> None:
    """Let the system forget the most memory that this process has had."""
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> int:
    """The most memory since, in kilobytes."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))


@contextmanager
def answers() -> Iterator[Any]:
    """Where answers go: not where libraries print."""
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    yield out


def main(home: Path) -> None:
    """Answer until there are no more cases."""
    temporary = home / "temporary"
    temporary.mkdir(parents=True)
    tempfile.tempdir = str(temporary)
    with answers() as out:
        city, number = fresh_city(home / "city0"), 0
        for number, line in enumerate(sys.stdin, start=1):
            out.write(json.dumps(answer(city, read_case(line), temporary)) + "\n")
            if number % CASES_IN_A_CITY == 0:
                shutil.rmtree(city.path)
                city = fresh_city(home / f"city{number}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
