"""Kill a weave at every write, sync, rename and commit; weave again; compare with one never killed.

Run it whole with ``python -m tests.faults.everywhere``; the suite takes a part of it.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.faults.scene import ACTS, copied, make_modules
from tests.faults.weaver import Answer, Weaver


@dataclass(frozen=True)
class Act:
    """A city before a weave, what the weave does, how long it takes, and the truth after it."""

    name: str
    before: Path
    events: list[str]
    seconds: float
    truth: Answer


def unbroken(weaver: Weaver, folder: Path, size: int = 1) -> Iterator[Act]:
    """The acts of the scene, each woven without a kill."""
    city = folder / "unbroken"
    for act in ACTS:
        act(city, size)
        before = copied(city, folder / act.__name__)
        weaver.weave(city)
        counted = copied(before, folder / "counted")
        woven = weaver.weave(counted)
        assert not woven["error"], woven["error"]
        truth = weaver.truth(counted)
        shutil.rmtree(counted)
        assert truth["plan"] == [], truth["plan"]
        yield Act(act.__name__, before, woven["events"], woven["seconds"], truth)


def difference(weaver: Weaver, city: Path, act: Act) -> str:
    """How a city that was woven again differs from the unbroken one; empty where it does not."""
    again = weaver.weave(city)
    if again["error"]:
        return f"the next weave failed: {again['error']}"
    return "; ".join(_differences(weaver.truth(city), act.truth))


def _differences(found: object, expected: object, where: str = "") -> Iterator[str]:
    """Where two truths differ, down to the value."""
    if isinstance(found, dict) and isinstance(expected, dict) and found.keys() == expected.keys():
        for name in found:
            yield from _differences(found[name], expected[name], f"{where}/{name}")
    elif isinstance(found, list) and isinstance(expected, list):
        yield from (f"{where}: {item} too many" for item in found if item not in expected)
        yield from (f"{where}: {item} is lost" for item in expected if item not in found)
        if len(found) != len(expected):
            yield f"{where}: {len(found)} items for {len(expected)}"
    elif found != expected:
        yield f"{where}: {found} for {expected}"


def kill_at(weaver: Weaver, folder: Path, act: Act, event: int) -> str:
    """What is wrong after a kill at an event; empty where nothing is."""
    city = copied(act.before, folder / f"killed-{act.name}-{event}")
    killed = weaver.weave(city, kill_at=event)
    if not killed["killed"]:
        return f"event {event} never came"
    wrong = difference(weaver, city, act)
    shutil.rmtree(city)
    return wrong


def main() -> int:
    """Kill everywhere; the number of points after which the truth was another."""
    wrong = kills = 0
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with Weaver(make_modules(folder / "modules")) as weaver:
            for act in unbroken(weaver, folder):
                for event, what in enumerate(act.events, start=1):
                    kills += 1
                    if found := kill_at(weaver, folder, act, event):
                        wrong += 1
                        print(f"{act.name}, event {event} ({what}): {found[:1000]}", flush=True)
                print(f"{act.name}: {len(act.events)} kills", flush=True)
    print(f"{kills} kills, {wrong} with another truth")
    return wrong


if __name__ == "__main__":
    sys.exit(bool(main()))
