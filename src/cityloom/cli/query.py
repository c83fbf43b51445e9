"""``cityloom query``"""

from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, Purpose, open_city, operator, print_facts


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("query")(query)


def query(
    statement: Annotated[str, typer.Argument(help="A SELECT over datasets, by their names.")],
    purpose: Purpose = None,
    rows: Annotated[
        int, typer.Option("--rows", min=1, max=1_000_000, help="How many rows at the most.")
    ] = 1_000,
    seconds: Annotated[
        float, typer.Option("--seconds", min=0.1, max=3600, help="How long it may take.")
    ] = 30.0,
    city: CityPath = HERE,
    as_json: AsJson = False,
) -> None:
    """Ask a question in SQL, as far as policy permits; what it asks is in the ledger."""
    from cityloom.query import Limits, ask

    answer = ask(
        open_city(city), statement, operator(), purpose, Limits(seconds=seconds, rows=rows)
    )
    print_facts(answer.rows.to_pylist(), answer.rows.schema.names, as_json)
    if answer.has_more:
        typer.echo(f"there are more than these {rows:,} rows; ask for more with --rows", err=True)
