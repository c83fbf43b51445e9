"""What is due is pulled, one at a time; what is late or fails is said."""

import errno
import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cityloom.check import Finding, findings
from cityloom.city import City
from cityloom.cli import _app
from cityloom.errors import StorageError, UsageError
from cityloom.sources import database
from cityloom.sources.drop import Drop
from cityloom.sources.job import Job
from cityloom.sources.schedule import is_due, late_by
from cityloom.sources.state import SourceLog, State
from cityloom.sources.stated import DatabaseSource
from tests.cities import column, contract_text, rows, set_contract
from tests.sources.sites import Sqlite, pulled, pulling_city, sound, stating

CONTRACTS = {"permit": contract_text("permit", [column("id", "integer", key=1)])}
NOW = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def office(tmp_path: Path) -> Sqlite:
    found = Sqlite(tmp_path / "office.db")
    found.execute("CREATE TABLE permit (id INTEGER PRIMARY KEY)", "INSERT INTO permit VALUES (1)")
    return found


def one(name: str, office: Sqlite, more: str = "") -> str:
    return (
        f'[sources.{name}]\nkind = "database"\ndataset = "permit"\n'
        f'url = "sqlite:///{office.path}"\ntable = "permit"\n{more}\n'
    )


def source(every: str | None) -> DatabaseSource:
    return DatabaseSource(
        kind="database", dataset="permit", url="sqlite:///x", table="t",
        every=every,  # type: ignore[arg-type]
    )  # fmt: skip


@pytest.mark.parametrize(
    ("every", "ago", "error", "due"),
    [
        (None, timedelta(0), "", True),
        ("1d", None, "", True),
        ("1d", timedelta(hours=22), "", False),
        ("1d", timedelta(hours=23, minutes=59), "", True),
        ("1d", timedelta(hours=1), "it fails", True),
        ("15min", timedelta(minutes=10), "", False),
        ("15min", timedelta(minutes=15), "", True),
    ],
)
def test_a_source_is_due_once_its_period_has_passed(
    every: str | None, ago: timedelta | None, error: str, due: bool
) -> None:
    at = "" if ago is None else (NOW - ago).isoformat()
    assert is_due(source(every), State("office", pulled=at, error=error), NOW) is due


def test_a_source_is_late_after_two_periods() -> None:
    def late(ago: timedelta) -> timedelta | None:
        state = State("office", pulled=(NOW - ago).isoformat())
        return late_by(source("1d"), state, NOW)

    assert late(timedelta(hours=47)) is None
    assert late(timedelta(hours=49)) == timedelta(hours=49)
    assert late_by(source(None), State("office", pulled="2000-01-01T00:00:00+00:00"), NOW) is None


def test_what_is_due_is_pulled_and_what_is_named_too(office: Sqlite, tmp_path: Path) -> None:
    stated = one("often", office) + one("daily", office, 'every = "1d"')
    city = pulling_city(tmp_path / "city", CONTRACTS, stated)
    assert [found.source for found in city.pull()] == ["often", "daily"]
    assert [found.source for found in city.pull()] == ["often"]
    assert [found.source for found in city.pull(["daily"])] == ["daily"]
    assert [found.source for found in city.pull(every=True)] == ["often", "daily"]
    with pytest.raises(UsageError, match=r"no source 'rare' in city\.toml; known are daily, often"):
        list(city.pull(["rare"]))


def test_one_that_fails_does_not_stop_the_others(office: Sqlite, tmp_path: Path) -> None:
    stated = one("wrong", office).replace("office.db", "gone.db") + one("right", office)
    city = pulling_city(tmp_path / "city", CONTRACTS, stated)
    wrong, right = city.pull()
    assert "gone.db: no such file" in wrong.error
    assert (right.rows, right.error) == (1, "")


