"""One browser, one served town."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from playwright.sync_api import Browser, sync_playwright

from cityloom.web.app import create_app
from tests.web.towns import new_town

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--headless=new", "--no-sandbox", "--disable-quic", "--no-first-run",
    "--use-angle=swiftshader", "--enable-unsafe-swiftshader",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
STARTING = 20.0


def _required(present: bool, what: str) -> None:
    if not present and os.environ.get("CI") == "true":
        pytest.fail(what)
    if not present:
        pytest.skip(what)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    _required(CHROMIUM.exists(), f"{CHROMIUM} is missing: apt-get install chromium fonts-noto-cjk")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield launched
        launched.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The accessibility checker's source."""
    script = Path(__file__).parents[2] / "node_modules/axe-core/axe.min.js"
    _required(script.exists(), "axe-core is missing: python -m cityloom.web.assets")
    return script.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a served town."""
    app = create_app(new_town(tmp_path_factory.mktemp("served")))
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + STARTING
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()
