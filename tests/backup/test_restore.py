"""A restored city is whole or not there; what is wrong with a backup is said in words."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cityloom.backup.keys import new_key, read_identities
from cityloom.backup.restore import Asked, restore, verify
from cityloom.backup.seal import seal, unseal
from cityloom.backup.target import Target
from cityloom.errors import StorageError, UsageError
from tests.backup.conftest import Saved
from tests.cities import digests


def around(saved: Saved) -> set[str]:
    return {path.name for path in saved.folder.iterdir()}


def refused(saved: Saved, words: str) -> None:
    """Restoring and verifying are refused alike, and nothing stays of either."""
    before = around(saved)
    with pytest.raises(UsageError, match=words):
        saved.restore()
    with pytest.raises(UsageError, match=words):
        verify(saved.target, read_identities(saved.key), beside=saved.folder)
    assert around(saved) == before


def blob_of(saved: Saved, start: str) -> Path:
    """The blob of the first file whose path begins so."""
    target = Target.opened(saved.target)
    manifest = target.manifest(target.find(None), read_identities(saved.key))
    return next(target.blob(f.parts[0].blob) for f in manifest.files if f.path.startswith(start))


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place] ^= 1
    path.write_bytes(bytes(content))


@pytest.fixture
def backed_up(saved: Saved) -> Saved:
    saved.back_up()
    return saved


def test_another_key_is_said_to_be_another(backed_up: Saved) -> None:
    new_key(backed_up.folder / "wrong")
    before = around(backed_up)
    with pytest.raises(UsageError, match="was not encrypted to this key; take another key"):
        restore(
            backed_up.target, backed_up.folder / "r", read_identities(backed_up.folder / "wrong")
        )
    assert around(backed_up) == before


@pytest.mark.parametrize("content", ["", "# only words\n", "nonsense\n", None])
def test_a_file_without_a_key_is_refused(content: str | None, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "key").write_text(content)
    with pytest.raises(UsageError, match="private key"):
        read_identities(tmp_path / "key")


def test_a_missing_blob_is_named_with_its_file(backed_up: Saved) -> None:
    blob = blob_of(backed_up, "lake/account/part-")
    blob.unlink()
    refused(backed_up, rf"backup .* lacks 1 blob, such as {blob} with lake/account/")


@pytest.mark.parametrize("name", ["store.sqlite", "lake/visit/part-", "lake/visit/_d", "inbox/"])
@pytest.mark.parametrize("place", [3, -1, -40])
def test_a_flipped_bit_is_found_wherever_it_is(backed_up: Saved, name: str, place: int) -> None:
    blob = blob_of(backed_up, name)
    flip(blob, place)
    before = around(backed_up)
    with pytest.raises(UsageError, match=f"{name}.*: {blob} is damaged"):
        backed_up.restore()
    assert around(backed_up) == before


def test_a_cut_blob_and_a_swapped_one_are_found(backed_up: Saved) -> None:
    one, other = blob_of(backed_up, "lake/account/part-"), blob_of(backed_up, "lake/visit/part-")
    content = one.read_bytes()
    one.write_bytes(content[:-20])
    refused(backed_up, f"{one} is damaged")
    one.write_bytes(other.read_bytes())
    refused(backed_up, f"{one} is damaged: it holds something else")
    one.write_bytes(content)
    backed_up.restore()


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: flip(path, -1)])
def test_a_manifest_that_is_hurt_is_named_and_earlier_backups_are_of_use(
    backed_up: Saved, harm: Callable[[Path], None]
) -> None:
    first = Target.opened(backed_up.target).find(None).id
    newest = backed_up.back_up().id
    harm(backed_up.target / "backups" / f"{newest}.age")
    refused(backed_up, rf"{newest}\.age is (missing|damaged)")
    assert backed_up.restore(asked=Asked(backup=first)).backup == first


def test_an_index_that_is_hurt_is_named(backed_up: Saved) -> None:
    (path,) = (backed_up.target / "backups").glob("*.json")
    path.write_text("{}")
    refused(backed_up, f"{path} is damaged")


def forged(saved: Saved, change: Callable[[dict[str, Any]], None]) -> None:
    """Write the newest backup's manifest anew, as whoever knows the public key alone can."""
    import pyrage

    (path,) = (saved.target / "backups").glob("*.age")
    keys = read_identities(saved.key)
    manifest = json.loads(pyrage.decrypt(path.read_bytes(), keys))
    change(manifest)
    public = [pyrage.x25519.Recipient.from_str(str(keys[0].to_public()))]
    path.write_bytes(pyrage.encrypt(json.dumps(manifest).encode(), public))


