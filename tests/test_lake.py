"""The lake: each change is one commit, the past stays readable until it is forgotten."""

import json
import os
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import cityloom.lake
from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.lake import DELIVERY, NO_VERSION, DataFile, LakeTable, scan
from cityloom.sql import connect

SCHEMA = pa.schema([("id", pa.int64()), ("name", pa.string()), (DELIVERY, pa.string())])


@pytest.fixture
def table(tmp_path: Path) -> LakeTable:
    """A table in a folder whose name needs care, with one commit of three rows."""
    table = LakeTable(tmp_path / "a b'区" / "thing")
    table.create(SCHEMA)
    add(table, [1, 2, 3], "a")
    return table


def made(folder: Path) -> LakeTable:
    table = LakeTable(folder / "thing")
    table.create(SCHEMA)
    return table


def write(table: LakeTable, ids: list[int | None], delivery: str) -> list[DataFile]:
    with table.writer(SCHEMA) as writer:
        names = [f"n{number}" for number in ids]
        writer.write(pa.table([ids, names, [delivery] * len(ids)], schema=SCHEMA))
    return writer.files


def add(table: LakeTable, ids: list[int | None], delivery: str) -> int:
    return table.commit(write(table, ids, delivery), [], {"source": delivery})


def ids(table: LakeTable, version: int | None = None) -> list[int | None]:
    found = [pq.read_table(path, schema=SCHEMA) for path in table.files(version)]
    return sorted(
        (number for part in found for number in part["id"].to_pylist()), key=lambda n: n or 0
    )


def test_a_table_that_was_never_made_is_empty(tmp_path: Path) -> None:
    table = LakeTable(tmp_path / "none")
    assert not table.exists
    assert (table.files(), table.rows(), table.size(), table.marker("x")) == ([], 0, 0, None)
    assert (table.latest_version(), table.commits_since(-1)) == (-1, [])
    assert table.oldest_version() == -1
    assert table.without("SELECT 1 AS id", ["id"]).rows == 0


def test_texts_given_as_dictionaries_are_stored_as_texts_with_none_that_no_row_has(
    table: LakeTable,
) -> None:
    texts = pa.array(["kept", "erased", "also kept"])
    with table.writer(SCHEMA) as writer:
        for places in ([0, None, 2], [2, 2], [1]):
            names = pa.DictionaryArray.from_arrays(pa.array(places, pa.int32()), texts)
            rows = pa.table([[7] * len(places), names, ["b"] * len(places)], SCHEMA.names)
            writer.write(rows.filter(pa.compute.not_equal(pa.array(places), 1).fill_null(True)))
        writer.write(pa.table([[8], ["plain"], ["b"]], schema=SCHEMA))
    table.commit(writer.files, [], {"source": "b"})
    (path,) = (table.folder / file.name for file in writer.files)
    assert pq.read_schema(path).equals(SCHEMA)
    assert pq.read_table(path)["name"].to_pylist() == [
        "kept", None, "also kept", "also kept", "also kept", "plain"
    ]  # fmt: skip
    assert b"also kept" in path.read_bytes()
    assert b"erased" not in path.read_bytes()


@pytest.mark.parametrize("name", ["a*", "a?", "a[b]", "[*]", "a[!c]", "**"])
def test_a_path_is_no_pattern(tmp_path: Path, name: str) -> None:
    for other in ("ab", "ad", "b", "x"):
        add(made(tmp_path / other), [9], "a")
    table = made(tmp_path / name)
    add(table, [1, 2], "a")
    found = connect().execute(f"SELECT id FROM ({scan(table.files(), SCHEMA)}) ORDER BY id")
    assert found.fetchall() == [(1,), (2,)]
    rewrite = table.without("SELECT 1 AS id", ["id"])
    table.commit(rewrite.added, rewrite.removed, {})
    assert ids(table) == [2]


def test_making_a_table_twice_makes_it_once(table: LakeTable) -> None:
    table.create(SCHEMA)
    assert table.latest_version() == 1
    assert ids(table) == [1, 2, 3]


