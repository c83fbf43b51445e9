"""The inbox: which files are a dataset's, and when one has changed."""

import os
from pathlib import Path

import pytest

from cityloom.city import City
from cityloom.contract import parse_contract
from cityloom.errors import ContractError, DeliveryError
from cityloom.inbox import Fingerprints, delivered_files, files_in
from cityloom.store import open_store
from tests.cities import column, contract_text, new_city, rows
from tests.readers.test_layer_reader import write


@pytest.fixture
def city(tmp_path: Path) -> City:
    server = {"path": "post/*/thing-*.csv"}
    contracts = {
        "thing": contract_text("thing", [column("id")]),
        "posted": contract_text("posted", [column("id")], server=server),
    }
    return new_city(tmp_path / "city", contracts)


def put(city: City, *names: str) -> None:
    for name in names:
        path = city.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"id\n1\n")


def found(city: City, dataset: str) -> list[str]:
    files = delivered_files(city.path, city.contract(dataset))
    return [str(file.path.relative_to(city.path)) for file in files]


def test_a_dataset_has_a_folder_or_files_of_its_name_in_the_inbox(city: City) -> None:
    put(city, "inbox/thing/b.csv", "inbox/thing/2024/a.csv", "inbox/thing.csv.gz")
    put(city, "inbox/thing2/a.csv", "inbox/things.csv", "inbox/other/thing.csv")
    assert found(city, "thing") == [
        "inbox/thing/2024/a.csv", "inbox/thing/b.csv", "inbox/thing.csv.gz",
    ]  # fmt: skip


def test_a_contract_may_name_another_place(city: City) -> None:
    put(city, "post/mon/thing-1.csv", "post/tue/thing-2.csv", "post/tue/x.csv", "inbox/posted.csv")
    assert found(city, "posted") == ["post/mon/thing-1.csv", "post/tue/thing-2.csv"]


def test_files_come_in_the_order_of_the_numbers_in_their_names(city: City) -> None:
    put(city, "inbox/thing/10.csv", "inbox/thing/9.csv", "inbox/thing/2024-10/a.csv")
    put(city, "inbox/thing/2024-9/b.csv", "inbox/thing/010.csv", "inbox/thing/x.csv")
    names = ["9.csv", "010.csv", "10.csv", "2024-9/b.csv", "2024-10/a.csv", "x.csv"]
    assert list(named(city, "thing").values()) == names
    assert [file.source for file in files_in(city.path / "inbox" / "thing")] == [
        "9.csv", "010.csv", "10.csv", "x.csv",
    ]  # fmt: skip


def test_the_newest_of_several_snapshots_by_number_is_what_the_dataset_holds(
    tmp_path: Path,
) -> None:
    text = contract_text("thing", [column("id")], delivery="snapshot")
    city = new_city(tmp_path / "city", {"thing": text})
    put(city, "inbox/thing/9.csv")
    put(city, "inbox/thing/10.csv")
    (city.path / "inbox" / "thing" / "10.csv").write_bytes(b"id\nnew\n")
    city.weave()
    assert rows(city, "thing") == [{"id": "new"}]


def test_its_own_folder_as_the_path_stands_for_all_of_its_usual_place(tmp_path: Path) -> None:
    text = contract_text("thing", [column("id")], server={"path": "inbox/thing", "format": "csv"})
    city = new_city(tmp_path / "city", {"thing": text})
    put(city, "inbox/thing/2024/a.csv", "inbox/thing.csv")
    assert list(named(city, "thing").values()) == ["2024/a.csv", "thing.csv"]


def named(city: City, dataset: str) -> dict[str, str]:
    files = delivered_files(city.path, city.contract(dataset))
    return {str(file.path.relative_to(city.path)): file.source for file in files}


def test_a_file_goes_by_its_path_below_what_is_the_datasets(city: City) -> None:
    put(city, "inbox/thing/a.csv", "inbox/thing/2024/a.csv", "inbox/thing.csv")
    put(city, "post/mon/thing-1.csv", "post/tue/thing-1.csv")
    assert list(named(city, "thing").values()) == ["2024/a.csv", "a.csv", "thing.csv"]
    assert list(named(city, "posted").values()) == ["mon/thing-1.csv", "tue/thing-1.csv"]


def test_two_files_of_one_name_are_two_deliveries(city: City) -> None:
    put(city, "inbox/thing.csv", "post/mon/thing-1.csv", "post/tue/thing-1.csv")
    assert named(city, "thing") == {"inbox/thing.csv": "thing.csv"}
    assert len(city.weave()) == 3
    put(city, "inbox/thing/thing.csv")
    both = {"inbox/thing/thing.csv": "thing.csv", "inbox/thing.csv": "../thing.csv"}
    assert named(city, "thing") == both
    City.open(city.path).weave()
    again = City.open(city.path)
    assert again.plan() == []
    assert (again.kept("thing").rows(), again.kept("posted").rows()) == (2, 2)


def test_names_that_are_one_in_two_encodings_are_two_deliveries(city: City) -> None:
    put(city, "inbox/thing/水表.csv", os.fsdecode(b"inbox/thing/" + "水表.csv".encode("gbk")))
    assert sorted(named(city, "thing").values()) == ["\\xcb\\xae\\xb1\\xed.csv", "水表.csv"]


