"""``cityloom receive``"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, EngineUrl, open_city, print_facts
from cityloom.cli.runs import COLUMNS


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("receive")(receive)


def receive(
    dataset: Annotated[str, typer.Argument(help="The dataset that is delivered.")],
    path: Annotated[Path, typer.Argument(help="A file, or a folder of files.")],
    again: Annotated[
        bool, typer.Option("--again", help="Take in even a file that was taken in before.")
    ] = False,
    city: CityPath = HERE,
    engine: EngineUrl = None,
    as_json: AsJson = False,
) -> None:
    """Take a file in: rows that meet the contract are kept, the others quarantined with reasons."""
    runs = open_city(city, engine).receive(dataset, path, again=again)
    if not runs and not as_json:
        typer.echo("Nothing new: these very files were received before.")
        return
    print_facts([asdict(run) for run in runs], COLUMNS, as_json)
    if as_json:
        return
    for run in runs:
        for note in run.notes:
            typer.echo(f"! {note}")
        for reason, count in run.reasons.items():
            typer.echo(f"{count:>10,}  {reason}")
