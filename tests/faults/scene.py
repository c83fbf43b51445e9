"""A small city whose weaves do all that a weave can do, in three acts."""

import shutil
from pathlib import Path

from tests.cities import column, contract_text, csv_bytes, new_city

TABLES = '''"""What the kill tests derive."""

from ibis import _
from ibis.expr.types import Table


def visit_count(visit: Table, district: Table) -> Table:
    """Visits and their mean length by district; a mean above fifty breaks a rule."""
    counted = visit.group_by("district").agg(visits=_.count(), mean=_.minutes.mean())
    return counted.inner_join(district, counted.district == district.code).select(
        "district", "name", "visits", "mean"
    )
'''
MODULE = '''"""A module for the kill tests."""

from cityloom.module import Module

module = Module("counting", package="counting", tables="counting.tables")
'''
METADATA = "Metadata-Version: 2.1\nName: counting\nVersion: 1.0\n"
ENTRY_POINTS = "[cityloom.modules]\ncounting = counting:module\n"

CONTRACTS = {
    "district": contract_text(
        "district", [column("code", key=1), column("name", required=True)], "snapshot"
    ),
    "account": contract_text(
        "account",
        [column("number", "integer", key=1), column("balance", "number"), column("day", "date")],
        "upsert",
    ),
    "visit": contract_text(
        "visit",
        [
            column("id", "integer", key=1),
            column("district", refers="district.code"),
            column("minutes", "integer", logicalTypeOptions={"minimum": 0}),
        ],
        "append",
        rules={"not_too_long": "minutes <= 600"},
    ),
}
COUNTED = contract_text(
    "visit_count",
    [
        column("district", key=1),
        column("name"),
        column("visits", "integer"),
        column("mean", "number", logicalTypeOptions={"maximum": 50}),
    ],
)
VISIT = ("id", "district", "minutes")


def make_modules(folder: Path) -> Path:
    """An installed package with a dataset function."""
    package = folder / "counting"
    (package / "contracts").mkdir(parents=True)
    (package / "__init__.py").write_text(MODULE)
    (package / "tables.py").write_text(TABLES)
    (package / "contracts" / "visit_count.odcs.yaml").write_text(COUNTED)
    installed = folder / "counting-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(METADATA)
    (installed / "entry_points.txt").write_text(ENTRY_POINTS)
    return folder


def first_act(city: Path, size: int = 1) -> None:
    """A city with everything delivered but the districts that some visits wait for."""
    new_city(city, CONTRACTS)
    _put(city, "district", "1.csv", csv_bytes(("code", "name"), [("A", "东"), ("B", "西")]))
    accounts = [(n, f"{n}.5", "2024-01-01") for n in range(40 * size)]
    _put(city, "account", "1.csv", csv_bytes(("number", "balance", "day"), accounts))
    accounts = [(n, f"{n}.25", "2024-02-30" if n % 9 == 0 else "") for n in range(30, 60 * size)]
    _put(city, "account", "2.csv", csv_bytes(("number", "balance", "day"), accounts))
    _put(city, "visit", "a.csv", csv_bytes(VISIT, _visits(0, 60 * size)) + b'7,"A"x,3\n')
    _put(city, "visit", "b.csv", csv_bytes(VISIT, _visits(50 * size, 90 * size, waiting="C")))


def second_act(city: Path, size: int = 1) -> None:
    """Other bytes under names that are known."""
    accounts = [(n, f"{n}.75", "2024-03-01") for n in range(50, 70 * size)]
    _put(city, "account", "2.csv", csv_bytes(("number", "balance", "day"), accounts))
    _put(city, "visit", "a.csv", csv_bytes(VISIT, _visits(0, 40 * size, minutes=60)))


def third_act(city: Path, size: int = 1) -> None:
    """The district that visits waited for."""
    names = [("A", "东"), ("B", "西"), ("C", "南")]
    _put(city, "district", "2.csv", csv_bytes(("code", "name"), names))


ACTS = (first_act, second_act, third_act)


def _visits(
    start: int, stop: int, waiting: str = "B", minutes: int = 20
) -> list[tuple[object, ...]]:
    """Visits with copies, contradictions, negative and endless ones among them."""
    found: list[tuple[object, ...]] = []
    for n in range(start, stop):
        place = ("A", "B", waiting)[n % 3]
        usual = minutes + n % 40 if place == "A" else 20
        long = -1 if n % 11 == 0 else 700 if n % 13 == 0 else usual
        found.append((n, place, long))
        if n % 7 == 0:
            found.append(found[-1])
        if n % 17 == 0:
            found.append((n, place, long + 1))
    return found


def _put(city: Path, dataset: str, name: str, content: bytes) -> None:
    folder = city / "inbox" / dataset
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)


def copied(city: Path, target: Path) -> Path:
    """A copy of a city, with the times of its files."""
    shutil.copytree(city, target, symlinks=True)
    return target