@pytest.mark.parametrize("path", ["/data/x.csv", "../x.csv", "inbox/../../x.csv", ".", "in/**.csv"])
def test_a_place_outside_the_city_is_refused(path: str) -> None:
    with pytest.raises(ContractError, match="of 'servers'"):
        parse_contract(contract_text("thing", [column("id")], server={"path": path}))


def test_hidden_files_and_files_being_edited_are_no_deliveries(city: City) -> None:
    put(city, "inbox/thing/.a.csv", "inbox/thing/~a.csv", "inbox/thing/a.csv")
    (city.path / "inbox" / "thing" / "folder.csv").mkdir()
    assert found(city, "thing") == ["inbox/thing/a.csv"]


def test_an_empty_inbox_has_no_deliveries(city: City) -> None:
    assert found(city, "thing") == []


def test_a_path_names_a_file_or_the_files_of_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "inner").mkdir(parents=True)
    for name in ("b.csv", "a.csv", ".hidden"):
        (folder / name).write_bytes(b"")
    assert [file.source for file in files_in(folder)] == ["a.csv", "b.csv"]
    assert [file.source for file in files_in(folder / "b.csv")] == ["b.csv"]
    for nothing in (tmp_path / "none", folder / "inner"):
        with pytest.raises(DeliveryError, match="no such file, or an empty folder"):
            files_in(nothing)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_bytes(b"one")
    return path


ONE = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"


def test_a_fingerprint_is_the_sha256_of_the_bytes(city: City, file: Path) -> None:
    assert Fingerprints(open_store(city.path, city.settings.database)).of(file) == ONE


def test_a_change_of_size_or_time_is_looked_at_again(city: City, file: Path) -> None:
    prints = Fingerprints(open_store(city.path, city.settings.database))
    assert prints.of(file) == ONE
    file.write_bytes(b"two!")
    assert prints.of(file) != ONE
    file.write_bytes(b"six")
    os.utime(file, ns=(1, 1))
    other = prints.of(file)
    file.write_bytes(b"one")
    os.utime(file, ns=(2, 2))
    assert prints.of(file) == ONE != other


def test_a_file_is_read_once_and_remembered_by_the_next_process(city: City, file: Path) -> None:
    assert Fingerprints(open_store(city.path, city.settings.database)).of(file) == ONE
    stat = file.stat()
    file.write_bytes(b"not")
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert (
        Fingerprints(open_store(city.path, city.settings.database)).of(file) == ONE
    )  # the bytes were not read again


def test_a_file_touched_but_unchanged_is_no_new_delivery(city: City) -> None:
    put(city, "inbox/thing/a.csv")
    assert len(city.weave()) == 1
    os.utime(city.path / "inbox/thing/a.csv")
    assert City.open(city.path).plan() == []


@pytest.mark.parametrize(
    ("written", "source"),
    [("水表.csv".encode("gbk"), "水表.csv"), (b"\xff\xff.csv", "\\xff\\xff.csv")],
)
def test_a_name_in_another_encoding_is_a_delivery_like_any_other(
    city: City, written: bytes, source: str
) -> None:
    folder = os.fsencode(city.path / "inbox" / "thing")
    os.makedirs(folder, exist_ok=True)
    with open(os.path.join(folder, written), "wb") as file:
        file.write(b"id\n1\n")
    runs = [run for run in city.weave() if run.dataset == "thing"]
    assert [(run.source, run.rows_kept) for run in runs] == [(source, 1)]
    assert [step for step in city.plan() if step.dataset == "thing"] == []


def test_a_link_that_leads_out_of_the_inbox_is_refused_and_one_within_it_is_not(
    tmp_path: Path,
) -> None:
    city = new_city(tmp_path / "city", {"place": contract_text("place", [column("name")])})
    (tmp_path / "secret.csv").write_text("name\nsecret\n", encoding="utf-8")
    folder = city.path / "inbox" / "place"
    folder.mkdir()
    (folder / "a.csv").write_text("name\na\n", encoding="utf-8")
    (folder / "b.csv").symlink_to("a.csv")
    (folder / "c.csv").symlink_to(tmp_path / "secret.csv")
    for name in ("a.csv", "b.csv"):
        city.receive("place", folder / name)
    with pytest.raises(DeliveryError, match="leads out of the inbox"):
        city.receive("place", folder / "c.csv")
    assert {row["name"] for row in rows(city, "place")} == {"a"}
    shared = tmp_path / "city" / "inbox" / "shared"
    shared.symlink_to(tmp_path)
    city.receive("place", shared / "secret.csv")


@pytest.mark.parametrize("suffix", [".cpg", ".dbf", ".prj"])
def test_a_part_of_a_shapefile_is_no_way_out_of_the_inbox(suffix: str, tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", {"place": contract_text("place", [column("name")])})
    (tmp_path / "secret").write_text("hunter2", encoding="utf-8")
    shp = write(city.path / "inbox" / "place.shp")
    shp.with_suffix(suffix).unlink()
    shp.with_suffix(suffix).symlink_to(tmp_path / "secret")
    (run,) = city.weave()
    assert run.error.startswith(f"place{suffix}: a link that leads out of the inbox")
    assert "hunter2" not in run.error
