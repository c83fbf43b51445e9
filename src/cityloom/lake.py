"""The lake: one Delta table a dataset, each change one atomic commit.

Data files are written first and named in a commit afterwards, so a crash leaves files that nothing
names and no half of a change. A commit carries an account of what it did in its own metadata;
what the city knows of its past is read from there.
"""

import json
import os
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import uuid4

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, Schema, Transaction
from deltalake.transaction import AddAction, RemoveAction

from cityloom.disk import sync
from cityloom.errors import UsageError, passed_over, plain
from cityloom.sql import connect, literal, quoted

DELIVERY, ORDINAL = "_delivery", "_ordinal"
"""System columns of every received dataset: the delivery a row came with, its number in it."""

NO_VERSION = -1
"""The version of a table that has none, which is before any."""

ROWS_PER_FILE = 8_000_000
ROWS_PER_GROUP = 245_760

SMALL = 32 * 1024 * 1024
"""Bytes below which a data file that is not full of rows is small: worth joining with others."""

MANY = 64
"""Small files above which a table is worth compacting."""

_ACCOUNT = "cityloom"
_Mark = tuple[int, ...]
_Span = tuple[int, int]
_CONFIGURATION = {
    "delta.enableExpiredLogCleanup": "false",
    "delta.dataSkippingStatsColumns": DELIVERY,
    "delta.checkpointInterval": "20",
}


def check_place(folder: Path) -> None:
    """Refuse a folder whose path the lake's tables would not be found by.

    Raises:
        UsageError: the path has a ``%`` with two hexadecimal digits, a backslash, or is not UTF-8.
    """
    path = os.fsencode(folder).decode(errors="backslashreplace")
    if unquote(path) != path or "\\" in path:
        raise UsageError(
            f"{path}: a city cannot lie at a path with a '%' and two digits such as '%20', "
            "a backslash, or a name that is not UTF-8; rename the folder"
        )


@dataclass(frozen=True)
class DataFile:
    """A Parquet file in a table's folder, not yet part of the table."""

    name: str
    rows: int
    size: int


@dataclass(frozen=True)
class Commit:
    """A version of a table and the account that its commit carries (empty where it has none)."""

    version: int
    at: datetime
    account: dict[str, Any]


