"""A dataset's digest is its content's: not its order's, not its files', and every value counts."""

from pathlib import Path

import pytest

from cityloom.city import City
from tests.cities import column, contract_text, deliver, digests, new_city

COLUMNS = [
    column("id", "integer", key=1),
    column("text"),
    column("real", "number"),
    column("price", "number", physicalType="DECIMAL(9,2)"),
    column("day", "date"),
    column("at", "timestamp", logicalTypeOptions={"timezone": True}),
    column("yes", "boolean"),
    column("place", physicalType="POINT"),
]
HEADER = "id,text,real,price,day,at,yes,place\n"
ROWS = [
    "1,区,0.5,1.10,2024-02-29,2024-01-01T00:00:00Z,true,POINT (1 2)\n",
    "2,,,,,,,\n",
    '3,"a,b",1e-300,-1,1900-01-01,2024-01-01T08:00:00.000001+08:00,no,POINT (1 3)\n',
]


@pytest.fixture
def made(tmp_path: Path):  # type: ignore[no-untyped-def]
    """Makes a city from deliveries, each a list of lines."""
    count = 0

    def make(*deliveries: list[str]) -> City:
        nonlocal count
        count += 1
        city = new_city(tmp_path / str(count), {"thing": contract_text("thing", COLUMNS)})
        for number, lines in enumerate(deliveries):
            deliver(city, "thing", f"{number}.csv", (HEADER + "".join(lines)).encode())
        return city

    return make


def digest(city: City) -> str:
    return digests(City.open(city.path))["thing"]


def test_order_and_files_do_not_count(made) -> None:  # type: ignore[no-untyped-def]
    whole = digest(made(ROWS))
    assert len(whole) == 32
    assert digest(made(ROWS[::-1])) == whole
    assert digest(made(ROWS[:1], ROWS[1:])) == whole
    assert digest(made(ROWS[2:], [], ROWS[:2])) == whole


def test_compaction_changes_files_and_nothing_else(made) -> None:  # type: ignore[no-untyped-def]
    city = made(ROWS[:1], ROWS[1:2], ROWS[2:])
    before, files = digest(city), city.kept("thing").files()
    city.kept("thing").compact()
    assert len(city.kept("thing").files()) == 1 < len(files)
    assert digest(city) == before


CHANGES = [
    ("区", "街"), ("0.5", "0.50000000000000011"), ("1.10", "1.11"), ("02-29", "02-28"),
    ("00:00Z", "00:01Z"), ("true", "false"), ("1 2", "1 2.5"), ("2,,", "2,x,"), ("2,,", "4,,"),
    ("000001", "000002"), ("-1,", ","), ("a,b", "a, b"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new"), CHANGES)
def test_each_value_counts(old: str, new: str, made) -> None:  # type: ignore[no-untyped-def]
    text = "".join(ROWS)
    assert old in text
    changed = text.replace(old, new, 1).splitlines(keepends=True)
    assert digest(made(changed)) != digest(made(ROWS))


def test_each_row_counts_and_counts_once(tmp_path: Path) -> None:
    found = []
    for number, lines in enumerate(["", "a\n", "a\na\n", "a\na\na\n", '""\n', "b\n"]):
        contract = contract_text("thing", [column("text")])
        city = new_city(tmp_path / str(number), {"thing": contract})
        deliver(city, "thing", "a.csv", f"text\n{lines}".encode())
        found.append(digest(city))
    assert len(set(found)) == len(found)


def test_values_do_not_count_in_another_column(tmp_path: Path) -> None:
    contract = contract_text("thing", [column("a"), column("b")])
    found = []
    for number, line in enumerate(["x,\n", ",x\n"]):
        city = new_city(tmp_path / str(number), {"thing": contract})
        deliver(city, "thing", "a.csv", f"a,b\n{line}".encode())
        found.append(digest(city))
    assert found[0] != found[1]


def test_a_digest_is_the_same_when_all_that_was_remembered_is_lost(made) -> None:  # type: ignore[no-untyped-def]
    city = made(ROWS)
    before = digest(city)
    for file in city.path.glob("store.sqlite*"):
        file.unlink()
    assert digest(city) == before


def test_a_digest_follows_a_delivery_and_goes_back_with_it(made) -> None:  # type: ignore[no-untyped-def]
    city = made(ROWS[:2])
    before = digest(city)
    deliver(city, "thing", "more.csv", (HEADER + ROWS[2]).encode())
    assert digest(city) != before
    deliver(city, "thing", "more.csv", HEADER.encode())
    assert digest(city) == before
