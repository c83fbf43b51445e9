"""Options and output that commands share."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cityloom.errors import visible

if TYPE_CHECKING:
    from cityloom.check import Finding
    from cityloom.city import City

CityPath = Annotated[
    Path, typer.Option("--city", help="The city's folder.", show_default="the current folder")
]
EngineUrl = Annotated[
    str | None, typer.Option("--engine", help="Engine URL, in place of the one in city.toml.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print facts as JSON.")]
Purpose = Annotated[str | None, typer.Option("--purpose", help="What personal data is wanted for.")]

HERE = Path()


def open_city(path: Path, engine: str | None = None) -> "City":
    """The city that a command is about."""
    from cityloom.city import City

    return City.open(path, engine)


def warn_of_contracts(city: "City", drafts: bool = False) -> int:
    """Say beside what is asked which contracts cannot be used; how many. ``drafts`` says all."""
    from cityloom.check import contract_findings

    for item in contract_findings(city):
        if item.serious or drafts:
            print_finding(item, err=True)
    return len(city.broken)


def warn_of_unknown_files(city: "City") -> None:
    """Say beside what is asked what lies in the inbox and belongs to no dataset."""
    from cityloom.check import unknown_files

    for item in unknown_files(city):
        print_finding(item, err=True)


def print_finding(item: "Finding", err: bool = False) -> None:
    """Something that is wrong, and below it its mend."""
    typer.echo(visible(f"{'✗' if item.serious else '!'} {item.what}\n  {item.mend}"), err=err)


def operator() -> "Any":
    """Who is at this command line: the user of the operating system, who has the city's files."""
    from getpass import getuser

    from cityloom.policy import Principal

    return Principal(getuser(), roles=("data_steward",))


def print_facts(rows: Sequence[Mapping[str, Any]], columns: Iterable[str], as_json: bool) -> None:
    """Rows of facts as a table for a person, or as JSON for a program."""
    if as_json:
        typer.echo(json.dumps([dict(row) for row in rows], ensure_ascii=False, default=str))
        return
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table

    table = Table(box=None, header_style="bold", pad_edge=False)
    for place, name in enumerate(columns):
        numeric = all(isinstance(row[name], int | float) for row in rows)
        heading = name.removeprefix("rows_")
        cells = [heading, *(_written(row[name]) for row in rows)]
        whole = max(map(cell_len, cells)) if numeric or place == 0 else None
        table.add_column(
            heading,
            justify="right" if numeric else "left",
            no_wrap=whole is not None,
            overflow="ellipsis",
            min_width=whole,
        )
    for row in rows:
        table.add_row(*(_written(row[name]) for name in columns))
    width = None if sys.stdout.isatty() else _NO_SCREEN
    Console(markup=False, emoji=False, width=width).print(table)


_NO_SCREEN = 1000
"""Characters that a line may have where nobody looks at it on a screen."""


def _number(value: float) -> str:
    """A number with two decimals, or with up to six where it has more: a degree has many."""
    whole, point, decimals = f"{value:,.6f}".partition(".")
    return f"{whole}{point}{decimals.rstrip('0').ljust(2, '0')}" if point else whole


def _written(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return _number(value)
    return visible(str(value))
