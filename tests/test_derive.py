"""Dataset functions of an installed module are run by a weave when, and only when, they must be."""

import importlib
import json
import linecache
import os
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import rmtree
from textwrap import dedent, indent
from typing import Any

import pytest

from cityloom.city import City
from cityloom.errors import ContractError, StorageError, UsageError
from cityloom.lake import LakeTable
from cityloom.runs import DERIVE, REPLAY, Run
from tests.cities import column, contract_text, quarantined, rows, set_contract

CASE = contract_text("case", [column("no", "integer", key=1), column("district"),
                              column("days", "integer")])  # fmt: skip


@dataclass
class Town:
    """A city and a module package beside it, found through its own entry point."""

    folder: Path
    package: str
    monkeypatch: pytest.MonkeyPatch
    made: dict[str, str] = field(default_factory=dict)

    @property
    def city(self) -> City:
        """The city, opened afresh as another process would."""
        for name in [key for key in sys.modules if key.partition(".")[0] == self.package]:
            del sys.modules[name]
        importlib.invalidate_caches()
        linecache.clearcache()
        return City.open(self.folder / "city")

    def receives(self, **contracts: str) -> None:
        for dataset, text in contracts.items():
            set_contract(self.folder / "city", dataset, text)

    def makes(self, **contracts: Sequence[Mapping[str, Any]] | str) -> None:
        """Contracts of derived datasets, as text or as columns."""
        for dataset, stated in contracts.items():
            text = stated if isinstance(stated, str) else contract_text(dataset, stated)
            path = self.folder / "site" / self.package / "contracts" / f"{dataset}.odcs.yaml"
            path.write_text(text)

    def by(self, code: str) -> None:
        """The module's dataset functions."""
        head = "import pyarrow as pa\nimport pyarrow.compute as pc\nfrom ibis import _\n"
        head += "from typing import NamedTuple\nfrom ibis.expr.types import Table\n"
        head += "from cityloom.graph import by_batch, by_partition\n\n"
        path = self.folder / "site" / self.package / "tables.py"
        path.write_text(head + dedent(code))

    def delivers(self, dataset: str, name: str, *records: Mapping[str, object]) -> None:
        folder = self.folder / "city" / "inbox" / dataset
        folder.mkdir(exist_ok=True)
        lines = (json.dumps(record) for record in records)
        (folder / f"{name}.ndjson").write_text("\n".join(lines))

    def weave(self) -> dict[str, Run]:
        """Weave; the derived datasets that were made, with their runs."""
        return {run.dataset: run for run in self.city.weave() if run.kind == DERIVE}

    def rows(self, dataset: str, *by: str) -> list[Any]:
        """A dataset's rows as tuples, ascending."""
        found = rows(self.city, dataset)
        return sorted(tuple(row[name] for name in by or row) for row in found)

    def why(self) -> dict[str, str]:
        """What would be derived, and why."""
        return {step.dataset: step.why for step in self.city.plan() if step.kind == DERIVE}


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    package = "town_" + "".join(letter for letter in tmp_path.name if letter.isalnum())
    site = tmp_path / "site"
    (site / package / "contracts").mkdir(parents=True)
    (site / package / "__init__.py").write_text(
        "from cityloom.module import Module\n"
        f"module = Module('{package}', package='{package}', tables='{package}.tables')\n"
    )
    information = site / f"{package}-1.0.dist-info"
    information.mkdir()
    (information / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        f"[cityloom.modules]\n{package} = {package}:module\n"
    )
    monkeypatch.syspath_prepend(site)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    City.create(tmp_path / "city", "Town")
    made = Town(tmp_path, package, monkeypatch)
    made.by("")
    return made


CASES = (
    {"no": "1", "district": "N", "days": "3"},
    {"no": "2", "district": "N", "days": "5"},
    {"no": "3", "district": "S", "days": "7"},
)

WAITS = """
    def waits(case: Table) -> Table:
        return case.group_by("district").agg(n=_.count(), days=_.days.sum())
"""
WAITS_COLUMNS = [column("district"), column("n", "integer"), column("days", "integer")]


def waiting(town: Town) -> Town:
    """A town with cases and one function over them, woven."""
    town.receives(case=CASE)
    town.makes(waits=WAITS_COLUMNS)
    town.by(WAITS)
    town.delivers("case", "one", *CASES)
    town.weave()
    return town


