"""pygeoapi, the reference implementation of OGC API - Features, serving files beside a city.

It has an environment of its own, which ``uv`` makes.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.request import urlopen

VERSION = "0.21.0"
PACKAGES = (
    f"pygeoapi=={VERSION}", "geopandas", "pyarrow", "s3fs", "starlette", "uvicorn[standard]",
)  # fmt: skip
_MOST_WAIT = 180.0


class CannotBeHad(Exception):
    """There is no ``uv``, or it has no way to the packages."""


def free_port() -> int:
    """A port that nobody listens to."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def pygeoapi(folder: Path, providers: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    """The address of a pygeoapi with a collection for each provider.

    Raises:
        CannotBeHad: it cannot be installed.
    """
    programs = _installed(folder / "peer")
    port = free_port()
    stated, api = folder / "pygeoapi.yml", folder / "pygeoapi.openapi.yml"
    stated.write_text(json.dumps(_configuration(port, providers)), encoding="utf-8")
    names = {"PYGEOAPI_CONFIG": str(stated), "PYGEOAPI_OPENAPI": str(api)}
    document = [programs / "pygeoapi", "openapi", "generate", stated, "--output-file", api]
    subprocess.run(document, check=True, env={**os.environ, **names}, stdout=subprocess.DEVNULL)
    command = [str(programs / "uvicorn"), "pygeoapi.starlette_app:APP", "--port", str(port),
               "--log-level", "error"]  # fmt: skip
    with served(command, f"http://127.0.0.1:{port}", "/conformance?f=json", names) as root:
        yield root


@contextmanager
def served(
    command: Sequence[str], root: str, page: str, names: Mapping[str, str] | None = None
) -> Iterator[str]:
    """A server that a command starts, from when a page of it is there."""
    process = subprocess.Popen(
        command, env={**os.environ, **(names or {})}, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(root + page, process)
        yield root
    finally:
        process.terminate()
        process.wait()


def _installed(environment: Path) -> Path:
    """Where the programs of a new environment with pygeoapi are."""
    beside = Path(sys.executable).with_name("uv")
    uv = str(beside) if beside.exists() else shutil.which("uv")
    if uv is None:
        raise CannotBeHad("there is no uv")
    programs = environment / "bin"
    steps = [
        [uv, "venv", "--quiet", "--python", sys.executable, str(environment)],
        [uv, "pip", "install", "--quiet", "--python", str(programs / "python"), *PACKAGES],
    ]
    for step in steps:
        done = subprocess.run(step, check=False, capture_output=True, text=True)
        if done.returncode:
            raise CannotBeHad(f"pygeoapi {VERSION} cannot be installed: {done.stderr[-500:]}")
    return programs


def _wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _MOST_WAIT
    while True:
        try:
            urlopen(url).close()
            return
        except OSError:
            if process.poll() is not None or time.monotonic() > until:
                raise
            time.sleep(0.2)


def _configuration(port: int, providers: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    url = f"http://127.0.0.1:{port}"
    about = {"title": "peer", "description": "peer", "keywords": ["peer"]}
    link = {"type": "text/html", "rel": "about", "title": "peer", "href": url}
    return {
        "server": {
            "bind": {"host": "127.0.0.1", "port": port}, "url": url, "languages": ["en-US"],
            "mimetype": "application/json; charset=UTF-8", "encoding": "utf-8",
            "limits": {"default_items": 10, "max_items": 10_000},
            "map": {"url": f"{url}/tiles", "attribution": "none"},
        },
        "logging": {"level": "ERROR"},
        "metadata": {
            "identification": {
                **about, "keywords_type": "theme", "url": url, "terms_of_service": url,
            },
            "license": {"name": "none", "url": url},
            "provider": {"name": "peer", "url": url},
            "contact": {"name": "peer"},
        },
        "resources": {
            name: {
                "type": "collection", **about, "links": [link],
                "extents": {"spatial": {"bbox": [-180, -90, 180, 90]}},
                "providers": [{"type": "feature", **provider}],
            }
            for name, provider in providers.items()
        },
    }  # fmt: skip
