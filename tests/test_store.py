"""The store: made whole or not at all, and what is wrong with it is said in words."""

import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, inspect

from cityloom.errors import StorageError, UsageError
from cityloom.store import REVISION, open_store

SQLITE = "sqlite:///store.sqlite"


def tables(folder: Path) -> set[str]:
    return set(inspect(open_store(folder, SQLITE)).get_table_names())


def test_making_the_store_is_one_transaction(tmp_path: Path) -> None:
    def stop(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "seen_file" in statement:
            raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", stop)
    try:
        with pytest.raises(KeyboardInterrupt):
            open_store(tmp_path, SQLITE)
    finally:
        event.remove(Engine, "before_cursor_execute", stop)
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == []
    assert tables(tmp_path) == {
        "account", "alembic_version", "file_digest", "run", "seen_file", "session",
        "signin_attempt", "source", "source_file", "token",
    }  # fmt: skip


def test_a_store_is_opened_again_as_it_is(tmp_path: Path) -> None:
    assert tables(tmp_path) == tables(tmp_path)


def test_a_newer_store_is_left_alone(tmp_path: Path) -> None:
    open_store(tmp_path, SQLITE)
    with sqlite3.connect(tmp_path / "store.sqlite") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(UsageError, match=f"of version 9999, .* up to {REVISION}; upgrade"):
        open_store(tmp_path, SQLITE)


def test_a_file_that_is_no_store_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "store.sqlite").write_bytes(b"not a database" * 999)
    with pytest.raises(StorageError, match="cannot be opened: file is not a database"):
        open_store(tmp_path, SQLITE)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("store.sqlite", "cannot be opened: Could not parse"),
        ("oracle://host/city", "database 'oracle' is not known; expected sqlite, postgresql"),
        ("mysql://host/city", "database 'mysql' is not known; expected sqlite, postgresql"),
        ("postgresql+nothing://host/city", "cannot be opened: Can't load plugin"),
        ("sqlite:////nowhere/store.sqlite", "cannot be opened: unable to open database file"),
    ],
)
def test_a_database_that_cannot_be_is_refused_in_words(
    url: str, words: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        open_store(tmp_path, url)