class LakeTable:
    """One Delta table. Reading never locks; only one process writes at a time (the city's lock)."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._opened: tuple[_Mark, DeltaTable] | None = None

    @property
    def exists(self) -> bool:
        """Whether anything was ever committed."""
        return self.latest_version() != NO_VERSION

    def latest_version(self) -> int:
        """The newest version, from file names alone; :data:`NO_VERSION` where there is none."""
        return self._span()[1]

    def create(self, schema: pa.Schema) -> None:
        """Make the table, empty; nothing happens where it exists."""
        if not self.exists:
            self.folder.mkdir(parents=True, exist_ok=True)
            DeltaTable.create(
                str(self.folder), Schema.from_arrow(schema), configuration=_CONFIGURATION,
                mode="ignore",
            )  # fmt: skip
            self._secure()

    def schema(self, version: int | None = None) -> pa.Schema:
        """The columns of a version."""
        return pa.schema(self._open(version).schema().to_arrow())

    def add_columns(self, fields: Iterable[pa.Field]) -> None:
        """Add columns, null in every row there is."""
        additions = Schema.from_arrow(pa.schema(list(fields)))
        if additions.fields:
            self._open().alter.add_columns(additions.fields)
            self._secure()

    def files(self, version: int | None = None) -> list[Path]:
        """The data files of a version; none where the table does not exist."""
        table = self._opened_if_there(version)
        return [Path(unquote(uri)) for uri in sorted(table.file_uris())] if table else []

    def rows(self, version: int | None = None) -> int:
        """How many rows a version has, from the commit log alone."""
        table = self._opened_if_there(version)
        if table is None:
            return 0
        actions = pa.table(table.get_add_actions())
        return sum(filter(None, actions.column("num_records").to_pylist()))

    def size(self) -> int:
        """Bytes of the newest version's data files."""
        return sum(path.stat().st_size for path in self.files())

    def sizes(self, version: int | None = None) -> dict[Path, int]:
        """The data files of a version with their bytes, as its commits say."""
        table = self._opened_if_there(version)
        if table is None:
            return {}
        named = pa.table(table.get_add_actions(flatten=True)).to_pydict()
        sizes = zip(named["path"], named["size_bytes"], strict=True)
        return {self.folder / unquote(name): size for name, size in sorted(sizes)}

    def all_files(self, version: int) -> list[Path]:
        """What a copy of the table up to a version is made of, its past included.

        That is the log up to there, and each data file that a version there names and that has not
        left the disk. The files of the version itself are listed whether they are there or not.
        """
        newest = set(self.files(version))
        past = {self.folder / name for name in self._ever_named(version)} - newest
        log = [path for path in (self.folder / "_delta_log").iterdir() if _is_of(path, version)]
        return sorted([*newest, *filter(Path.exists, past), *log])

    def versions(self) -> set[int]:
        """The versions whose commits are in the log, from file names alone."""
        return set(self._logged())

    def marker(self, name: str) -> int | None:
        """The number last recorded under ``name`` by a commit."""
        table = self._opened_if_there()
        return table.transaction_version(name) if table else None

    def commits_since(self, version: int) -> list[Commit]:
        """The commits after a version, oldest first."""
        span = self._span()
        newer = span[1] - version
        if newer <= 0:
            return []
        return [_commit(info) for info in reversed(self._open_newest(span).history(newer))]

    def version_at(self, moment: datetime) -> int:
        """The version that was current at a moment.

        Raises:
            UsageError: the table did not exist yet, or its past before then was erased.
        """
        before = [c.version for c in self.commits_since(NO_VERSION) if c.at <= moment]
        if not before:
            raise UsageError(
                f"{self.folder.name}: nothing is kept from before {moment:%Y-%m-%d %H:%M:%S}"
            )
        return max(before)

    def commit(
        self,
        added: Sequence[DataFile],
        removed: Sequence[Path],
        account: dict[str, Any],
        markers: dict[str, int] | None = None,
    ) -> int:
        """Name new files, drop old ones and record an account, all in one step; the new version.

        ``markers`` are numbers that later versions remember (see :meth:`marker`).
        """
        table = self._open()
        removes = [RemoveAction(path.name, True, _now()) for path in removed]
        actions = [*removes, *_adds(added)]
        return self._commit(table, actions, "append", table.schema(), account, markers)

    def replace(
        self,
        added: Sequence[DataFile],
        schema: pa.Schema,
        account: dict[str, Any],
        markers: dict[str, int] | None = None,
    ) -> int:
        """Name new files in the place of all there are, with a schema of their own; the rest as
        :meth:`commit`.
        """
        own = Schema.from_arrow(schema)
        return self._commit(self._open(), _adds(added), "overwrite", own, account, markers)

    def _commit(
        self,
        table: DeltaTable,
        actions: list[AddAction | RemoveAction],
        mode: str,
        schema: Schema,
        account: dict[str, Any],
        markers: dict[str, int] | None,
    ) -> int:
        transactions = [Transaction(name, number) for name, number in (markers or {}).items()]
        sync(self.folder)
        table.create_write_transaction(
            actions,
            mode,
            schema,
            commit_properties=CommitProperties(
                custom_metadata={_ACCOUNT: json.dumps(account, ensure_ascii=False)},
                app_transactions=transactions,
            ),
        )
        return self._secure()

    def oldest_version(self) -> int:
        """The oldest version there is, from file names alone; :data:`NO_VERSION` where none is."""
        return self._span()[0]

    def roll_back(self, version: int) -> int:
        """Make an earlier version current again, as a new commit; the new version."""
        self._open().restore(version)
        return self._secure()

    def without(self, rows: str, columns: Sequence[str], scratch: Path | None = None) -> "Rewrite":
        """Rewrite the files that hold rows of a relation, leaving those rows out.

        Args:
            rows: a DuckDB relation (SQL) with ``columns``; rows that agree on them are left out.
            columns: the names to compare, equal by name here and there; null agrees with nothing.
            scratch: where to put what memory cannot hold.
        """
        files = self.files()
        if not files:
            return Rewrite([], [], 0)
        schema, connection = self.schema(), connect(scratch)
        whole = partial(_whole, schema=schema)
        using = ", ".join(quoted(column) for column in columns)
        relation = f"({rows}) AS _doomed"
        found = connection.execute(
            f"SELECT _file, count(*) FROM {whole(files)} SEMI JOIN {relation} USING ({using}) "
            "GROUP BY _file ORDER BY _file"
        ).fetchall()
        hit = [Path(name) for name, _ in found]
        if not hit:
            return Rewrite([], [], 0)
        kept = connection.execute(
            f"SELECT * EXCLUDE (_file) FROM {whole(hit)} ANTI JOIN {relation} USING ({using})"
        )
        with self.writer(schema) as writer:
            for batch in kept.to_arrow_reader(ROWS_PER_GROUP):
                writer.write(pa.Table.from_batches([batch]))
        return Rewrite(hit, writer.files, sum(count for _, count in found))

    @contextmanager
    def writer(self, schema: pa.Schema) -> Iterator["FileWriter"]:
        """Write data files into the table's folder.

        If the block fails, the files that no commit names are removed again.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        writer = FileWriter(self.folder, schema)
        try:
            yield writer
            writer.close()
        except BaseException:
            with suppress(Exception):  # what it fails at is no news
                writer.discard(keep={path.name for path in self.files()})
            raise

    @property
    def is_scattered(self) -> bool:
        """Whether so many of its files are small that it is worth compacting."""
        return len(self._small()) > MANY

    def compact(self, scratch: Path | None = None) -> int:
        """Join the small files into large ones, in one commit without an account; the version.

        The content stays the same, and past versions keep their files.
        """
        small = self._small()
        if len(small) < 2:
            return self.latest_version()
        rows = connect(scratch).execute(scan(small, self.schema()))
        with self.writer(self.schema()) as writer:
            for batch in rows.to_arrow_reader(ROWS_PER_GROUP):
                writer.write(pa.Table.from_batches([batch]))
        table = self._open()
        removes = [RemoveAction(path.name, False, _now()) for path in small]
        actions = [*removes, *_adds(writer.files, changes=False)]
        return self._commit(table, actions, "append", table.schema(), {}, None)

    def same_rows(self, version: int) -> int:
        """The newest version with the very rows of an earlier one: no commit since has an account.

        Every change of rows has one; compaction, a new column and a new marker have none.
        """
        for commit in self.commits_since(version):
            if commit.account:
                break
            version = commit.version
        return version

    def _small(self) -> list[Path]:
        """The files of few bytes; one that has all the rows a file may have is none of them."""
        table = self._opened_if_there()
        if table is None:
            return []
        found = pa.table(table.get_add_actions(flatten=True)).to_pydict()
        facts = zip(found["path"], found["size_bytes"], found["num_records"], strict=True)
        return [
            self.folder / unquote(name)
            for name, size, rows in sorted(facts)
            if size < SMALL and (rows or 0) < ROWS_PER_FILE
        ]

    def vacuum(self) -> None:
        """Delete the files that no version of the last seven days needs, or that none names."""
        if table := self._opened_if_there():
            table.vacuum(retention_hours=168, dry_run=False, full=True)

    def forget_past(self) -> None:
        """Delete every file and log entry but those of the newest version; ends time travel.

        The newest version keeps its number, so that what remembers it goes on doing so.
        """
        if not self.exists:
            return
        named = set(self.files())
        for path in set(self.folder.glob("*.parquet*")) - named:
            path.unlink()
        sync(self.folder)
        self._open().create_checkpoint()
        newest = f"{self._secure():020}"
        for entry in sorted((self.folder / "_delta_log").iterdir()):
            version = entry.name.partition(".")[0]
            if version.isdigit() and version < newest:
                entry.unlink()

    def sweep(self) -> int:
        """Delete files that no version names, left by writers without an end; how many.

        Raises:
            UsageError: the table cannot be opened, so that nobody knows what it names.
        """
        named = {path.name for path in self.files()} | set(self._ever_named())
        strays = [path for path in self.folder.glob("*.parquet*") if path.name not in named]
        for path in strays:
            path.unlink()
        return len(strays)

    def _secure(self) -> int:
        """See to it that the newest commit is on disk for good; its version."""
        version = self.latest_version()
        log = self.folder / "_delta_log"
        sync(log / f"{version:020}.json")
        for path in (log / f"{version:020}.checkpoint.parquet", log / "_last_checkpoint"):
            if path.exists():
                sync(path)
        sync(log)
        return version

    def _span(self) -> _Span:
        """The oldest and the newest version, from one look at the log."""
        logged = [*self._logged()] or [NO_VERSION]
        return min(logged), max(logged)

    def _logged(self) -> Iterator[int]:
        """The versions whose commits are in the log."""
        with suppress(FileNotFoundError):
            for name in os.listdir(self.folder / "_delta_log"):
                stem = name.removesuffix(".json")
                if name.endswith(".json") and stem.isdigit():
                    yield int(stem)

    def _ever_named(self, until: int | None = None) -> Iterator[str]:
        """The names of the files of the oldest version, and of those that a commit since added.

        Where the past was forgotten, the files of the oldest version are in its checkpoint alone.

        Raises:
            UsageError: a commit cannot be read.
        """
        if self.exists:
            yield from (path.name for path in self.files(self.oldest_version()))
        for version in self._logged():
            if until is not None and version > until:
                continue
            with open(self.folder / "_delta_log" / f"{version:020}.json", "rb") as log:
                try:
                    added = [action.get("add") for action in map(json.loads, log)]
                except ValueError as error:
                    raise self._damaged(error, version) from error
            yield from (unquote(action["path"]) for action in added if action)

    def _open(self, version: int | None = None) -> DeltaTable:
        """The table at a version; the newest one is held open until there is a newer."""
        return self._open_newest(self._span()) if version is None else self._opened_at(version)

    def _opened_if_there(self, version: int | None = None) -> DeltaTable | None:
        """The table as :meth:`_open` has it; ``None`` where nothing was ever committed."""
        span = self._span()
        if span[1] == NO_VERSION:
            return None
        return self._open_newest(span) if version is None else self._opened_at(version)

    def _open_newest(self, span: _Span) -> DeltaTable:
        oldest, newest = span
        mark = self._mark(newest, oldest)
        if self._opened is None or self._opened[0] != mark:
            self._opened = mark, self._brought_up_to_date(oldest) or self._opened_at(None)
        return self._opened[1]

    def _brought_up_to_date(self, oldest: int) -> DeltaTable | None:
        """The table held open, with the commits since; ``None`` where it was replaced."""
        if self._opened is None:
            return None
        mark, table = self._opened
        if not mark or mark != self._mark(mark[0], oldest) or table.version() != mark[0]:
            return None
        try:
            table.update_incremental()
        except Exception:
            return None
        return table

    def _mark(self, version: int, oldest: int) -> _Mark:
        """What tells a commit, and the past before it, from any other that could have its number.

        A table held open goes on reading its log, so it is of no use once the past is forgotten.
        """
        with suppress(FileNotFoundError):
            found = (self.folder / "_delta_log" / f"{version:020}.json").stat()
            return version, oldest, found.st_ino, found.st_mtime_ns
        return ()

    def _opened_at(self, version: int | None) -> DeltaTable:
        try:
            return DeltaTable(str(self.folder), version=version)
        except Exception as error:
            raise self._damaged(error, version) from error

    def _damaged(self, error: Exception, version: int | None) -> UsageError:
        asked = "" if version is None else f" at version {version}"
        return UsageError(f"{self.folder.name}{asked} cannot be opened: {plain(error)}")


def tables_in(lake: Path) -> list[LakeTable]:
    """The tables of a lake to which anything was committed, of kept and of refused rows."""
    folders = [*sorted(lake.glob("*")), *sorted((lake / "_quarantine").glob("*"))]
    return [table for table in map(LakeTable, folders) if table.exists]


def sweep_lake(lake: Path) -> None:
    """Delete what no commit names; a table that cannot be opened stays as it is."""
    for table in tables_in(lake):
        with passed_over():
            table.sweep()


@dataclass(frozen=True)
class Rewrite:
    """Files to drop, files that stand in for them, and how many rows were left out."""

    removed: list[Path]
    added: list[DataFile]
    rows: int


class FileWriter:
    """Writes rows to Parquet files of bounded size, each complete on disk before it is listed."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        self.files: list[DataFile] = []
        self.rows = 0
        self._folder = folder
        self._schema = schema
        self._written_as = schema
        self._path: Path | None = None
        self._parquet: pq.ParquetWriter | None = None
        self._rows_in_file = 0

    def write(self, table: pa.Table) -> None:
        """Add some rows."""
        if len(table) == 0:
            return
        if self._parquet is None:
            self._path = self._folder / f"part-{uuid4().hex}.parquet"
            few = _of_few_values(table)
            self._written_as = _with_dictionaries(self._schema, table)
            self._parquet = pq.ParquetWriter(
                self._path, self._written_as, compression="zstd", use_dictionary=few,
                column_encoding=_delta_encoded(self._schema, few),
                write_statistics=_ordered(self._schema), store_schema=False,
            )  # fmt: skip
        written = table.select(self._schema.names).cast(self._written_as)
        self._parquet.write_table(_with_used_texts(written), ROWS_PER_GROUP)
        self._rows_in_file += len(table)
        self.rows += len(table)
        if self._rows_in_file >= ROWS_PER_FILE:
            self.close()

    def close(self) -> None:
        """Finish the file at hand and list it."""
        if self._parquet is None or self._path is None:
            return
        self._parquet.close()
        sync(self._path)
        size = self._path.stat().st_size
        self.files.append(DataFile(self._path.name, self._rows_in_file, size))
        self._parquet, self._path, self._rows_in_file = None, None, 0

    def discard(self, keep: Collection[str] = ()) -> None:
        """Remove everything that was written, but for the files of some names."""
        if self._parquet is not None:
            with suppress(OSError, pa.ArrowException):
                self._parquet.close()
        for path in [self._path, *(self._folder / file.name for file in self.files)]:
            if path is not None and path.name not in keep:
                path.unlink(missing_ok=True)


