"""A process that forks children which weave a city, and kills them.

The interpreter and the imports are paid for once, in the process that forks; a child starts with
all modules loaded and no thread, connection or runtime of its own. Run as a program it reads one
task a line from standard input, as JSON, and answers each with one line.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any, Self

from cityloom.runs import DERIVE, RECEIVE, REPLAY

ROOT = Path(__file__).parents[2]

Task = dict[str, Any]
Answer = dict[str, Any]


class Weaver:
    """The forking process, from outside."""

    def __init__(self, modules: Path) -> None:
        """Start it; ``modules`` is a folder with a package of dataset functions."""
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.weaver", str(modules)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(30)

    def weave(
        self, city: Path, kill_at: int | None = None, kill_after: float | None = None
    ) -> Answer:
        """Weave; killed at an event (counted from 1) or so many seconds after its start.

        The answer has ``killed``, ``seconds`` and, where it came to its end, ``events``: what
        happened at each event, and ``error``.
        """
        return self._ask({"city": str(city), "kill_at": kill_at, "kill_after": kill_after})

    def truth(self, city: Path) -> Answer:
        """All that a reader can see of a city."""
        return self._ask({"city": str(city), "truth": True})["truth"]

    def _ask(self, task: Task) -> Answer:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(task) + "\n")
        self._process.stdin.flush()
        answer: Answer = json.loads(self._process.stdout.readline())
        return answer


_COMMITS = ("lake commit", "lake roll-back", "table created", "store commit")
"""What is counted after it is done as well: between these and the next event all is on disk."""


class Events:
    """Counts what a process does to a city's files, and kills it at one of the counts."""

    def __init__(self, city: Path, kill_at: int | None) -> None:
        self.seen: list[str] = []
        self._city = str(city)
        self._scratch = str(city / "scratch")
        self._kill_at = kill_at

    def happen(self, what: str) -> None:
        """Count one event; the process may not live to see the next."""
        self.seen.append(what)
        if len(self.seen) == self._kill_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def listen(self) -> None:
        """Count every write, sync, rename, removal and commit from now on."""
        import pyarrow.parquet as pq
        from deltalake import DeltaTable
        from sqlalchemy.engine.default import DefaultDialect

        self._wrap(pq.ParquetWriter, "__init__", "Parquet file opened")
        self._wrap(pq.ParquetWriter, "write_table", "rows written")
        self._wrap(pq.ParquetWriter, "close", "Parquet file closed")
        self._wrap(DeltaTable, "create", "table created")
        self._wrap(DeltaTable, "create_write_transaction", "lake commit")
        self._wrap(DeltaTable, "restore", "lake roll-back")
        self._wrap(DefaultDialect, "do_commit", "store commit")
        self._wrap(os, "fsync", "sync")
        sys.addaudithook(self._audit)

    def _wrap(self, owner: Any, name: str, what: str) -> None:
        original: Callable[..., Any] = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self.happen(f"before {what}")
            result = original(*args, **kwargs)
            if what in _COMMITS:
                self.happen(f"after {what}")
            return result

        setattr(owner, name, wrapped)

    def _audit(self, event: str, args: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = args
            if flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT) and self._of_city(path):
                self.happen(f"before writing to {Path(str(path)).name}")
        elif event in ("os.rename", "os.remove", "os.truncate") and self._of_city(args[0]):
            self.happen(f"before {event}")

    def _of_city(self, path: object) -> bool:
        return str(path).startswith(self._city) and not str(path).startswith(self._scratch)


def _weave(task: Task) -> Answer:
    from cityloom.city import City

    events = Events(Path(task["city"]), task["kill_at"])
    events.listen()
    city = City.open(task["city"])
    try:
        runs = city.weave()
    except Exception as error:
        return {"events": events.seen, "error": f"{type(error).__name__}: {error}"}
    failed = [run.error for run in runs if run.failed]
    return {"events": events.seen, "error": "; ".join(failed)}


def _truth(task: Task) -> Answer:
    from cityloom.city import City
    from tests.cities import digests, quarantined

    city = City.open(task["city"])
    runs = [asdict(run) for run in city.runs()]
    counted = ("dataset", "kind", "source", "sha256", "rows_read", "rows_kept",
               "rows_quarantined", "rows_duplicate", "error")  # fmt: skip
    facts = [[run[name] for name in counted] for run in runs if run["kind"] in (RECEIVE, REPLAY)]
    made = {run["dataset"]: [run[n] for n in counted[4:]] for run in runs if run["kind"] == DERIVE}
    return {
        "truth": {
            "digests": digests(city),
            "quarantine": {name: [asdict(row) for row in quarantined(city, name)]
                           for name in city.contracts},
            "received": sorted(facts),
            "made": made,
            "plan": [[step.kind, step.dataset, step.why] for step in city.plan()],
        }
    }  # fmt: skip


def _modules(task: Task) -> Answer:
    """What a weave and a look at its outcome load, in the order in which they do."""
    _weave(task)
    _truth(task)
    return {"modules": list(sys.modules)}


def _load_all() -> None:
    """Load what a child would load; it is a child that finds out, for weaving starts threads.

    The contracts that modules own are read, too.
    """
    from importlib import import_module

    from cityloom.city import City
    from tests.faults.scene import first_act

    with TemporaryDirectory() as folder:
        city = Path(folder) / "city"
        first_act(city)
        modules = _run({"city": str(city), "kill_at": None, "modules": True})["modules"]
        for name in modules:
            with suppress(ImportError):
                import_module(name)
        assert City.open(city).contracts


def _child(task: Task, ready: int, answer: int) -> None:
    os.write(ready, b"!")
    work = _truth if task.get("truth") else _modules if task.get("modules") else _weave
    result = work(task)
    with open(answer, "w", encoding="utf-8") as out:
        json.dump(result, out, ensure_ascii=False)


def _run(task: Task) -> Answer:
    """Do a task in a child."""
    ready, tell_ready = os.pipe()
    answer, tell_answer = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(ready)
            os.close(answer)
            _child(task, tell_ready, tell_answer)
            status = 0
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(tell_ready)
    os.close(tell_answer)
    os.read(ready, 1)
    start = time.perf_counter()
    if (delay := task.get("kill_after")) is not None:
        time.sleep(delay)
        os.kill(child, signal.SIGKILL)
    with open(answer, encoding="utf-8") as file:
        text = file.read()
    _, status = os.waitpid(child, 0)
    os.close(ready)
    found = {"seconds": time.perf_counter() - start, "killed": os.WIFSIGNALED(status) and not text}
    return found | (json.loads(text) if text else {})


def main() -> None:
    """Serve tasks until standard input ends."""
    sys.path.insert(0, sys.argv[1])
    _load_all()
    for line in sys.stdin:
        print(json.dumps(_run(json.loads(line)), ensure_ascii=False), flush=True)


if __name__ == "__main__":
    main()
