"""The log of runs is what the lake's commits say, whatever became of the store."""

from pathlib import Path

import pytest

from cityloom.city import City
from cityloom.errors import DeliveryError
from cityloom.runs import RECEIVE, REPLAY, Run, deliveries
from cityloom.store import open_store
from tests.cities import assert_accounted, column, contract_text, deliver, new_city

COLUMNS = [column("id", "integer", key=1), column("kind", enum=["A"])]


@pytest.fixture
def city(tmp_path: Path) -> City:
    contracts = {name: contract_text(name, COLUMNS) for name in ("thing", "other")}
    city = new_city(tmp_path / "city", contracts)
    deliver(city, "thing", "a.csv", b"id,kind\n1,A\n2,B\n")
    deliver(city, "other", "a.csv", b"id,kind\n1,A\n1,A\n1,A\n")
    deliver(city, "thing", "a.csv", b"id,kind\n3,A\n4,B\n5,B\n")
    city.replay("thing")
    return city


def lose_store(city: City) -> City:
    """The city as one finds it whose store was lost."""
    for file in city.path.glob("store.sqlite*"):
        file.unlink()
    return City.open(city.path)


def test_a_run_tells_what_became_of_the_rows(city: City) -> None:
    first, second, replay = city.runs("thing")
    assert [run.kind for run in (first, second, replay)] == [RECEIVE, RECEIVE, REPLAY]
    assert (first.source, first.rows_read, first.rows_kept, first.rows_quarantined) == (
        "a.csv", 2, 1, 1,
    )  # fmt: skip
    assert first.reasons == {"kind: not one of A": 1}
    assert first.key == ["id"]
    assert first.contract == city.contract("thing").digest
    assert first.version is not None
    assert second.sha256 != first.sha256
    assert (replay.rows_read, replay.rows_quarantined) == (2, 2)
    (other,) = city.runs("other")
    assert (other.rows_kept, other.rows_duplicate) == (1, 2)
    for run in city.runs():
        assert_accounted(run)
        assert run.seconds > 0
        assert run.peak_mb > 0


def test_the_log_is_in_the_order_of_events(city: City) -> None:
    assert [run.dataset for run in city.runs()] == ["thing", "other", "thing", "thing"]


def test_a_log_that_was_lost_is_read_from_the_lake_again(city: City) -> None:
    before = sorted(city.runs(), key=lambda run: run.started)
    assert sorted(lose_store(city).runs(), key=lambda run: run.started) == before


def test_a_log_that_was_lost_keeps_the_order_of_events(city: City) -> None:
    before = city.runs()
    assert lose_store(city).runs() == before


def test_a_known_file_is_known_without_the_store(city: City) -> None:
    found = lose_store(city)
    assert deliver(found, "thing", "a.csv", b"id,kind\n3,A\n4,B\n5,B\n") == []
    assert len(found.runs()) == 4


def test_a_commit_that_the_log_missed_is_caught_up_once(city: City) -> None:
    connection = open_store(city.path, city.settings.database).raw_connection()
    connection.execute("DELETE FROM run WHERE dataset = 'thing' AND version > 1")
    connection.commit()
    connection.close()
    for _ in range(2):
        assert len(City.open(city.path).runs("thing")) == 3


def test_a_failed_run_is_logged_with_its_error(city: City) -> None:
    with pytest.raises(DeliveryError):
        deliver(city, "thing", "bad.csv", b"kind\nA\n")
    run = City.open(city.path).runs("thing")[-1]
    assert run.failed
    assert (run.source, run.version) == ("bad.csv", None)
    assert "required column 'id' is missing" in run.error
    assert (run.rows_read, run.rows_kept) == (0, 0)


def test_the_newest_receipt_of_a_source_counts() -> None:
    runs = [
        Run("d", RECEIVE, "a", sha256="1"),
        Run("d", RECEIVE, "b", sha256="2"),
        Run("d", REPLAY, "a", sha256="3"),
        Run("d", RECEIVE, "a", sha256="4"),
        Run("d", RECEIVE, "a", sha256="5", error="no"),
    ]
    assert {name: run.sha256 for name, run in deliveries(runs).items()} == {"a": "4", "b": "2"}
