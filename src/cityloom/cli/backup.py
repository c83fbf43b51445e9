"""``cityloom backup``"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, open_city, print_facts
from cityloom.counts import counted
from cityloom.errors import visible

if TYPE_CHECKING:
    from cityloom.backup.take import Taken


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("backup")(backup)


def backup(
    target: Annotated[
        Path | None,
        typer.Argument(help="The folder for backups; the one that city.toml names if not said."),
    ] = None,
    city: CityPath = HERE,
    keep: Annotated[
        int | None, typer.Option(min=1, help="Keep so many backups and remove older ones.")
    ] = None,
    prune_erased: Annotated[
        bool, typer.Option("--prune-erased", help="Remove backups that hold anyone erased since.")
    ] = False,
    key: Annotated[
        Path | None,
        typer.Option("--new-key", help="Make a private key in this file, and no backup."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Save the city, encrypted, in a folder elsewhere; only what is new there is written."""
    from cityloom.backup.record import stated_target
    from cityloom.backup.take import back_up

    if key is not None:
        _make_key(key, target)
        return
    opened = open_city(city)
    folder = target or stated_target(opened)
    from cityloom.cli.progress import bar

    with bar("Saving the city") as report:
        taken = back_up(opened, folder, keep, prune_erased, report)
    if as_json:
        print_facts([asdict(taken)], (), as_json)
        return
    _tell(taken)


def _tell(taken: "Taken") -> None:
    typer.echo(
        f"Backup {taken.id}: {counted(taken.files, 'file')} of "
        f"{counted(taken.datasets, 'dataset')}, {counted(taken.size, 'byte')}; "
        f"{counted(taken.written, 'byte was', 'bytes were')} new."
    )
    if taken.removed:
        freed = counted(taken.freed, "byte is free", "bytes are free")
        typer.echo(f"Removed {', '.join(taken.removed)}; {freed}.")
    for note in taken.notes:
        typer.echo(visible(f"! {note}"))


def _make_key(key: Path, target: Path | None) -> None:
    from cityloom.backup.keys import new_key

    public = new_key(key, [target.resolve()] if target else [])
    typer.echo(
        f"Made {key}. Keep it, and a copy, away from the city and its backups: without it nothing "
        "can be restored.\nAdd to city.toml:\n"
    )
    typer.echo(f'[backup]\nrecipients = ["{public}"]')
