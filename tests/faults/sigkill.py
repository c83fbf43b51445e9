"""SIGKILLs spread over the measured length of a weave; weave again; compare with one never killed.

Run it with ``python -m tests.faults.sigkill --kills 200``; the suite takes a few of them. A killed
process has all its modules loaded before the clock starts, so the kills fall on the work itself.
"""

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.faults.everywhere import Act, difference, unbroken
from tests.faults.scene import copied, make_modules
from tests.faults.weaver import Weaver


@dataclass
class Outcome:
    """How many kills there were, how many hit a weave at work, and what went wrong."""

    kills: int = 0
    landed: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def share(self) -> float:
        """The part of the kills that hit a weave at work."""
        return self.landed / self.kills


def seconds(weaver: Weaver, folder: Path, act: Act) -> float:
    """How long a weave takes here and now: the shortest of three, so that few kills come late."""
    found = []
    for number in range(3):
        city = copied(act.before, folder / f"timed-{act.name}-{number}")
        found.append(weaver.weave(city)["seconds"])
        shutil.rmtree(city)
    return min(found)


def kill_spread(
    kills: int, folder: Path, size: int, tell: Callable[[Outcome], None] = lambda outcome: None
) -> Outcome:
    """Kill so many weaves, at moments evenly spread from their start to their end."""
    outcome = Outcome()
    with Weaver(make_modules(folder / "modules")) as weaver:
        acts = list(unbroken(weaver, folder, size))
        for place, act in enumerate(acts):
            share = kills // len(acts) + (place < kills % len(acts))
            length = seconds(weaver, folder, act)
            for number in range(share):
                moment = length * (number + 0.5) / share
                city = copied(act.before, folder / "killed")
                outcome.kills += 1
                outcome.landed += weaver.weave(city, kill_after=moment)["killed"]
                if found := difference(weaver, city, act):
                    outcome.wrong.append(f"{act.name}, killed after {moment:.3f} s: {found}")
                shutil.rmtree(city)
                tell(outcome)
    return outcome


def main() -> int:
    """Kill, and say how it went."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--size", type=int, default=20, help="thousands of rows, roughly a tenth")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        outcome = kill_spread(asked.kills, Path(place), asked.size, _tell)
    for wrong in outcome.wrong:
        print(wrong[:1000])
    print(_words(outcome))
    return len(outcome.wrong)


def _words(outcome: Outcome) -> str:
    return (
        f"{outcome.kills} kills, {outcome.share:.0%} of them mid-run; "
        f"{len(outcome.wrong)} with another truth than the unbroken run"
    )


def _tell(outcome: Outcome) -> None:
    if outcome.kills % 10 == 0:
        print(_words(outcome), file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(bool(main()))