def test_a_replay_that_keeps_nothing_makes_nothing_stale(town: Town) -> None:
    town = waiting(town)
    town.delivers("case", "two", {"no": "x"})
    town.weave()
    town.receives(case=CASE + "# a remark\n")
    (replay,) = town.city.weave()
    assert (replay.kind, replay.rows_kept, replay.rows_quarantined) == (REPLAY, 0, 1)
    assert town.why() == {}


def test_a_replay_that_keeps_rows_makes_what_reads_them_stale(town: Town) -> None:
    town = waiting(town)
    town.delivers("case", "two", {"no": "4", "days": "3", "district": "Q"}, {"no": "x"})
    strict = [column("no", "integer", key=1), column("district", enum=["N"]),
              column("days", "integer")]  # fmt: skip
    town.receives(case=contract_text("case", strict))
    town.weave()
    town.receives(case=CASE)
    assert REPLAY in [run.kind for run in town.city.weave()]
    assert ("Q", 1, 3) in town.rows("waits")


# Chains


def test_a_chain_of_functions_is_made_in_its_order_from_a_package_of_the_citys_own(
    town: Town,
) -> None:
    town.receives(case=CASE)
    town.makes(
        waits=WAITS_COLUMNS,
        slow=[column("district"), column("days", "integer")],
        slowest=[column("most", "integer")],
    )
    town.by("""
        def slowest(slow: Table) -> Table:
            return slow.agg(most=_.days.max())

        def slow(waits: Table) -> Table:
            return waits.filter(_.days > 7).select("district", "days")

        def waits(case: Table) -> Table:
            return case.group_by("district").agg(n=_.count(), days=_.days.sum())
    """)
    town.delivers("case", "one", *CASES)
    assert list(town.why()) == ["waits", "slow", "slowest"]
    made = town.weave()
    assert list(made) == ["waits", "slow", "slowest"]
    assert town.rows("waits") == [("N", 2, 8), ("S", 1, 7)]
    assert town.rows("slowest") == [(8,)]
    assert made["slowest"].inputs == {"slow": made["slow"].version}
    assert town.weave() == {}

    town.delivers("case", "two", {"no": "4", "district": "S", "days": "9"})
    assert town.why() == {
        "waits": "case will change",
        "slow": "waits will change",
        "slowest": "slow will change",
    }
    assert list(town.weave()) == ["waits", "slow", "slowest"]
    assert town.rows("slowest") == [(16,)]


def test_a_function_whose_input_the_city_lacks_is_left_alone(town: Town) -> None:
    town.makes(waits=WAITS_COLUMNS)
    town.by(WAITS)
    assert town.weave() == {}
    assert "waits" not in town.city.contracts


