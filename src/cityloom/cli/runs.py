"""``cityloom runs``"""

from dataclasses import asdict
from typing import Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, EngineUrl, open_city, print_facts

COLUMNS = (
    "dataset", "kind", "source", "rows_read", "rows_kept", "rows_quarantined", "rows_duplicate",
    "seconds", "peak_mb", "error",
)  # fmt: skip


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("runs")(runs)


def runs(
    dataset: Annotated[str | None, typer.Argument(help="Only runs of this dataset.")] = None,
    city: CityPath = HERE,
    engine: EngineUrl = None,
    as_json: AsJson = False,
) -> None:
    """List what was received and made, oldest first: read = kept + quarantined + duplicate."""
    opened = open_city(city, engine)
    found = opened.runs(dataset)
    if dataset and not found:
        opened.contract(dataset)
    print_facts([asdict(run) for run in found], COLUMNS, as_json)
