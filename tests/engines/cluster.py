"""A standalone Spark master with its workers, all on the loopback interface."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

PATIENCE = 90.0
"""Seconds that a master or a worker may take to start."""


@contextmanager
def standalone(scratch: Path, workers: int = 2, memory: str = "1g") -> Iterator[str]:
    """Start a master and so many workers of one core each; the master's URL."""
    with ExitStack() as running:
        cluster = _Cluster(scratch, running)
        port = free_port()
        url = f"spark://127.0.0.1:{port}"
        _await(cluster.start("master.Master", "--port", str(port)), "New state: ALIVE")
        room = ("--cores", "1", "--memory", memory, "--work-dir", str(scratch / "work"))
        for log in [cluster.start("worker.Worker", *room, url) for _ in range(workers)]:
            _await(log, "Successfully registered")
        yield url


def free_port() -> int:
    """A port that nothing listens at."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


class _Cluster:
    def __init__(self, scratch: Path, running: ExitStack) -> None:
        import pyspark

        from cityloom.engine.java import java_home

        home = Path(pyspark.__file__).parent
        self._scratch = scratch
        self._running = running
        self._command = str(home / "bin" / "spark-class")
        self._environment = {
            **os.environ,
            "SPARK_HOME": str(home),
            "JAVA_HOME": str(java_home(scratch)),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "PYSPARK_PYTHON": sys.executable,
        }

    def start(self, kind: str, *arguments: str) -> Path:
        """Start a part of the cluster; the file that it writes what it does to."""
        log = self._scratch / f"{kind}-{time.monotonic_ns()}.log"
        command = [self._command, f"org.apache.spark.deploy.{kind}", "--host", "127.0.0.1"]
        with log.open("wb") as output:
            process = subprocess.Popen(
                [*command, "--webui-port", "0", *arguments],
                env=self._environment, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        self._running.callback(process.wait)
        self._running.callback(process.terminate)
        return log


def _await(log: Path, words: str) -> None:
    end = time.monotonic() + PATIENCE
    while words not in (said := log.read_text(errors="replace")):
        if time.monotonic() > end:
            raise TimeoutError(said[-2000:])
        time.sleep(0.1)
