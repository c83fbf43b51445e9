"""A weave joins the small files of a dataset where they are many, and nothing else changes."""

import errno
from pathlib import Path
from typing import Any

import pytest

import cityloom.lake
from cityloom.city import City
from cityloom.errors import StorageError, UsageError
from cityloom.lake import LakeTable
from tests.cities import (
    column,
    contract_text,
    csv_bytes,
    digests,
    new_city,
    quarantined,
    rows,
    set_contract,
)
from tests.test_derive import Town, town  # noqa: F401 - the fixture

COLUMNS = [column("no", "integer", key=1), column("kind", enum=["A"])]
MANY = 3


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cityloom.lake, "MANY", MANY)


@pytest.fixture
def city(tmp_path: Path) -> City:
    return new_city(tmp_path / "city", {"tree": contract_text("tree", COLUMNS)})


def lay(city: City, *numbers: int) -> None:
    """Put files of one good and one bad row into the inbox."""
    folder = city.path / "inbox" / "tree"
    folder.mkdir(exist_ok=True)
    for number in numbers:
        content = csv_bytes(["no", "kind"], [[number, "A"], [-number, "B"]])
        (folder / f"{number}.csv").write_bytes(content)


def received_apart(folder: Path) -> City:
    """A city that has received four files, each by itself, and has woven nothing."""
    city = new_city(folder / "apart", {"tree": contract_text("tree", COLUMNS)})
    for number in (1, 2, 3, 4):
        lay(city, number)
        city.receive("tree", city.path / "inbox" / "tree" / f"{number}.csv")
    return city


def one_row(city: City, dataset: str, text: str) -> Path:
    """A file of one row in the inbox."""
    path = city.path / "inbox" / f"{dataset}.csv"
    path.write_bytes(csv_bytes(["no"], [[text]]))
    return path


def files(city: City) -> tuple[int, int]:
    return len(city.kept("tree").files()), len(city.quarantine_files("tree"))


def test_few_small_files_stay_as_they_are(city: City) -> None:
    lay(city, 1, 2, 3)
    city.weave()
    assert files(city) == (MANY, MANY)


def test_many_small_files_become_one_with_the_same_rows(city: City, tmp_path: Path) -> None:
    lay(city, 1, 2, 3, 4)
    city.weave()
    assert files(city) == (1, 1)
    assert sorted(row["no"] for row in rows(city, "tree")) == [1, 2, 3, 4]
    assert [row.delivery for row in quarantined(city, "tree")] == [f"{n}.csv" for n in (1, 2, 3, 4)]

    apart = received_apart(tmp_path)
    assert files(apart) == (4, 4)
    assert digests(apart) == digests(city)


def test_large_files_are_left_alone(city: City, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cityloom.lake, "SMALL", 1)
    lay(city, 1, 2, 3, 4)
    city.weave()
    assert files(city) == (4, 4)


def test_the_past_can_be_read_after_it(city: City) -> None:
    lay(city, 1, 2, 3, 4)
    city.weave()
    table = city.kept("tree")
    assert [table.rows(version) for version in range(table.latest_version() + 1)] == [
        0, 1, 2, 3, 4, 4, 4,
    ]  # fmt: skip
    assert all(path.exists() for path in table.files(4))


def test_it_is_no_run_and_leaves_nothing_to_do(city: City) -> None:
    lay(city, 1, 2, 3, 4)
    city.weave()
    opened = City.open(city.path)
    assert opened.plan() == []
    assert [run.source for run in opened.runs()] == [f"{n}.csv" for n in (1, 2, 3, 4)]


def test_deliveries_are_replaced_and_refused_rows_judged_after_it(city: City) -> None:
    lay(city, 1, 2, 3, 4)
    city.weave()
    path = city.path / "inbox" / "tree" / "2.csv"
    path.write_bytes(csv_bytes(["no", "kind"], [[22, "A"]]))
    set_contract(city.path, "tree", contract_text("tree", [COLUMNS[0], column("kind")]))
    opened = City.open(city.path)
    opened.weave()
    assert sorted(row["no"] for row in rows(opened, "tree")) == [-4, -3, -1, 1, 3, 4, 22]
    assert quarantined(opened, "tree") == []


def test_a_column_that_came_later_is_null_in_the_rows_before(city: City) -> None:
    lay(city, 1, 2)
    city.weave()
    set_contract(city.path, "tree", contract_text("tree", [*COLUMNS, column("more")]))
    lay(city, 3, 4)
    opened = City.open(city.path)
    opened.weave()
    assert files(opened)[0] == 1
    assert {row["more"] for row in rows(opened, "tree")} == {None}


class PowerCut(BaseException):
    """Ends a run where it stands, as a kill does."""