def _with_dictionaries(schema: pa.Schema, table: pa.Table) -> pa.Schema:
    """A schema with dictionaries for the texts that a table has as such."""
    found = {field.name: field.type for field in table.schema}
    return pa.schema(
        [
            field.with_type(found[field.name]) if _is_dictionary(found[field.name]) else field
            for field in schema
        ]
    )


def _with_used_texts(table: pa.Table) -> pa.Table:
    """A table whose dictionaries hold only texts that one of its rows has.

    What a file holds must be known by its rows, or it could not be erased with them.
    """
    for place, field in enumerate(table.schema):
        if _is_dictionary(field.type):
            column = table.column(place).unify_dictionaries().combine_chunks()
            table = table.set_column(place, field, _used(column))
    return table


def _used(texts: pa.DictionaryArray) -> pa.DictionaryArray:
    places = texts.indices.drop_null().to_numpy()
    used = np.flatnonzero(np.bincount(places, minlength=len(texts.dictionary)))
    if len(used) == len(texts.dictionary):
        return texts
    found = pc.index_in(texts.indices, pa.array(used, pa.int32()))
    return pa.DictionaryArray.from_arrays(found, texts.dictionary.take(used))


def _is_dictionary(kind: pa.DataType) -> bool:
    found: bool = pa.types.is_dictionary(kind)
    return found


