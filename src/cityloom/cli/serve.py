"""``cityloom serve``"""

import socket
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cityloom.cli import stopping
from cityloom.cli.options import CityPath, EngineUrl, open_city
from cityloom.errors import UsageError

if TYPE_CHECKING:
    from cityloom.city import City
    from cityloom.web.signin.served import Served

HOST = "127.0.0.1"
_STOPPED = "Stopped serving. The city's data is as it was; the same command serves it again."


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(serve)


def serve(
    path: Annotated[Path | None, typer.Argument(help="The city's folder.")] = None,
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8000,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = HOST,
    certificate: Annotated[
        Path | None, typer.Option(help="A PEM file with the certificate for TLS, and its chain.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="A PEM file with its private key.")] = None,
    behind_proxy: Annotated[
        bool, typer.Option("--behind-proxy", help="What stands before it does TLS.")
    ] = False,
    city: CityPath = Path(),
    engine: EngineUrl = None,
) -> None:
    """Serve the city's console: on this machine alone, or to those who can sign in."""
    import uvicorn

    from cityloom.web.app import create_app

    opened = open_city(path or city, engine)
    asked = Asked(host, certificate, key, behind_proxy)
    app = create_app(opened, how_served(opened, asked))
    with _listening(host, port) as listener, stopping(lambda: _STOPPED):
        typer.echo(f"Serving at {asked.url(port)} (stop with Ctrl+C)")
        config = uvicorn.Config(
            app,
            log_level="warning",
            ssl_certfile=certificate,
            ssl_keyfile=key,
            proxy_headers=behind_proxy,
            forwarded_allow_ips=list(opened.settings.serve.proxies),
            server_header=False,
        )
        uvicorn.Server(config).run(sockets=[listener])


@dataclass(frozen=True)
class Asked:
    """How the console is asked to be served."""

    host: str = HOST
    certificate: Path | None = None
    key: Path | None = None
    behind_proxy: bool = False

    @property
    def goes_beyond(self) -> bool:
        """Whether it can be met from beyond this machine."""
        return self.behind_proxy or not _is_loopback(self.host)

    def url(self, port: int) -> str:
        """Where it listens."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'https' if self.certificate else 'http'}://{host}:{port}"


def how_served(city: "City", asked: Asked) -> "Served":
    """How the console of a city is served.

    Raises:
        UsageError: nobody could sign in, it would not be encrypted, or it has no name.
    """
    from cityloom.web.signin.served import LOCAL_HOSTS, Served

    for file in (asked.certificate, asked.key):
        if file is not None and not file.is_file():
            raise UsageError(f"{file}: no such file; name a PEM file")
    encrypted = asked.certificate is not None
    if not asked.goes_beyond:
        return Served(encrypted)
    _refuse_openness(city, asked)
    stated = city.settings.serve
    return Served(True, (*LOCAL_HOSTS, *stated.hosts), not stated.anonymous)


def _refuse_openness(city: "City", asked: Asked) -> None:
    """See that what is served beyond this machine is encrypted, and to people who can sign in."""
    from cityloom.signin.door import door_of

    if not door_of(city).is_in_use():
        raise UsageError(
            "nobody could sign in, so the console is served on this machine alone; make an account "
            "first, with: cityloom users add NAME --role administrator"
        )
    if not city.settings.serve.hosts:
        raise UsageError(
            f"{city.path / 'city.toml'}: say by which names the console is reached, as in "
            '[serve] hosts = ["data.city.org"]; it answers to no other'
        )
    if asked.certificate is None and not asked.behind_proxy:
        raise UsageError(
            "passwords and data would cross the network unencrypted; give --certificate and --key, "
            "or put a proxy that does TLS in front of it and say --behind-proxy"
        )


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _listening(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        if isinstance(error, socket.gaierror):
            raise UsageError(f"--host {host}: no address of this machine") from None
        raise UsageError(
            f"port {port} cannot be used: {error.strerror}; choose another with --port"
        ) from None
    return listener
