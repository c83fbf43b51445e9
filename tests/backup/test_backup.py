"""A backup holds the city as it was at one moment, whoever was at work, and writes what is new."""

import json
import os
import shutil
import stat
from pathlib import Path
from typing import Any

import pytest

from cityloom.backup.keys import new_key, read_identities
from cityloom.backup.record import lateness, made_backups
from cityloom.backup.seal import seal
from cityloom.backup.snapshot import _settled
from cityloom.backup.take import back_up
from cityloom.backup.target import Target
from cityloom.check import findings
from cityloom.city import City
from cityloom.errors import CityLocked, StorageError, UsageError
from cityloom.ledger.publish import last_published, publish, published_heads
from cityloom.lock import writer_lock
from tests.backup.conftest import Saved, truth, with_backups
from tests.cities import TESTER, column, contract_text, csv_bytes, digests, new_city
from tests.faults.scene import CONTRACTS, VISIT, third_act
from tests.readers.test_layer_reader import write


def blobs(target: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (target / "blobs").glob("*/*")}


def test_a_city_comes_back_with_its_past_and_goes_on(saved: Saved) -> None:
    saved.city.read("district", TESTER).read_all()
    before = truth(saved.city)
    entries = saved.city.ledger.verify()
    taken = saved.back_up()
    done = saved.restore()
    assert saved.restored().ledger.verify() == entries > 0
    assert saved.restored().ledger.head() == saved.city.ledger.head()
    assert (saved.folder / "restored" / "ledger.head").exists()
    assert (done.backup, done.files, done.size) == (taken.id, taken.files, taken.size)
    assert truth(saved.restored()) == before
    third_act(saved.folder / "restored")
    third_act(saved.folder / "city")
    saved.restored().weave()
    saved.city.weave()
    assert digests(saved.restored()) == digests(saved.city)


def test_a_past_that_begins_with_an_erasure_comes_back(saved: Saved) -> None:
    saved.city.erase("account", "number", "55")
    inbox = saved.folder / "city" / "inbox"
    (inbox / "account" / "2.csv").write_bytes(csv_bytes(("number", "balance"), [(1, 2)]))
    third_act(saved.folder / "city")
    saved.city.weave()
    table = saved.city.kept("account")
    assert set(table.files(table.oldest_version())) - set(table.files())
    before = truth(saved.city)
    saved.back_up()
    saved.restore()
    assert truth(saved.restored()) == before
    assert before["missing"] == []


def test_what_is_not_received_yet_is_received_from_the_restored_city(saved: Saved) -> None:
    third_act(saved.folder / "city")
    saved.back_up()
    saved.restore()
    assert [(s.kind, s.dataset) for s in saved.restored().plan()][:1] == [("receive", "district")]
    saved.restored().weave()
    saved.city.weave()
    assert digests(saved.restored()) == digests(saved.city)


def test_names_that_are_not_utf_8_and_empty_files_come_back(saved: Saved) -> None:
    inbox = saved.folder / "city" / "inbox"
    odd = os.fsdecode("区划.txt".encode("gbk"))
    (inbox / odd).write_bytes(b"")
    saved.back_up()
    saved.restore()
    assert (saved.folder / "restored" / "inbox" / odd).read_bytes() == b""


def test_what_an_earlier_backup_holds_is_not_written_again(saved: Saved) -> None:
    saved.back_up()
    first = blobs(saved.target)
    third_act(saved.folder / "city")
    again = saved.back_up()
    second = blobs(saved.target)
    assert first.items() <= second.items()
    assert sum(len(second[name]) for name in second.keys() - first.keys()) == again.written
    names = set(Target.opened(saved.target).backups()[-1].blobs)
    kept = len(names & first.keys())
    assert kept > len(names) / 2


