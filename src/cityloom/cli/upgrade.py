"""``cityloom upgrade``"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, print_facts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("upgrade")(upgrade)


def upgrade(
    path: Annotated[Path | None, typer.Argument(help="The city's folder.")] = None,
    city: CityPath = HERE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would change, and change nothing.")
    ] = False,
    rollback: Annotated[
        bool,
        typer.Option("--rollback", help="Undo the last upgrade, if nothing was written since."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring a city that an earlier cityloom made to the present format, or back."""
    from cityloom import upgrade as work

    folder = (path or city).resolve()
    if rollback:
        typer.echo(f"Rolled back; {folder} has format {work.roll_back(folder)} again.")
        return
    changes = work.plan(folder) if dry_run else work.upgrade(folder)
    if as_json:
        print_facts([asdict(change) for change in changes], (), as_json)
        return
    for change in changes:
        typer.echo(
            f"{'Would go' if dry_run else 'Went'} from format {change.before} to {change.after}:"
        )
        for what in change.what:
            typer.echo(f"  {what}")
    if not changes:
        typer.echo(f"Nothing to do: {folder} has format {work.format_of(folder)}, the present one.")
