"""``cityloom release``"""

import json
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, open_city, operator, print_facts
from cityloom.errors import UsageError, visible


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("release")(release)


def release(
    name: Annotated[str | None, typer.Argument(help="The release: releases/NAME.yaml.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The folder to write to.", show_default="NAME")
    ] = None,
    listed: Annotated[bool, typer.Option("--list", help="List the releases instead.")] = False,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Write a table that gives nobody away, as releases/NAME.yaml states it, with a report."""
    if listed:
        _list(city, as_json)
        return
    if name is None:
        raise UsageError("name a release, or see what there is with: cityloom release --list")
    from cityloom.release.files import as_text, write
    from cityloom.release.publish import release as make

    made = make(open_city(city), name, operator())
    paths = write(made, out or Path(name))
    if as_json:
        told = {**made.report, "written": [str(path) for path in paths]}
        typer.echo(json.dumps(told, ensure_ascii=False))
    else:
        typer.echo(visible(as_text(made.report)))
        typer.echo(f"Written to {paths[0].parent}: {', '.join(path.name for path in paths)}")


def _list(city: Path, as_json: bool) -> None:
    from cityloom.release.statement import read_statement, statements

    opened = open_city(city)
    stated = {name: read_statement(opened.path, name) for name in statements(opened.path)}
    columns = ("release", "dataset", "by", "title", "licence", "owner")
    facts = [
        {
            "release": name,
            "dataset": found.dataset,
            "by": ", ".join(found.by),
            "title": found.title,
            "licence": found.licence,
            "owner": found.owner,
        }
        for name, found in stated.items()
    ]
    print_facts(facts, columns, as_json)
