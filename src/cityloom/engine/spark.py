"""A driver for an Apache Spark master: a server of Spark Connect that runs while it is needed."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from uuid import uuid4

from cityloom.engine.connect import see_answer
from cityloom.engine.java import java_home
from cityloom.engine.urls import EngineUrl
from cityloom.errors import UsageError

_SERVER = "org.apache.spark.sql.connect.service.SparkConnectServer"
_PATIENCE = 120.0
"""Seconds that a driver may take to start."""

_STARTED = re.compile(r"Spark Connect server started at: \S*:([0-9]+)")
_MISLEADING = ("MASTER", "SPARK_REMOTE", "SPARK_CONNECT_MODE_ENABLED")
"""What tells a driver of another master, or that it is a client."""


@contextmanager
def spark_driver(url: EngineUrl, scratch: Path) -> Iterator[str]:
    """Start a driver that has its tasks done by the workers of the master at a URL.

    Only who knows its token can use it, which no other user of the machine can read.

    Raises:
        UsageError: no master answers, Spark or Java is not installed, or the driver does not start.
    """
    url = url._replace(port=url.port or 7077)
    see_answer(url)
    home = _spark_home()
    log = scratch / f"spark-{uuid4().hex}.log"
    token = uuid4().hex
    with log.open("wb") as output:
        driver = subprocess.Popen(
            [*_tied(), *_command(home, url, scratch)],
            env=_environment(home, scratch, token),
            stdin=subprocess.DEVNULL, stdout=output, stderr=output,
        )  # fmt: skip
    try:
        port = _port(driver, url, log)
        yield f"sc://localhost:{port}/;token={token}"
        log.unlink()
    finally:
        _end(driver)


def _tied() -> list[str]:
    """What starts a program so that it ends with this process, however that ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "TERM", "--"] if setpriv else []


def _environment(home: Path, scratch: Path, token: str) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if name not in _MISLEADING},
        "SPARK_HOME": str(home),
        "JAVA_HOME": str(java_home(scratch)),
        "PYSPARK_PYTHON": sys.executable,
        "SPARK_CONNECT_AUTHENTICATE_TOKEN": token,
    }


def _command(home: Path, url: EngineUrl, scratch: Path) -> list[str]:
    settings = {
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": "0",
        "spark.log.level": "INFO",
        "spark.ui.enabled": "false",
        "spark.local.dir": str(scratch),
        "spark.sql.warehouse.dir": str(scratch / "warehouse"),
        "spark.sql.parquet.outputTimestampType": "TIMESTAMP_MICROS",
    }
    if memory := url.option("memory"):
        settings["spark.executor.memory"] = memory
    if cores := url.option("cores"):
        settings["spark.cores.max"] = cores
    stated = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
    master = ["--master", f"spark://{url.place}", "--name", "cityloom"]
    submit = str(home / "bin" / "spark-submit")
    return [submit, "--class", _SERVER, *master, *stated, "spark-internal"]


def _port(driver: "subprocess.Popen[bytes]", url: EngineUrl, log: Path) -> int:
    """The port that the driver says it listens at: one of its own choice, which is free."""
    end = time.monotonic() + _PATIENCE
    while time.monotonic() < end and driver.poll() is None:
        if found := _STARTED.search(log.read_text(errors="replace")):
            return int(found[1])
        time.sleep(0.2)
    said = log.read_text(errors="replace").strip().splitlines()
    raise UsageError(
        f"engine spark://{url.place}: the driver did not start"
        + (f": {said[-1]}" if said else "")
        + f"; what it said is in {log}"
    )


def _end(driver: "subprocess.Popen[bytes]") -> None:
    driver.terminate()
    try:
        driver.wait(30)
    except subprocess.TimeoutExpired:
        driver.kill()
        driver.wait()


def _spark_home() -> Path:
    try:
        import pyspark
    except ImportError:
        raise UsageError("Spark is not installed; run: pip install 'cityloom[spark]'") from None
    return Path(pyspark.__file__).parent