def test_a_ledger_that_grew_is_written_from_where_it_grew(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.backup.take.PART", 512)
    ledger = saved.folder / "city" / "ledger.ndjson"
    city = saved.city
    while not ledger.exists() or ledger.stat().st_size < 2_500:
        city.read("district", TESTER).read_all()
    saved.back_up()
    city.read("district", TESTER).read_all()
    saved.back_up()
    keys = read_identities(saved.key)
    target = Target.opened(saved.target)
    parts = [
        [part.blob for part in file.parts]
        for index in target.backups()
        for file in target.manifest(index, keys).files
        if file.path == "ledger.ndjson"
    ]
    assert len(parts[0]) > 4
    assert parts[0][:-1] == parts[1][: len(parts[0]) - 1]
    saved.restore()
    assert (saved.folder / "restored" / "ledger.ndjson").read_bytes() == ledger.read_bytes()


def test_a_ledger_that_is_written_to_meanwhile_is_saved_with_the_head_of_its_last_entry(
    saved: Saved,
) -> None:
    saved.city.read("district", TESTER).read_all()
    entries = saved.city.ledger.verify()

    def read(path: str, done: int, total: int) -> None:
        saved.city.read("district", TESTER).read_all()

    back_up(saved.city, saved.target, on_file=read)
    assert saved.city.ledger.verify() > entries + 2
    saved.restore()
    ledger = saved.restored().ledger
    assert (ledger.verify(), ledger.unsettled()) == (entries, None)


def test_a_restored_city_remembers_what_was_published_and_is_held_to_it(saved: Saved) -> None:
    with open(saved.folder / "city" / "city.toml", "a") as file:
        file.write('\n[ledger]\npublish = "../heads.ndjson"\n')
    saved.city.read("district", TESTER).read_all()
    publish(saved.city)
    entries = saved.back_up() and saved.city.ledger.verify()
    saved.restore()
    heads = published_heads(saved.restored(), "../heads.ndjson")
    assert last_published(saved.restored()) == heads[0]
    assert saved.restored().ledger.verify(heads) == entries
    saved.city.read("district", TESTER).read_all()
    publish(saved.city)
    with pytest.raises(UsageError, match="cut off here; the head published"):
        saved.restored().ledger.verify(published_heads(saved.city, "../heads.ndjson"))


def test_a_backup_is_taken_while_a_writer_holds_the_city(saved: Saved) -> None:
    before = digests(saved.city)
    with writer_lock(saved.folder / "city"):
        saved.back_up()
    saved.restore()
    assert digests(saved.restored()) == before


def test_what_is_committed_while_a_backup_runs_is_in_the_next(saved: Saved) -> None:
    before = truth(saved.city)
    third_act(saved.folder / "city")
    woven = []

    def weave_at_once(path: str, done: int, total: int) -> None:
        if not woven:
            woven.extend(saved.city.weave())

    (saved.folder / "city" / "inbox" / "district" / "2.csv").rename(saved.folder / "2.csv")
    assert truth(saved.city) == before
    (saved.folder / "2.csv").rename(saved.folder / "city" / "inbox" / "district" / "2.csv")
    back_up(saved.city, saved.target, on_file=weave_at_once)
    assert woven
    saved.restore()
    found = saved.restored()
    assert digests(found) == before["digests"]
    assert found.runs() == before["runs"]
    found.weave()
    assert digests(found) == digests(saved.city)


def test_an_erasure_while_a_backup_runs_lets_it_begin_anew(saved: Saved) -> None:
    erased = []

    def erase_at_once(path: str, done: int, total: int) -> None:
        if not erased and path.startswith("lake/account"):
            erased.append(saved.city.erase("account", "number", "55"))

    back_up(saved.city, saved.target, on_file=erase_at_once)
    assert erased
    done = saved.restore()
    assert digests(saved.restored()) == digests(saved.city)
    assert done.again.rows == 0


def test_nothing_of_a_city_can_be_read_where_its_backups_lie(saved: Saved) -> None:
    saved.city.erase("account", "number", "55")
    taken = saved.back_up()
    files = {path: path.read_bytes() for path in saved.target.rglob("*") if path.is_file()}
    shown = b"".join(files.values()) + "\n".join(map(str, files)).encode()
    for word in (b"account", b"visit", "东".encode(), b"PAR1", b"SQLite", b"number", b"Test"):
        assert word not in shown
    index = json.loads((saved.target / "backups" / f"{taken.id}.json").read_bytes())
    assert set(index) == {"id", "at", "files", "size", "written", "blobs", "erased", "format"}


def test_other_recipients_get_blobs_of_their_own(saved: Saved) -> None:
    saved.back_up()
    toml = saved.folder / "city" / "city.toml"
    toml.write_text(toml.read_text().partition("[backup]")[0])
    with_backups(saved.folder / "city", saved.folder / "other")
    before = set(blobs(saved.target))
    saved.back_up()
    assert not before & set(Target.opened(saved.target).backups()[-1].blobs)
    old = read_identities(saved.key)
    target = Target.opened(saved.target)
    with pytest.raises(UsageError, match="not encrypted to this key"):
        target.manifest(target.backups()[-1], old)


def test_old_backups_go_and_what_they_share_stays(saved: Saved) -> None:
    ids = [saved.back_up().id for _ in range(3)]
    taken = saved.back_up(keep=2)
    assert taken.removed == ids[:2]
    target = Target.opened(saved.target)
    assert [index.id for index in target.backups()] == [ids[2], taken.id]
    assert set(blobs(saved.target)) == {b for index in target.backups() for b in index.blobs}
    saved.restore()
    assert digests(saved.restored()) == digests(saved.city)


def test_backups_that_hold_the_erased_are_removed_when_asked(saved: Saved) -> None:
    saved.back_up()
    old = set(blobs(saved.target))
    saved.city.erase("account", "number", "55")
    taken = saved.back_up(prune_erased=True)
    (index,) = Target.opened(saved.target).backups()
    assert index.id == taken.id
    assert set(blobs(saved.target)) == set(index.blobs)
    assert old - set(index.blobs)


def test_received_files_are_left_out_where_the_city_says_so(saved: Saved) -> None:
    with open(saved.folder / "city" / "city.toml", "a") as file:
        file.write("received = false\n")
    third_act(saved.folder / "city")
    saved.back_up()
    saved.restore()
    files = [p.name for p in (saved.folder / "restored" / "inbox").rglob("*") if p.is_file()]
    assert files == ["2.csv"]
    saved.restored().weave()
    saved.city.weave()
    assert digests(saved.restored()) == digests(saved.city)


# What is refused


def test_a_city_that_names_no_recipients_is_told_how(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", CONTRACTS)
    with pytest.raises(UsageError, match=r"does not say for whom .* --new-key"):
        back_up(city, tmp_path / "backups")


def test_a_recipient_that_is_no_key_is_named(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", CONTRACTS).path
    with open(city / "city.toml", "a") as file:
        file.write('[backup]\nrecipients = ["age1nonsense"]\n')
    with pytest.raises(UsageError, match=r"backup\.recipients: .* number 1 is no public key"):
        City.open(city)


@pytest.mark.parametrize("place", ["city/backups", ".", "city"])
def test_backups_cannot_lie_in_the_city_or_around_it(saved: Saved, place: str) -> None:
    with pytest.raises(UsageError, match="cannot lie in it or around it"):
        back_up(saved.city, saved.folder / place)


def test_a_folder_of_something_else_or_of_another_city_is_refused(saved: Saved) -> None:
    other = saved.folder / "elsewhere"
    other.mkdir()
    (other / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        back_up(saved.city, other)
    saved.back_up()
    second = new_city(saved.folder / "second", CONTRACTS).path
    with_backups(second, saved.folder / "second-key")
    with pytest.raises(UsageError, match="of another city"):
        back_up(City.open(second), saved.target)


def test_two_backups_at_once_are_not_made(saved: Saved) -> None:
    saved.back_up()
    with (
        Target.opened(saved.target).held(),
        pytest.raises(CityLocked, match="another backup is at work"),
    ):
        saved.back_up()


@pytest.mark.parametrize("place", ["city/key2", "city/inbox/key2", "backups/key2"])
def test_a_private_key_is_not_made_in_the_city_or_among_backups(saved: Saved, place: str) -> None:
    saved.back_up()
    with pytest.raises(UsageError, match="may not lie in a city or among backups"):
        new_key(saved.folder / place)
    assert not (saved.folder / place).exists()


def test_a_private_key_is_for_its_owner_alone_and_never_written_over(saved: Saved) -> None:
    assert stat.S_IMODE(saved.key.stat().st_mode) == 0o600
    before = saved.key.read_bytes()
    with pytest.raises(UsageError, match="there is a file already"):
        new_key(saved.key)
    assert saved.key.read_bytes() == before


def test_a_private_key_in_the_city_stops_the_backup(saved: Saved) -> None:
    (saved.folder / "city" / "contracts" / "notes.txt").write_bytes(saved.key.read_bytes())
    with pytest.raises(UsageError, match=r"notes\.txt holds a private key"):
        saved.back_up()


def test_a_damaged_data_file_is_named_and_no_backup_is_made(saved: Saved) -> None:
    file = saved.city.kept("account").files()[0]
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(UsageError, match=f"{file.name} is damaged"):
        saved.back_up()
    assert Target.opened(saved.target).backups() == []


# What is remembered


def test_check_says_that_a_backup_is_missing_or_late(saved: Saved) -> None:
    def said() -> list[str]:
        return [item.what for item in findings(saved.city) if "backup" in item.what]

    assert said() == ["no backup was ever made"]
    saved.back_up()
    assert said() == []
    made = saved.folder / "city" / "backups.ndjson"
    (line,) = made_backups(saved.city.path)
    made.write_text(made.read_text().replace(line.at, "2024-01-01T00:00:00+00:00"))
    (late,) = said()
    assert late.startswith("the last backup is ")
    assert late.endswith("of 2024-01-01T00:00")


def test_a_city_that_wants_no_backups_is_not_told_of_them(tmp_path: Path) -> None:
    assert lateness(new_city(tmp_path / "city", CONTRACTS)) == ""


def test_a_file_that_grows_while_it_is_saved_does_not_stop_the_backup(saved: Saved) -> None:
    path = saved.folder / "city" / "inbox" / "visit" / "c.csv"
    path.write_bytes(csv_bytes(VISIT, [(1000, "", 5)]))

    def grow(name: str, done: int, total: int) -> None:
        if name.endswith("c.csv"):
            with open(path, "ab") as file:
                file.write(b"1001,,6\n")

    back_up(saved.city, saved.target, on_file=grow)
    saved.restore()
    assert b"1000" in (saved.folder / "restored" / "inbox" / "visit" / "c.csv").read_bytes()


@pytest.mark.parametrize("lost", [[""], ["{}"]])
def test_a_city_without_its_tables_is_not_backed_up_and_costs_no_earlier_backup(
    saved: Saved, lost: list[str]
) -> None:
    saved.back_up()
    dataset = next(iter(saved.city.received))
    shutil.rmtree(saved.city.path / "lake" / lost[0].format(dataset))
    with pytest.raises(StorageError, match="lake"):
        saved.back_up(keep=1)
    assert saved.restore().tables


def test_a_key_is_made_in_any_folder_that_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert new_key(Path("my.key")).startswith("age1")
    with pytest.raises(UsageError, match="there is no folder none"):
        new_key(Path("none/my.key"))


# Shapefiles, links and what else is delivered


@pytest.fixture
def mapped(saved: Saved) -> Saved:
    """The city with a Shapefile in its inbox, received."""
    place = [column("name", key=1), column("geometry", "object", physicalType="POINT")]
    contract = saved.folder / "city" / "contracts" / "place.odcs.yaml"
    contract.write_text(contract_text("place", place), encoding="utf-8")
    write(saved.folder / "city" / "inbox" / "place.shp", {"name": ["a", "b", "c"]})
    saved.city.weave()
    return saved


def test_a_shapefile_that_is_saved_already_is_not_sealed_again(
    mapped: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    sealed = []

    def noted(file: Any, *rest: Any) -> Any:
        sealed.append(str(getattr(file, "name", "")))
        return seal(file, *rest)

    monkeypatch.setattr("cityloom.backup.take.seal", noted)
    mapped.back_up()
    assert [name for name in sealed if name.endswith(".shp")]
    sealed.clear()
    mapped.back_up()
    assert [name for name in sealed if "/inbox/" in name] == []
    mapped.restore()
    assert mapped.restored().plan() == []


def test_a_received_shapefile_is_left_out_with_all_its_parts(mapped: Saved) -> None:
    with open(mapped.folder / "city" / "city.toml", "a") as file:
        file.write("received = false\n")
    mapped.back_up()
    mapped.restore()
    assert list((mapped.folder / "restored" / "inbox").glob("place.*")) == []


def test_what_a_weave_receives_amid_a_backup_is_not_taken_for_saved(
    saved: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(saved.folder / "city" / "city.toml", "a") as file:
        file.write("received = false\n")
    third_act(saved.folder / "city")
    woven = []

    def weave_after(city: City) -> Any:
        versions = _settled(city)
        woven.extend(saved.city.weave())
        return versions

    monkeypatch.setattr("cityloom.backup.snapshot._settled", weave_after)
    saved.back_up()
    assert woven
    saved.restore()
    saved.restored().weave()
    assert digests(saved.restored()) == digests(saved.city)


def test_links_in_the_inbox_are_named_and_not_followed(saved: Saved) -> None:
    inbox, away = saved.folder / "city" / "inbox", saved.folder / "away"
    away.mkdir()
    (away / "x.csv").write_text("not ours")
    (inbox / "linked.csv").symlink_to(away / "x.csv")
    (inbox / "folder").symlink_to(away)
    (inbox / "dangling").symlink_to(away / "none")
    taken = saved.back_up()
    assert taken.notes == [
        f"left out, since it is a link: inbox/{name}"
        for name in ("dangling", "folder", "linked.csv")
    ]
    saved.restore()
    names = {path.name for path in (saved.folder / "restored" / "inbox").rglob("*")}
    assert not names & {"linked.csv", "folder", "dangling", "x.csv"}


def test_a_linked_folder_elsewhere_in_the_city_stops_the_backup_by_its_name(saved: Saved) -> None:
    link = saved.folder / "city" / "contracts" / "more"
    link.symlink_to(saved.folder)
    with pytest.raises(UsageError, match=f"{link} is a link to a folder"):
        saved.back_up()


def test_what_is_delivered_stops_no_backup_by_looking_like_a_key(saved: Saved) -> None:
    (saved.folder / "city" / "inbox" / "odd.csv").write_bytes(saved.key.read_bytes())
    notes = saved.folder / "city" / "contracts" / "notes.txt"
    notes.write_text("a key begins with\nAGE-SECRET-KEY-1\nAGE-SECRET-KEY-hello\n")
    saved.back_up()
    assert made_backups(saved.city.path)