def test_a_dataset_without_any_row_is_made_all_the_same(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(waits=WAITS_COLUMNS)
    town.by(WAITS)
    assert town.weave()["waits"].rows_kept == 0
    assert town.rows("waits") == []
    assert town.weave() == {}


# What is stale


def test_nothing_is_made_again_when_nothing_changed(town: Town) -> None:
    waiting(town)
    assert town.why() == {}
    assert town.weave() == {}


def test_a_change_of_code_makes_it_again(town: Town) -> None:
    waiting(town)
    town.by(WAITS.replace("sum()", "max()"))
    assert town.why() == {"waits": "its function changed"}
    town.weave()
    assert town.rows("waits") == [("N", 2, 5), ("S", 1, 7)]
    assert town.weave() == {}


def test_a_change_of_its_contract_makes_it_again(town: Town) -> None:
    waiting(town)
    atleast = column("n", "integer", logicalTypeOptions={"minimum": 2})
    town.makes(waits=[column("district"), atleast, column("days", "integer")])
    assert town.why() == {"waits": "its contract changed"}
    assert town.weave()["waits"].rows_quarantined == 1
    assert town.rows("waits") == [("N", 2, 8)]


def test_a_change_of_an_input_makes_it_again_and_of_another_dataset_does_not(town: Town) -> None:
    waiting(town)
    town.receives(street=contract_text("street", [column("code")]))
    town.delivers("street", "one", {"code": "a"})
    assert town.weave() == {}
    town.delivers("case", "one", CASES[0])
    assert list(town.weave()) == ["waits"]
    assert town.rows("waits") == [("N", 1, 3)]


def test_a_derived_dataset_may_gain_a_column(town: Town) -> None:
    waiting(town)
    town.makes(waits=[*WAITS_COLUMNS, column("mean", "number")])
    town.by(WAITS.replace("n=_.count()", "n=_.count(), mean=_.days.mean()"))
    town.weave()
    assert town.rows("waits") == [("N", 2, 8, 4.0), ("S", 1, 7, 7.0)]


def loaded_by_a_weave(town: Town) -> tuple[str, set[str]]:
    """How many runs a weave in a process of its own has, and the modules it loads."""
    script = dedent("""
        import sys
        from cityloom.city import City
        print(len(City.open(sys.argv[1]).weave()))
        print(*sys.modules)
    """)
    found = os.pathsep.join(path for path in sys.path if path)
    answer = subprocess.run(
        [sys.executable, "-c", script, str(town.folder / "city")],
        env={**os.environ, "PYTHONPATH": found},
        capture_output=True,
        text=True,
        check=True,
    )
    count, modules = answer.stdout.splitlines()
    return count, set(modules.split())


def test_nothing_stale_opens_no_engine(town: Town) -> None:
    count, modules = loaded_by_a_weave(waiting(town))
    assert count == "0"
    assert {"cityloom.engine.embedded", "cityloom.derive"} & modules == set()


def test_an_engine_that_does_not_answer_fails_what_it_should_make_and_nothing_else(
    town: Town,
) -> None:
    waiting(town)
    town.delivers("case", "b", {"no": "7", "district": "S", "days": "4"})
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        city = City.open(town.folder / "city", engine=f"sc://127.0.0.1:{bound.getsockname()[1]}")
        runs = city.weave()
    assert [run.kind for run in runs if not run.error] == ["receive"]
    failed = [run.error for run in runs if run.kind == DERIVE]
    assert failed
    assert all("does not answer" in error for error in failed)


@pytest.mark.xfail(strict=True, reason="the lake and retention load DuckDB whatever there is to do")
def test_nothing_stale_does_not_even_load_an_engine(town: Town) -> None:
    count, modules = loaded_by_a_weave(waiting(town))
    assert count == "0"
    assert modules.isdisjoint({"duckdb", "cityloom.receive"})


# previous, new_ and growing


def test_a_function_sees_its_own_last_version_and_keeps_identifiers_stable(town: Town) -> None:
    town.receives(case=CASE.replace("value: append", "value: snapshot"))
    town.makes(place=[column("district", key=1), column("id", "integer", unique=True)])
    town.by("""
        import ibis

        def place(case: Table, previous: Table) -> Table:
            seen = case.select("district").distinct()
            fresh = seen.anti_join(previous, "district")
            first = ibis.ifelse(previous.count() == 0, 0, previous.id.max()).as_scalar()
            numbered = fresh.mutate(
                id=(ibis.row_number().over(order_by="district") + 1 + first).cast("int64")
            )
            return previous.select("district", "id").union(numbered.select("district", "id"))
    """)
    town.delivers("case", "one", CASES[0], CASES[2])
    town.weave()
    assert town.rows("place") == [("N", 1), ("S", 2)]
    town.delivers("case", "one", {"no": "9", "district": "E", "days": "1"}, CASES[2])
    town.weave()
    assert town.rows("place") == [("E", 3), ("N", 1), ("S", 2)]


GROWING = """
    def seen(new_case: Table) -> Table:
        return new_case.select("no", twice=_.days * 2, batch=new_case.count())
"""
GROWING_CONTRACT = contract_text(
    "seen", [column("no", "integer"), column("twice", "integer"), column("batch", "integer")],
    grows=True,
)  # fmt: skip


def growing(town: Town) -> Town:
    town.receives(case=CASE)
    town.makes(seen=GROWING_CONTRACT)
    town.by(GROWING)
    town.delivers("case", "one", *CASES)
    town.weave()
    return town


def test_a_growing_dataset_reads_only_rows_it_has_not_seen(town: Town) -> None:
    growing(town)
    assert town.rows("seen") == [(1, 6, 3), (2, 10, 3), (3, 14, 3)]
    town.delivers("case", "two", {"no": "4", "district": "S", "days": "9"})
    run = town.weave()["seen"]
    assert (run.rows_read, run.rows_kept) == (1, 1)
    assert town.rows("seen") == [(1, 6, 3), (2, 10, 3), (3, 14, 3), (4, 18, 1)]
    assert town.weave() == {}


def test_a_growing_dataset_is_made_whole_again_when_rows_it_saw_are_gone(town: Town) -> None:
    growing(town)
    town.delivers("case", "two", {"no": "4", "district": "S", "days": "9"})
    town.weave()
    town.delivers("case", "one", CASES[0])
    assert town.weave()["seen"].rows_kept == 2
    assert town.rows("seen") == [(1, 6, 2), (4, 18, 2)]


@pytest.mark.parametrize("removed", ["case", "seen"])
def test_a_growing_dataset_is_made_whole_again_when_a_table_was_removed(
    town: Town, removed: str
) -> None:
    growing(town)
    town.delivers("case", "two", {"no": "4", "district": "S", "days": "9"})
    town.weave()
    rmtree(town.city.kept(removed).folder)
    assert "seen" in town.why()
    assert town.weave()["seen"].rows_kept == 4
    assert town.rows("seen") == [(1, 6, 4), (2, 10, 4), (3, 14, 4), (4, 18, 4)]
    assert town.weave() == {}


def test_what_is_made_of_a_table_that_was_removed_is_made_of_the_new_one(town: Town) -> None:
    growing(town)
    rmtree(town.city.kept("case").folder)
    town.delivers("case", "one", {"no": "9", "district": "S", "days": "9"})
    town.weave()
    assert town.rows("seen") == [(9, 18, 1)]


def test_a_dataset_that_does_not_say_it_grows_is_made_whole_again(town: Town) -> None:
    growing(town)
    town.makes(seen=GROWING_CONTRACT.replace("value: true", "value: false"))
    town.weave()
    town.delivers("case", "two", {"no": "4", "district": "S", "days": "9"})
    assert town.weave()["seen"].rows_kept == 4
    assert {batch for _, _, batch in town.rows("seen")} == {4}


def test_a_growing_dataset_is_made_whole_again_when_its_function_changes(town: Town) -> None:
    growing(town)
    town.by(GROWING.replace("_.days * 2", "_.days * 3"))
    assert town.why() == {"seen": "its function changed"}
    town.weave()
    assert town.rows("seen", "no", "twice") == [(1, 9), (2, 15), (3, 21)]


@pytest.mark.xfail(strict=True, reason="old rows of a growing dataset are not judged again")
def test_a_growing_dataset_is_judged_again_when_its_contract_changes(town: Town) -> None:
    growing(town)
    limit = "      logicalType: integer\n      logicalTypeOptions: {minimum: 7}\n"
    name = "    - name: twice\n"
    text = GROWING_CONTRACT.replace(f"{name}      logicalType: integer\n", name + limit)
    assert text != GROWING_CONTRACT
    town.makes(seen=text)
    town.weave()
    assert town.rows("seen", "no") == [(2,), (3,)]


def test_a_key_that_a_growing_dataset_holds_already_is_not_added_again(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(first=contract_text("first", [column("district", key=1)], grows=True))
    town.by("""
        def first(new_case: Table) -> Table:
            return new_case.select("district").distinct()
    """)
    town.delivers("case", "one", *CASES)
    town.weave()
    town.delivers("case", "two", {"no": "4", "district": "S", "days": "9"})
    assert town.weave()["first"].failed
    assert town.rows("first") == [("N",), ("S",)]


# Several datasets from one function


PAIR = """
    class Waits(NamedTuple):
        by_district: Table
        overall: Table

    def waits(case: Table) -> Waits:
        return Waits(
            by_district=case.group_by("district").agg(n=_.count()),
            overall=case.agg(n=_.count()),
        )
"""
PAIR_COLUMNS = {
    "by_district": [column("district"), column("n", "integer")],
    "overall": [column("n", "integer")],
}


def test_one_function_makes_several_datasets(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(**PAIR_COLUMNS)
    town.by(PAIR)
    town.delivers("case", "one", *CASES)
    assert list(town.weave()) == ["by_district", "overall"]
    assert town.rows("by_district") == [("N", 2), ("S", 1)]
    assert town.rows("overall") == [(3,)]
    assert town.weave() == {}


def test_none_of_several_datasets_is_changed_when_one_cannot_be(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(**PAIR_COLUMNS)
    town.by(PAIR)
    town.delivers("case", "one", *CASES)
    town.weave()
    town.by(PAIR.replace("overall=case.agg(n=_.count())", "overall=case.agg(m=_.count())")
            .replace("by_district=case.", "by_district=case.limit(1)."))  # fmt: skip
    made = town.weave()
    assert made["by_district"].failed
    assert made["overall"].failed
    assert town.rows("by_district") == [("N", 2), ("S", 1)]


HALVES = """
    class Halves(NamedTuple):
        odd: Table
        even: Table

    def halves(new_case: Table) -> Halves:
        rows = new_case.select("no")
        return Halves(odd=rows.filter(_.no % 2 == 1), even=rows.filter(_.no % 2 == 0))
"""


def half_made(town: Town, monkeypatch: pytest.MonkeyPatch) -> Town:
    """A town where the disk failed between the commits of two datasets of one function."""
    town.receives(case=CASE)
    for name in ("odd", "even"):
        town.makes(**{name: contract_text(name, [column("no", "integer")], grows=True)})
    town.by(HALVES)
    town.delivers("case", "one", *CASES)
    town.weave()
    town.delivers("case", "two", {"no": "4", "days": "9"}, {"no": "5", "days": "9"})
    with monkeypatch.context() as patch:
        patch.setattr(LakeTable, "_commit", failing_for(town.city.kept("even").folder))
        with pytest.raises(StorageError, match="disk"):
            town.weave()
    return town


def test_a_failure_between_two_datasets_of_one_function_leaves_both_readable(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_made(town, monkeypatch)
    assert town.rows("odd") == [(1,), (3,), (5,)]
    assert town.rows("even") == [(2,)]


def test_the_second_of_two_datasets_catches_up_after_a_failure_between_them(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    half_made(town, monkeypatch)
    town.weave()
    assert town.rows("even") == [(2,), (4,)]
    assert town.rows("odd") == [(1,), (3,), (5,)]


def test_refused_rows_are_there_once_after_a_failure_between_quarantine_and_dataset(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    town.receives(case=CASE)
    town.makes(judged=[column("no", "integer"), column("district", enum=["N"])])
    town.by("def judged(case: Table) -> Table: return case.select('no', 'district')")
    town.delivers("case", "one", *CASES)
    with monkeypatch.context() as patch:
        patch.setattr(LakeTable, "_commit", failing_for(town.city.kept("judged").folder))
        with pytest.raises(StorageError, match="disk"):
            town.weave()
    assert not town.weave()["judged"].failed
    assert [refused.received["no"] for refused in quarantined(town.city, "judged")] == [3]


def failing_for(folder: Path) -> Any:
    """A commit on a disk that fails for one table."""
    commit = LakeTable._commit

    def failing(table: LakeTable, *arguments: Any, **more: Any) -> int:
        if table.folder == folder:
            raise OSError("disk failed")
        return commit(table, *arguments, **more)

    return failing


# Kernels


KERNEL = """
    @by_partition("district")
    def share(case: pa.Table, factor: pa.Table) -> pa.Table:
        assert isinstance(case, pa.Table)
        assert len(factor) == 1, "an input without the column comes whole"
        days = case["days"].to_numpy()
        by = factor["by"][0].as_py()
        return pa.table({
            "no": case["no"],
            "rows": pa.array([len(case)] * len(case)),
            "share": pa.array(days * by / days.sum()),
        })
"""


def test_a_kernel_takes_and_gives_arrow_one_partition_at_a_time(town: Town) -> None:
    town.receives(case=CASE, factor=contract_text("factor", [column("by", "integer")]))
    town.makes(share=[column("no", "integer", key=1), column("rows", "integer"),
                      column("share", "number")])  # fmt: skip
    town.by(KERNEL)
    town.delivers("factor", "one", {"by": "8"})
    town.delivers("case", "one", *CASES, {"no": "4", "days": "2"}, {"no": "5", "days": "2"})
    run = town.weave()["share"]
    assert run.error == ""
    assert town.rows("share") == [(1, 2, 3.0), (2, 2, 5.0), (3, 1, 8.0), (4, 2, 4.0), (5, 2, 4.0)]


def test_a_kernels_rows_are_judged_by_rules_over_several_columns_too(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(copy=contract_text("copy", [column("no", "integer"), column("days", "integer")],
                                  rules={"even": "(no + days) % 2 = 0"}))  # fmt: skip
    town.by("""
        @by_partition("district")
        def copy(case: pa.Table) -> pa.Table:
            return case.select(["no", "days"])
    """)
    town.delivers("case", "one", *CASES)
    run = town.weave()["copy"]
    assert run.error == ""
    assert town.rows("copy") == [(1, 3), (3, 7)]
    assert [refused.reasons for refused in quarantined(town.city, "copy")] == [(("", "even"),)]


def test_a_kernel_takes_an_input_batch_by_batch_and_every_other_whole(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cityloom.derive.ROWS_AT_A_TIME", 1)
    town.receives(case=CASE, factor=contract_text("factor", [column("by", "integer")]))
    town.makes(scaled=[column("no", "integer", key=1), column("scaled", "integer")])
    town.by("""
        @by_batch("case")
        def scaled(case: pa.Table, factor: pa.Table) -> pa.Table:
            assert len(factor) == 2, "every other input comes whole"
            by = pc.sum(factor["by"])
            return pa.table({
                "no": case["no"],
                "scaled": pc.multiply(case["days"], by),
            })
    """)
    town.delivers("factor", "one", {"by": "8"}, {"by": "2"})
    town.delivers("case", "one", *CASES)
    town.delivers("case", "two", {"no": "4", "days": "2"}, {"no": "5", "days": "2"})
    run = town.weave()["scaled"]
    assert run.error == ""
    assert town.rows("scaled", "no", "scaled")[-2:] == [(4, 20), (5, 20)]
    assert run.rows_kept == len(CASES) + 2
    town.by("""
        @by_batch("ward")
        def scaled(case: pa.Table) -> pa.Table:
            return case
    """)
    assert "'ward', which is to come in batches, is none of its" in town.weave()["scaled"].error


def shop(dataset: str, crs: str) -> str:
    place = column("place", physicalType="GEOMETRY", custom={"crs": crs})
    return contract_text(dataset, [column(f"{dataset}_no", "integer", key=1), place])


@pytest.mark.parametrize("called", ["by_batch('shop')", "by_partition('shop_no')"])
def test_a_kernel_knows_what_crs_its_geometries_are_in(town: Town, called: str) -> None:
    town.receives(shop=shop("shop", "EPSG:4547"), ward=shop("ward", "EPSG:4547"))
    town.makes(placed=[column("shop_no", "integer", key=1), column("ward_no", "integer")])
    town.by(f"""
        from cityloom.geo import Layer, assign

        @{called}
        def placed(shop: pa.Table, ward: pa.Table) -> pa.Table:
            shops, wards = Layer(shop, "shop_no", "place"), Layer(ward, "ward_no", "place")
            assert (shops.crs, wards.crs) == ("EPSG:4547", "EPSG:4547")
            return assign(shops, wards)
    """)
    ward = "POLYGON ((507000 2494000, 508000 2494000, 508000 2496000, 507000 2494000))"
    town.delivers("ward", "one", {"ward_no": "7", "place": ward})
    town.delivers("shop", "one", {"shop_no": "1", "place": "POINT (507900 2495000)"})
    assert town.weave()["placed"].error == ""
    assert town.rows("placed") == [(1, 7)]


def test_a_kernel_does_not_join_what_is_in_another_crs(town: Town) -> None:
    town.receives(shop=shop("shop", "EPSG:4547"), ward=shop("ward", "EPSG:4326"))
    town.makes(placed=[column("shop_no", "integer", key=1), column("ward_no", "integer")])
    town.by("""
        from cityloom.geo import Layer, assign

        @by_batch("shop")
        def placed(shop: pa.Table, ward: pa.Table) -> pa.Table:
            borders = ward.select(["ward_no", "place"])
            return assign(Layer(shop, "shop_no", "place"), Layer(borders, "ward_no", "place"))
    """)
    ward = "POLYGON ((113 22, 115 22, 115 24, 113 22))"
    town.delivers("ward", "one", {"ward_no": "7", "place": ward})
    town.delivers("shop", "one", {"shop_no": "1", "place": "POINT (507900 2495000)"})
    error = town.weave()["placed"].error
    assert "'place' is in EPSG:4547 and 'place' in EPSG:4326; bring both into one CRS" in error


def test_a_partition_column_that_no_input_has_is_told(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(copy=[column("no", "integer")])
    town.by("""
        @by_partition("ward")
        def copy(case: pa.Table) -> pa.Table:
            return case.select(["no"])
    """)
    assert "no input has the column 'ward'" in town.weave()["copy"].error


# What a function gives is held against its contract


def test_rows_that_break_the_contract_are_quarantined_with_all_their_reasons(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(judged=contract_text(
        "judged",
        [column("no", "integer"),
         column("district", enum=["N", "S"], required=True),
         column("days", "integer", logicalTypeOptions={"maximum": 9})],
        rules={"no_below_days": "no < days"},
    ))  # fmt: skip
    town.by("def judged(case: Table) -> Table: return case")
    odd = {"no": "77", "district": "E", "days": "10"}
    town.delivers("case", "one", *CASES, odd, {"no": "78", "days": None})
    run = town.weave()["judged"]
    assert (run.rows_read, run.rows_kept, run.rows_quarantined) == (5, 3, 2)
    assert town.rows("judged", "no") == [(1,), (2,), (3,)]
    found = {refused.received["no"]: refused for refused in quarantined(town.city, "judged")}
    assert found[77].reasons == (("", "no_below_days"), ("days", "maximum"), ("district", "enum"))
    assert found[78].reasons == (("district", "required"),)
    assert found[77].received == {"no": 77, "district": "E", "days": 10}
    assert found[77].delivery == "judged"
    assert run.reasons["district: missing"] == 1

    town.delivers("case", "one", *CASES)
    town.weave()
    assert quarantined(town.city, "judged") == []


def test_a_derived_geometry_is_held_to_its_type_and_bounds(town: Town) -> None:
    town.receives(case=CASE)
    place = column("place", physicalType="POLYGON", custom={"bounds": [0, 0, 1, 1]})
    town.makes(place=[column("no", "integer"), place])
    town.by("""
        import shapely

        @by_partition("district")
        def place(case: pa.Table) -> pa.Table:
            shapes = [shapely.to_wkb(shapely.Point(50, 50))] * len(case)
            return pa.table({"no": case["no"], "place": pa.array(shapes, pa.binary())})
    """)
    town.delivers("case", "one", *CASES)
    assert town.weave()["place"].rows_kept == 0


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("return case.select('district', n=_.days)", "does not give column 'days'"),
        ("return case.select('district', 'days', n=_.days, more=_.no)", "gives column 'more'"),
        ("return case.select('district', 'days', n=_.days).union("
         "case.select('district', 'days', n=_.days))", "more than once"),
        ("return 5", "gave a int; expected an Ibis or Arrow table"),
        ("return None", "gave a NoneType"),
        ("return case, case", "gave 2 tables for 1 datasets"),
        ("return {}['x']", "KeyError"),
        ("return case.nonsense", "nonsense"),
    ],
)  # fmt: skip
def test_what_a_function_gives_wrongly_is_refused_whole_and_told_with_its_name(
    town: Town, code: str, words: str
) -> None:
    waiting(town)
    town.makes(waits=[column("district"), column("n", "integer", unique=True),
                      column("days", "integer")])  # fmt: skip
    town.by(f"def waits(case: Table) -> Table:\n{indent(code, '    ')}")
    before = town.rows("waits")
    run = town.weave()["waits"]
    assert run.failed
    assert f"{town.package}.tables.waits" in run.error
    assert words in run.error
    assert town.rows("waits") == before
    assert quarantined(town.city, "waits") == []
    assert list(town.why()) == ["waits"]


@pytest.mark.parametrize(
    "code",
    [
        "return case.mutate(n=_.district.cast('int64')).select('district', 'n', 'days')",
        "return case.mutate(n=_.district).select('district', 'n', 'days')",
    ],
)
def test_a_function_that_fails_in_the_engine_is_told_with_its_name_too(
    town: Town, code: str
) -> None:
    waiting(town)
    town.by(f"def waits(case: Table) -> Table:\n{indent(code, '    ')}")
    assert f"{town.package}.tables.waits" in town.weave()["waits"].error


def test_previous_of_a_function_of_several_datasets_is_refused_in_words(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(**PAIR_COLUMNS)
    town.by(PAIR.replace("(case: Table)", "(case: Table, previous: Table)"))
    assert "previous" in town.weave()["overall"].error


def test_a_function_without_a_contract_is_told_with_the_name_of_its_dataset(town: Town) -> None:
    town.receives(case=CASE)
    town.by(WAITS)
    with pytest.raises(UsageError, match="'waits'"):
        town.weave()


def test_a_dataset_that_is_both_received_and_derived_is_refused(town: Town) -> None:
    town.receives(case=CASE, waits=contract_text("waits", [column("x")]))
    town.makes(waits=WAITS_COLUMNS)
    town.by(WAITS)
    (broken,) = town.city.broken
    assert "waits.odcs.yaml: a dataset function makes 'waits'" in broken.error
    with pytest.raises(ContractError, match="give the delivered dataset another name"):
        town.city.contract("waits")
    assert list(town.city.contracts) == ["case"]
    assert town.weave() == {}


# Going on after a failure


def test_a_weave_goes_on_where_it_failed(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(waits=WAITS_COLUMNS, second=[column("n", "integer")], third=[column("n", "integer")])
    broken = WAITS + dedent("""
        def second(waits: Table) -> Table:
            raise RuntimeError("no luck")

        def third(second: Table) -> Table:
            return second
    """).replace("\n", "\n    ")
    town.by(broken)
    town.delivers("case", "one", *CASES)
    made = town.weave()
    assert not made["waits"].failed
    assert "RuntimeError: no luck" in made["second"].error
    town.by(broken.replace('raise RuntimeError("no luck")', 'return waits.select("n")'))
    again = town.weave()
    assert "waits" not in again, "what was made is not made again"
    assert not again["second"].failed
    assert town.rows("third") == [(1,), (2,)]
    assert town.weave() == {}


def test_a_failed_function_leaves_its_dataset_as_it_was_and_is_tried_again(town: Town) -> None:
    waiting(town)
    before = town.rows("waits")
    town.by("def waits(case: Table) -> Table: return 1 / 0")
    assert "ZeroDivisionError" in town.weave()["waits"].error
    assert town.rows("waits") == before
    assert town.weave()["waits"].failed
    town.by(WAITS)
    assert town.weave() == {}, "the code is again what the dataset was made with"


def test_a_changed_contract_changes_what_the_table_says_of_its_columns(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(length=[column("no", "integer"), column("days", "integer")])
    town.by("def length(case: Table) -> Table:\n    return case.select('no', 'days')\n")
    town.delivers("case", "a", {"no": 1, "district": "A", "days": 3})
    town.weave()
    town.makes(length=[column("no", "integer"), column("days", "number"), column("more")])
    town.by(
        "def length(case: Table) -> Table:\n"
        "    return case.select('no', days=_.days / 2.0, more=_.district)\n"
    )
    town.weave()
    schema = town.city.kept("length").schema()
    assert [str(kind) for kind in schema.types] == ["int64", "double", "string"]
    assert town.rows("length") == [(1, 1.5, "A")]


def test_refused_rows_of_all_partitions_are_numbered_on(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(copy=[column("no", "integer"), column("days", "integer", enum=[3])])
    town.by("""
        @by_partition("district")
        def copy(case: pa.Table) -> pa.Table:
            return case.select(["no", "days"])
    """)
    more = {"no": "4", "district": None, "days": "9"}
    town.delivers("case", "one", *CASES, more)
    run = town.weave()["copy"]
    assert (run.rows_read, run.rows_kept, run.rows_quarantined) == (4, 1, 3)
    refused = quarantined(town.city, "copy")
    assert [row.ordinal for row in refused] == [1, 2, 3]
    assert {row.received["no"] for row in refused} == {2, 3, 4}
    assert run.reasons == {refused[0].messages[0]: 3}


def test_a_function_that_fails_is_told_with_the_line_that_failed(town: Town) -> None:
    waiting(town)
    town.by("""
        def waits(case: Table) -> Table: return _deep()
        def _deep() -> Table: return _deeper()
        def _deeper() -> Table: raise ValueError("no such thing")
    """)
    error = town.weave()["waits"].error
    tables = town.folder / "site" / town.package / "tables.py"
    last = len(tables.read_text().rstrip().splitlines())
    assert f"tables.waits failed: ValueError: no such thing ({tables}:{last})" in error


def test_partitions_are_those_of_the_inputs_and_not_of_its_own_last_version(town: Town) -> None:
    town.receives(case=CASE)
    town.makes(copy=[column("no", "integer"), column("district")])
    town.by("""
        @by_partition("district")
        def copy(previous: pa.Table, case: pa.Table) -> pa.RecordBatch:
            assert len(previous.filter(pc.is_valid(previous["district"]))) in (0, len(case))
            return case.select(["no", "district"]).combine_chunks().to_batches()[0]
    """)
    town.delivers("case", "one", *CASES)
    assert town.weave()["copy"].error == ""
    assert town.rows("copy") == [(1, "N"), (2, "N"), (3, "S")]
    town.delivers("case", "two", {"no": "4", "district": "W", "days": "9"})
    assert town.weave()["copy"].error == ""
    assert town.rows("copy") == [(1, "N"), (2, "N"), (3, "S"), (4, "W")]