def test_a_commit_adds_and_removes_in_one_step(table: LakeTable) -> None:
    old = table.files()
    new = write(table, [4], "b")
    assert table.commit(new, old, {}) == 2
    assert ids(table) == [4]
    assert table.rows() == 1
    assert table.size() == new[0].size
    assert ids(table, 1) == [1, 2, 3]
    assert table.rows(1) == 3


def test_a_commit_carries_its_account(table: LakeTable) -> None:
    add(table, [4], "区")
    made, first, second = table.commits_since(-1)
    assert (made.version, made.account) == (0, {})
    assert (first.version, first.account) == (1, {"source": "a"})
    assert (second.version, second.account) == (2, {"source": "区"})
    assert "区" in (table.folder / "_delta_log" / f"{2:020}.json").read_text("utf-8")
    assert table.commits_since(1) == [second]
    assert table.commits_since(2) == []


def test_markers_are_remembered_by_later_commits(table: LakeTable) -> None:
    assert table.marker("quarantine") is None
    table.commit([], [], {}, {"quarantine": 7})
    add(table, [4], "b")
    assert table.marker("quarantine") == 7
    table.commit([], [], {}, {"quarantine": 9})
    assert table.marker("quarantine") == 9


def test_an_earlier_version_becomes_current_again(table: LakeTable) -> None:
    add(table, [4], "b")
    assert table.roll_back(1) == table.latest_version() == 3
    assert ids(table) == [1, 2, 3]
    assert ids(table, 2) == [1, 2, 3, 4]


def test_the_version_of_a_moment_is_the_last_before_it(table: LakeTable) -> None:
    add(table, [4], "b")
    moments = [commit.at for commit in table.commits_since(-1)]
    assert table.version_at(moments[1]) in (1, 2)  # both may fall into one millisecond
    assert table.version_at(datetime.now(UTC) + timedelta(days=1)) == 2
    with pytest.raises(UsageError, match="nothing is kept from before"):
        table.version_at(moments[0] - timedelta(seconds=1))


def test_a_version_that_never_was_is_refused(table: LakeTable) -> None:
    with pytest.raises(UsageError, match="at version 9 cannot be opened"):
        table.files(9)


def test_rows_are_left_out_and_only_their_files_are_rewritten(table: LakeTable) -> None:
    add(table, [4, None], "b")
    untouched = table.files(1)
    rewrite = table.without("SELECT 4 AS id UNION ALL SELECT NULL UNION ALL SELECT 77", ["id"])
    assert rewrite.rows == 1
    assert not set(rewrite.removed) & set(untouched)
    table.commit(rewrite.added, rewrite.removed, {})
    assert ids(table) == [None, 1, 2, 3]
    assert set(untouched) <= set(table.files())


def test_leaving_out_rows_that_are_not_there_rewrites_nothing(table: LakeTable) -> None:
    rewrite = table.without("SELECT 77 AS id", ["id"])
    assert (rewrite.removed, rewrite.added, rewrite.rows) == ([], [], 0)


def test_leaving_out_all_rows_leaves_no_file(table: LakeTable) -> None:
    rewrite = table.without(f"SELECT 'a' AS {DELIVERY}", [DELIVERY])
    assert (rewrite.rows, rewrite.added) == (3, [])
    table.commit(rewrite.added, rewrite.removed, {})
    assert table.files() == []


def test_files_of_a_writer_that_fails_are_removed(table: LakeTable) -> None:
    before = set(table.folder.iterdir())

    def fail() -> None:
        with table.writer(SCHEMA) as writer:
            writer.write(pa.table([[1], ["x"], ["a"]], schema=SCHEMA))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert set(table.folder.iterdir()) == before


def test_files_are_bounded_and_none_is_empty(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.lake, "ROWS_PER_FILE", 2)
    with table.writer(SCHEMA) as writer:
        for number in range(5):
            writer.write(pa.table([[number], ["x"], ["b"]], schema=SCHEMA))
            writer.write(pa.table([[], [], []], schema=SCHEMA))
    assert [file.rows for file in writer.files] == [2, 2, 1]
    assert writer.rows == 5
    with table.writer(SCHEMA) as nothing:
        pass
    assert nothing.files == []


