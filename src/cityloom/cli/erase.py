"""``cityloom erase``"""

from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli.options import HERE, CityPath, EngineUrl, open_city
from cityloom.errors import pasteable, visible

if TYPE_CHECKING:
    from collections.abc import Iterable

    from cityloom.erasure import Erasure


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("erase")(erase)


def erase(
    dataset: Annotated[str, typer.Argument(help="The dataset that holds the rows.")],
    column: Annotated[str, typer.Argument(help="The column that identifies the subject.")],
    value: Annotated[str, typer.Argument(help="The subject's value in it, as it is kept.")],
    city: CityPath = HERE,
    engine: EngineUrl = None,
) -> None:
    """Erase a subject's rows for good: kept, refused and derived. Ends time travel to before."""
    opened = open_city(city, engine)
    report = opened.erase(dataset, column, value)
    if not report.found:
        typer.echo(f"Nothing found with {column} {visible(value)}; nothing was changed.")
    else:
        _tell(report)
        _tell_sources(name for name, s in opened.settings.sources.items() if s.dataset == dataset)
    for folder in report.unreached:
        typer.echo(
            f"! not yet known to the backups in {folder}, which could bring it back; when the "
            f"folder is there again: cityloom backup {pasteable(folder)}"
        )


def _tell(report: "Erasure") -> None:
    typer.echo(
        f"{report.rows_kept:,} kept and {report.rows_quarantined:,} refused rows are erased; "
        f"made again without them: {', '.join(report.derived) or 'nothing'}."
    )
    typer.echo("No version from before this can be read any more.")
    for path in report.delivered:
        typer.echo(f"! the delivered file still holds what it held: {path}")


def _tell_sources(names: "Iterable[str]") -> None:
    for name in names:
        typer.echo(
            f"! the next pull of source {name} may bring it back, where it is still there; "
            "have it erased there first"
        )