FAULTS = {
    "host_key is no key": 'host_key = "ssh-ed25519 AAAAC"',
    "known has a line with no key": 'known_hosts = "known"',
    "its watermarks are of several types": 'table = "mixed"\nwatermark = "changed"',
}
SFTP = 'kind = "sftp"\nhost = "127.0.0.1"\nuser = "u"\n'


@pytest.mark.parametrize("words", FAULTS)
def test_a_fault_of_a_source_is_said_and_stops_no_other(
    words: str, office: Sqlite, tmp_path: Path
) -> None:
    office.execute("CREATE TABLE mixed (id INTEGER, changed)",
                   "INSERT INTO mixed VALUES (1, 7), (2, 'today')")  # fmt: skip
    kind = SFTP if "key" in words else f'kind = "database"\nurl = "sqlite:///{office.path}"\n'
    stated = f'[sources.wrong]\ndataset = "permit"\n{kind}{FAULTS[words]}\n'
    upsert = contract_text("permit", [column("id", "integer", key=1)], "upsert")
    city = pulling_city(tmp_path / "city", {"permit": upsert}, stated + one("right", office))
    (city.path / "known").write_text("127.0.0.1 ssh-ed25519 AAAAC\n")
    wrong, right = city.pull()
    assert words in wrong.error
    assert right.error == ""
    assert SourceLog(city.store).all()["wrong"].error == wrong.error


def test_a_defect_while_a_source_is_pulled_is_its_failure_without_its_secrets(
    office: Sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(job: Job[Any], contract: object) -> None:
        if job.name == "wrong":
            raise RuntimeError(f"cannot enter with {job.reveal(job.source.password)}")
        pull_database(job, contract)

    pull_database: Any = database.pull
    monkeypatch.setattr(database, "pull", fail)
    monkeypatch.setenv("PASSWORD", "open sesame")
    secret = 'password = {env = "PASSWORD"}'
    city = pulling_city(
        tmp_path / "city", CONTRACTS, one("wrong", office, secret) + one("right", office)
    )
    wrong, right = city.pull()
    assert wrong.error == "RuntimeError: cannot enter with •••"
    assert right.error == ""
    assert SourceLog(city.store).all()["wrong"].error == wrong.error


def test_a_full_disk_is_no_failure_of_a_source(
    office: Sqlite, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(database, "pull", fail)
    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office))
    with pytest.raises(StorageError, match="No space left"):
        pulled(city)


def test_a_source_that_is_being_pulled_is_left_alone(office: Sqlite, tmp_path: Path) -> None:
    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office))
    sound(city)
    before = SourceLog(city.store).all()
    with Drop(city.path / "inbox" / "permit" / "office").held():
        assert pulled(city).error == "office is being pulled by another process"
    assert SourceLog(city.store).all() == before
    sound(city)


def test_a_weave_may_go_on_while_a_source_is_pulled(office: Sqlite, tmp_path: Path) -> None:
    from cityloom.lock import writer_lock

    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office))
    with writer_lock(city.path):
        assert sound(city).rows == 1
    with Drop(city.path / "inbox" / "permit" / "office").held():
        City.open(city.path).weave()
    assert [row["id"] for row in rows(city, "permit")] == [1]


def of_sources(city: City) -> list[Finding]:
    return [item for item in findings(City.open(city.path)) if "source" in item.what]


def test_the_check_names_what_fails_is_late_or_feeds_nothing(
    office: Sqlite, tmp_path: Path
) -> None:
    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office, 'every = "1d"'))
    (found,) = of_sources(city)
    assert (found.what, found.serious) == ("source office of permit was never pulled", False)
    sound(city)
    assert of_sources(city) == []
    old = (datetime.now(UTC) - timedelta(days=3)).isoformat()
    SourceLog(city.store).note("office", pulled=old)
    (found,) = of_sources(city)
    assert (found.what, found.serious) == (
        "source office of permit was last pulled 3 days ago", False,
    )  # fmt: skip
    office.execute("DROP TABLE permit")
    assert pulled(city).error
    (found,) = of_sources(city)
    assert found.what.startswith("source office of permit fails: sqlite: no such table: permit")
    assert "cityloom pull office" in found.mend
    assert found.serious
    (city.path / "contracts" / "permit.odcs.yaml").unlink()
    (found,) = of_sources(city)
    assert found.what == "source office feeds 'permit', which is no dataset that is delivered"


