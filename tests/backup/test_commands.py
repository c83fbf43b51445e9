"""The commands: what they print for people and for programs, and what they refuse."""

import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cityloom.cli import _app, main
from cityloom.errors import UsageError
from tests.backup.conftest import Saved
from tests.cities import digests


def said(*words: str | Path) -> str:
    done = CliRunner().invoke(_app(), [*map(str, words)], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.stdout


def refused(*words: str | Path) -> str:
    done = CliRunner().invoke(_app(), [*map(str, words)])
    assert isinstance(done.exception, UsageError), done.output
    return str(done.exception)


def test_a_city_goes_and_comes_back_by_the_commands(saved: Saved) -> None:
    city = ("--city", saved.folder / "city")
    (taken,) = json.loads(said("backup", saved.target, *city, "--json"))
    assert taken["written"] > 0
    assert said("backup", saved.target, *city, "--keep", "1").splitlines()[-1].startswith("Removed")
    (listed,) = json.loads(said("backups", saved.target, "--json"))
    assert listed.keys() == {"id", "at", "files", "size", "written", "erased", "format"}
    assert listed["id"] in said("backups", saved.target)
    key = ("--key", saved.key)
    verified = said("restore", saved.target, saved.folder, *key, "--verify-only")
    assert "every hash and digest as saved" in verified
    assert not (saved.folder / "restored").exists()
    (done,) = json.loads(said("restore", saved.target, saved.folder / "restored", *key, "--json"))
    assert done["backup"] == listed["id"]
    assert digests(saved.restored()) == digests(saved.city)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ((), "was not restored: what was written of it is removed"),
        (("--database", "sqlite:///other.db"), "see that the database is empty, then the same"),
        (("--verify-only",), "Stopped verifying. Nothing was left behind"),
    ],
)
def test_ctrl_c_on_a_restore_says_what_is_left(
    more: tuple[str, ...],
    words: str,
    saved: Saved,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    saved.back_up()
    before = sorted(saved.folder.iterdir())
    monkeypatch.setattr("cityloom.backup.fetch._verify_table", interrupted)
    assert ended("restore", saved.target, saved.folder / "r", "--key", saved.key, *more) == 130
    (told,) = capsys.readouterr().err.splitlines()[-1:]
    assert told.startswith("Stopped")
    assert words in told
    assert sorted(saved.folder.iterdir()) == before


def test_ctrl_c_after_a_restore_says_that_the_city_is_whole(
    saved: Saved, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    saved.back_up()
    monkeypatch.setattr("cityloom.backup.restore._restored", interrupted)
    assert ended("restore", saved.target, saved.folder / "r", "--key", saved.key) == 130
    assert "is restored whole; see: cityloom check" in capsys.readouterr().err
    assert digests(saved.restored("r")) == digests(saved.city)


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def ended(*words: str | Path) -> object:
    """The status with which the whole command line ends."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cityloom", *map(str, words)])
        with pytest.raises(SystemExit) as end:
            main()
    return end.value.code


def test_the_folder_that_city_toml_names_is_used_where_none_is_said(saved: Saved) -> None:
    city = ("--city", saved.folder / "city")
    assert "name the folder for backups" in refused("backup", *city)
    with open(saved.folder / "city" / "city.toml", "a", encoding="utf-8") as file:
        file.write('target = "../backups"\n')
    said("backup", *city)
    assert len(json.loads(said("backups", *city, "--json"))) == 1
    assert (saved.target / "cityloom-backups.json").exists()


def test_a_new_key_is_printed_as_city_toml_wants_it(saved: Saved) -> None:
    printed = said("backup", "--new-key", saved.folder / "new", "--city", saved.folder / "city")
    toml = saved.folder / "city" / "city.toml"
    stated = toml.read_text(encoding="utf-8").partition("[backup]")[0]
    toml.write_text(stated + "\n".join(printed.splitlines()[-2:]), encoding="utf-8")
    assert said("backup", saved.target, "--city", saved.folder / "city")
    assert "not encrypted to this key" in refused(
        "restore", saved.target, saved.folder / "r", "--key", saved.key
    )
    assert said("restore", saved.target, saved.folder / "r", "--key", saved.folder / "new")


def test_someone_erased_is_told_of_when_an_older_backup_is_restored(saved: Saved) -> None:
    said("backup", saved.target, "--city", saved.folder / "city")
    saved.target.rename(saved.folder / "away")
    told = said("erase", "account", "number", "55", "--city", saved.folder / "city")
    assert f"! not yet known to the backups in {saved.target}" in told
    (saved.folder / "away").rename(saved.target)
    record = ("--erasures", saved.folder / "city" / "erasures.ndjson")
    done = said("restore", saved.target, saved.folder / "r", "--key", saved.key, *record)
    assert "Erased again: 1 erasure is newer than the backup; 1 row was taken out" in done
    assert "! left out, since it may hold someone erased: inbox/account/2.csv" in done


@pytest.mark.parametrize("keep", ["0", "-1"])
def test_keeping_no_backup_is_refused(saved: Saved, keep: str) -> None:
    words = ["backup", str(saved.target), "--keep", keep]
    assert CliRunner().invoke(_app(), words).exit_code == 2
