"""A data file or a log entry that is damaged or missing is named, with what to do about it."""

import shutil
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from cityloom.check import findings
from cityloom.city import LAKE_MEND, City
from cityloom.errors import StorageError, faults_in_words
from cityloom.lake import LakeTable
from cityloom.web.app import create_app
from tests.cities import (
    TESTER,
    column,
    contract_text,
    csv_bytes,
    deliver,
    digests,
    new_city,
    quarantined,
    rows,
)

TREES = contract_text("tree", [column("id", "integer", key=1), column("name")])


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city with a dataset of one data file and some refused rows."""
    made = new_city(tmp_path / "city", {"tree": TREES})
    given = [(n, f"n{n * 7919 % 10007}") for n in range(3000)]
    (made.path / "inbox" / "tree").mkdir()
    content = csv_bytes(["id", "name"], [*given, ("x", "")])
    (made.path / "inbox" / "tree" / "a.csv").write_bytes(content)
    made.weave()
    return made


def data_file(city: City) -> Path:
    (file,) = city.kept("tree").files()
    return file


def forget_store(city: City) -> None:
    for path in city.path.glob("store.sqlite*"):
        path.unlink()


def cut(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:100])


def garble(file: Path) -> None:
    content = bytearray(file.read_bytes())
    for place in range(len(content) // 3, len(content) // 3 + 40):
        content[place] ^= 0x55
    file.write_bytes(content)


HARM = {"damaged": cut, "damaged ": garble, "missing": Path.unlink}


def assert_told(message: str, file: Path, state: str) -> None:
    assert f"tree: the data file {file} is {state.strip()}" in message
    assert "from a copy of the city" in message
    assert "free space" not in message


@pytest.mark.parametrize("state", HARM)
def test_reading_rows_of_a_damaged_file_names_it(city: City, state: str) -> None:
    file = data_file(city)
    HARM[state](file)
    with pytest.raises(StorageError) as caught:
        rows(City.open(city.path), "tree")
    assert_told(str(caught.value), file, state)


@pytest.mark.parametrize("state", HARM)
def test_counting_a_damaged_file_names_it(city: City, state: str) -> None:
    file = data_file(city)
    forget_store(city)
    HARM[state](file)
    with pytest.raises(StorageError) as caught:
        City.open(city.path).datasets()
    assert_told(str(caught.value), file, state)


def test_receiving_into_a_dataset_with_a_damaged_file_names_it(city: City) -> None:
    file = data_file(city)
    cut(file)
    with pytest.raises(StorageError) as caught:
        deliver(City.open(city.path), "tree", "b.csv", b"id,name\n1,z\n")
    assert_told(str(caught.value), file, "damaged")


def test_the_console_says_on_its_error_page_which_file_is_missing(city: City) -> None:
    data_file(city).unlink()
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    answer = client.get("/datasets/tree/rows")
    assert answer.status_code == 500
    assert "the data file" in answer.text
    assert "text/html" in answer.headers["content-type"]


def test_a_fault_of_storage_outside_the_city_is_told_on_the_error_page(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(table: LakeTable) -> int:
        raise FileNotFoundError(2, "No such file or directory", "/gone")

    monkeypatch.setattr("cityloom.web.desk.Desk.look", fail)
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    answer = client.get("/datasets")
    assert answer.status_code == 500
    assert "No such file or directory" in answer.text


def test_a_file_that_may_not_be_read_is_not_called_damaged(tmp_path: Path) -> None:
    file = tmp_path / "lake" / "tree" / "part-1.parquet"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"x")
    with pytest.raises(StorageError, match="Permission denied") as caught, faults_in_words():
        raise PermissionError(13, "Permission denied", str(file))
    assert "damaged" not in str(caught.value)


def told(city: City) -> list[str]:
    return [item.what for item in findings(City.open(city.path)) if item.serious]


def test_check_names_a_missing_file_and_one_of_another_size(city: City) -> None:
    file = data_file(city)
    assert told(city) == []
    cut(file)
    (what,) = told(city)
    assert what.startswith(f"tree: the data file {file} is damaged: 100 bytes instead of ")
    file.unlink()
    assert told(city) == [f"tree: the data file {file} is missing"]


def test_check_looks_at_the_files_of_refused_rows(city: City) -> None:
    (file,) = city.quarantine_files("tree")
    file.unlink()
    assert told(city) == [f"tree: the data file {file} is missing"]


def entry(city: City, version: int) -> Path:
    return city.kept("tree").folder / "_delta_log" / f"{version:020}.json"


def test_check_names_a_log_entry_that_is_missing_between_others(city: City) -> None:
    entry(city, city.kept("tree").latest_version() - 1).unlink()
    assert any("lacks the entry of version" in what or "opened" in what for what in told(city))


def test_check_names_a_table_that_lost_its_newest_versions(city: City) -> None:
    newest = city.kept("tree").latest_version()
    entry(city, newest).unlink()
    (what,) = told(city)
    assert f"the log of runs knows version {newest}" in what
    assert f"has version {newest - 1}" in what


def test_check_names_a_table_that_is_gone(city: City) -> None:
    shutil.rmtree(city.kept("tree").folder)
    assert any("has nothing" in what for what in told(city))


@pytest.mark.parametrize("folder", [True, False])
def test_check_says_once_that_the_whole_lake_is_away(city: City, folder: bool) -> None:
    shutil.rmtree(city.path / "lake")
    if folder:
        (city.path / "lake").mkdir()
    (only,) = findings(City.open(city.path))
    assert only.what == "the lake is empty, but the log of runs knows datasets in it: 1"
    assert only.mend == LAKE_MEND


def test_a_table_that_is_gone_is_not_read_as_an_empty_one(city: City) -> None:
    shutil.rmtree(city.kept("tree").folder)
    again = City.open(city.path)
    for read in (again.read, again.read_quarantine):
        with pytest.raises(StorageError, match="the lake has no table of tree"):
            read("tree", TESTER)
    with TestClient(create_app(again), base_url="http://127.0.0.1") as client:
        answer = client.get("/health")
        assert answer.status_code == 503
        assert "the lake has no table of tree" in answer.json()["error"]
    again.weave()
    assert City.open(city.path).read("tree", TESTER).read_all().num_rows == 3000


def test_without_a_copy_a_dataset_comes_back_as_the_mend_says(city: City, tmp_path: Path) -> None:
    before = digests(city)
    data_file(city).unlink()
    (mend,) = mends(city)
    assert "move lake/tree and lake/_quarantine/tree, as far as they are there, out of" in mend
    for number, table in enumerate((city.kept("tree"), city.quarantine("tree"))):
        shutil.move(table.folder, tmp_path / f"moved-{number}")
    City.open(city.path).weave()
    assert digests(City.open(city.path)) == before
    assert told(city) == []


def mends(city: City) -> list[str]:
    return [item.mend for item in findings(City.open(city.path)) if item.serious]


@pytest.mark.parametrize("left", [[], ["quarantine"]])
def test_a_weave_receives_again_what_lay_in_a_folder_that_was_removed(
    city: City, left: list[str]
) -> None:
    before, refused = digests(city), len(quarantined(city, "tree"))
    shutil.rmtree(city.kept("tree").folder)
    if not left:
        shutil.rmtree(city.quarantine("tree").folder)
    again = City.open(city.path)
    assert again.runs("tree") == []
    assert [(step.dataset, step.source, step.why) for step in again.plan()] == [
        ("tree", "a.csv", "new file")
    ]
    assert ", weave, and receive again" in mends(city)[0]
    assert [(run.source, run.rows_kept) for run in again.weave()] == [("a.csv", 3000)]
    assert digests(again) == before
    assert len(quarantined(again, "tree")) == refused == 1
    assert told(city) == []
    assert City.open(city.path).weave() == []


def test_only_what_was_committed_to_the_table_that_is_gone_is_forgotten(tmp_path: Path) -> None:
    bushes = TREES.replace("tree", "bush")
    city = new_city(tmp_path / "city", {"tree": TREES, "bush": bushes})
    for name in ("tree", "bush"):
        (city.path / "inbox" / f"{name}.csv").write_bytes(b"id,name\n1,a\n")
    (city.path / "inbox" / "tree").mkdir()
    (city.path / "inbox" / "tree" / "bad.csv").write_bytes(b"name\na\n")
    city.weave()
    others = [run for run in city.runs() if run.dataset == "bush" or run.failed]
    assert len(others) == 2
    shutil.rmtree(city.kept("tree").folder)
    assert City.open(city.path).runs() == others
    (again,) = City.open(city.path).weave()
    assert (again.dataset, again.source) == ("tree", "tree.csv")
    assert City.open(city.path).runs() == [*others, again]


def test_nothing_is_forgotten_where_the_whole_lake_is_away(city: City) -> None:
    before = city.runs()
    (city.path / "lake").rename(city.path / "away")
    with pytest.raises(StorageError):
        City.open(city.path).weave()
    (city.path / "away").rename(city.path / "lake")
    assert City.open(city.path).runs() == before


def test_rows_that_wait_for_a_table_that_was_removed_are_judged_by_the_new_one(
    tmp_path: Path,
) -> None:
    code = [column("code", key=1)]
    case = [column("no", key=1), column("street", refers="street.code")]
    city = new_city(
        tmp_path / "city",
        {"street": contract_text("street", code), "case": contract_text("case", case)},
    )
    (city.path / "inbox" / "street.csv").write_bytes(b"code\nA\n")
    (city.path / "inbox" / "case.csv").write_bytes(b"no,street\n1,B\n")
    city.weave()
    assert rows(city, "case") == []
    shutil.rmtree(city.kept("street").folder)
    (city.path / "inbox" / "street.csv").write_bytes(b"code\nB\n")
    City.open(city.path).weave()
    assert rows(City.open(city.path), "case") == [{"no": "1", "street": "B"}]


def test_health_fails_as_the_pages_do(city: City) -> None:
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    assert client.get("/health").json() == {"status": "ok", "city": "Test", "datasets": 1}
    forget_store(city)
    (city.path / "store.sqlite").write_bytes(b"junk" * 5000)
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    answer = client.get("/health")
    assert answer.status_code == 503
    assert answer.json()["status"] == "failing"
    assert "the store cannot be opened" in answer.json()["error"]
    assert client.get("/datasets").status_code == 500


def test_health_fails_where_an_open_store_is_overwritten(city: City) -> None:
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    assert client.get("/health").status_code == 200
    for path in city.path.glob("store.sqlite-*"):
        path.unlink()
    (city.path / "store.sqlite").write_bytes(b"junk" * 5000)
    assert client.get("/health").status_code == 503


@pytest.mark.parametrize("unmounted", ["empty", "none"])
def test_a_lake_that_is_away_is_refused_and_nothing_is_forgotten(
    city: City, tmp_path: Path, unmounted: str
) -> None:
    before, runs = digests(city), city.runs()
    (city.path / "lake").rename(tmp_path / "disk")
    if unmounted == "empty":
        (city.path / "lake").mkdir()
    again = City.open(city.path)
    for work in (
        again.weave,
        again.plan,
        lambda: again.replay("tree"),
        lambda: again.erase("tree", "name", "a"),
        lambda: again.receive("tree", city.path / "inbox"),
    ):
        with pytest.raises(StorageError, match=r"lake is empty, but .* Mount the disk .* nothing"):
            work()
    assert "the lake is empty, but the log of runs knows datasets in it: 1" in told(city)
    if unmounted == "empty":
        (city.path / "lake").rmdir()
    (tmp_path / "disk").rename(city.path / "lake")
    back = City.open(city.path)
    assert (digests(back), back.runs(), back.plan()) == (before, runs, [])


def test_an_empty_lake_of_a_new_city_is_no_lake_that_is_away(tmp_path: Path) -> None:
    assert new_city(tmp_path / "city", {"tree": TREES}).weave() == []