def test_a_contract_that_looks_elsewhere_is_told(office: Sqlite, tmp_path: Path) -> None:
    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office))
    columns: list[Any] = [column("id", "integer", key=1)]
    other = contract_text("permit", columns, server={"path": "inbox/permit/*.csv"})
    set_contract(city.path, "permit", other)
    assert "inbox/permit/*.csv, does not match inbox/permit/office/" in pulled(city).error
    csv = contract_text("permit", columns, server={"format": "csv", "path": "inbox/permit"})
    set_contract(city.path, "permit", csv)
    assert "rows are put into the inbox as parquet, so take format out" in pulled(city).error


def run(*words: str) -> Any:
    return CliRunner().invoke(_app(), ["pull", *words])


def test_the_command_says_what_came_of_it(office: Sqlite, tmp_path: Path) -> None:
    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office, 'every = "1d"'))
    at = ("--city", str(city.path))
    done = run(*at)
    assert (done.exit_code, done.output[:34]) == (0, "✓ office → permit: 1 file, 1 row, ")
    assert run(*at).output == "Nothing is due.\n"
    assert run("office", *at).output == "✓ office → permit: nothing new\n"
    (facts,) = json.loads(run("--all", "--json", *at).output)
    assert (facts["source"], facts["files"], facts["error"]) == ("office", 0, "")
    office.path.unlink()
    done = run("--all", *at)
    assert "✗ office → permit: " in done.output
    assert "1 of 1 source failed" in str(done.exception)


def test_erasing_names_the_sources_that_may_bring_the_subject_back(
    office: Sqlite, tmp_path: Path
) -> None:
    other = one("tills", office).replace('dataset = "permit"', 'dataset = "till"')
    till = contract_text("till", [column("id", "integer", key=1)])
    stated = one("office", office) + one("branch", office) + other
    city = pulling_city(tmp_path / "city", CONTRACTS | {"till": till}, stated)
    sound(city, "office")
    City.open(city.path).weave()
    asked = ("--city", str(city.path))
    told = CliRunner().invoke(_app(), ["erase", "permit", "id", "1", *asked]).output.splitlines()
    named = [line.partition(" may bring it back")[0] for line in told if "pull" in line]
    assert named == ["! the next pull of source office", "! the next pull of source branch"]
    sound(city, "office")
    told = CliRunner().invoke(_app(), ["erase", "permit", "id", "7", *asked]).output.splitlines()
    assert told == ["Nothing found with id 7; nothing was changed."]


def test_the_city_opens_without_the_libraries_of_sources(tmp_path: Path) -> None:
    city = City.create(tmp_path / "city", "Test").path
    stating(
        city, '[sources.a]\nkind = "sftp"\ndataset = "t"\nhost = "h"\nuser = "u"\nhost_key = "k"'
    )
    code = (
        "import sys\nfrom cityloom.city import City\n"
        f"City.open({str(city)!r}).datasets()\n"
        "print(sorted({'paramiko', 'httpx', 'pymysql', 'psycopg', 'oracledb'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_a_killed_pull_leaves_no_half_file_after_the_next(office: Sqlite, tmp_path: Path) -> None:
    city = pulling_city(tmp_path / "city", CONTRACTS, one("office", office))
    folder = city.path / "inbox" / "permit" / "office"
    folder.mkdir(parents=True)
    (folder / ".pulling-rows.parquet").write_bytes(b"half")
    City.open(city.path).weave()
    assert rows(city, "permit") == []
    sound(city)
    assert sorted(path.name for path in folder.iterdir()) == [".lock", "rows.parquet"]
