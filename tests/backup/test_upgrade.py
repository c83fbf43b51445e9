"""A city that an earlier cityloom made is brought up to date, with nothing lost, and back."""

import json
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityloom.city import City
from cityloom.cli import _app
from cityloom.errors import CityLocked, UsageError
from cityloom.lock import writer_lock
from cityloom.settings import FORMAT, Settings, read_settings
from cityloom.store import open_store
from cityloom.upgrade import STEPS, aside, format_of, plan, roll_back, upgrade
from tests.cities import digests, quarantined
from tests.faults.scene import copied

OLD = Path(__file__).parents[1] / "old_cities"


@pytest.fixture(params=range(1, FORMAT))
def old(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A city of each earlier format, as the cityloom of its time left it."""
    with tarfile.open(OLD / f"format_{request.param}.tar.xz") as archive:
        archive.extractall(tmp_path, filter="data")
    return tmp_path / "harbour"


def told(city: Path) -> dict[str, object]:
    """What the cityloom of its time said of an old city."""
    found: dict[str, object] = json.loads((OLD / f"format_{format_of(city)}.json").read_text())
    return found


def seen(path: Path) -> dict[str, object]:
    city = City.open(path)
    return {
        "digests": digests(city),
        "runs": [
            [r.dataset, r.kind, r.source, r.version, r.rows_read, r.rows_kept,
             r.rows_quarantined, r.error]
            for r in city.runs()
        ],
        "versions": {name: sorted(city.kept(name).versions()) for name in city.contracts},
        "ledger": city.ledger.verify(),
        "refused": {
            name: [[r.delivery, r.ordinal, r.values, r.raw, list(r.messages)]
                   for r in quarantined(city, name)]
            for name in city.contracts
        },
    }  # fmt: skip


def content(city: Path) -> dict[str, bytes]:
    """All files of a city but what an open store or lock may leave beside."""
    passing = (".lock", "store.sqlite-wal", "store.sqlite-shm")
    paths = (path for path in city.rglob("*") if path.is_file() and path.name not in passing)
    return {str(path.relative_to(city)): path.read_bytes() for path in paths}


def test_there_is_a_step_from_every_earlier_format() -> None:
    assert set(STEPS) == set(range(1, FORMAT))
    assert {f"format_{number}.tar.xz" for number in STEPS} <= {p.name for p in OLD.iterdir()}


def test_opening_an_old_city_says_how_to_upgrade_it(old: Path) -> None:
    with pytest.raises(UsageError, match=f"bring it up to date with: cityloom upgrade {old}"):
        City.open(old)


def test_a_dry_run_says_what_would_change_and_changes_nothing(old: Path) -> None:
    before = content(old)
    changes = plan(old)
    assert [(change.before, change.after) for change in changes][-1][1] == FORMAT
    assert all(change.what for change in changes)
    assert content(old) == before


def test_an_old_city_is_upgraded_with_all_it_holds_and_goes_on(old: Path) -> None:
    expected = told(old)
    assert upgrade(old) == upgrade_again(old)
    found = seen(old)
    assert found == expected
    assert City.open(old).plan() == []
    assert City.open(old).weave() == []
    assert City.open(old).erase("account", "number", "7").rows_kept == 1
    assert upgrade(old) == []


def upgrade_again(old: Path) -> object:
    """What another copy's upgrade says."""
    other = old.with_name("other")
    with tarfile.open(OLD / "format_1.tar.xz") as archive:
        archive.extractall(other, filter="data")
    return upgrade(other / "harbour")


def test_an_upgrade_that_is_rolled_back_leaves_the_city_as_it_was(old: Path) -> None:
    before, number = content(old), format_of(old)
    upgrade(old)
    assert content(old) != before
    for expected in range(FORMAT - 1, number - 1, -1):
        assert roll_back(old) == expected
    after = {k: v for k, v in content(old).items() if not k.startswith(aside.FOLDER)}
    assert after == before
    with pytest.raises(UsageError, match="no upgrade to format"):
        roll_back(old)
    upgrade(old)
    assert City.open(old).plan() == []


def test_what_was_opened_since_is_read_by_an_earlier_cityloom_after_rolling_back(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    earlier = revision(old)
    before = {k: v for k, v in content(old).items() if k != "store.sqlite"}
    upgrade(old)
    opened = City.open(old)
    runs = opened.runs()
    opened.store.dispose()
    assert revision(old) > earlier
    number = roll_back(old)
    after = {k: v for k, v in content(old).items() if not k.startswith(aside.FOLDER)}
    assert {k: v for k, v in after.items() if k != "store.sqlite"} == before
    with monkeypatch.context() as patch:
        patch.setattr("cityloom.store.REVISION", STEPS[number].store)
        open_store(old, "sqlite:///store.sqlite").dispose()
    upgrade(old)
    assert City.open(old).runs() == runs


def revision(city: Path) -> str:
    with closing(sqlite3.connect(city / "store.sqlite")) as store:
        return str(store.execute("SELECT version_num FROM alembic_version").fetchone()[0])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("source VALUES ('s', '', '', '', '', '', '', '', 0)", "sources were pulled"),
        ("account VALUES ('li', '', '', '', '', '', '', 0, '', '')", "accounts were made"),
    ],
)
def test_a_city_with_what_no_earlier_store_can_hold_is_not_rolled_back(
    row: str, words: str, old: Path
) -> None:
    upgrade(old)
    City.open(old).store.dispose()
    with closing(sqlite3.connect(old / "store.sqlite")) as store:
        store.execute(f"INSERT INTO {row}")
        store.commit()
    with pytest.raises(UsageError, match=f"{words} since the upgrade"):
        roll_back(old)
    assert format_of(old) == FORMAT
    assert City.open(old).plan() == []


