"""What failed and can still be mended is one list, whoever asks for it."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from starlette.testclient import TestClient

from cityloom.check import findings
from cityloom.city import City
from cityloom.contract.split import Split, Splitter
from cityloom.errors import StorageError
from cityloom.runs import EXPIRE, Run, now
from cityloom.web.app import create_app
from tests.cities import column, contract_text, csv_bytes, new_city


@pytest.fixture
def city(tmp_path: Path) -> City:
    """A city in which one file of two could not be received."""
    made = new_city(
        tmp_path / "city", {"case": contract_text("case", [column("no", required=True)])}
    )
    folder = made.path / "inbox" / "case"
    folder.mkdir()
    (folder / "bad.csv").write_bytes(csv_bytes(["number"], [[1]]))
    (folder / "good.csv").write_bytes(csv_bytes(["no"], [[1]]))
    made.weave()
    return made


def told(city: City) -> tuple[list[str], int, list[str], str]:
    """The failures as the city, the check and the console's two pages tell them."""
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    (listed,) = client.get("/datasets.json").json()
    return (
        [run.source for run in city.failures()],
        client.get("/overview.json").json()["failed"],
        [item.what.partition(" could")[0] for item in findings(City.open(city.path))],
        listed["standing"],
    )


def test_a_failed_file_that_lies_in_the_inbox_counts_for_everyone(city: City) -> None:
    assert told(city) == (["bad.csv"], 1, ["case: bad.csv"], "failed")


def test_a_failed_file_that_has_gone_from_the_inbox_counts_for_nobody(city: City) -> None:
    (city.path / "inbox" / "case" / "bad.csv").unlink()
    assert told(city) == ([], 0, [], "current")
    assert [run.source for run in city.runs() if run.failed] == ["bad.csv"], "the log keeps it"


def test_the_console_notices_that_a_file_went_without_a_new_run(city: City) -> None:
    with TestClient(create_app(city), base_url="http://127.0.0.1") as client:
        assert client.get("/overview.json").json()["failed"] == 1
        (city.path / "inbox" / "case" / "bad.csv").unlink()
        assert client.get("/overview.json").json()["failed"] == 0


def test_a_file_that_came_well_in_the_end_has_not_failed(city: City) -> None:
    (city.path / "inbox" / "case" / "bad.csv").write_bytes(csv_bytes(["no"], [[2]]))
    City.open(city.path).weave()
    assert told(city) == ([], 0, [], "current")


def test_an_expiry_that_failed_is_made_good_by_one_that_took_deliveries_out(city: City) -> None:
    failed = Run("case", EXPIRE, started=now(), error="no")
    done = Run("case", EXPIRE, source="good.csv", started=now())
    assert city.failures([failed]) == [failed]
    assert city.failures([failed, done]) == []


def test_a_dataset_that_the_city_has_no_more_has_no_failures(city: City) -> None:
    (city.path / "contracts" / "case.odcs.yaml").unlink()
    assert City.open(city.path).failures() == []


@pytest.mark.parametrize(
    ("classification", "words"),
    [("public", "no cast of the value 7"), ("sensitive", "ArrowTypeError")],
)
def test_what_arrow_cannot_do_fails_the_delivery_and_not_the_weave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, classification: str, words: str
) -> None:
    def fails_once(splitter: Splitter, *batch: Any) -> Split:
        monkeypatch.setattr(Splitter, "split", split)
        raise pa.ArrowTypeError("no cast of the value 7")

    text = contract_text("case", [column("no")], classification=classification)
    city = new_city(tmp_path / "city", {"case": text})
    (city.path / "inbox" / "case").mkdir()
    for name in ("a.csv", "b.csv"):
        (city.path / "inbox" / "case" / name).write_bytes(csv_bytes(["no"], [[name]]))
    split = Splitter.split
    monkeypatch.setattr(Splitter, "split", fails_once)
    failed, received = city.weave()
    assert (failed.source, failed.failed, received.rows_kept) == ("a.csv", True, 1)
    assert words in failed.error
    assert ("7" in failed.error) == (classification == "public")


def test_want_of_memory_in_arrow_is_storage_and_no_fault_of_the_delivery(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> Split:
        raise pa.ArrowMemoryError("malloc of size 64 failed")

    monkeypatch.setattr(Splitter, "split", fails)
    more = city.path / "inbox" / "case" / "more.csv"
    more.write_bytes(csv_bytes(["no"], [[2]]))
    with pytest.raises(StorageError, match="malloc"):
        city.receive("case", more)
