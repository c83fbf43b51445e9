"""``cityloom contract``"""

import re
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.counts import counted
from cityloom.errors import ContractError, DeliveryError, UsageError, visible

if TYPE_CHECKING:
    from cityloom.contract import Contract


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
    sheet: Annotated[
        str | None, typer.Option("--sheet", help="The sheet of a spreadsheet, by its name.")
    ] = None,
    header: Annotated[
        int | None, typer.Option("--header", min=1, help="The row that names its columns.")
    ] = None,
    layer: Annotated[
        str | None, typer.Option("--layer", help="The layer of a GeoPackage, by its name.")
    ] = None,
) -> None:
    """Read a file and write a contract for it, with every doubt marked."""
    from cityloom.contract.draft import draft_contract
    from cityloom.export import whole_file

    try:
        drafted = draft_contract(file, sheet, header, layer)
    except DeliveryError as error:
        raise DeliveryError(_by_option(str(error))) from None
    if to is None:
        typer.echo(drafted.yaml)
        return
    if to.exists():
        raise UsageError(f"{to} exists; a draft does not overwrite a contract")
    with whole_file(to) as unfinished:
        unfinished.write_text(drafted.yaml, encoding="utf-8")
    doubts = counted(len(drafted.doubts), "doubt")
    typer.echo(f"Wrote {to} with {doubts}; look for '# doubt:' in it.")


_IN_SERVERS = re.compile(
    r"say which in the contract's servers: customProperties: "
    r"\[\{property: (sheet|layer|header), value: …\}\]"
)
_FIRST_NAMED = re.compile(r"several (?:sheets have cells|layers), '(.*?)'(?:,|;| and more)")


def _by_option(message: str) -> str:
    """What a reader says of a contract, where there is none yet, as an option of the command."""
    named = _FIRST_NAMED.search(message)
    example = quote(named[1]) if named else "NUMBER"
    message = _IN_SERVERS.sub(lambda m: f"say which with --{m[1]} {example}", message)
    message = message.replace("say which: 'header' in the contract", "say which: --header NUMBER")
    message = message.replace("name a hidden one with 'sheet'", "name a hidden one with --sheet")
    return message.replace(", which the contract names; it has", "; it has")


def lint(
    paths: Annotated[
        list[Path] | None,
        typer.Argument(
            help="Contract files, folders of them, or cities.", show_default="the current folder"
        ),
    ] = None,
) -> None:
    """Say what is wrong with contracts, if anything."""
    sound: list[Contract] = []
    errors: list[str] = []
    for path in paths or [Path()]:
        contracts, wrong = _read(path)
        sound += contracts
        errors += wrong
    for contract in sound:
        columns = counted(len(contract.columns), "column")
        typer.echo(f"✓ {contract.origin}: {contract.dataset}, {columns}")
    _refuse(errors, len(sound) + len(errors))


def _read(path: Path) -> "tuple[list[Contract], list[str]]":
    """The contracts in a file, in a folder or in a city's, and what is wrong with the others."""
    from cityloom.contract import SUFFIX, load_contract, sound_contracts

    if not path.is_dir():
        try:
            return [load_contract(path)], []
        except ContractError as error:
            return [], [str(error)]
    folder = path / "contracts" if (path / "city.toml").exists() else path
    contracts, broken = sound_contracts([folder])
    if not contracts and not broken:
        raise UsageError(f"{folder}: no contract here; they are named <dataset>{SUFFIX}")
    return list(contracts.values()), [item.error for item in broken]


def _refuse(errors: list[str], contracts: int) -> None:
    if len(errors) == 1:
        raise ContractError(errors[0])
    for error in errors:
        typer.echo(visible(f"✗ {error}"), err=True)
    if errors:
        raise UsageError(f"{len(errors)} of {contracts} contracts cannot be used")