PLACES = ["../evil", "{folder}/evil", "inbox/../../evil", "./evil", "inbox//evil", "", ".", "a\0b"]


@pytest.mark.parametrize("place", PLACES)
def test_a_forged_manifest_writes_nowhere_but_into_the_city(backed_up: Saved, place: str) -> None:
    path = place.format(folder=backed_up.folder)
    forged(backed_up, lambda manifest: manifest["files"][0].update(path=path))
    refused(backed_up, r"\.age is damaged: .* is no path within a city")


@pytest.mark.parametrize(
    "change",
    [
        lambda manifest: manifest["tables"][0].update(folder="../../city/lake/visit"),
        lambda manifest: manifest["files"][0]["parts"][0].update(blob="../../key"),
        lambda manifest: manifest["files"][0].update(mode=0o4755),
        lambda manifest: manifest["files"][0].update(modified=2**70),
        lambda manifest: manifest.update(id="20260101000000000-abcd"),
    ],
)
def test_nothing_else_that_a_forged_manifest_says_is_followed(
    backed_up: Saved, change: Callable[[dict[str, Any]], None]
) -> None:
    forged(backed_up, change)
    refused(backed_up, r"\.age is damaged")


def test_a_forged_index_has_nothing_removed_elsewhere(backed_up: Saved) -> None:
    (path,) = (backed_up.target / "backups").glob("*.json")
    victim = backed_up.folder / "victim.json"
    victim.write_text("mine")
    path.write_text(json.dumps(json.loads(path.read_text()) | {"id": "../../victim"}))
    backed_up.back_up(keep=1)
    assert victim.read_text() == "mine"


@pytest.mark.parametrize("dataset", ["../../victim", "/", "", 7])
def test_a_forged_erasure_takes_away_nothing_elsewhere(
    backed_up: Saved, dataset: str | int
) -> None:
    victim = backed_up.folder / "victim" / "_delta_log"
    victim.mkdir(parents=True)
    line = {"id": "0" * 32, "at": "", "dataset": dataset, "column": "number", "kept": "",
            "given": "", "length": 1}  # fmt: skip
    target, keys = Target.opened(backed_up.target), read_identities(backed_up.key)
    target.add_erasure("0" * 32, json.dumps(line).encode(), [keys[0].to_public()])
    with pytest.raises(UsageError, match="not a record of erasures"):
        backed_up.restore()
    assert victim.exists()


def test_a_damaged_index_stops_no_other_backup_and_costs_no_blob(backed_up: Saved) -> None:
    (path,) = (backed_up.target / "backups").glob("*.json")
    sound = path.read_bytes()
    path.write_text("{}")
    taken = backed_up.back_up(keep=1)
    assert [note for note in taken.notes if str(path) in note]
    assert (taken.removed, taken.freed) == ([], 0)
    assert backed_up.restore().backup == taken.id
    with pytest.raises(UsageError, match=f"{path} is damaged"):
        backed_up.restore("again", Asked(backup=path.stem))
    path.write_bytes(sound)
    assert backed_up.restore("again", Asked(backup=path.stem)).backup == path.stem


