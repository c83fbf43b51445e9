"""``cityloom show``"""

from typing import Annotated

import typer

from cityloom.cli.options import (
    HERE,
    AsJson,
    CityPath,
    EngineUrl,
    Purpose,
    open_city,
    operator,
    print_facts,
)


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("show")(show)


def show(
    dataset: Annotated[str, typer.Argument(help="The dataset to look at.")],
    rows: Annotated[int, typer.Option("--rows", min=1, max=1_000_000, help="How many rows.")] = 20,
    purpose: Purpose = None,
    city: CityPath = HERE,
    engine: EngineUrl = None,
    as_json: AsJson = False,
) -> None:
    """Show some rows of a dataset, if policy permits; the look is in the ledger."""
    reader = open_city(city, engine).read(dataset, operator(), purpose, limit=rows)
    found = [{k: _readable(v) for k, v in row.items()} for row in reader.read_all().to_pylist()]
    print_facts(found, reader.schema.names, as_json)


def _readable(value: object) -> object:
    if isinstance(value, bytes):
        import shapely

        return shapely.to_wkt(shapely.from_wkb(value), rounding_precision=5)
    return value
