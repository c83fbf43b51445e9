"""Engine URLs: which there are, and what each says."""

from typing import NamedTuple
from urllib.parse import parse_qsl, urlsplit

from cityloom.errors import UsageError

_KNOWN = "expected duckdb://, sail://, sail://HOST:PORT, spark://HOST:PORT or sc://HOST:PORT"
_OPTIONS = {"sail": {"workers"}, "spark": {"memory", "cores"}}


class EngineUrl(NamedTuple):
    """An engine's scheme and, where it is elsewhere, its place.

    ``options`` are what follows the ``?``: for an embedded Sail ``workers``, for Spark the
    ``memory`` of each executor and the ``cores`` that a weave may take.
    """

    scheme: str
    host: str = ""
    port: int | None = None
    options: tuple[tuple[str, str], ...] = ()

    @property
    def place(self) -> str:
        """Host and port."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"

    def option(self, name: str) -> str | None:
        """What the URL says of an option."""
        return dict(self.options).get(name)

    @property
    def workers(self) -> int | None:
        """How many workers an embedded Sail has; none where it works in this process alone."""
        stated = self.option("workers")
        return int(stated) if stated else None


def parse_url(url: str) -> EngineUrl:
    """An engine URL, read.

    Raises:
        UsageError: it names no engine that is known; the message says what is expected.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise UsageError(f"engine '{url}' is not a URL; {_KNOWN}") from None
    host = parts.hostname or ""
    if "://" not in url or parts.scheme not in ("duckdb", "sail", "spark", "sc"):
        raise UsageError(f"engine '{url}' is not known; {_KNOWN}")
    if parts.scheme == "duckdb" and (host or parts.path or parts.query):
        raise UsageError(f"engine '{url}': DuckDB runs in this process alone; write duckdb://")
    if parts.path or parts.username or parts.fragment or (port is not None and not host):
        raise UsageError(f"engine '{url}' says more than a host, a port and options; {_KNOWN}")
    if parts.scheme == "sail" and host and parts.query:
        raise UsageError(f"engine '{url}': a Sail elsewhere has its own workers; leave the options")
    if parts.scheme in ("spark", "sc") and not host:
        raise UsageError(f"engine '{url}' names no host; expected {parts.scheme}://HOST:PORT")
    return EngineUrl(parts.scheme, host, port, _options(url, parts.scheme, parts.query))


def _options(url: str, scheme: str, query: str) -> tuple[tuple[str, str], ...]:
    options = parse_qsl(query, keep_blank_values=True)
    known = _OPTIONS.get(scheme, set())
    for name, value in options:
        if name not in known:
            listed = f"; known are {', '.join(sorted(known))}" if known else ""
            raise UsageError(f"engine '{url}': option '{name}' is not known{listed}")
        if name in ("workers", "cores") and not (
            value.isascii() and value.isdecimal() and int(value)
        ):
            raise UsageError(f"engine '{url}': {name} '{value}' is not a whole number above 0")
    return tuple(options)
