"""``cityloom runs``"""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli.options import HERE, AsJson, CityPath, EngineUrl, open_city, print_facts
from cityloom.counts import counted

if TYPE_CHECKING:
    from cityloom.runs import Run

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
    """List what was received and made, oldest first: read = kept + quarantined + duplicate.

    Of map tiles, which change no rows, only what failed is listed.
    """
    opened = open_city(city, engine)
    found = [run for run in opened.runs(dataset) if run.is_of_rows]
    if dataset and not found:
        opened.contract(dataset)
    if as_json:
        print_facts([asdict(run) for run in found], COLUMNS, as_json)
    else:
        said = [asdict(run) | {"outcome": outcome(run)} for run in found]
        print_facts(said, [*COLUMNS[:-1], "outcome"], as_json)


def outcome(run: "Run") -> str:
    """What was wrong with a run, or how many rows it took out; empty where neither is so."""
    from cityloom.runs import ERASE

    if run.taken_out is None:
        return run.error
    rows = counted(run.taken_out, "row")
    if run.kind == ERASE:
        return f"erased: {rows}"
    return f"taken out past retention: {rows}" if run.taken_out else "nothing was past retention"
