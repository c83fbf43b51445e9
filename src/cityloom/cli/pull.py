"""``cityloom pull``"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, open_city, print_facts
from cityloom.counts import counted
from cityloom.errors import UsageError, pasteable, visible

if TYPE_CHECKING:
    from cityloom.sources.pull import Pull


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("pull")(pull)


def pull(
    names: Annotated[
        list[str] | None, typer.Argument(help="Sources to pull now.", show_default="those due")
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Pull every source now.")] = False,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Put into the inbox what is new at the sources of city.toml; a weave then receives it."""
    pulls = []
    for item in open_city(city).pull(names or (), every):
        pulls.append(item)
        if not as_json:
            typer.echo(visible(_line(item)))
    if as_json:
        print_facts([asdict(item) for item in pulls], (), as_json)
    elif not pulls:
        typer.echo("Nothing is due.")
    if failed := [item for item in pulls if item.error]:
        check = f"cityloom check {pasteable(city)}"
        sources = counted(len(pulls), "source")
        raise UsageError(f"{len(failed)} of {sources} failed; see what with: {check}")


def _line(item: "Pull") -> str:
    """What came of one pull."""
    subject = f"{item.source} → {item.dataset}"
    if item.error:
        return f"✗ {subject}: {item.error}"
    if not item.files:
        return f"✓ {subject}: nothing new"
    rows = f", {counted(item.rows, 'row')}" if item.rows else ""
    size = counted(item.size, "byte")
    return f"✓ {subject}: {counted(item.files, 'file')}{rows}, {size} {item.seconds:.1f} s"
