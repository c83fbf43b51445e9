"""``cityloom export``"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import HERE, CityPath, EngineUrl, Purpose, open_city, operator
from cityloom.counts import counted
from cityloom.errors import UsageError


class Format(StrEnum):
    """The file formats a dataset can leave in."""

    parquet = "parquet"
    csv = "csv"
    arrow = "arrow"
    geojson = "geojson"


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("export")(export)


def export(
    dataset: Annotated[str, typer.Argument(help="The dataset to export.")],
    format: Annotated[
        Format | None,
        typer.Option("--format", help="The file format.", show_default="by the file's name"),
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--to", help="The file to write.", show_default="by its name")
    ] = None,
    purpose: Purpose = None,
    city: CityPath = HERE,
    engine: EngineUrl = None,
) -> None:
    """Write a dataset to a file, if policy permits; the read is in the ledger."""
    from cityloom.export import write_file

    opened = open_city(city, engine)
    form = _format_of(to, format)
    reader = opened.read(dataset, operator(), purpose)
    path = to or Path(f"{dataset}.{form}")
    rows = write_file(reader, path, form, opened.contract(dataset))
    typer.echo(f"{counted(rows, 'row')} written to {path}")


def _format_of(path: Path | None, asked: Format | None) -> Format:
    """The format that is asked for or that a file's name ends in; Parquet where neither says one.

    Raises:
        UsageError: the name ends in no format, or in another than is asked for.
    """
    ending = path.suffix.removeprefix(".").lower() if path else ""
    if not ending:
        return asked or Format.parquet
    if ending not in set(Format):
        raise UsageError(
            f"--to {path}: '.{ending}' is no format; end the name in .{', .'.join(Format)}"
        )
    if asked not in (None, ending):
        raise UsageError(
            f"--to {path} and --format {asked} do not agree; leave --format out or end the name "
            f"in .{asked}"
        )
    return Format(ending)
