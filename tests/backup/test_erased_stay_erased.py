"""Whoever was erased is nowhere in a city that was restored from before: not in any file of it."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from cityloom.backup.keys import read_identities
from cityloom.backup.restore import Asked, Restored, restore
from cityloom.backup.take import back_up
from cityloom.city import City
from cityloom.erasures import Erasures
from cityloom.errors import UsageError
from tests.backup.conftest import with_backups
from tests.cities import column, contract_text, new_city, quarantined, rows
from tests.readers.test_layer_reader import write
from tests.test_derive import Town, town  # noqa: F401 - the fixture

ANN = "Ann-Ästhetik-安"
VISIT = contract_text("visit", [column("who"), column("minutes", "integer")])
LIST = contract_text("list", [column("who", key=1)], "snapshot")
COPYING = """
    def visit_copy(visit: Table) -> Table:
        return visit.select("who", "minutes")
"""


def holding(folder: Path, text: str = ANN) -> list[str]:
    """The files of a folder that hold a text, as bytes or as a value of Parquet."""
    found = []
    for path in (path for path in folder.rglob("*") if path.is_file()):
        content = path.read_bytes()
        if path.suffix == ".parquet" and "_delta_log" not in path.parts:
            content += str(pq.read_table(path).to_pylist()).encode()
        escaped = json.dumps(text)[1:-1].encode()
        if text.encode() in content or escaped in content:
            found.append(str(path.relative_to(folder)))
    return found


@pytest.fixture
def saved(town: Town) -> Town:  # noqa: F811
    """A city with someone in rows, refused rows, raw text, derived rows, the past and the inbox."""
    town.receives(visit=VISIT, list=LIST)
    town.makes(visit_copy=[column("who"), column("minutes", "integer")])
    town.by(COPYING)
    town.delivers("visit", "a", {"who": ANN, "minutes": 1}, {"who": "Bob", "minutes": 2},
                  {"who": ANN, "minutes": "x"}, {"who": "Eve", "minutes": "y"})  # fmt: skip
    town.delivers("list", "1", {"who": ANN}, {"who": "Bob"})
    broken = town.city.path / "inbox" / "visit" / "b.csv"
    broken.write_text(f'who,minutes\n"{ANN}"x,3\nBob,4\n', encoding="utf-8")
    town.weave()
    town.delivers("list", "2", {"who": "Bob"})
    town.weave()
    with_backups(town.city.path, town.folder / "key")
    town.delivers("visit", "later", {"who": ANN, "minutes": 9}, {"who": "Cid", "minutes": 10})
    back_up(City.open(town.city.path), town.folder / "backups")
    return town


def restored(town: Town, backups: str = "backups") -> Restored:  # noqa: F811
    keys = read_identities(town.folder / "key")
    return restore(town.folder / backups, town.folder / "r", keys)


def erase(town: Town) -> None:  # noqa: F811
    town.weave()
    for name in ("visit", "list"):
        City.open(town.city.path).erase(name, "who", ANN)


def test_the_city_holds_them_before_and_in_all_places(saved: Town) -> None:
    done = restored(saved)
    assert done.again.erasures == 0
    places = {path.rpartition("/")[0] for path in holding(saved.folder / "r")}
    assert places >= {
        "lake/visit", "lake/list", "lake/visit_copy", "lake/_quarantine/visit",
        "inbox/visit", "inbox/list",
    }  # fmt: skip


def test_the_erased_are_absent_everywhere_and_nothing_else_is_lost(saved: Town) -> None:
    erase(saved)
    done = restored(saved)
    assert holding(saved.folder / "r") == []
    city = City.open(saved.folder / "r")
    assert sorted(row["who"] for row in rows(city, "visit")) == ["Bob", "Bob", "Cid"]
    assert sorted(row["who"] for row in rows(city, "visit_copy")) == ["Bob", "Bob", "Cid"]
    assert [row.values for row in quarantined(city, "visit")] == ['{"who":"Eve","minutes":"y"}']
    for table in (city.kept(name) for name in ("visit", "list", "visit_copy")):
        assert table.versions() == {table.latest_version()}
    assert [step for step in city.plan() if step.kind != "derive"] == []
    assert done.again.erasures == 2
    assert done.again.rows == 4
    assert done.again.not_received == []
    assert sorted(done.again.files_left_out) == [
        "inbox/list/1.ndjson", "inbox/list/2.ndjson",
        "inbox/visit/a.ndjson", "inbox/visit/b.csv", "inbox/visit/later.ndjson",
    ]  # fmt: skip


def test_a_restored_city_remembers_and_a_backup_of_it_needs_no_more_erasing(saved: Town) -> None:
    erase(saved)
    keys = read_identities(saved.folder / "key")
    restore(saved.folder / "backups", saved.folder / "r", keys)
    back_up(City.open(saved.folder / "r"), saved.folder / "backups")
    done = restore(saved.folder / "backups", saved.folder / "again", keys)
    assert done.again.erasures == 0
    assert holding(saved.folder / "again") == []


def test_one_who_comes_again_after_an_erasure_stays_in_later_backups(saved: Town) -> None:
    erase(saved)
    for path in (saved.city.path / "inbox").rglob("*.*"):
        path.unlink()
    saved.delivers("visit", "new", {"who": ANN, "minutes": 30})
    saved.weave()
    back_up(City.open(saved.city.path), saved.folder / "backups")
    restored(saved)
    found = [row["minutes"] for row in rows(City.open(saved.folder / "r"), "visit")]
    assert sorted(found) == [2, 4, 10, 30]


def test_an_erasure_is_known_to_the_backups_before_its_rows_go(
    saved: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cityloom.erasure.erase_rows", cut_off)
        with pytest.raises(KeyboardInterrupt):
            City.open(saved.city.path).erase("visit", "who", ANN)
    done = restored(saved)
    assert done.again.erasures == 1
    assert not [path for path in holding(saved.folder / "r") if "visit" in path]


def test_a_backup_made_amid_an_erasure_does_not_take_it_for_done(
    saved: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save_first(city: City, *rest: str) -> tuple[int, int]:
        back_up(City.open(city.path), saved.folder / "backups")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("cityloom.erasure.erase_rows", save_first)
        with pytest.raises(KeyboardInterrupt):
            City.open(saved.city.path).erase("visit", "who", ANN)
    done = restored(saved)
    assert done.again.erasures == 1
    assert not [path for path in holding(saved.folder / "r") if "visit" in path]


def test_an_erasure_that_was_cut_off_is_done_with_the_next_of_the_same_value(
    saved: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(*_: object) -> None:
        raise KeyboardInterrupt

    city = City.open(saved.city.path)
    with monkeypatch.context() as patch:
        patch.setattr("cityloom.erasure.erase_rows", cut_off)
        for name in (ANN, "Bob"):
            with pytest.raises(KeyboardInterrupt):
                city.erase("visit", "who", name)
    assert city.erasures.done() == set()
    city.erase("visit", "who", ANN)
    found = city.erasures.all()
    assert [name in city.erasures.done() for name in found] == [True, False, True]


def test_an_offline_copy_needs_the_record_handed_over(saved: Town) -> None:
    from shutil import copytree

    offline = saved.folder / "offline"
    copytree(saved.folder / "backups", offline)
    erase(saved)
    keys = read_identities(saved.folder / "key")
    restore(offline, saved.folder / "without", keys)
    assert holding(saved.folder / "without")
    for given in (saved.city.path / "erasures.ndjson", saved.folder / "backups"):
        path = saved.folder / f"with-{given.name}"
        restore(offline, path, keys, Asked(erasures=given))
        assert holding(path) == []
    with pytest.raises(UsageError, match="no record of erasures"):
        restore(offline, saved.folder / "x", keys, Asked(erasures=saved.folder / "nothing"))
    with pytest.raises(UsageError, match="not a record of an erasure"):
        restore(offline, saved.folder / "x", keys, Asked(erasures=saved.folder / "key"))


def test_folders_of_backups_that_are_away_are_told_of(saved: Town) -> None:
    (saved.folder / "backups").rename(saved.folder / "unplugged")
    report = City.open(saved.city.path).erase("visit", "who", "Bob")
    assert report.unreached == [saved.folder / "backups"]
    (saved.folder / "unplugged").rename(saved.folder / "backups")
    back_up(City.open(saved.city.path), saved.folder / "backups")
    assert City.open(saved.city.path).erase("visit", "who", "Eve").unreached == []


def test_the_record_does_not_say_who_was_erased(saved: Town) -> None:
    erase(saved)
    text = (saved.city.path / "erasures.ndjson").read_bytes()
    assert ANN.encode() not in text
    assert json.dumps(ANN)[1:-1].encode() not in text
    record = Erasures(saved.city.path / "erasures.ndjson")
    assert [item.dataset for item in record.all().values()] == ["visit", "list"]
    assert record.done() == set(record.all())


def test_a_record_that_was_cut_off_goes_on(saved: Town) -> None:
    erase(saved)
    path = saved.city.path / "erasures.ndjson"
    before = Erasures(path).all()
    with open(path, "ab") as file:
        file.write(b'{"id": "half')
    assert Erasures(path).all() == before
    City.open(saved.city.path).erase("visit", "who", "Bob")
    assert len(Erasures(path).all()) == len(before) + 1
    path.write_bytes(path.read_bytes().replace(b'"id"', b'"xx"', 1).replace(b"{", b"[", 1))
    with pytest.raises(UsageError, match="line 1: not a record of an erasure"):
        Erasures(path).all()


def test_what_cannot_be_received_again_is_named(saved: Town) -> None:
    (saved.city.path / "inbox" / "visit" / "odd.csv").write_text("nothing,known\n1,2\n")
    back_up(City.open(saved.city.path), saved.folder / "backups")
    erase(saved)
    done = restored(saved)
    (said,) = done.again.not_received
    assert said.startswith("inbox/visit/odd.csv: ")
    assert holding(saved.folder / "r") == []


def test_a_table_that_no_contract_claims_is_left_out(saved: Town) -> None:
    erase(saved)
    contract = saved.city.path / "contracts" / "list.odcs.yaml"
    text = contract.read_text()
    contract.unlink()
    back_up(City.open(saved.city.path), saved.folder / "other")
    contract.write_text(text)
    City.open(saved.city.path).erase("list", "who", "Bob")
    done = restore(
        saved.folder / "other", saved.folder / "r", read_identities(saved.folder / "key")
    )
    assert "lake/list" in done.again.tables_left_out
    assert not (saved.folder / "r" / "lake" / "list").exists()


def test_what_derives_from_it_and_cannot_be_made_refuses_the_restore(saved: Town) -> None:
    erase(saved)
    saved.by(COPYING.replace('return visit.select("who", "minutes")', 'raise ValueError("no")'))
    assert saved.city  # which reads the module anew
    with pytest.raises(UsageError, match="visit_copy could not be made again and still holds"):
        restored(saved)
    assert not (saved.folder / "r").exists()
    assert [path.name for path in saved.folder.iterdir() if path.name.startswith(".")] == []


def test_the_erased_are_in_no_part_of_a_shapefile(tmp_path: Path) -> None:
    person = [column("name", key=1), column("geometry", "object", physicalType="POINT")]
    city = new_city(tmp_path / "city", {"person": contract_text("person", person)}).path
    write(city / "inbox" / "person.shp", {"name": [ANN, "Bob", "Cid"]})
    with_backups(city, tmp_path / "key")
    City.open(city).weave()
    back_up(City.open(city), tmp_path / "backups")
    erased = City.open(city).erase("person", "name", ANN)
    parts = {f"person{suffix}" for suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg")}
    assert {path.name for path in erased.delivered} == parts
    done = restore(tmp_path / "backups", tmp_path / "r", read_identities(tmp_path / "key"))
    assert {Path(name).name for name in done.again.files_left_out} == parts
    assert holding(tmp_path / "r") == []
    assert [row["name"] for row in rows(City.open(tmp_path / "r"), "person")] == ["Bob", "Cid"]
