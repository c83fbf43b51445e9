"""``cityloom weave``"""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli.options import (
    AsJson,
    CityPath,
    EngineUrl,
    open_city,
    print_facts,
    warn_of_contracts,
    warn_of_unknown_files,
)
from cityloom.cli.runs import COLUMNS
from cityloom.counts import counted
from cityloom.errors import UsageError, pasteable, visible

if TYPE_CHECKING:
    from cityloom.city import City


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
    folder = path or city
    woven = open_city(folder, engine)
    broken = warn_of_contracts(woven, drafts=not plan)
    warn_of_unknown_files(woven)
    if plan:
        _show_plan(woven, as_json)
    else:
        _weave(woven, as_json, broken, f"cityloom check {pasteable(folder)}")


def _show_plan(city: "City", as_json: bool) -> None:
    steps = [
        {"step": step.kind, "dataset": step.dataset, "source": step.source, "why": step.why}
        for step in city.plan()
    ]
    if steps or as_json:
        print_facts(steps, ("step", "dataset", "source", "why"), as_json)
    else:
        typer.echo("Nothing to do: everything is woven.")


def _weave(woven: "City", as_json: bool, broken: int, check: str) -> None:
    """Weave and say what came of it; ``check`` is the command that says what is wrong."""
    from cityloom.cli.progress import steps as report_steps

    with report_steps() as report:
        runs = woven.weave(report)
    if as_json:
        print_facts([asdict(run) for run in runs if run.is_of_rows], COLUMNS, as_json)
    elif not runs:
        typer.echo(_nothing(woven, check))
    _publish_head(woven)
    if wrong := _wrong(len([run for run in runs if run.failed]), len(runs), broken):
        raise UsageError(f"{wrong}; see what is wrong with: {check}")


def _publish_head(woven: "City") -> None:
    """Publish the ledger's head if that is due; where it fails, say so and no more."""
    from cityloom.ledger.publish import publish_if_due

    if wrong := publish_if_due(woven):
        typer.echo(visible(f"! {wrong}"), err=True)


def _nothing(woven: "City", check: str) -> str:
    """Why nothing was done."""
    if woven.failures():
        return f"Nothing new. Something failed before and still does; see what with: {check}"
    if woven.broken:
        return "Nothing new: all that can be woven is woven."
    return "Nothing to do: everything is woven."


def _wrong(failed: int, steps: int, broken: int) -> str:
    """What went wrong, in a few words; nothing where all went well."""
    said = [f"{failed} of {counted(steps, 'step')} failed"] if failed else []
    contracts = [f"{counted(broken, 'contract')} cannot be used"] if broken else []
    return ", ".join([*said, *contracts])
