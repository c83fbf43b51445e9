"""A city is woven into the same datasets by every engine, to the digest."""

import shutil
from contextlib import nullcontext
from fractions import Fraction
from pathlib import Path

import pytest

from cityloom.city import City
from cityloom.engine import Engine
from cityloom.runs import DERIVE
from cityloom.sample import make_sample
from cityloom.sample.events import add_events
from tests.test_derive import (  # noqa: F401 - run here on every engine
    test_a_chain_of_functions_is_made_in_its_order_from_a_package_of_the_citys_own,
    test_a_dataset_without_any_row_is_made_all_the_same,
    test_a_derived_dataset_may_gain_a_column,
    test_a_derived_geometry_is_held_to_its_type_and_bounds,
    test_a_function_sees_its_own_last_version_and_keeps_identifiers_stable,
    test_a_function_that_fails_in_the_engine_is_told_with_its_name_too,
    test_a_growing_dataset_reads_only_rows_it_has_not_seen,
    test_a_kernel_takes_an_input_batch_by_batch_and_every_other_whole,
    test_a_kernel_takes_and_gives_arrow_one_partition_at_a_time,
    test_a_kernels_rows_are_judged_by_rules_over_several_columns_too,
    test_one_function_makes_several_datasets,
    test_partitions_are_those_of_the_inputs_and_not_of_its_own_last_version,
    test_rows_that_break_the_contract_are_quarantined_with_all_their_reasons,
    town,
)


@pytest.fixture(autouse=True)
def by_this_engine(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Weaves use the engine that is open, and leave it open."""
    monkeypatch.setattr("cityloom.engine.open_engine", lambda url, scratch: nullcontext(engine))


@pytest.fixture(scope="module")
def woven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sample city as DuckDB wove it."""
    path = tmp_path_factory.mktemp("woven") / "城 市"
    city = City.create(path, "样例")
    make_sample(path, Fraction(1, 4000), 11)
    add_events(path, 20_000)
    city = City.open(path)
    with pytest.MonkeyPatch.context() as patch:
        patch.undo()
        assert [run.error for run in city.weave() if run.error] == []
    return path


def test_the_sample_city_has_the_same_indicators(woven: Path, tmp_path: Path) -> None:
    by_duckdb = {item.dataset: item for item in City.open(woven).datasets()}
    shutil.copytree(woven, tmp_path / "city")
    derived = [run.dataset for run in City.open(woven).runs() if run.kind == DERIVE]
    for dataset in derived:
        shutil.rmtree(tmp_path / "city" / "lake" / dataset)
    city = City.open(tmp_path / "city")
    assert [run.error for run in city.weave() if run.error] == []
    found = {item.dataset: item for item in City.open(tmp_path / "city").datasets()}
    assert len(derived) > 11
    for dataset in derived:
        assert found[dataset].rows == by_duckdb[dataset].rows > 0
        assert found[dataset].digest == by_duckdb[dataset].digest, dataset
