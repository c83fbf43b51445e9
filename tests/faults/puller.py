"""A process that pulls a city's sources and can be killed: at an event, counted from 1.

Run as a program with the city's folder and, if it is to be killed, the number of the event; where
it comes to its end it prints what happened and what came of the pulls, as JSON.
"""

import json
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.faults.weaver import ROOT, Events


@dataclass(frozen=True)
class Outcome:
    """Whether the process was killed; if not, the events there were and what was pulled."""

    killed: bool
    events: list[str]
    pulls: list[dict[str, Any]]


def pull(city: Path, kill_at: int | None = None) -> Outcome:
    """Pull every source of a city in a process of its own, which may be killed at an event."""
    told = [str(kill_at)] if kill_at else []
    done = subprocess.run(
        [sys.executable, "-m", "tests.faults.puller", str(city), *told],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode < 0:
        return Outcome(True, [], [])
    if done.returncode:
        raise RuntimeError(done.stderr)
    return Outcome(False, **json.loads(done.stdout))


def main() -> None:
    """Pull."""
    from cityloom.city import City

    folder = Path(sys.argv[1])
    events = Events(folder, int(sys.argv[2]) if len(sys.argv) > 2 else None)
    city = City.open(folder)
    city.log.committed()
    events.listen()
    pulls = [asdict(found) for found in city.pull(every=True)]
    print(json.dumps({"events": events.seen, "pulls": pulls}))


if __name__ == "__main__":
    main()
