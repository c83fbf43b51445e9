"""Every engine: DuckDB, Sail in this process and as a cluster, a Spark with two workers."""

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

from cityloom.engine import Engine, open_engine
from tests.engines.cluster import standalone

DUCKDB, SPARK = "duckdb://", "spark://"
URLS = (DUCKDB, "sail://", "sail://?workers=2", SPARK)
NAMES = ("duckdb", "sail", "sail-cluster", "spark")


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("engines")


@pytest.fixture(scope="session")
def master(scratch: Path) -> Iterator[str]:
    """The URL of a standalone Spark master on the loopback interface, with two workers."""
    if not find_spec("pyspark"):
        pytest.skip("Spark is not installed: pip install 'cityloom[spark]'")
    with standalone(scratch) as url:
        yield url


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