def test_compaction_keeps_rows_and_the_past(table: LakeTable) -> None:
    for number in range(4, 8):
        add(table, [number], "b")
    past = table.latest_version()
    table.compact()
    assert len(table.files()) == 1
    assert ids(table) == [1, 2, 3, 4, 5, 6, 7]
    assert ids(table, past) == [1, 2, 3, 4, 5, 6, 7]
    assert table.rows() == 7


@pytest.fixture
def openings(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """What is opened from its log, from now on."""
    opened: list[object] = []
    opening = cityloom.lake.DeltaTable

    def counted(*arguments: object, **options: object) -> object:
        opened.append(arguments)
        return opening(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(cityloom.lake, "DeltaTable", counted)
    return opened


def test_a_table_is_opened_once_however_often_it_is_read_and_written(
    table: LakeTable, openings: list[object]
) -> None:
    fresh = LakeTable(table.folder)
    for number in range(4, 7):
        add(fresh, [number], "b")
        assert fresh.rows() == number
        assert fresh.schema().names == SCHEMA.names
    assert len(openings) == 1
    fresh.files(1)
    assert len(openings) == 2


@pytest.mark.parametrize(
    "act",
    [
        LakeTable.files,
        LakeTable.rows,
        LakeTable.schema,
        LakeTable.compact,
        LakeTable.vacuum,
        lambda table: table.files(1),
        lambda table: table.marker("x"),
        lambda table: table.commits_since(0),
        lambda table: table.is_scattered,
    ],
)
def test_a_log_is_listed_once_a_question(
    table: LakeTable, act: Callable[[LakeTable], object], monkeypatch: pytest.MonkeyPatch
) -> None:
    listed: list[object] = []
    listing = os.listdir
    monkeypatch.setattr(os, "listdir", lambda path: (listed.append(path), listing(path))[1])
    for _ in range(2):
        listed.clear()
        act(table)
        assert len(listed) <= 1 + (act is LakeTable.compact)


def test_what_another_process_commits_is_seen_at_once(table: LakeTable) -> None:
    assert ids(table) == [1, 2, 3]
    add(LakeTable(table.folder), [4], "b")
    assert ids(table) == [1, 2, 3, 4]


def test_a_past_that_another_process_forgets_is_missed_by_nobody(table: LakeTable) -> None:
    table.commit(write(table, [4], "b"), [], {"source": "b"}, {"quarantine": 3})
    newest = add(table, [5], "c")
    assert ids(table) == [1, 2, 3, 4, 5]
    LakeTable(table.folder).forget_past()
    assert table.marker("quarantine") == 3
    assert ids(table) == [1, 2, 3, 4, 5]
    assert [commit.account for commit in table.commits_since(newest - 1)] == [{"source": "c"}]
    table.forget_past()
    add(table, [6], "d")
    assert table.marker("quarantine") == 3


def test_a_table_that_was_put_in_the_place_of_another_is_seen_at_once(
    table: LakeTable, tmp_path: Path
) -> None:
    assert ids(table) == [1, 2, 3]
    other = LakeTable(tmp_path / "other")
    other.create(SCHEMA)
    add(other, [7], "x")
    shutil.rmtree(table.folder)
    other.folder.rename(table.folder)
    assert ids(table) == [7]


def test_a_checkpoint_is_on_disk_for_good_with_its_commit_and_before_what_names_it(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[str] = []
    sync = cityloom.lake.sync
    monkeypatch.setattr(cityloom.lake, "sync", lambda path: (synced.append(path.name), sync(path)))
    log, number = table.folder / "_delta_log", 4
    while not (log / "_last_checkpoint").exists():
        synced.clear()
        add(table, [number], "b")
        number += 1
    (checkpoint,) = (path.name for path in log.glob("*.checkpoint.parquet"))
    commit = f"{table.latest_version():020}.json"
    assert synced[-4:] == [commit, checkpoint, "_last_checkpoint", "_delta_log"]
    assert ids(LakeTable(table.folder)) == list(range(1, number))


def test_rows_are_left_out_of_files_older_than_a_column(table: LakeTable) -> None:
    table.add_columns([pa.field("size", pa.float64())])
    rewrite = table.without("SELECT 2 AS id", ["id"])
    table.commit(rewrite.added, rewrite.removed, {"source": "b"})
    assert ids(table) == [1, 3]


def test_rows_stay_the_same_through_commits_that_have_no_account(table: LakeTable) -> None:
    first = table.latest_version()
    table.add_columns([pa.field("size", pa.float64())])
    kept = table.commit([], [], {}, {"quarantine": 3})
    assert table.same_rows(first) == kept
    add(table, [4], "b")
    assert table.same_rows(first) == kept


def test_forgetting_the_past_leaves_the_present_alone(table: LakeTable) -> None:
    erased = table.files()
    table.commit(write(table, [4], "b"), erased, {"source": "b"}, {"quarantine": 3})
    table.forget_past()
    assert not any(path.exists() for path in erased)
    again = LakeTable(table.folder)
    assert ids(again) == [4]
    assert again.marker("quarantine") == 3
    assert again.rows() == 1
    with pytest.raises(UsageError):
        again.version_at(datetime(2000, 1, 1, tzinfo=UTC))
    with pytest.raises(UsageError):
        again.files(1)
    add(again, [5], "c")
    assert ids(again) == [4, 5]
    assert [commit.account for commit in again.commits_since(again.latest_version() - 1)] == [
        {"source": "c"}
    ]


def test_columns_are_added_with_nulls_in_the_rows_there_are(table: LakeTable) -> None:
    table.add_columns([pa.field("size", pa.float64())])
    assert table.schema().names == [*SCHEMA.names, "size"]
    assert ids(table) == [1, 2, 3]


def test_a_scan_has_the_schemas_columns_whatever_the_files_hold(tmp_path: Path) -> None:
    import duckdb

    pq.write_table(pa.table({"b": ["x"], "extra": [1]}), tmp_path / "one'.parquet")
    schema = pa.schema([("a", pa.int64()), ("b", pa.string())])
    files = [tmp_path / "one'.parquet"]
    assert duckdb.sql(scan(files, schema)).fetchall() == [(None, "x")]
    assert duckdb.sql(scan([], schema)).fetchall() == []
    assert duckdb.sql(scan(files, schema, ["b"])).columns == ["b"]


def test_sweeping_takes_strays_only(table: LakeTable) -> None:
    add(table, [4], "b")
    table.commit([], table.files(1), {})
    write(table, [9], "never committed")
    named = {path for version in (1, 2, 3) for path in table.files(version)}
    assert table.sweep() == 1
    assert set(table.folder.glob("*.parquet")) == named


def test_a_file_is_written_in_the_way_that_suits_each_column(tmp_path: Path) -> None:
    schema = pa.schema(
        [
            ("number", pa.int64()),
            ("few", pa.string()),
            ("many", pa.string()),
            ("yes", pa.bool_()),
            ("list", pa.list_(pa.int64())),
            (DELIVERY, pa.string()),
            ("day", pa.date32()),
            ("same", pa.int64()),
            ("size", pa.float64()),
        ]
    )
    rows = range(64)
    columns = [
        [*rows], [str(n % 5) for n in rows], [str(n % 6) for n in rows], [True] * 64, [[1]] * 64,
        ["a"] * 64, [*rows], [7] * 64, [n / 7 for n in rows],
    ]  # fmt: skip
    with LakeTable(tmp_path).writer(schema) as writer:
        writer.write(pa.table(columns, schema=schema))
    group = pq.read_metadata(tmp_path / writer.files[0].name).row_group(0)
    chunks = [group.column(place) for place in range(group.num_columns)]
    assert [chunk.has_dictionary_page for chunk in chunks] == [
        False, True, False, False, False, True, False, True, False,
    ]  # fmt: skip
    assert [chunk.is_stats_set for chunk in chunks] == [
        True, False, False, True, False, True, True, True, True,
    ]  # fmt: skip
    by_differences = [
        n for n, chunk in enumerate(chunks) if "DELTA_BINARY_PACKED" in chunk.encodings
    ]
    assert by_differences == [0, 6]
    assert {chunk.compression for chunk in chunks} == {"ZSTD"}


def test_a_commit_is_dated_by_the_clock(table: LakeTable) -> None:
    moment = table.commits_since(0)[0].at
    assert abs(datetime.now(UTC) - moment) < timedelta(minutes=1)
    assert moment.tzinfo is not None


@pytest.mark.parametrize(("days", "there"), [(6.99, True), (7.01, False)])
def test_what_no_version_of_seven_days_needs_is_deleted(
    days: float, there: bool, table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = table.files()
    then = time.time() - days * 86_400
    with monkeypatch.context() as patch:
        patch.setattr(cityloom.lake.time, "time", lambda: then)
        table.commit(write(table, [4], "b"), old, {})
    table.vacuum()
    assert [path.exists() for path in old] == [there]
    assert ids(table) == [4]


def test_whatever_a_commit_names_is_on_disk_for_good(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()
    sync = cityloom.lake.sync
    monkeypatch.setattr(cityloom.lake, "sync", lambda path: (synced.add(path), sync(path)))
    log = table.folder / "_delta_log"
    add(table, [4], "b")
    assert {*table.files()} - {*table.files(1)} <= synced
    assert {table.folder, log, log / f"{2:020}.json"} <= synced
    synced.clear()
    table.compact()
    assert {*table.files(), table.folder, log, log / f"{3:020}.json"} <= synced


@pytest.mark.parametrize("folder", ["id=7", "a[b]*", "100%", "a#b?c"])
def test_the_name_of_a_folder_above_the_rows_changes_nothing(tmp_path: Path, folder: str) -> None:
    table = LakeTable(tmp_path / folder / "thing")
    table.create(SCHEMA)
    add(table, [1, 2], "a")
    add(table, [3], "b")
    read = connect().execute(scan(table.files(), SCHEMA, ["id"])).fetchall()
    assert sorted(read) == [(1,), (2,), (3,)]
    rewrite = table.without("SELECT 2 AS id", ["id"])
    table.commit(rewrite.added, rewrite.removed, {})
    assert ids(table) == [1, 3]


def test_a_table_without_any_commit_of_rows_is_there(tmp_path: Path) -> None:
    table = LakeTable(tmp_path / "new")
    table.create(SCHEMA)
    assert table.exists
    assert (table.latest_version(), table.rows(), table.files()) == (0, 0, [])


def test_a_file_ends_with_the_rows_that_pass_its_bound(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.lake, "ROWS_PER_FILE", 2)
    with table.writer(SCHEMA) as writer:
        for count in (1, 3, 1):
            rows = [[*range(count)], ["x"] * count, ["b"] * count]
            writer.write(pa.table(rows, schema=SCHEMA))
    assert [file.rows for file in writer.files] == [4, 1]


def test_a_file_that_is_gone_already_does_not_keep_the_others(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.lake, "ROWS_PER_FILE", 1)
    before = set(table.folder.iterdir())

    def fail() -> None:
        with table.writer(SCHEMA) as writer:
            for _ in range(3):
                writer.write(pa.table([[1], ["x"], ["a"]], schema=SCHEMA))
            (table.folder / writer.files[0].name).unlink()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert set(table.folder.iterdir()) == before


@pytest.mark.parametrize("name", ["a%20b", "a\\b", "a%2Fb", "\udcff"])
def test_a_city_is_refused_where_its_tables_would_not_be_found(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="rename the folder"):
        City.create(tmp_path / name, "Town")
    assert list(tmp_path.iterdir()) == []
    City.create(tmp_path / "town", "Town").path.rename(tmp_path / name)
    with pytest.raises(UsageError, match="rename the folder"):
        City.open(tmp_path / name)


@pytest.mark.parametrize("name", ["100%", "a#b", "a?b", "a b", "区"])
def test_a_city_may_have_a_name_of_other_signs(tmp_path: Path, name: str) -> None:
    assert City.open(City.create(tmp_path / name, "Town").path).settings.name == "Town"


# What other readers of the table are told


def logged(table: LakeTable, version: int) -> dict[str, dict[str, object]]:
    """The actions of a commit, the last of each kind."""
    text = (table.folder / "_delta_log" / f"{version:020}.json").read_text("utf-8")
    return {kind: said for line in text.splitlines() for kind, said in json.loads(line).items()}


def test_a_commit_says_that_data_came_and_went_and_when(table: LakeTable) -> None:
    (new,) = write(table, [4, 5], "b")
    version = table.commit([new], table.files(), {})
    added, removed = logged(table, version)["add"], logged(table, version)["remove"]
    assert (added["path"], added["size"]) == (new.name, new.size)
    assert json.loads(str(added["stats"]))["numRecords"] == 2
    assert added["dataChange"] is removed["dataChange"] is True
    for moment in (added["modificationTime"], removed["deletionTimestamp"]):
        assert abs(float(str(moment)) / 1000 - time.time()) < 60


def test_replacing_says_that_data_came_and_went(table: LakeTable) -> None:
    schema = pa.schema([("other", pa.int64())])
    with table.writer(schema) as writer:
        writer.write(pa.table([[1, 2]], schema=schema))
    version = table.replace(writer.files, schema, {"source": "c"}, {"quarantine": 5})
    assert table.schema() == schema
    assert (table.rows(), len(table.files()), table.marker("quarantine")) == (2, 1, 5)
    assert table.commits_since(version - 1)[0].account == {"source": "c"}
    assert table.schema(version - 1) == SCHEMA


def test_a_table_says_what_statistics_it_keeps_and_that_its_log_is_kept(table: LakeTable) -> None:
    configuration = logged(table, 0)["metaData"]["configuration"]
    assert isinstance(configuration, dict)
    assert configuration["delta.enableExpiredLogCleanup"] == "false"
    assert configuration["delta.dataSkippingStatsColumns"] == DELIVERY


# What lies beside


def test_other_files_in_the_log_are_no_versions(table: LakeTable) -> None:
    log = table.folder / "_delta_log"
    for name in ("notes.json", "9", "00000000000000000007.crc", "7.checkpoint.parquet"):
        (log / name).write_text("{}")
    assert (table.latest_version(), table.oldest_version()) == (1, 0)
    empty = LakeTable(table.folder.parent / "empty")
    (empty.folder / "_delta_log").mkdir(parents=True)
    assert not empty.exists


@pytest.mark.parametrize(("days", "there"), [(6.99, True), (7.01, False)])
def test_files_that_no_version_names_are_deleted_after_seven_days(
    days: float, there: bool, table: LakeTable
) -> None:
    (stray,) = write(table, [9], "never committed")
    path = table.folder / stray.name
    then = time.time() - days * 86_400
    os.utime(path, (then, then))
    table.vacuum()
    assert path.exists() == there
    assert ids(table) == [1, 2, 3]


@pytest.mark.parametrize(
    "act",
    [LakeTable.compact, LakeTable.vacuum, LakeTable.forget_past, LakeTable.sweep, LakeTable.rows],
)
def test_nothing_is_done_to_a_table_that_is_not_there(
    tmp_path: Path, act: Callable[[LakeTable], object]
) -> None:
    table = LakeTable(tmp_path / "none")
    assert act(table) in (None, 0, NO_VERSION)
    assert not table.folder.exists()


def test_a_table_may_be_made_where_a_folder_is_and_files_written_where_none_is(
    tmp_path: Path,
) -> None:
    table = LakeTable(tmp_path / "deep" / "thing")
    files = write(table, [1], "a")
    table.create(SCHEMA)
    table.commit(files, [], {})
    assert ids(table) == [1]


def test_adding_no_columns_is_no_version(table: LakeTable) -> None:
    table.add_columns([])
    assert table.latest_version() == 1


def test_a_damaged_table_is_named(table: LakeTable) -> None:
    (table.folder / "_delta_log" / f"{0:020}.json").write_text("{")
    with pytest.raises(UsageError, match="thing cannot be opened: "):
        table.schema()


def test_the_size_of_a_table_is_that_of_all_its_files(table: LakeTable) -> None:
    (more,) = write(table, [4, 5], "b")
    before = table.size()
    table.commit([more], [], {})
    assert table.size() == before + more.size == sum(p.stat().st_size for p in table.files())


# Rewriting, rolling back and forgetting


def test_rows_of_several_files_are_left_out_and_counted(table: LakeTable) -> None:
    add(table, [4, 5], "b")
    add(table, [6], "c")
    rewrite = table.without("SELECT 2 AS id UNION ALL SELECT 3 UNION ALL SELECT 4", ["id"])
    assert (rewrite.rows, sorted(rewrite.removed)) == (3, sorted(table.files(2)))
    assert sum(file.rows for file in rewrite.added) == 2
    table.commit(rewrite.added, rewrite.removed, {})
    assert ids(table) == [1, 5, 6]


def test_rows_are_left_out_where_all_columns_agree(table: LakeTable) -> None:
    doomed = "SELECT 1 AS id, 'n1' AS name UNION ALL SELECT 2, 'n1'"
    assert table.without(doomed, ["id", "name"]).rows == 1


def test_what_a_change_leaves_behind_is_on_disk_for_good(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: set[Path] = set()
    sync = cityloom.lake.sync
    monkeypatch.setattr(cityloom.lake, "sync", lambda path: (synced.add(path), sync(path)))
    log = table.folder / "_delta_log"
    for act in (
        lambda: table.add_columns([pa.field("size", pa.float64())]),
        lambda: table.roll_back(1),
        lambda: table.replace([], SCHEMA, {}),
    ):
        synced.clear()
        act()
        assert {log, log / f"{table.latest_version():020}.json"} <= synced
    synced.clear()
    table.forget_past()
    assert {table.folder, log, log / f"{table.latest_version():020}.checkpoint.parquet"} <= synced
    made = LakeTable(table.folder.parent / "made")
    made.create(SCHEMA)
    assert made.folder / "_delta_log" / f"{0:020}.json" in synced


def test_forgetting_leaves_files_that_are_not_of_the_table(table: LakeTable) -> None:
    add(table, [4], "b")
    table.commit([], table.files(1), {})
    (table.folder / "notes.txt").write_text("kept")
    stray = write(table, [9], "never committed")
    table.forget_past()
    assert not (table.folder / stray[0].name).exists()
    left = [path.name for path in table.folder.iterdir() if path.is_file()]
    assert sorted(left) == sorted(["notes.txt", *(path.name for path in table.files())])
    version = table.latest_version()
    assert (table.oldest_version(), len(table.commits_since(version - 1))) == (version, 1)


# Writing files


def test_a_writer_that_cannot_tidy_up_still_says_what_failed(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        with table.writer(SCHEMA) as writer:
            writer.write(pa.table([[1], ["x"], ["a"]], schema=SCHEMA))
            monkeypatch.setattr(Path, "unlink", lambda *_, **__: 1 / 0)
            raise RuntimeError("this failed")

    with pytest.raises(RuntimeError, match="this failed"):
        fail()


@pytest.mark.parametrize("error", [OSError, pa.ArrowInvalid])
def test_a_file_that_cannot_be_finished_is_removed(
    table: LakeTable, error: type[Exception]
) -> None:
    before = set(table.folder.iterdir())
    close = pq.ParquetWriter.close

    def no_space(parquet: pq.ParquetWriter) -> None:
        close(parquet)
        raise error("no space left")

    def fail(patch: pytest.MonkeyPatch) -> None:
        with table.writer(SCHEMA) as writer:
            writer.write(pa.table([[1], ["x"], ["a"]], schema=SCHEMA))
            patch.setattr(pq.ParquetWriter, "close", no_space)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(error, match="no space left"):
        fail(patch)
    assert set(table.folder.iterdir()) == before


@pytest.mark.parametrize(
    ("values", "is_small"),
    [
        ([n % 4 for n in range(48)], True),
        ([n % 4 for n in range(47)], False),
        ([*range(1025), *[0] * 15_359, 9_999], True),
        ([*range(1026), *[0] * 15_358], False),
    ],
)
def test_a_dictionary_is_made_of_values_that_come_sixteen_times_each(
    tmp_path: Path, values: list[int], is_small: bool
) -> None:
    schema = pa.schema([("v", pa.int64())])
    with LakeTable(tmp_path).writer(schema) as writer:
        writer.write(pa.table([values], schema=schema))
    chunk = pq.read_metadata(tmp_path / writer.files[0].name).row_group(0).column(0)
    assert chunk.has_dictionary_page == is_small


def test_syncing_leaves_no_file_open(table: LakeTable) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        cityloom.lake.sync(table.folder)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_groups_rows_are_whole_vectors_of_the_engine() -> None:
    assert cityloom.lake.ROWS_PER_GROUP % 122_880 == 0  # as many as DuckDB reads at a time


@pytest.mark.parametrize(
    "kind",
    [pa.int64(), pa.string(), pa.decimal128(9, 2), pa.date32(), pa.timestamp("us", "UTC"),
     pa.binary(), pa.bool_(), pa.list_(pa.string())],
    ids=str,
)  # fmt: skip
def test_a_scan_of_no_files_has_the_types_of_its_columns(kind: pa.DataType) -> None:
    found = connect().execute(scan([], pa.schema([("v", kind)]))).to_arrow_table()
    assert found.schema.field("v").type == kind
    assert len(found) == 0


# Joining small files


def test_joining_files_tells_other_readers_that_no_data_changed(table: LakeTable) -> None:
    add(table, [4], "b")
    small = table.files()
    version = table.compact()
    assert version == table.latest_version() == 3
    added, removed = logged(table, version)["add"], logged(table, version)["remove"]
    assert added["dataChange"] is removed["dataChange"] is False
    assert all(path.exists() for path in small)
    assert table.compact() == version
    assert table.commits_since(version - 1)[0].account == {}


def test_only_files_below_a_size_are_joined(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(table, [*range(10, 2_000)], "b")
    add(table, [4], "c")
    sizes = sorted(path.stat().st_size for path in table.files())
    large = max(table.files(), key=lambda path: path.stat().st_size)
    monkeypatch.setattr(cityloom.lake, "SMALL", sizes[-1])
    table.compact()
    assert large in table.files()
    assert len(table.files()) == 2
    monkeypatch.setattr(cityloom.lake, "SMALL", sizes[-1] + 1)
    table.compact()
    assert len(table.files()) == 1
    assert table.rows() == 3 + 1_990 + 1


def test_files_that_are_full_of_rows_are_never_joined_again(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.lake, "ROWS_PER_FILE", 4)
    monkeypatch.setattr(cityloom.lake, "ROWS_PER_GROUP", 4)
    monkeypatch.setattr(cityloom.lake, "MANY", 0)
    for number in (4, 7, 10):
        add(table, [number, number + 1, number + 2], "b")
    assert table.is_scattered
    version = table.compact()
    assert [len(pq.read_table(path)) for path in table.files()] == [4, 4, 4]
    assert not table.is_scattered
    assert table.compact() == version


def test_a_table_is_scattered_by_more_small_files_than_many(
    table: LakeTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not table.is_scattered
    add(table, [4], "b")
    for many, is_scattered in ((1, True), (2, False), (3, False)):
        monkeypatch.setattr(cityloom.lake, "MANY", many)
        assert table.is_scattered == is_scattered
    monkeypatch.setattr(cityloom.lake, "MANY", 0)
    monkeypatch.setattr(cityloom.lake, "SMALL", 1)
    assert not table.is_scattered
    assert not LakeTable(table.folder / "none").is_scattered


def test_a_table_held_open_sees_what_another_writes(table: LakeTable) -> None:
    other = LakeTable(table.folder)
    assert ids(other) == [1, 2, 3]
    add(table, [4], "b")
    assert ids(other) == ids(table) == [1, 2, 3, 4]
    table.forget_past()
    assert ids(other) == [1, 2, 3, 4]
    add(table, [5], "c")
    assert ids(other) == [1, 2, 3, 4, 5]
    shutil.rmtree(table.folder)
    assert (other.files(), other.rows(), other.marker("x")) == ([], 0, None)
    table.create(SCHEMA)
    add(table, [7], "d")
    assert ids(other) == [7]