@pytest.mark.parametrize("torn", ["before the dataset's commit", "after the quarantine's commit"])
def test_a_kill_in_its_midst_changes_nothing_and_the_next_weave_ends_it(
    city: City, torn: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    apart = received_apart(tmp_path)
    before = digests(apart), quarantined(apart, "tree")
    lay(city, 1, 2, 3, 4)
    commit = LakeTable._commit

    def killed(table: LakeTable, *arguments: Any) -> int:
        *_, account, markers = arguments
        of_dataset = table.folder == city.kept("tree").folder and account == {}
        if of_dataset and bool(markers) == torn.startswith("after"):
            raise PowerCut
        return commit(table, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(LakeTable, "_commit", killed)
        with pytest.raises(PowerCut):
            city.weave()
    cut = City.open(city.path)
    assert (digests(cut), quarantined(cut, "tree")) == before
    lay(cut, 5)
    cut.weave()
    assert files(cut)[1] == 1
    assert len(quarantined(cut, "tree")) == len(rows(cut, "tree")) == 5


def test_a_weave_with_nothing_to_do_opens_no_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    city = received_apart(tmp_path)

    def opened(*_: object, **__: object) -> None:
        pytest.fail("a table was opened")

    monkeypatch.setattr(cityloom.lake, "DeltaTable", opened)
    assert City.open(city.path).weave() == []


def damage(table: LakeTable) -> None:
    (table.folder / "_delta_log" / f"{0:020}.json").write_bytes(b'{"cut sh')


def test_a_table_that_cannot_be_opened_stops_no_other(city: City) -> None:
    set_contract(city.path, "bush", contract_text("bush", [column("no")]))
    city = City.open(city.path)
    city.receive("bush", one_row(city, "bush", "first"))
    damage(city.kept("bush"))
    lay(city, 1, 2, 3, 4)
    assert [run.failed for run in City.open(city.path).weave()] == [False] * 4
    assert files(city) == (1, 1)


def test_a_dataset_whose_quarantine_cannot_be_opened_is_woven(city: City) -> None:
    set_contract(city.path, "bush", contract_text("bush", [column("no")]))
    lay(city, 1, 2, 3)
    city = City.open(city.path)
    city.weave()
    damage(city.quarantine("tree"))
    one_row(city, "bush", "first")
    assert [run.dataset for run in City.open(city.path).weave()] == ["bush"]


def test_a_table_that_can_no_longer_be_opened_when_files_are_joined_ends_no_weave(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def damaged(*_: object) -> int:
        raise UsageError("tree cannot be opened")

    monkeypatch.setattr(LakeTable, "compact", damaged)
    lay(city, 1, 2, 3, 4)
    assert len(city.weave()) == 4


def test_storage_that_fails_while_files_are_joined_is_told(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(LakeTable, "compact", full)
    lay(city, 1, 2, 3, 4)
    with pytest.raises(StorageError, match="no space left"):
        city.weave()


def test_files_whose_commit_failed_are_taken_away_by_the_next_writer(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = LakeTable._commit

    def full(table: LakeTable, *arguments: Any) -> int:
        if arguments[-2] == {}:
            raise OSError(errno.ENOSPC, "no space left")
        return commit(table, *arguments)

    def unnamed() -> int:
        table = city.kept("tree")
        return len(set(table.folder.glob("*.parquet")) - set(table.files()))

    lay(city, 1, 2, 3, 4)
    with monkeypatch.context() as patch:
        patch.setattr(LakeTable, "_commit", full)
        with pytest.raises(StorageError, match="no space left"):
            city.weave()
    assert unnamed() == 1
    City.open(city.path).weave()
    assert unnamed() == 0


@pytest.mark.parametrize("newest", [False, True])
def test_a_damaged_table_keeps_its_files_and_the_strays_of_others_go(
    city: City, newest: bool
) -> None:
    lay(city, 1)
    city.weave()
    kept, quarantine = city.kept("tree"), city.quarantine("tree")
    if newest:
        kept.folder.joinpath("_delta_log", f"{kept.latest_version():020}.json").write_bytes(b"{")
    else:
        damage(kept)
    strays = [table.folder / "part-stray.parquet" for table in (kept, quarantine)]
    for stray in strays:
        stray.write_bytes(b"half a file")
    (city.path / ".lock").write_text('{"pid": 1}')
    City.open(city.path).receive("tree", city.path / "inbox" / "tree" / "1.csv")
    assert [stray.exists() for stray in strays] == [True, False]


def test_a_function_that_reads_what_is_new_reads_nothing_twice_because_of_it(
    town: Town,  # noqa: F811
) -> None:
    text = contract_text("case", [column("no", "integer", key=1)])
    town.receives(case=text)
    town.makes(seen=contract_text("seen", [column("no", "integer")], grows=True))
    town.by("""
        def seen(new_case: Table) -> Table:
            return new_case
    """)
    for number in range(1, 6):
        town.delivers("case", str(number), {"no": str(number)})
    town.weave()
    assert len(town.city.kept("case").files()) == 1
    town.delivers("case", "6", {"no": "6"})
    made = town.weave()["seen"]
    assert (made.rows_read, town.rows("seen")) == (1, [(n,) for n in range(1, 7)])
