"""Engines: where dataset functions run. An engine URL names one; each is an Ibis backend.

Heavy libraries load only for the engine that is opened.
"""

from pathlib import Path

from cityloom.engine.base import Engine
from cityloom.engine.urls import EngineUrl, parse_url

__all__ = ["Engine", "EngineUrl", "open_engine", "parse_url"]


def open_engine(url: str, scratch: Path) -> Engine:
    """Open the engine at a URL; what memory cannot hold goes to a folder below ``scratch``.

    Raises:
        UsageError: the URL names no engine that is known, its libraries are not installed, or it
            does not answer.
    """
    found = parse_url(url)
    match found.scheme:
        case "duckdb":
            from cityloom.engine.embedded import EmbeddedEngine

            return EmbeddedEngine(scratch)
        case "sail":
            from cityloom.engine.connect import ConnectEngine, remote_server
            from cityloom.engine.sail import sail_path, sail_server

            server = remote_server(found) if found.host else sail_server(found.workers)
            return ConnectEngine(server, scratch, sail_path)
        case "spark":
            from cityloom.engine.connect import ConnectEngine
            from cityloom.engine.spark import spark_driver

            return ConnectEngine(spark_driver(found, scratch), scratch)
    from cityloom.engine.connect import ConnectEngine, remote_server

    return ConnectEngine(remote_server(found), scratch)
