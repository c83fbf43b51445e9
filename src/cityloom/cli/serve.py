"""``cityloom serve``"""

import socket
from pathlib import Path
from typing import Annotated

import typer

from cityloom.cli import stopping
from cityloom.cli.options import CityPath, EngineUrl, open_city
from cityloom.errors import UsageError

HOST = "127.0.0.1"
_STOPPED = "Stopped serving. The city's data is as it was; the same command serves it again."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    path: Annotated[Path | None, typer.Argument(help="The city's folder.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    city: CityPath = Path(),
    engine: EngineUrl = None,
) -> None:
    """Serve the city's console on this machine alone, until sign-in exists."""
    import uvicorn

    from cityloom.web.app import create_app

    app = create_app(open_city(path or city, engine))
    with _listening(port) as listener, stopping(lambda: _STOPPED):
        typer.echo(f"Serving at http://{HOST}:{port} (stop with Ctrl+C)")
        config = uvicorn.Config(app, log_level="warning")
        uvicorn.Server(config).run(sockets=[listener])


def _listening(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
    except OSError as error:
        listener.close()
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}; choose another with --port"
        ) from None
    return listener
