"""Sail in this process: an engine for one machine or several workers on it, without Java."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cityloom.errors import UsageError

_MISREAD = set("*?[{")


def sail_path(path: Path) -> str:
    """A file's path as Sail reads it.

    Raises:
        UsageError: the path has characters that Sail takes for patterns, and might read other files
            by, or none.
    """
    whole = str(path.resolve())
    if odd := sorted({c for c in whole if c in _MISREAD or not c.isprintable()}):
        listed = ", ".join(map(repr, odd))
        raise UsageError(
            f"Sail cannot read files below {path.parent}: the path has {listed}; "
            "move the city to a folder without, or use duckdb:// or spark://"
        )
    return whole


@contextmanager
def sail_server(workers: int | None = None) -> Iterator[str]:
    """Start Sail on the loopback interface; with ``workers``, as a cluster of so many here.

    Raises:
        UsageError: Sail is not installed.
    """
    with _stated(_settings(workers)):
        try:
            from pysail.spark import SparkConnectServer
        except ImportError:
            raise UsageError("Sail is not installed; run: pip install 'cityloom[sail]'") from None
        server = SparkConnectServer("127.0.0.1", 0)
        server.start(background=True)
    host, port = server.listening_address
    try:
        yield f"sc://{host}:{port}"
    finally:
        server.stop()


def _settings(workers: int | None) -> dict[str, str]:
    quiet = {"RUST_LOG": os.environ.get("RUST_LOG", "error")}
    if workers is None:
        return {**quiet, "SAIL_MODE": "local"}
    return {
        **quiet,
        "SAIL_MODE": "local-cluster",
        "SAIL_CLUSTER__WORKER_INITIAL_COUNT": str(workers),
        "SAIL_CLUSTER__WORKER_MAX_COUNT": str(workers),
    }


@contextmanager
def _stated(settings: dict[str, str]) -> Iterator[None]:
    """Settings in the environment, which Sail reads when it starts, and not for longer."""
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value
