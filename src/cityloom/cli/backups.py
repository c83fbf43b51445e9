"""``cityloom backups``"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, open_city, print_facts
from cityloom.errors import visible

COLUMNS = ("id", "at", "files", "size", "written")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backups")(backups)


def backups(
    target: Annotated[
        Path | None,
        typer.Argument(help="The folder of backups; the one that city.toml names if not said."),
    ] = None,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """List the backups in a folder, oldest first, with their bytes; it needs no key."""
    from cityloom.backup.record import stated_target
    from cityloom.backup.target import Target

    folder = target or stated_target(open_city(city))
    opened = Target.opened(folder)
    found = [asdict(index) for index in opened.backups()]
    for fact in found:
        del fact["blobs"]
    print_facts(found, COLUMNS, as_json)
    for said in opened.damaged():
        typer.echo(visible(f"! {said}"), err=True)