def _of_few_values(table: pa.Table) -> list[str]:
    """The columns whose values, as far as a sample tells, are few enough for a dictionary."""
    sample = table.slice(0, 16_384)
    few = len(sample) // 16 + 1
    return [
        field.name
        for field in table.schema
        if not pa.types.is_nested(field.type) and not pa.types.is_boolean(field.type)
        if _is_dictionary(field.type) or pc.count_distinct(sample[field.name]).as_py() <= few
    ]


def _delta_encoded(schema: pa.Schema, but: Collection[str]) -> dict[str, str]:
    """An encoding by differences for the whole numbers, dates and times."""
    return {
        field.name: "DELTA_BINARY_PACKED"
        for field in schema
        if pa.types.is_integer(field.type) or pa.types.is_temporal(field.type)
        if field.name not in but
    }


def _ordered(schema: pa.Schema) -> list[str]:
    """The columns whose ranges are worth keeping in a file: those that are not free text."""
    return [
        field.name
        for field in schema
        if field.name == DELIVERY
        or not (pa.types.is_string(field.type) or pa.types.is_nested(field.type))
    ]


def _is_of(entry: Path, version: int) -> bool:
    """Whether an entry of a log belongs to a version or one before it."""
    number = entry.name.partition(".")[0]
    return number.isdigit() and int(number) <= version


