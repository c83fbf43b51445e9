"""``cityloom new``"""

import os
import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from cityloom.errors import UsageError, pasteable

_COUNT = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)([kKmMbB]?)")
_TIMES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_MOST = 10**12


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new")(new)


def new(
    path: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
    name: Annotated[str | None, typer.Option(help="What the city is called.")] = None,
    sample: Annotated[
        str | None, typer.Option(help="Fill it with a sample city of this scale, such as 1/1000.")
    ] = None,
    facts: Annotated[
        str | None,
        typer.Option(help="Add so many visits, payments and meter readings, such as 500k or 221M."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another sample city.")] = 1,
) -> None:
    """Make a new city in a folder of its own, empty or with a sample to try things on."""
    from cityloom.city import City, emptied_on_failure

    scale = _fraction(sample) if sample else None
    events = count_of(facts) if facts else 0
    if events and not scale:
        raise UsageError("--facts are about a sample city; say its scale with --sample")
    city = City.create(path, name or path.resolve().name)
    if scale:
        with emptied_on_failure(city.path):
            _fill(city.path, scale, seed, events)
    typer.echo(f"Made {city.path}. Next: cityloom weave {pasteable(path)}")


def _fill(path: Path, scale: Fraction, seed: int, events: int) -> None:
    from cityloom.cli.progress import bar
    from cityloom.sample import make_sample
    from cityloom.sample.events import add_events

    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1
    with bar("Writing the sample city") as report:
        make_sample(path, scale, seed, report, workers)
    if events:
        with bar("Writing what happens in it") as report:
            add_events(path, events, report, workers)


def count_of(facts: str) -> int:
    """A number as people write it: 500k, 221M, 2.2B.

    Raises:
        UsageError: it is none, or not between 1 and a trillion.
    """
    found = _COUNT.fullmatch(facts)
    count = int(Decimal(found[1]) * _TIMES[found[2].lower()]) if found else 0
    if not 0 < count <= _MOST:
        raise UsageError(f"--facts '{facts}': expected a number such as 500k, 221M or 2.2B")
    return count


def _fraction(scale: str) -> Fraction:
    try:
        fraction = Fraction(scale)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--sample '{scale}': expected a scale such as 1/1000") from None
    if not 0 < fraction <= 1:
        raise UsageError(f"--sample '{scale}': expected more than 0 and at most 1")
    return fraction
