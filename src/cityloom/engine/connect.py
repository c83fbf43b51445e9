"""Engines that speak Spark Connect: Sail and Apache Spark, here or on a cluster.

The lake's files must lie under the same path for the workers. Rows come back as a stream of Arrow
batches; the library's own ways back gather all rows first, and go through pandas.
"""

import socket
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from itertools import count
from pathlib import Path
from typing import Any
from uuid import uuid4

import pyarrow as pa
import pyarrow.parquet as pq

from cityloom.engine.base import Engine
from cityloom.engine.rows import plain
from cityloom.engine.urls import EngineUrl
from cityloom.errors import UsageError

_SETTINGS = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.caseSensitive": "true",
    "spark.sql.ansi.enabled": "true",
}
_PATIENCE = 20.0
"""Seconds that a server may take until it speaks gRPC."""

_GLOB = str.maketrans({character: f"\\{character}" for character in "\\{}[]*?^"})


def spark_path(path: Path) -> str:
    """A file's path as Spark reads it, where some characters stand for others."""
    return str(path.resolve()).translate(_GLOB)


class ConnectEngine(Engine):
    """A session with a server that speaks Spark Connect."""

    def __init__(
        self,
        server: AbstractContextManager[str],
        scratch: Path,
        as_path: Callable[[Path], str] = spark_path,
    ) -> None:
        """Open a session with a server, which is started now and stopped when this is closed.

        ``as_path`` gives a file's path as the server reads it.
        """
        import ibis

        self.scratch = scratch
        self._as_path = as_path
        self._held: dict[str, Path] = {}
        self._numbers = count()
        with ExitStack() as opened:
            self._session = opened.enter_context(_session(opened.enter_context(server)))
            self._backend = ibis.pyspark.connect(self._session)
            self._opened = opened.pop_all()

    def table(self, name: str, files: Sequence[Path], schema: pa.Schema) -> Any:
        """See :class:`Engine`."""
        from pyspark.sql.pandas.types import from_arrow_schema

        kind = from_arrow_schema(schema, prefer_timestamp_ntz=True)
        if files:
            paths = map(self._as_path, files)
            frame = self._session.read.schema(kind).parquet(*paths)
        else:
            frame = self._session.createDataFrame([], kind)
        view = f"{_plain(name)}_{next(self._numbers)}"
        frame.createTempView(view)
        return self._backend.table(view)

    def hold(self, name: str, rows: pa.Table) -> Any:
        """See :class:`Engine`."""
        rows = plain(rows)
        self._let_go(name)
        self._held[name] = path = self.scratch / f"held-{uuid4().hex}.parquet"
        pq.write_table(rows, path)
        return self.table(name, [path], rows.schema)

    def _let_go(self, name: str) -> None:
        if path := self._held.pop(name, None):
            path.unlink(missing_ok=True)

    def batches(self, table: Any) -> pa.RecordBatchReader:
        """See :class:`Engine`."""
        self._backend._run_pre_execute_hooks(table)
        self._register_on_arrow(table)
        schema = table.schema().to_pyarrow()
        frame = self._session.sql(self._backend.compile(table))
        return pa.RecordBatchReader.from_batches(schema, _streamed(frame, schema))

    def _register_on_arrow(self, table: Any) -> None:
        """Have the functions on Arrow arrays called with batches; Ibis has them called by row."""
        from ibis.backends.pyspark.datatypes import PySparkType
        from ibis.expr.operations import ScalarUDF
        from ibis.expr.operations.udf import InputType
        from pyspark.sql.functions import arrow_udf

        for used in table.op().find(ScalarUDF):
            if used.__input_type__ is InputType.PYARROW:
                kind = PySparkType.from_ibis(used.dtype)
                name = self._backend.compiler.__sql_name__(used)
                self._session.udf.register(name, arrow_udf(_unhinted(used.__func__), kind))

    def close(self) -> None:
        """See :class:`Engine`."""
        self._opened.close()
        for name in list(self._held):
            self._let_go(name)


def _plain(name: str) -> str:
    """A name in the letters that every engine takes without quotes."""
    return "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name)


def _streamed(frame: Any, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    client = frame._session.client
    for part in client.to_table_as_iterator(frame._plan.to_proto(client), {}):
        if isinstance(part, pa.Table):
            yield from part.cast(schema).to_batches()


def _unhinted(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function without its type hints, which are of values where Spark looks for arrays."""
    return lambda *columns: function(*columns)  # noqa: PLW0108


@contextmanager
def _session(remote: str) -> Iterator[Any]:
    pyspark = _installed()
    _see_grpc(remote)
    with ExitStack() as opened:
        try:
            session = pyspark.sql.SparkSession.builder.remote(remote).create()
            opened.callback(session.stop)
            session.client.set_retry_policies([_retries()])
            for name, value in _SETTINGS.items():
                session.conf.set(name, value)
        except pyspark.errors.PySparkException as error:
            said = " ".join(str(error).split())
            raise UsageError(f"engine at {_shown(remote)} opens no session: {said}") from None
        yield session


def _retries() -> Any:
    """How a call that meets no server is made again: for some 15 seconds, not for ten minutes."""
    from pyspark.sql.connect.client.retries import DefaultPolicy

    return DefaultPolicy(max_retries=6, max_backoff=5_000)


def _see_grpc(remote: str) -> None:
    """See that a server speaks gRPC; Spark's client would wait for it without end."""
    import grpc
    from pyspark.sql.connect.client import DefaultChannelBuilder

    channel = DefaultChannelBuilder(remote).toChannel()
    try:
        grpc.channel_ready_future(channel).result(_PATIENCE)
    except grpc.FutureTimeoutError:
        raise UsageError(
            f"engine at {_shown(remote)} does not speak Spark Connect; is it another service?"
        ) from None
    finally:
        channel.close()


def _shown(remote: str) -> str:
    """A server's address without its token."""
    return remote.partition("/;")[0]


@contextmanager
def remote_server(url: EngineUrl) -> Iterator[str]:
    """The address of a server that runs elsewhere.

    Raises:
        UsageError: nothing answers there.
    """
    url = url._replace(port=url.port or 15002)
    see_answer(url)
    yield f"sc://{url.place}"


def see_answer(url: EngineUrl) -> None:
    """See that something answers at an engine's place.

    Raises:
        UsageError: nothing does.
    """
    try:
        socket.create_connection((url.host, url.port), timeout=10).close()
    except (OSError, UnicodeError) as error:
        said = getattr(error, "strerror", None) or error
        raise UsageError(
            f"engine {url.scheme}://{url.place} does not answer: {said}; is it running there?"
        ) from None


def _installed() -> Any:
    try:
        import pyspark.errors
        import pyspark.sql
    except ImportError:
        raise UsageError(
            "the libraries for Sail and Spark are not installed; "
            "run: pip install 'cityloom[sail]' or 'cityloom[spark]'"
        ) from None
    return pyspark
