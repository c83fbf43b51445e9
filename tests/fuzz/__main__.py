"""The long run.

python -m tests.fuzz --cases 10000 [--seed N] [--jobs N]
python -m tests.fuzz --case '{"kind": …}'      one case again
python -m tests.fuzz --guided SECONDS          the parsers of ours, guided by their coverage
"""

import argparse
import json
import pickle
import random
import subprocess
import sys
from pathlib import Path
from typing import IO

from tests.fuzz.cases import Case, random_case, read_case
from tests.fuzz.runner import ROOT, Broken, Runner, Tally


def run_cases(count: int, seed: int, log: IO[str] | None = None) -> Tally:
    """Many cases, one after the other; a broken one is noted and the run goes on."""
    runner, tally = Runner(), Tally()

    chance = random.Random(seed)
    try:
        for number in range(1, count + 1):
            case = random_case(chance)
            _note(case, runner, tally, log)
            if number % 250 == 0:
                print(f"{number:,} of {count:,}", file=sys.stderr, flush=True)
    finally:
        runner.close()
    return tally


def _note(case: Case, runner: Runner, tally: Tally, log: IO[str] | None) -> None:
    try:
        found = runner.run(case)
    except Broken as broken:
        tally.lose(case, str(broken))
        print(f"✗ {broken}", file=sys.stderr, flush=True)
        return
    tally.add(case, found)
    if log:
        log.write(json.dumps({**found, "case": case.text()}) + "\n")


def together(parts: list[Tally]) -> Tally:
    """Several tallies as one."""
    whole = Tally()
    for part in parts:
        for kind, counts in part.outcomes.items():
            whole.outcomes[kind] += counts
            whole.seconds[kind] = max(whole.seconds[kind], part.seconds[kind])
            whole.peaks[kind] = max(whole.peaks[kind], part.peaks[kind])
        whole.children = max(whole.children, part.children)
        whole.broken += part.broken
    return whole


def in_parts(count: int, seed: int, jobs: int, log: str) -> Tally:
    """Cases divided among processes."""
    command = [sys.executable, "-m", "tests.fuzz", "--part", "--cases", str(-(-count // jobs))]
    command += ["--log", str(Path(log).absolute())] if log else []
    started = [
        subprocess.Popen([*command, "--seed", str(seed + job)], stdout=subprocess.PIPE, cwd=ROOT)
        for job in range(jobs)
    ]
    return together([pickle.loads(part.communicate()[0]) for part in started])


def main() -> int:
    """The run that the command line asks for; fails if a case broke a promise."""
    asked = argparse.ArgumentParser(prog="python -m tests.fuzz")
    asked.add_argument("--cases", type=int, default=500)
    asked.add_argument("--seed", type=int, default=1)
    asked.add_argument("--jobs", type=int, default=1)
    asked.add_argument("--log", default="", help="a file to note each answer in")
    asked.add_argument("--case")
    asked.add_argument("--guided", type=int)
    asked.add_argument("--part", action="store_true", help=argparse.SUPPRESS)
    options = asked.parse_args()
    if options.guided:
        command = [sys.executable, "-m", "tests.fuzz.guided", str(options.guided)]
        return subprocess.call(command, cwd=ROOT)
    if options.case:
        print(json.dumps(Runner().run(read_case(options.case)), ensure_ascii=False, indent=1))
        return 0
    if options.part:
        with open(options.log or "/dev/null", "a", buffering=1, encoding="utf-8") as log:
            tally = run_cases(options.cases, options.seed, log)
        tally.outcomes = dict(tally.outcomes)
        tally.seconds, tally.peaks = dict(tally.seconds), dict(tally.peaks)
        sys.stdout.buffer.write(pickle.dumps(tally))
        return 0
    tally = in_parts(options.cases, options.seed, options.jobs, options.log)
    print(tally.table())
    print(f"\nmost memory of a child: {tally.children:.0f} MB")
    return 1 if tally.broken else 0


if __name__ == "__main__":
    sys.exit(main())
