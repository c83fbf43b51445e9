"""Erasing a subject: from rows, quarantine, what derives from them, and every earlier version."""

import shutil
from pathlib import Path

import pytest

import cityloom.erasure
from cityloom.errors import ContractError, UsageError, pasteable
from tests.cities import column, contract_text, quarantined, rows
from tests.test_derive import Town, town  # noqa: F401 - the fixture

VISIT = contract_text("visit", [column("who"), column("minutes", "integer")])
COPY = [column("who"), column("minutes", "integer")]
COPYING = """
    def visit_copy(visit: Table) -> Table:
        return visit.select("who", "minutes")
"""


def held(city: Path, text: str) -> list[Path]:
    """The files below a city's lake that hold a text, as Parquet or as log."""
    import pyarrow.parquet as pq

    files = (path for path in (city / "lake").rglob("*") if path.is_file())
    return [
        path
        for path in files
        if text in (str(pq.read_table(path).to_pylist()) if "part-" in path.name else "")
    ]


@pytest.fixture
def woven(town: Town) -> Town:  # noqa: F811
    town.receives(visit=VISIT)
    town.makes(visit_copy=COPY)
    town.by(COPYING)
    town.delivers("visit", "a", {"who": "Ann", "minutes": 1}, {"who": "Bob", "minutes": 2},
                  {"who": "Ann", "minutes": "x"}, {"who": "Eve", "minutes": "y"})  # fmt: skip
    town.weave()
    return town


def test_a_subject_leaves_rows_quarantine_derived_rows_and_the_disk(woven: Town) -> None:
    assert held(woven.folder / "city", "Ann")
    erased = woven.city.erase("visit", "who", "Ann")
    assert (erased.rows_kept, erased.rows_quarantined, erased.derived) == (1, 1, ["visit_copy"])
    assert woven.rows("visit") == woven.rows("visit_copy") == [("Bob", 2)]
    assert [row.values for row in quarantined(woven.city, "visit")] == [
        '{"who":"Eve","minutes":"y"}'
    ]
    assert held(woven.folder / "city", "Ann") == []
    assert held(woven.folder / "city", "Bob")


def test_a_city_goes_on_after_an_erasure(woven: Town) -> None:
    woven.city.erase("visit", "who", "Ann")
    (woven.folder / "city" / "inbox" / "visit" / "a.ndjson").unlink()
    for number in range(3):
        woven.delivers("visit", f"b{number}", {"who": "Cid", "minutes": number})
        assert woven.weave().keys() == {"visit_copy"}
        assert len(woven.rows("visit_copy")) == 2 + number
        woven.city.erase("visit", "who", "Eve")
    assert {fact.dataset: fact.rows_quarantined for fact in woven.city.datasets()}["visit"] == 0


def test_a_row_refused_alone_can_be_erased_and_the_rest_read(woven: Town) -> None:
    erased = woven.city.erase("visit", "who", "Eve")
    assert (erased.rows_kept, erased.rows_quarantined) == (0, 1)
    assert len(quarantined(woven.city, "visit")) == 1
    assert len(rows(woven.city, "visit")) == 2


def test_what_a_killed_writer_left_goes_too(woven: Town) -> None:
    lake = woven.folder / "city" / "lake" / "visit"
    stray = next(lake.glob("*.parquet"))
    (lake / "part-stray.parquet").write_bytes(stray.read_bytes())
    woven.city.erase("visit", "who", "Ann")
    assert held(woven.folder / "city", "Ann") == []


def test_an_erasure_that_was_cut_off_is_finished_by_the_next(
    woven: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    def cut_off(city: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(cityloom.erasure, "derive_stale", cut_off)
        with pytest.raises(KeyboardInterrupt):
            woven.city.erase("visit", "who", "Ann")
    woven.delivers("visit", "b", {"who": "Cid", "minutes": 3})
    woven.weave()
    assert held(woven.folder / "city", "Ann")
    assert woven.city.erase("visit", "who", "Ann").rows_kept == 0
    assert held(woven.folder / "city", "Ann") == []


def test_a_derived_dataset_that_cannot_be_made_again_is_named(woven: Town) -> None:
    woven.by(COPYING.replace('return visit.select("who", "minutes")', 'raise ValueError("no")'))
    with pytest.raises(UsageError, match="visit_copy could not be made again and still") as caught:
        woven.city.erase("visit", "who", "Ann")
    assert str(caught.value).endswith(f": cityloom check {pasteable(woven.city.path)}")
    assert len(woven.rows("visit_copy")) == 2
    woven.by(COPYING)
    assert woven.city.erase("visit", "who", "Ann").rows_kept == 0
    assert woven.rows("visit_copy") == [("Bob", 2)]
    assert held(woven.folder / "city", "Ann") == []


def test_a_derived_dataset_cannot_be_erased_from(woven: Town) -> None:
    with pytest.raises(UsageError, match="derived"):
        woven.city.erase("visit_copy", "who", "Ann")
    with pytest.raises(UsageError, match="no column 'name'"):
        woven.city.erase("visit", "name", "Ann")
    with pytest.raises(UsageError, match="derived"):
        woven.city.replay("visit_copy")


def test_what_runs_set_aside_of_a_subject_is_cleared(woven: Town) -> None:
    city = woven.city
    for path in (city.scratch / "held-1.parquet", city.scratch / "waiting" / "rows.arrows"):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"Ann")
    reader = city.readers_scratch / "reader-at-work"
    reader.write_bytes(b"")
    city.erase("visit", "who", "Ann")
    assert list(city.scratch.iterdir()) == []
    assert reader.exists()


def test_what_runs_set_aside_is_cleared_where_the_erasure_cannot_be_finished(woven: Town) -> None:
    woven.by(COPYING.replace('return visit.select("who", "minutes")', 'raise ValueError("no")'))
    (woven.city.scratch / "held-1.parquet").write_bytes(b"Ann")
    with pytest.raises(UsageError, match="could not be made again"):
        woven.city.erase("visit", "who", "Ann")
    assert list(woven.city.scratch.iterdir()) == []


def test_a_subject_that_a_past_version_alone_holds_is_erased_from_it(woven: Town) -> None:
    woven.receives(visit=VISIT.replace("append", "snapshot"))
    woven.delivers("visit", "b", {"who": "Bob", "minutes": 2})
    woven.weave()
    assert woven.rows("visit") == [("Bob", 2)]
    assert held(woven.folder / "city", "Ann")
    erased = woven.city.erase("visit", "who", "Ann")
    assert (erased.rows_kept, erased.found) == (0, True)
    assert held(woven.folder / "city", "Ann") == []
    assert not woven.city.erase("visit", "who", "Ann").found


def test_what_a_function_made_that_is_gone_stops_the_erasure(woven: Town) -> None:
    woven.by("")
    (woven.folder / "site" / woven.package / "contracts" / "visit_copy.odcs.yaml").unlink()
    with pytest.raises(ContractError, match="visit_copy was made of 'visit' by a function that is"):
        woven.city.erase("visit", "who", "Ann")
    assert ("Ann", 1) in woven.rows("visit")
    shutil.rmtree(woven.city.kept("visit_copy").folder)
    woven.city.erase("visit", "who", "Ann")
    assert held(woven.folder / "city", "Ann") == []
