"""``cityloom new``"""

from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from cityloom.errors import UsageError, pasteable


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("new")(new)


def new(
    path: Annotated[Path, typer.Argument(help="A folder that does not exist yet, or is empty.")],
    name: Annotated[str | None, typer.Option(help="What the city is called.")] = None,
    sample: Annotated[
        str | None, typer.Option(help="Fill it with a sample city of this scale, such as 1/1000.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed makes another sample city.")] = 1,
) -> None:
    """Make a new city in a folder of its own, empty or with a sample to try things on."""
    from cityloom.city import City, emptied_on_failure

    scale = _fraction(sample) if sample else None
    city = City.create(path, name or path.resolve().name)
    if scale:
        with emptied_on_failure(city.path):
            _fill(city.path, scale, seed)
    typer.echo(f"Made {city.path}. Next: cityloom weave {pasteable(path)}")


def _fill(path: Path, scale: Fraction, seed: int) -> None:
    from cityloom.cli.progress import bar
    from cityloom.sample import make_sample

    with bar("Writing the sample city") as report:
        make_sample(path, scale, seed, report)


def _fraction(scale: str) -> Fraction:
    try:
        fraction = Fraction(scale)
    except (ValueError, ZeroDivisionError):
        raise UsageError(f"--sample '{scale}': expected a scale such as 1/1000") from None
    if not 0 < fraction <= 1:
        raise UsageError(f"--sample '{scale}': expected more than 0 and at most 1")
    return fraction
