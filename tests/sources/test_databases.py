"""Tables of SQLite, PostgreSQL and MariaDB: what is there is in the city, each row once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from cityloom.city import City
from tests.cities import column, contract_text, rows, set_contract
from tests.sources.sites import MariaDb, Postgres, Sqlite, pulled, pulling_city, sound, stating

COLUMNS = [
    column("id", "integer", key=1),
    column("kind"),
    column("fee", "number", physicalType="DECIMAL(12,2)"),
    column("day", "date"),
    column("open", "boolean"),
]
TABLE = "CREATE TABLE permit (id INTEGER PRIMARY KEY, kind VARCHAR(40), fee DECIMAL(12,2), day DATE, open BOOLEAN, note VARCHAR(40), changed {})"  # noqa: E501


@dataclass
class Database:
    """A database with an empty table of permits, and what ``city.toml`` says of it."""

    execute: Callable[..., None]
    stated: str
    true: str = "TRUE"

    def city(self, path: Path, more: str, delivery: str = "upsert") -> City:
        contract = contract_text("permit", COLUMNS, delivery)
        return pulling_city(path, {"permit": contract}, f"{self.stated}\n{more}")

    def put(self, number: int, kind: str, changed: object) -> None:
        shown = "NULL" if changed is None else f"'{changed}'"
        self.execute(
            f"DELETE FROM permit WHERE id = {number}",
            f"INSERT INTO permit VALUES ({number}, '{kind}', 12.50, '2024-02-29', {self.true}, "
            f"'of no concern', {shown})",
        )


def internal(port: int) -> str:
    return f'[network]\ninternal = ["127.0.0.1:{port}"]\n[sources.office]\nkind = "database"\ndataset = "permit"\n'  # noqa: E501


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """One with a table; tests run with each."""
    if request.param == "sqlite":
        lite = Sqlite(tmp_path / "permits.db")
        lite.execute(TABLE.format("TEXT"))
        stated = f'[sources.office]\nkind = "database"\ndataset = "permit"\nurl = "sqlite:///{lite.path}"'
        yield Database(lite.execute, stated, "'true'")
        return
    if request.param == "postgresql":
        post: Postgres = request.getfixturevalue("postgres")
        post.execute("DROP TABLE IF EXISTS permit", TABLE.format("TIMESTAMPTZ"))
        url = f"postgresql://postgres@127.0.0.1:{post.port}/postgres"
        yield Database(post.execute, f'{internal(post.port)}url = "{url}"')
        return
    maria: MariaDb = request.getfixturevalue("mariadb")
    maria.execute("USE permits")

    def execute(*statements: str) -> None:
        maria.execute("USE permits", *statements)

    execute("DROP TABLE IF EXISTS permit", TABLE.format("DATETIME(6)"))
    secret = tmp_path / "password"
    secret.write_text("open sesame\n")
    secret.chmod(0o600)
    url = f"mariadb://reader@127.0.0.1:{maria.port}/permits"
    yield Database(
        execute, f'{internal(maria.port)}url = "{url}"\npassword = {{file = "{secret}"}}'
    )


BY_TIME = 'table = "permit"\nwatermark = "changed"'


def kinds(city: City) -> dict[int, str]:
    """What a city holds after a weave: the kind of each permit; each number once."""
    opened = City.open(city.path)
    assert [run.error for run in opened.weave() if run.failed] == []
    found = rows(opened, "permit")
    assert len({row["id"] for row in found}) == len(found)
    return {row["id"]: row["kind"] for row in found}


def test_a_table_is_pulled_whole_as_it_is_each_time(database: Database, tmp_path: Path) -> None:
    city = database.city(tmp_path / "city", 'table = "permit"', "snapshot")
    database.put(1, "kiosk", "2024-01-01 00:00:00")
    database.put(2, "fair", "2024-01-01 00:00:00")
    assert sound(city).rows == 2
    assert kinds(city) == {1: "kiosk", 2: "fair"}
    database.execute("DELETE FROM permit WHERE id = 1")
    assert sound(city).rows == 1
    assert kinds(city) == {2: "fair"}
    assert sound(city).files == 0


def test_values_are_written_as_contracts_expect_them(database: Database, tmp_path: Path) -> None:
    city = database.city(tmp_path / "city", 'table = "permit"')
    database.put(1, "50% of :a kiosk", "2024-01-01 00:00:00")
    sound(city)
    city.weave()
    (row,) = rows(city, "permit")
    assert (row["id"], row["kind"], str(row["fee"])) == (1, "50% of :a kiosk", "12.50")
    assert (str(row["day"]), row["open"]) == ("2024-02-29", True)


def test_what_the_contract_does_not_declare_stays_where_it_is(
    database: Database, tmp_path: Path
) -> None:
    city = database.city(tmp_path / "city", 'table = "permit"')
    database.put(1, "kiosk", "2024-01-01 00:00:00")
    sound(city)
    (file,) = (city.path / "inbox").rglob("*.parquet")
    assert b"of no concern" not in file.read_bytes()
    assert b"note" not in file.read_bytes()


def test_by_watermark_each_pull_brings_what_changed(database: Database, tmp_path: Path) -> None:
    city = database.city(tmp_path / "city", BY_TIME)
    database.put(1, "kiosk", "2024-01-01 00:00:00")
    database.put(2, "fair", "2024-01-01 12:00:00")
    assert sound(city).rows == 2
    database.put(3, "crane", "2024-01-03 00:00:00")
    database.put(1, "kiosk, moved", "2024-01-03 00:00:00")
    assert sound(city).rows == 3  # the two, and that of the last watermark again
    assert kinds(city) == {1: "kiosk, moved", 2: "fair", 3: "crane"}
    assert sound(city).files == 0


def test_rows_of_an_equal_watermark_are_neither_lost_nor_doubled(
    database: Database, tmp_path: Path
) -> None:
    city = database.city(tmp_path / "city", BY_TIME, "append")
    same = "2024-01-01 00:00:00.123456"
    for number in range(1, 8):
        database.put(number, "kiosk", same)
        assert sound(city).rows == number
        assert set(kinds(city)) == set(range(1, number + 1))
    assert sound(city).files == 0


def test_rows_committed_late_or_without_a_watermark_are_not_lost(
    database: Database, tmp_path: Path
) -> None:
    if "sqlite" in database.stated:
        pytest.skip("SQLite keeps times as text, which has no overlap")
    city = database.city(tmp_path / "city", BY_TIME)
    database.put(1, "kiosk", "2024-01-01 12:00:00")
    sound(city)
    database.put(2, "late", "2024-01-01 11:55:00")
    database.put(3, "never marked", None)
    sound(city)
    assert set(kinds(city)) == {1, 2, 3}
    assert sound(city).files == 0


def test_a_number_is_a_watermark_too(database: Database, tmp_path: Path) -> None:
    city = database.city(tmp_path / "city", 'table = "permit"\nwatermark = "id"\noverlap = 2')
    for number in range(1, 6):
        database.put(number, "kiosk", None)
    assert sound(city).rows == 5
    database.put(6, "fair", None)
    assert sound(city).rows == 4  # 3 to 6
    assert len(kinds(city)) == 6


def test_a_query_is_pulled_as_it_is_written(database: Database, tmp_path: Path) -> None:
    query = "SELECT id, kind AS kind, changed FROM permit WHERE kind LIKE '%:fair%' -- not ; kiosks"
    more = f'query = """{query}\n"""\nwatermark = "changed"'
    city = database.city(tmp_path / "city", more)
    database.put(1, "kiosk", "2024-01-01 00:00:00")
    database.put(2, "a :fair, 5%", "2024-01-01 00:00:00")
    assert sound(city).rows == 1
    database.put(3, "the :fair", "2024-01-02 00:00:00")
    sound(city)
    assert kinds(city) == {2: "a :fair, 5%", 3: "the :fair"}


def test_rows_are_pulled_only_if_the_change_marker_is_another(
    database: Database, tmp_path: Path
) -> None:
    more = 'table = "permit"\nmarker = "SELECT count(*), max(changed) FROM permit"'
    city = database.city(tmp_path / "city", more, "snapshot")
    database.put(1, "kiosk", "2024-01-01 00:00:00")
    assert sound(city).rows == 1
    database.execute("UPDATE permit SET kind = 'unmarked'")
    assert sound(city).files == 0
    database.put(2, "fair", "2024-01-02 00:00:00")
    assert sound(city).rows == 2
    assert kinds(city) == {1: "unmarked", 2: "fair"}


def test_many_rows_come_in_batches_and_all_of_them(database: Database, tmp_path: Path) -> None:
    city = database.city(tmp_path / "city", 'table = "permit"\nwatermark = "id"')
    count = 20_000
    values = ", ".join(f"({n}, 'k{n}')" for n in range(count))
    database.execute(f"INSERT INTO permit (id, kind) VALUES {values}")
    assert sound(city).rows == count
    assert kinds(city) == {n: f"k{n}" for n in range(count)}


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ('table = "nothing"', "nothing"),
        ('table = "permit"\nwatermark = "altered"', "the watermark 'altered' is not among id, "),
        ('query = "SELECT note FROM permit"', "none of its columns is in the contract"),
        ('query = "DELETE FROM permit"', ""),
    ],
)  # fmt: skip
def test_what_cannot_be_pulled_is_told_and_leaves_nothing(
    more: str, words: str, database: Database, tmp_path: Path
) -> None:
    city = database.city(tmp_path / "city", more)
    database.put(1, "kiosk", "2024-01-01 00:00:00")
    failed = pulled(city)
    assert failed.error
    assert words in failed.error
    assert [path for path in (city.path / "inbox").rglob("*") if path.is_file()
            and path.name != ".lock"] == []  # fmt: skip
    back = stating(city.path, f'{database.stated}\ntable = "permit"')
    assert sound(back).rows == 1


def test_by_watermark_needs_a_key_and_no_snapshot(database: Database, tmp_path: Path) -> None:
    city = database.city(tmp_path / "city", BY_TIME, "snapshot")
    assert "needs a primary key and a delivery of append or upsert" in pulled(city).error
    keyless: list[Any] = [column("id", "integer")]
    set_contract(city.path, "permit", contract_text("permit", keyless))
    assert "needs a primary key" in pulled(city).error


def test_another_query_is_pulled_anew_beside_what_was_delivered(
    database: Database, tmp_path: Path
) -> None:
    city = database.city(tmp_path / "city", BY_TIME)
    database.put(1, "kiosk", "2024-01-02 00:00:00")
    database.put(2, "fair", "2024-01-01 00:00:00")
    assert sound(city).rows == 2
    query = "SELECT id, 'x' AS kind, changed FROM permit WHERE id = 2"
    city = stating(city.path, f'{database.stated}\nquery = "{query}"\nwatermark = "changed"')
    assert sound(city).rows == 1
    assert kinds(city) == {1: "kiosk", 2: "x"}
