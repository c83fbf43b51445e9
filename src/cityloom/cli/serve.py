"""``cityloom serve``"""

from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli.options import CityPath, EngineUrl, open_city


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    path: Annotated[Path | None, typer.Argument(help="The city's folder.")] = None,
    port: Annotated[int, typer.Option(help="The port to listen on.")] = 8000,
    city: CityPath = Path(),
    engine: EngineUrl = None,
) -> None:
    """Serve the city's console on this machine alone, until sign-in exists."""
    import uvicorn

    from cityloom.web.app import create_app

    app = create_app(open_city(path or city, engine))
    typer.echo(f"Serving at http://127.0.0.1:{port} (stop with Ctrl+C)")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning")