def test_a_city_that_was_written_to_since_is_not_rolled_back(old: Path) -> None:
    upgrade(old)
    City.open(old).erase("account", "number", "nobody")
    with pytest.raises(UsageError, match="erasures or backups were made since the upgrade"):
        roll_back(old)
    City.open(old).erase("account", "number", "7")
    with pytest.raises(UsageError, match="datasets were written to since the upgrade"):
        roll_back(old)
    assert City.open(old).settings.format == FORMAT


def test_nothing_is_done_while_another_writes(old: Path) -> None:
    before = content(old)
    with writer_lock(old), pytest.raises(CityLocked, match="is writing to this city"):
        upgrade(old)
    assert content(old) == before
    upgrade(old)
    with writer_lock(old), pytest.raises(CityLocked):
        roll_back(old)


def test_what_a_writer_without_an_end_left_is_taken_away_first(old: Path) -> None:
    stray = old / "lake" / "visit" / "part-stray.parquet"
    stray.write_bytes(b"half")
    (old / ".lock").write_text("{}")
    upgrade(old)
    assert not stray.exists()
    assert City.open(old).plan() == []


@pytest.mark.parametrize("work", [upgrade, roll_back])
def test_what_is_interrupted_anywhere_is_done_by_the_same_command(
    work: object, old: Path, tmp_path: Path
) -> None:
    import os

    if work is roll_back:
        upgrade(old)
    truth = copied(old, tmp_path / "truth")
    (upgrade if work is upgrade else roll_back)(truth)
    expected = {k: v for k, v in content(truth).items() if k != "secret" and ".upgrade" not in k}
    events = 0
    for stop in range(1, 60):
        city = copied(old, tmp_path / f"cut-{stop}")
        seen_events = [0]

        def cut(event: str, args: object, limit: int = stop, seen: list[int] = seen_events) -> None:
            seen[0] += 1
            if seen[0] == limit:
                raise KeyboardInterrupt

        with pytest.MonkeyPatch.context() as patch:
            for name in ("replace", "rename", "fsync", "unlink", "link", "mkdir"):
                original = getattr(os, name)

                def wrapped(*args: object, _of: object = original, **more: object) -> object:
                    cut("", args)
                    return _of(*args, **more)  # type: ignore[operator]

                patch.setattr(os, name, wrapped)
            try:
                (upgrade if work is upgrade else roll_back)(city)
                break
            except KeyboardInterrupt:
                events += 1
        if work is upgrade or format_of(city) == FORMAT:
            (upgrade if work is upgrade else roll_back)(city)
        found = {k: v for k, v in content(city).items() if k != "secret" and ".upgrade" not in k}
        assert {k: v for k, v in found.items() if not k.startswith(".")} == expected
        assert read_format(city) == read_format(truth)
    assert events > 5


def read_format(city: Path) -> int:
    return format_of(city)


@pytest.mark.parametrize(
    "text",
    [
        'format = 1\nname = "X"\n',
        'name = "X"\nformat=1 # of old\n\n[backup]\nrecipients = []\n',
        '# format = 7\nname = "format = 3"\nformat = 1',
    ],
)
def test_nothing_but_the_format_is_changed_in_city_toml(text: str, old: Path) -> None:
    (old / "city.toml").write_text(text)
    upgrade(old)
    changed = (old / "city.toml").read_text()
    assert changed == text.replace("format = 1", "format = 2").replace("format=1", "format=2")


def test_a_format_that_no_line_says_is_refused_and_nothing_is_changed(old: Path) -> None:
    (old / "city.toml").write_text('name = "X"\n"format" = 1\n')
    with pytest.raises(UsageError, match="write its format in a line of its own"):
        upgrade(old)
    assert format_of(old) == 1


@pytest.mark.parametrize("stated", ["0", "-1", "true", "99", '"two"'])
def test_a_format_that_is_none_is_refused(stated: str, tmp_path: Path) -> None:
    (tmp_path / "city.toml").write_text(f'name = "X"\nformat = {stated}\n')
    for work in (plan, upgrade, roll_back):
        with pytest.raises(UsageError, match="is not known"):
            work(tmp_path)


def test_a_new_city_has_nothing_to_upgrade(tmp_path: Path) -> None:
    City.create(tmp_path / "city", "New")
    assert plan(tmp_path / "city") == upgrade(tmp_path / "city") == []
    assert read_settings(tmp_path / "city") == Settings(name="New")


def test_the_command_says_what_it_did(old: Path) -> None:
    def said(*words: str) -> str:
        done = CliRunner().invoke(_app(), ["upgrade", str(old), *words])
        assert done.exit_code == 0, done.output
        return done.output

    assert "Would go from format 1 to 2:" in said("--dry-run")
    assert "Went from format 1 to 2:" in said()
    assert "Nothing to do" in said()
    assert "has format 1 again" in said("--rollback")
    assert json.loads(said("--json"))[0]["after"] == 2
