"""Functions make a graph by the names of their parameters; a function's digest follows its code."""

import importlib
import linecache
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from textwrap import dedent
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cityloom.errors import UsageError
from cityloom.graph import DatasetFunction, Graph, LastRun, functions_of, why_stale

Package = Callable[[Mapping[str, str]], ModuleType]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Writes a package and imports its ``tables``, afresh each time."""
    name = "town_" + "".join(letter for letter in tmp_path.name if letter.isalnum())
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(files: Mapping[str, str]) -> ModuleType:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        for file, text in {"__init__": "", **files}.items():
            (folder / f"{file}.py").write_text(dedent(text).replace("PACKAGE", name))
        for loaded in [key for key in sys.modules if key.partition(".")[0] == name]:
            del sys.modules[loaded]
        importlib.invalidate_caches()
        linecache.clearcache()
        return importlib.import_module(f"{name}.tables")

    return write


def function(name: str, *parameters: str, outputs: tuple[str, ...] = ()) -> DatasetFunction:
    made = outputs or (name,)
    return DatasetFunction(name, lambda: None, parameters, made, None, "", "town.tables")


# Functions


def test_a_parameter_names_what_is_read_and_the_function_what_is_made(package: Package) -> None:
    tables = package({"tables": """
        from os.path import join
        from PACKAGE.other import helper

        LIMIT = 5

        class Street: ...

        def street_waits(case_days, street): ...

        def _private(case_days): ...
    """, "other": "def helper(x): ..."})  # fmt: skip
    (found,) = functions_of(tables)
    assert found.name == "street_waits"
    assert found.inputs == ("case_days", "street")
    assert found.outputs == ("street_waits",)
    assert found.origin == tables.__name__
    assert not found.incremental
    assert found.partition is None


def test_previous_is_no_input_and_new_rows_are_those_of_their_dataset(package: Package) -> None:
    (found,) = functions_of(package({"tables": "def zone(previous, new_case, case, street): ..."}))
    assert found.parameters == ("previous", "new_case", "case", "street")
    assert found.inputs == ("case", "street")
    assert found.incremental


def test_a_named_tuple_makes_a_dataset_for_each_of_its_fields(package: Package) -> None:
    (found,) = functions_of(package({"tables": """
        from typing import NamedTuple

        class Waits(NamedTuple):
            by_street: object
            by_kind: object

        def waits(case_days) -> Waits: ...
    """}))  # fmt: skip
    assert found.outputs == ("by_street", "by_kind")


def test_a_postponed_annotation_counts_too(package: Package) -> None:
    (found,) = functions_of(package({"tables": """
        from __future__ import annotations
        from typing import NamedTuple

        class Waits(NamedTuple):
            by_street: object
            by_kind: object

        def waits(case_days) -> Waits: ...
    """}))  # fmt: skip
    assert found.outputs == ("by_street", "by_kind")


def test_a_kernel_is_marked_with_the_column_of_its_partitions(package: Package) -> None:
    (found,) = functions_of(package({"tables": """
        from cityloom.graph import by_partition

        @by_partition("district")
        def parts(case): ...
    """}))  # fmt: skip
    assert found.partition == "district"
    assert found.inputs == ("case",)


# The graph


def test_functions_run_after_those_that_make_their_inputs() -> None:
    functions = [
        function("d", "c", "raw"),
        function("b", "new_a"),
        function("c", "b", "previous"),
        function("a", "raw"),
    ]
    graph = Graph(functions, ["raw"])
    assert [each.name for each in graph.order] == ["a", "b", "c", "d"]
    assert graph.runnable() == graph.order


def test_a_dataset_of_several_outputs_orders_those_that_read_any_of_them() -> None:
    both = function("both", "raw", outputs=("left", "right"))
    graph = Graph([function("after", "right"), both], ["raw"])
    assert [each.name for each in graph.order] == ["both", "after"]
    assert graph.maker["left"] is graph.maker["right"] is both


def test_functions_that_wait_for_each_other_are_named_in_a_ring() -> None:
    ring = [function("a", "c"), function("b", "a"), function("c", "b"), function("d", "raw")]
    with pytest.raises(UsageError, match="wait for each other") as caught:
        Graph(ring, ["raw"])
    names = str(caught.value).rpartition(": ")[2].split(" → ")
    assert names[0] == names[-1]
    assert set(names) == {"a", "b", "c"}


def test_a_function_that_reads_what_it_makes_waits_for_itself() -> None:
    with pytest.raises(UsageError, match="a → a"):
        Graph([function("a", "a")], [])


def test_its_own_last_version_is_no_ring() -> None:
    assert Graph([function("a", "raw", "previous")], ["raw"]).runnable()


def test_a_dataset_made_twice_is_refused_and_both_makers_are_named() -> None:
    first = function("one", "raw", outputs=("same", "other"))
    second = DatasetFunction("same", print, ("raw",), ("same",), None, "", "village.tables")
    with pytest.raises(UsageError) as caught:
        Graph([first, second], ["raw"])
    message = str(caught.value)
    assert "'same' is made twice" in message
    assert "town.tables.one" in message
    assert "village.tables.same" in message
    assert "rename one" in message


def test_functions_of_one_name_in_two_modules_are_all_run() -> None:
    first = function("waits", "raw", outputs=("by_street",))
    second = DatasetFunction("waits", print, ("raw",), ("by_kind",), None, "", "village.tables")
    assert {each.origin for each in Graph([first, second], ["raw"]).order} == {
        "town.tables", "village.tables",
    }  # fmt: skip


def test_inputs_that_a_city_lacks_are_named_and_what_needs_them_is_not_run() -> None:
    functions = [function("a", "raw"), function("b", "a", "absent"), function("c", "b", "new_gone")]
    graph = Graph(functions, ["raw"])
    assert [each.name for each in graph.runnable()] == ["a"]
    assert graph.missing(functions[0]) == []
    assert graph.missing(functions[1]) == ["absent"]
    assert graph.missing(functions[2]) == ["absent", "gone"]


@given(st.data())
def test_whatever_the_graph_every_input_is_made_before_it_is_read(data: st.DataObject) -> None:
    names = [f"d{number}" for number in range(data.draw(st.integers(1, 8)))]
    functions = [
        function(name, *data.draw(st.lists(st.sampled_from(["raw", *names[:place]]), unique=True)))
        for place, name in enumerate(names)
    ]
    shuffled = data.draw(st.permutations(functions))
    order = [each.name for each in Graph(shuffled, ["raw"]).order]
    assert sorted(order) == sorted(names)
    place = {name: at for at, name in enumerate(order)}
    assert all(
        place[read] < place[each.name]
        for each in functions
        for read in each.inputs
        if read != "raw"
    )


# What is stale


MADE = LastRun("code", "contract", {"a": 3, "b": 5})


@pytest.mark.parametrize(
    ("code", "contract", "inputs", "last", "why"),
    [
        ("code", "contract", {"a": 3, "b": 5}, MADE, None),
        ("code", "contract", {"a": 3, "b": 5}, None, "never made"),
        ("other", "contract", {"a": 3, "b": 5}, MADE, "its function changed"),
        ("code", "other", {"a": 3, "b": 5}, MADE, "its contract changed"),
        ("code", "contract", {"a": 4, "b": 5}, MADE, "a changed"),
        ("code", "contract", {"a": 4, "b": 6}, MADE, "a, b changed"),
        ("code", "contract", {"a": 2, "b": 5}, MADE, "a changed"),
        ("code", "contract", {"a": 3, "b": 5, "c": 0}, MADE, "c changed"),
    ],
)
def test_a_dataset_is_stale_by_its_code_its_contract_or_its_inputs(
    code: str, contract: str, inputs: Mapping[str, int], last: LastRun | None, why: str | None
) -> None:
    assert why_stale(code, contract, inputs, last) == why


# The digest of code


BEFORE = {
    "tables": """
        from PACKAGE import method
        from PACKAGE.method import score, Weights
        from json import dumps

        SMALLEST = 5

        def zone(case):
            return _near(case)

        def other(case):
            return case

        def _near(case):
            return score(case) + inner(case)

        def inner(case):
            return [Weights.of(each) for each in case]

        def by_module(case):
            return method.distant(case)

        def by_constant(case):
            return case > SMALLEST

        def by_default(case, score=score):
            return score(case)
    """,
    "method": """
        from functools import lru_cache

        FACTOR = 2

        def score(case):
            return _deep(case)

        def _deep(case):
            return 1

        class Weights:
            @staticmethod
            def of(each):
                return 1

        def distant(case):
            return 1

        @lru_cache
        def remembered(case):
            return 1

        def unrelated(case):
            return 1
    """,
}


def digests(tables: ModuleType) -> dict[str, str]:
    return {each.name: each.digest for each in functions_of(tables)}


def changed(package: Package, old: str, new: str, before: Mapping[str, str] = BEFORE) -> set[str]:
    """The functions whose digest changes with a piece of code."""
    first = digests(package(before))
    after = {file: text.replace(old, new, 1) for file, text in before.items()}
    assert after != dict(before)
    second = digests(package(after))
    assert first.keys() == second.keys()
    return {name for name in first if first[name] != second[name]}


def test_the_digest_is_the_same_when_nothing_changed(package: Package) -> None:
    assert digests(package(BEFORE)) == digests(package(BEFORE))


def test_the_digest_changes_with_the_function_itself(package: Package) -> None:
    assert changed(package, "return _near(case)", "return _near(case) or None") == {"zone"}


def test_the_digest_changes_with_a_helper_beside_it(package: Package) -> None:
    assert changed(package, "score(case) + inner", "score(case) - inner") == {"zone"}


def test_the_digest_changes_with_a_helper_of_a_helper_in_another_file(package: Package) -> None:
    found = changed(package, "def _deep(case):\n            return 1", "def _deep(case): return 2")
    assert "zone" in found
    assert "other" not in found


def test_the_digest_changes_with_a_class_that_a_comprehension_uses(package: Package) -> None:
    found = changed(package, "def of(each):\n                return 1", "def of(each): return 2")
    assert "zone" in found
    assert "other" not in found


def test_the_digest_does_not_change_with_an_unrelated_function(package: Package) -> None:
    assert changed(package, "def unrelated(case):", "def unrelated(case, more=1):") == set()


DEFECT = "only functions and classes that are named directly are followed"


def test_the_digest_changes_with_a_helper_called_through_its_module(package: Package) -> None:
    assert changed(package, "def distant(case):", "def distant(case, more=1):") == {"by_module"}


def test_the_digest_changes_with_a_constant_that_the_function_uses(package: Package) -> None:
    assert changed(package, "SMALLEST = 5", "SMALLEST = 6") == {"by_constant"}


def test_the_digest_changes_with_a_helper_given_as_a_default(package: Package) -> None:
    found = changed(package, "def _deep(case):\n            return 1", "def _deep(case): return 2")
    assert "by_default" in found


def test_the_digest_changes_with_a_helper_behind_a_decorator(package: Package) -> None:
    before = {
        **BEFORE,
        "tables": """
            from PACKAGE.method import remembered

            def zone(case):
                return remembered(case)
        """,
    }
    old = "def remembered(case):\n            return 1"
    assert changed(package, old, "def remembered(case): return 2", before) == {"zone"}


def test_the_digest_changes_with_what_a_class_calls(package: Package) -> None:
    before = {"tables": """
        def zone(case):
            return Weights().of(case)

        class Weights:
            def of(self, case):
                return _weight(case)

        def _weight(case):
            return 1
    """}  # fmt: skip
    assert changed(package, "return 1", "return 2", before) == {"zone"}


def test_the_digest_changes_with_a_helper_that_comes_after_one_met_twice(package: Package) -> None:
    before = {"tables": """
        def zone(case):
            return _a(case) + _b(case) + _c(case)

        def _a(case):
            return _last(case)

        def _b(case):
            return _twice(case)

        def _c(case):
            return _twice(case)

        def _twice(case):
            return _twice

        def _last(case):
            return 1
    """}  # fmt: skip
    assert changed(package, "return 1", "return 2", before) == {"zone"}


@pytest.mark.parametrize(
    ("written", "other"),
    [
        ("{'b', 'a'}", "{'b', 'c'}"),
        ("{'a': (1, 2)}", "{'a': (1, 3)}"),
        ("[1, 2.5]", "(1, 2.5)"),
        ("1", "1.0"),
        ("b'a'", "'a'"),
        ("None", "False"),
    ],
)
def test_the_digest_changes_with_any_plain_constant(
    package: Package, written: str, other: str
) -> None:
    before = {"tables": f"""
        KEPT = {written}
        def zone(case, limit={written}): return KEPT
        def other(case): return case
    """}  # fmt: skip
    assert changed(package, f"KEPT = {written}", f"KEPT = {other}", before) == {"zone"}
    assert changed(package, f"limit={written}", f"limit={other}", before) == {"zone"}


def test_what_is_not_of_its_package_leaves_the_digest_alone(package: Package) -> None:
    before = {"tables": """
        import math
        from json import dumps
        LIMIT = object()
        def zone(case, *, places=3): return dumps(math.floor(case), LIMIT)
    """}  # fmt: skip
    assert digests(package(before)) == digests(package(before))
    assert changed(package, "places=3", "places=4", before) == {"zone"}