def scan(files: Sequence[Path], schema: pa.Schema, columns: Sequence[str] | None = None) -> str:
    """SQL for a relation of some files' rows, with the schema's columns whatever the files hold."""
    wanted = ", ".join(quoted(name) for name in columns or schema.names)
    return f"SELECT {wanted} FROM {_whole(files, schema)}"


def _whole(files: Sequence[Path], schema: pa.Schema) -> str:
    """SQL for some files' rows, each with its file's path, and null in columns that it lacks."""
    empty = ", ".join(
        f"CAST(NULL AS {sql_type(field.type)}) AS {quoted(field.name)}" for field in schema
    )
    relation = f"SELECT {empty}, NULL::VARCHAR AS _file WHERE false"
    if files:
        relation += f" UNION ALL BY NAME SELECT * FROM {_read(files)}"
    return f"({relation})"


_GLOB = str.maketrans({character: f"[{character}]" for character in "*?["})
"""How DuckDB is told that a character of a path stands for itself."""


def _read(files: Iterable[Path]) -> str:
    """SQL for the rows of some files, each with its file's path as ``_file``.

    Folders above the files say nothing of the rows, not even one that is called ``year=2024``.
    """
    listed = ", ".join(literal(str(path).translate(_GLOB)) for path in files)
    return (
        f"read_parquet([{listed}], union_by_name=true, filename='_file', hive_partitioning=false)"
    )


def sql_type(kind: pa.DataType) -> str:
    """The name that DuckDB has for a type."""
    return str(duckdb.from_arrow(pa.table({"c": pa.nulls(0, kind)})).types[0])


def _adds(files: Iterable[DataFile], changes: bool = True) -> list[AddAction | RemoveAction]:
    return [
        AddAction(f.name, f.size, {}, _now(), changes, json.dumps({"numRecords": f.rows}))
        for f in files
    ]


def _now() -> int:
    return int(time.time() * 1000)


def _commit(info: dict[str, Any]) -> Commit:
    at = datetime.fromtimestamp(info["timestamp"] / 1000).astimezone()
    return Commit(info["version"], at, json.loads(info.get(_ACCOUNT) or "{}"))
