"""``cityloom datasets``"""

from dataclasses import asdict

import typer

from cityloom.cli.options import (
    HERE,
    AsJson,
    CityPath,
    EngineUrl,
    open_city,
    print_facts,
    warn_of_contracts,
)

COLUMNS = ("dataset", "rows", "rows_quarantined", "version", "classification", "digest", "owner")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("datasets")(datasets)


def datasets(city: CityPath = HERE, engine: EngineUrl = None, as_json: AsJson = False) -> None:
    """List the city's datasets: how many rows, which version, whose, how closely held."""
    opened = open_city(city, engine)
    warn_of_contracts(opened)
    facts = [asdict(item) for item in opened.datasets()]
    if not as_json:
        facts = [{**fact, "digest": fact["digest"][:12]} for fact in facts]
    print_facts(facts, COLUMNS, as_json)
