"""Every engine: DuckDB, Sail in this process and as a cluster, a Spark with two workers."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from importlib.util import find_spec
from pathlib import Path

import pytest

from cityloom.engine import Engine, open_engine

DUCKDB, SPARK = "duckdb://", "spark://"
URLS = (DUCKDB, "sail://", "sail://?workers=2", SPARK)
NAMES = ("duckdb", "sail", "sail-cluster", "spark")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One process runs them all, so that one cluster is started."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.xdist_group("engines"))


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="session")
def master(scratch: Path) -> Iterator[str]:
    """The URL of a standalone Spark master on the loopback interface, with two workers."""
    if not find_spec("pyspark"):
        pytest.skip("Spark is not installed: pip install 'cityloom[spark]'")
    import pyspark

    from cityloom.engine.java import java_home

    home = Path(pyspark.__file__).parent
    environment = {
        **os.environ,
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(java_home(scratch)),
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
    }
    port = free_port()
    url = f"spark://127.0.0.1:{port}"
    with ExitStack() as running:

        def start(kind: str, *arguments: str) -> Path:
            log = scratch / f"{kind}-{time.monotonic_ns()}.log"
            command = [str(home / "bin" / "spark-class"), f"org.apache.spark.deploy.{kind}"]
            with log.open("wb") as output:
                process = subprocess.Popen(
                    [*command, "--host", "127.0.0.1", "--webui-port", "0", *arguments],
                    env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                )  # fmt: skip
            running.callback(process.wait)
            running.callback(process.kill)
            return log

        await_words(start("master.Master", "--port", str(port)), "New state: ALIVE")
        room = ("--cores", "1", "--memory", "1g", "--work-dir", str(scratch / "work"))
        workers = [start("worker.Worker", *room, url) for _ in range(2)]
        for log in workers:
            await_words(log, "Successfully registered")
        yield url


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def await_words(log: Path, words: str, patience: float = 90) -> None:
    end = time.monotonic() + patience
    while words not in (said := log.read_text(errors="replace")):
        assert time.monotonic() < end, said[-2000:]
        time.sleep(0.1)


@pytest.fixture(scope="session", params=URLS, ids=NAMES)
def url(request: pytest.FixtureRequest) -> str:
    """The URL of an engine; tests run with each."""
    if request.param.startswith("sail") and not find_spec("pysail"):
        pytest.skip("Sail is not installed: pip install 'cityloom[sail]'")
    if request.param == SPARK:
        return f"{request.getfixturevalue('master')}?memory=512m"
    return str(request.param)


@pytest.fixture(scope="session")
def engine(url: str, scratch: Path) -> Iterator[Engine]:
    """An open engine."""
    with open_engine(url, scratch) as engine:
        yield engine


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder whose name needs care with every engine."""
    folder = tmp_path / "a b'区 }]%20^,#&"
    folder.mkdir()
    return folder
