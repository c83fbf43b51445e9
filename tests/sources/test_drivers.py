"""What each driver is told: to give up in time, to read only, and where to connect."""

import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from cityloom.errors import PullError
from cityloom.sources.database import _arguments, _check, reached
from cityloom.sources.drop import Drop
from cityloom.sources.job import Job
from cityloom.sources.network import Network
from cityloom.sources.state import State
from cityloom.sources.stated import DatabaseSource

JobOf = Callable[..., Job[DatabaseSource]]


@pytest.fixture
def job(tmp_path: Path) -> JobOf:
    def made(url: str, **network: Any) -> Job[DatabaseSource]:
        source = DatabaseSource(
            kind="database",
            dataset="permit",
            url=url,
            table="t",
            longest="1h",  # type: ignore[arg-type]
        )
        return Job("office", source, tmp_path, Network(**network), Drop(tmp_path), None,  # type: ignore[arg-type]
                   State("office"))  # fmt: skip

    return made


def told(job: Job[DatabaseSource]) -> dict[str, Any]:
    url = reached(sa.make_url(job.source.url), job.city)
    _check(job, url)
    return _arguments(job, url)


class _Connection:
    def __enter__(self) -> "_Connection":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def getpeername(self) -> tuple[str, int]:
        return "8.8.8.8", 5432


def test_a_public_postgresql_is_met_at_the_address_that_was_looked_at_and_verified(
    job: JobOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 5432))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(socket, "create_connection", lambda *_, **__: _Connection())
    said = told(job("postgresql://r@db.test/d?sslmode=disable", hosts=["db.test"]))
    assert (said["hostaddr"], said["sslmode"]) == ("8.8.8.8", "verify-full")
    assert said["sslrootcert"] == "system"
    assert "default_transaction_read_only=on" in said["options"]
    assert "statement_timeout=3600000" in said["options"]


@pytest.mark.parametrize("kind", ["mysql", "mariadb", "mssql", "oracle"])
def test_a_driver_that_looks_up_addresses_itself_needs_an_internal_host(
    kind: str, job: JobOf
) -> None:
    with pytest.raises(PullError, match="is not under internal of"):
        told(job(f"{kind}://r@db.test/d", hosts=["db.test"]))
    assert told(job(f"{kind}://r@db.test/d", internal=["db.test"]))


def test_a_socket_of_this_machine_needs_localhost(job: JobOf) -> None:
    url = "postgresql://r@/d?host=/run/postgresql"
    with pytest.raises(PullError, match="localhost:5432 is not under internal"):
        told(job(url))
    assert "hostaddr" not in told(job(url, internal=["localhost"]))


def test_a_socket_of_mariadb_needs_localhost_too(job: JobOf) -> None:
    url = "mariadb://r@/d?unix_socket=/run/mysqld.sock"
    with pytest.raises(PullError, match="localhost:3306 is not under internal"):
        told(job(url))
    assert told(job(url, internal=["localhost"]))
    with pytest.raises(ValueError, match="expected a host"):
        told(job("oracle:///alias"))


def test_each_is_told_to_give_up(job: JobOf) -> None:
    assert told(job("mysql://r@h/d", internal=["h"]))["read_timeout"] == 3600
    assert told(job("mssql://r@h/d", internal=["h"]))["timeout"] == 3600
    assert told(job("oracle://r@h/d", internal=["h"]))["tcp_connect_timeout"] == 30