def test_a_table_that_is_not_what_was_saved_is_found(
    backed_up: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.digest._file_digest", lambda *_: "0" * 32)
    refused(backed_up, "lake/account is not what was saved")


def test_nothing_is_restored_over_anything(backed_up: Saved) -> None:
    before = digests(backed_up.city)
    with pytest.raises(UsageError, match="not empty; a city is restored into a folder of its own"):
        backed_up.restore("city")
    (backed_up.folder / "file").write_text("")
    with pytest.raises(UsageError, match="not empty"):
        backed_up.restore("file")
    assert digests(backed_up.city) == before
    (backed_up.folder / "empty").mkdir()
    assert backed_up.restore("empty").path == backed_up.folder / "empty"


def test_verifying_leaves_nothing_behind(backed_up: Saved) -> None:
    before = around(backed_up)
    done = verify(backed_up.target, read_identities(backed_up.key), beside=backed_up.folder)
    assert done.path is None
    assert done.rows > 0
    assert around(backed_up) == before


def test_a_disk_that_is_full_leaves_no_half_of_a_city(
    backed_up: Saved, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    before = around(backed_up)
    with monkeypatch.context() as patch:
        patch.setattr("cityloom.backup.restore.os.fsync", full)
        with pytest.raises((OSError, StorageError), match="No space left"):
            backed_up.restore()
    assert around(backed_up) == before
    backed_up.restore()


def test_what_a_killed_restore_left_is_cleared_by_the_next(backed_up: Saved) -> None:
    left = backed_up.folder / ".restored.restoring"
    left.mkdir()
    (left / "city.toml").write_text("half")
    backed_up.restore()
    assert not left.exists()
    assert digests(backed_up.restored()) == digests(backed_up.city)


def test_backups_are_found_by_the_beginning_of_their_id(backed_up: Saved) -> None:
    backed_up.back_up()
    target = Target.opened(backed_up.target)
    first, second = target.backups()
    assert target.find(first.id[:-1]) == first
    assert target.find(None) == second
    with pytest.raises(UsageError, match="several backups begin with"):
        target.find("2")
    with pytest.raises(UsageError, match="no backup 'x'"):
        target.find("x")
    with pytest.raises(UsageError, match="no backups here"):
        Target.opened(backed_up.folder)


@pytest.mark.parametrize("place", ["{folder}/away.sqlite", "../away.sqlite", "lake/../../away.db"])
def test_a_store_outside_of_the_city_is_never_shared_with_it(saved: Saved, place: str) -> None:
    toml = saved.folder / "city" / "city.toml"
    away = place.format(folder=saved.folder)
    stated = f'database = "sqlite:///{away}"\nformat = '
    toml.write_text(toml.read_text().replace("format = ", stated))
    saved.city.weave()
    runs = saved.city.runs()
    saved.back_up()
    store = (saved.folder / "city" / away).resolve()
    before = store.stat().st_ino
    done = saved.restore()
    assert store.stat().st_ino == before
    assert done.notes == [
        f"city.toml says database = sqlite:///store.sqlite now; it was sqlite:///{away}, "
        "which was not touched"
    ]
    assert saved.restored().settings.database == "sqlite:///store.sqlite"
    assert saved.restored().runs() == runs


def test_files_get_their_times_and_modes_back(backed_up: Saved) -> None:
    backed_up.restore()
    for path in (backed_up.folder / "city" / "inbox").rglob("*.csv"):
        again = backed_up.folder / "restored" / path.relative_to(backed_up.folder / "city")
        assert again.stat().st_mtime_ns == path.stat().st_mtime_ns
        assert again.stat().st_mode == path.stat().st_mode
    secret = backed_up.folder / "restored" / "secret"
    assert secret.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, 3_000_000])
def test_what_is_sealed_comes_back(packed: bool, size: int, tmp_path: Path) -> None:
    public = new_key(tmp_path / "key")
    from pyrage import x25519

    content = os.urandom(size // 2) + b"a" * (size - size // 2)
    (tmp_path / "plain").write_bytes(content)
    with open(tmp_path / "plain", "rb") as source, open(tmp_path / "sealed", "wb") as into:
        sealed = seal(source, into, [x25519.Recipient.from_str(public)], packed)
    with open(tmp_path / "again", "wb") as into:
        opened = unseal(tmp_path / "sealed", into, read_identities(tmp_path / "key"), packed)
    assert (tmp_path / "again").read_bytes() == content
    assert sealed == opened


def test_sealing_takes_memory_that_does_not_grow_with_the_file(tmp_path: Path) -> None:
    import tracemalloc

    from pyrage import x25519

    class Zeros:
        left = 64 * 1024 * 1024

        def read(self, size: int) -> bytes:
            size = min(size, self.left)
            self.left -= size
            return bytes(size)

    key = x25519.Identity.generate()
    tracemalloc.start()
    with open(tmp_path / "sealed", "wb") as into:
        seal(Zeros(), into, [key.to_public()], packed=True)  # type: ignore[arg-type]
    with open(os.devnull, "wb") as nowhere:
        assert unseal(tmp_path / "sealed", nowhere, [key], packed=True).size == 64 * 1024 * 1024
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8 * 1024 * 1024


def test_a_full_disk_is_no_damage(tmp_path: Path) -> None:
    from pyrage import x25519

    key = x25519.Identity.generate()
    with open(__file__, "rb") as source, open(tmp_path / "sealed", "wb") as into:
        seal(source, into, [key.to_public()], packed=False)
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space"):
        unseal(tmp_path / "sealed", full, [key], packed=False)
