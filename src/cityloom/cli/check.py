"""``cityloom check``"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import (
    HERE,
    AsJson,
    CityPath,
    EngineUrl,
    open_city,
    print_facts,
    print_finding,
)
from cityloom.counts import counted
from cityloom.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("check")(check)


def check(
    path: Annotated[Path | None, typer.Argument(help="The city's folder.")] = None,
    city: CityPath = HERE,
    engine: EngineUrl = None,
    as_json: AsJson = False,
) -> None:
    """Say what is wrong with this installation and this city, and how to mend it."""
    from cityloom.check import findings

    found = findings(open_city(path or city, engine))
    if as_json:
        print_facts([asdict(item) for item in found], (), as_json)
    for item in [] if as_json else found:
        print_finding(item)
    if not found and not as_json:
        typer.echo("✓ Nothing is wrong.")
    if serious := [item for item in found if item.serious]:
        raise UsageError(counted(len(serious), "thing needs mending", "things need mending"))
