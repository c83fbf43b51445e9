"""``cityloom weave``"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import AsJson, CityPath, EngineUrl, open_city, print_facts
from cityloom.cli.runs import COLUMNS
from cityloom.errors import UsageError


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("weave")(weave)


def weave(
    path: Annotated[Path | None, typer.Argument(help="The city's folder.")] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Only show what would be done, and why.")
    ] = False,
    city: CityPath = Path(),
    engine: EngineUrl = None,
    as_json: AsJson = False,
) -> None:
    """Receive what is new in the inbox, replay what can now be kept, make what is stale."""
    woven = open_city(path or city, engine)
    if plan:
        steps = [
            {"step": s.kind, "dataset": s.dataset, "source": s.file.source if s.file else "",
             "why": s.why}
            for s in woven.plan()
        ]  # fmt: skip
        if steps or as_json:
            print_facts(steps, ("step", "dataset", "source", "why"), as_json)
        else:
            typer.echo("Nothing to do: everything is woven.")
        return
    from cityloom.cli.progress import steps as report_steps
    from cityloom.runs import failures

    with report_steps() as report:
        runs = woven.weave(report)
    if as_json:
        print_facts([asdict(run) for run in runs], COLUMNS, as_json)
    elif not runs and failures(woven.runs()):
        typer.echo("Nothing new. Something failed before and still does: see 'cityloom check'.")
    elif not runs:
        typer.echo("Nothing to do: everything is woven.")
    if failed := [run for run in runs if run.failed]:
        raise UsageError(f"{len(failed)} of {len(runs)} steps failed; see 'cityloom runs'")
