"""What runs say of datasets."""

from datetime import UTC, datetime, timedelta

from cityloom.contract.model import Column, Contract, Kind
from cityloom.runs import DERIVE, RECEIVE, REPLAY, Run
from cityloom.web.figures import (
    Standing,
    intake,
    last_change,
    last_weave,
    standing,
    waiting_reasons,
)

NOW = datetime.now(UTC)


def _run(ago: timedelta, kind: str = RECEIVE, source: str = "a.csv", **more) -> Run:
    return Run("d", kind, source, started=(NOW - ago).isoformat(), seconds=1, **more)


def _contract(frequency: timedelta | None = None) -> Contract:
    return Contract("d", (Column("c", "c", Kind.STRING),), frequency=frequency)


DAY = timedelta(days=1)


def test_a_dataset_stands_as_its_runs_say() -> None:
    assert standing(_contract(), []) is Standing.EMPTY
    assert standing(_contract(), [_run(90 * DAY)]) is Standing.CURRENT
    assert standing(_contract(30 * DAY), [_run(90 * DAY)]) is Standing.LATE
    assert standing(_contract(30 * DAY), [_run(90 * DAY), _run(DAY)]) is Standing.CURRENT
    assert standing(_contract(), [_run(DAY, error="no")], failed=True) is Standing.FAILED


def test_a_run_that_failed_changed_nothing() -> None:
    assert last_change([_run(2 * DAY, error="no")]) is None


def test_a_weave_is_the_runs_without_a_pause() -> None:
    old, first, second = _run(DAY), _run(timedelta(seconds=40)), _run(timedelta(seconds=20))
    assert last_weave([old, first, second]) == [second, first]
    assert last_weave([]) == []


def test_the_newest_delivery_of_each_source_counts() -> None:
    runs = [
        _run(3 * DAY, rows_read=10, rows_kept=10),
        _run(2 * DAY, rows_read=12, rows_kept=9, rows_quarantined=2, rows_duplicate=1),
        _run(DAY, source="b.csv", rows_read=5, rows_kept=5),
        _run(DAY, source="c.csv", error="no", rows_read=99),
    ]
    assert intake(runs).read == 17
    assert intake(runs).quarantined == 2
    assert intake(runs).duplicate == 1


def test_the_newest_judgement_of_each_source_gives_the_reasons() -> None:
    runs = [
        _run(3 * DAY, reasons={"x": 5, "y": 1}),
        _run(2 * DAY, kind=REPLAY, reasons={"y": 1}),
        _run(DAY, source="b.csv", reasons={"y": 2}),
        _run(DAY, kind=DERIVE, source="f", reasons={"z": 1}),
    ]
    assert waiting_reasons(runs) == {"y": 3, "z": 1}
