"""``cityloom contract``"""

from pathlib import Path
from typing import Annotated

import typer

from cityloom.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(help="Write and check contracts.", no_args_is_help=True)
    group.command("draft")(draft)
    group.command("lint")(lint)
    app.add_typer(group, name="contract")


def draft(
    file: Annotated[Path, typer.Argument(help="A delivered file to read.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Write the draft here, not to the screen.")
    ] = None,
) -> None:
    """Read a file and write a contract for it, with every doubt marked."""
    from cityloom.contract.draft import draft_contract
    from cityloom.export import whole_file

    drafted = draft_contract(file)
    if to is None:
        typer.echo(drafted.yaml)
        return
    if to.exists():
        raise UsageError(f"{to} exists; a draft does not overwrite a contract")
    with whole_file(to) as unfinished:
        unfinished.write_text(drafted.yaml, encoding="utf-8")
    typer.echo(f"Wrote {to} with {len(drafted.doubts)} doubts; look for '# doubt:' in it.")


def lint(
    files: Annotated[list[Path], typer.Argument(help="Contract files.")],
) -> None:
    """Say what is wrong with contracts, if anything."""
    from cityloom.contract import load_contract

    for file in files:
        contract = load_contract(file)
        typer.echo(f"✓ {file}: {contract.dataset}, {len(contract.columns)} columns")
