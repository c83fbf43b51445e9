"""``cityloom restore``"""

from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli import stopping
from cityloom.cli.options import AsJson, print_facts
from cityloom.counts import counted
from cityloom.errors import pasteable, visible

if TYPE_CHECKING:
    from cityloom.backup.restore import Restored

_VERIFYING = (
    "Stopped verifying. Nothing was left behind, and the backups are as they were; "
    "the same command verifies anew."
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("restore")(restore)


def restore(
    target: Annotated[Path, typer.Argument(help="The folder of backups.")],
    path: Annotated[
        Path, typer.Argument(help="The city's new folder; with --verify-only, one with room in it.")
    ],
    key: Annotated[Path, typer.Option("--key", help="The file with the private key.")],
    backup: Annotated[
        str | None,
        typer.Option("--backup", help="Its id, or the beginning; the newest if not said."),
    ] = None,
    verify_only: Annotated[
        bool, typer.Option("--verify-only", help="Verify everything and leave nothing behind.")
    ] = False,
    erasures: Annotated[
        Path | None,
        typer.Option(help="A record of erasures from elsewhere, or another folder of backups."),
    ] = None,
    database: Annotated[
        str | None, typer.Option(help="The URL of an empty database for the store.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make a city of a backup, in a new folder: verified whole, and without anyone erased since."""
    from cityloom.backup.keys import read_identities
    from cityloom.backup.restore import Asked, verify
    from cityloom.backup.restore import restore as restored
    from cityloom.cli.progress import bar

    keys = read_identities(key)
    if verify_only:
        room = path if path.is_dir() else path.parent
        with stopping(lambda: _VERIFYING), bar("Verifying the backup") as report:
            done = verify(target, keys, backup, room, report)
    else:
        asked = Asked(backup, erasures, database)
        left = partial(_stopped, path, database)
        with stopping(left), bar("Restoring the city") as report:
            done = restored(target, path, keys, asked, report)
    if as_json:
        print_facts([asdict(done)], (), as_json)
        return
    _tell(done)


def _stopped(path: Path, database: str | None) -> str:
    """What is left of a restore that was stopped."""
    if (path / "city.toml").exists():
        return f"Stopped, but {path} is restored whole; see: cityloom check {pasteable(path)}"
    empty = "; see that the database is empty, then" if database else ";"
    return (
        f"Stopped. {path} was not restored: what was written of it is removed, and the backups are "
        f"as they were{empty} the same command restores it anew."
    )


def _tell(done: "Restored") -> None:
    typer.echo(
        f"Backup {done.backup} is whole: {counted(done.files, 'file')}, "
        f"{counted(done.size, 'byte')}, {counted(done.tables, 'table')}, "
        f"{counted(done.rows, 'row')}, every hash and digest as saved."
    )
    again = done.again
    if again.erasures:
        typer.echo(
            f"Erased again: {counted(again.erasures, 'erasure is', 'erasures are')} newer than "
            f"the backup; {counted(again.rows, 'row was', 'rows were')} taken out, and the past "
            "of their datasets."
        )
    for name in (*again.files_left_out, *again.tables_left_out):
        typer.echo(visible(f"! left out, since it may hold someone erased: {name}"))
    for said in again.not_received:
        typer.echo(visible(f"! could not be received; ask for it again: {said}"))
    for note in done.notes:
        typer.echo(visible(f"! {note}"))
    if done.path:
        typer.echo(f"Restored {done.path}.")
