"""Runs cases in a worker under a deadline, and counts what came of them."""

import json
import select
import subprocess
import sys
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.fuzz.cases import Case

DEADLINE = 120.0
"""Seconds after which a case hangs: many times what the slowest takes, so that no load decides."""

MOST_MEMORY = 3072.0
"""Megabytes that no case may take, in the city's process or in a child."""

ROOT = Path(__file__).parents[2]


class Broken(AssertionError):
    """A case that was neither received with an account nor refused in words."""


class Runner:
    """A worker that is started again whenever a case ends it."""

    def __init__(self) -> None:
        self._home = TemporaryDirectory(prefix="fuzz-")
        self._starts = 0
        self._worker: subprocess.Popen[str] | None = None

    def run(self, case: Case) -> dict[str, Any]:
        """What came of a case.

        Raises:
            Broken: it crashed, hung, took too much memory, or broke what a receipt promises.
        """
        worker = self._started()
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(case.text() + "\n")
        worker.stdin.flush()
        ready, _, _ = select.select([worker.stdout], [], [], DEADLINE)
        line = worker.stdout.readline() if ready else ""
        if not line:
            status = self._end()
            what = f"the process ended with {status}" if ready else f"no answer in {DEADLINE:.0f} s"
            raise Broken(f"{case.text()}: {what}")
        found: dict[str, Any] = json.loads(line)
        if found["outcome"] == "broken":
            raise Broken(f"{case.text()}: {found['said']}")
        if max(found["peak"], found["children"]) > MOST_MEMORY:
            self._end()
            raise Broken(f"{case.text()}: took {found['peak']:.0f} and {found['children']:.0f} MB")
        return found

    def close(self) -> None:
        """End the worker and remove its cities."""
        self._end()
        self._home.cleanup()

    def _started(self) -> "subprocess.Popen[str]":
        if self._worker is None:
            self._starts += 1
            home = Path(self._home.name) / str(self._starts)
            self._worker = subprocess.Popen(
                [sys.executable, "-m", "tests.fuzz.worker", str(home)],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                cwd=ROOT, text=True,
            )  # fmt: skip
        return self._worker

    def _end(self) -> int | None:
        worker, self._worker = self._worker, None
        if worker is None:
            return None
        status = worker.poll()
        worker.kill()
        worker.wait()
        for stream in (worker.stdin, worker.stdout):
            if stream is not None:
                stream.close()
        return status


@dataclass
class Tally:
    """What came of many cases."""

    outcomes: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    seconds: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    peaks: dict[str, float] = field(default_factory=lambda: defaultdict(float))
    children: float = 0.0
    broken: list[str] = field(default_factory=list)

    def add(self, case: Case, found: dict[str, Any]) -> None:
        """Count one answer."""
        self.outcomes[case.kind][found["outcome"]] += 1
        self.seconds[case.kind] = max(self.seconds[case.kind], found["seconds"])
        self.peaks[case.kind] = max(self.peaks[case.kind], found["peak"])
        self.children = max(self.children, found["children"])

    def lose(self, case: Case, why: str) -> None:
        """Count one case that broke a promise."""
        self.outcomes[case.kind]["broken"] += 1
        self.broken.append(why)

    def table(self) -> str:
        """The figures as a Markdown table."""
        lines = ["| kind | cases | received | refused | broken | worst s | peak MB |",
                 "| --- | ---: | ---: | ---: | ---: | ---: | ---: |"]  # fmt: skip
        total: Counter[str] = Counter()
        for kind, counts in sorted(self.outcomes.items()):
            total += counts
            lines.append(_line(kind, counts, self.seconds[kind], self.peaks[kind]))
        worst, peak = max(self.seconds.values(), default=0), max(self.peaks.values(), default=0)
        return "\n".join([*lines, _line("**all**", total, worst, peak)])


def _line(kind: str, counts: Counter[str], seconds: float, peak: float) -> str:
    three = " | ".join(f"{counts[name]:,}" for name in ("received", "refused", "broken"))
    return f"| {kind} | {counts.total():,} | {three} | {seconds:.1f} | {peak:.0f} |"
