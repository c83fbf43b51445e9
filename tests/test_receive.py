"""Receiving, through the city: what is kept, what is refused and why, and what is remembered."""

import gzip
import random
from datetime import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cityloom.intake
import cityloom.readers.stream
import cityloom.receive
from cityloom.city import City
from cityloom.errors import DeliveryError, UsageError
from cityloom.readers.batch import Batch, Malformed
from cityloom.runs import RECEIVE, REPLAY
from tests import oracle
from tests.cities import (
    assert_accounted,
    column,
    contract_text,
    csv_bytes,
    deliver,
    digests,
    new_city,
    quarantined,
    receipts,
    rows,
    set_contract,
)

SLOW = settings(
    deadline=None,
    max_examples=15,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

MODES = ("append", "snapshot", "upsert")

ROWS = st.lists(
    st.tuples(
        st.sampled_from(("1", "2", "3", "4", "x", "")),
        st.sampled_from(("", "", "p", "q")),
        st.sampled_from(("0", "1", "1", "7", "-1", "y", "")),
        st.sampled_from(("A", "A", "B", "", "Z")),
        st.sampled_from(("", "", "N", "S")),
    ),
    min_size=1,
    max_size=7,
)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("receive"), st.sampled_from(("a.csv", "b.csv")), ROWS),
        st.tuples(st.just("places"), st.sets(st.sampled_from("NS"), min_size=1), st.none()),
        st.tuples(st.just("replay"), st.none(), st.none()),
    ),
    min_size=1,
    max_size=5,
)


def kept_and_refused(city: City, dataset: str = "thing") -> tuple[Any, Any]:
    """The content of a dataset and of its quarantine, comparable."""
    kept = sorted(repr(tuple(row.values())) for row in rows(city, dataset))
    return kept, [(r.delivery, r.ordinal, r.values, r.reasons) for r in quarantined(city, dataset)]


def expected(truth: oracle.Oracle) -> tuple[Any, Any]:
    """The same, as the oracle has it."""
    refused = sorted(
        (item.source, item.ordinal, oracle.values_of(item.row), tuple(reasons))
        for item, reasons in truth.refused.items()
    )
    return sorted(repr(oracle.typed(item.row)) for item in truth.kept), refused


@pytest.mark.parametrize("mode", MODES)
@SLOW
@given(steps=STEPS, at_a_time=st.sampled_from((1, 2, 1000)), block=st.sampled_from((32, 1 << 20)))
def test_city_keeps_and_refuses_what_the_contract_says(
    mode: str, steps: Any, at_a_time: int, block: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    truth = oracle.Oracle(mode)
    city = new_city(tmp_path_factory.mktemp("city") / "city", oracle.contracts(mode))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cityloom.receive, "ROWS_AT_A_TIME", at_a_time)
        patch.setattr(cityloom.readers.stream, "BLOCK", block)
        for kind, what, delivered in steps:
            if kind == "places":
                truth.places = set(what)
                deliver(city, "place", "place.csv", csv_bytes(("code",), [(c,) for c in what]))
            elif kind == "replay":
                truth.replay()
                city.replay("thing")
            else:
                account = truth.receive(what, delivered)
                runs = deliver(city, "thing", what, csv_bytes(oracle.COLUMNS, delivered))
                assert len(runs) == (account is not None)
                for run in runs:
                    assert account is not None
                    assert_accounted(run)
                    assert (run.rows_read, run.rows_kept) == (account.read, account.kept)
                    assert run.rows_quarantined == account.quarantined
                    assert run.rows_duplicate == account.duplicate
            assert kept_and_refused(city) == expected(truth)
    facts = {item.dataset: item for item in city.datasets()}
    assert facts["thing"].rows == len(truth.kept)
    assert facts["thing"].rows_quarantined == len(truth.refused)


@SLOW
@given(delivered=ROWS, seed=st.integers(0, 1000), at_a_time=st.sampled_from((1, 2, 3, 1000)))
def test_the_order_of_a_delivery_changes_nothing(
    delivered: list[oracle.Row],
    seed: int,
    at_a_time: int,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    shuffled = random.Random(seed).sample(delivered, len(delivered))
    found = []
    for content, batch in ((delivered, 1000), (shuffled, at_a_time)):
        city = new_city(tmp_path_factory.mktemp("city") / "city", oracle.contracts("append"))
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(cityloom.receive, "ROWS_AT_A_TIME", batch)
            (run,) = deliver(city, "thing", "a.csv", csv_bytes(oracle.COLUMNS, content))
        kept, refused = kept_and_refused(city)
        account = (run.rows_kept, run.rows_quarantined, run.rows_duplicate, run.reasons)
        found.append((kept, sorted((r[2], r[3]) for r in refused), account, digests(city)))
    assert found[0] == found[1]


THING = oracle.COLUMNS


@pytest.fixture
def city(tmp_path: Path) -> City:
    return new_city(tmp_path / "city", oracle.contracts("append"))


def test_a_refused_row_carries_all_its_reasons_in_words(city: City) -> None:
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("x", "", "-1", "Z", "N")]))
    (row,) = quarantined(city, "thing")
    assert row.messages == (
        "amount: less than 0",
        "id: not a whole number within 64 bits",
        "kind: not one of A, B",
        "place: not (yet) in place.code",
    )
    assert row.received == {"id": "x", "code": None, "amount": "-1", "kind": "Z", "place": "N"}
    assert row.raw is None


def test_reasons_are_counted_in_the_run(city: City) -> None:
    (run,) = deliver(
        city, "thing", "a.csv", csv_bytes(THING, [(n, "", "-1", "A", "") for n in range(3)])
    )
    assert run.reasons == {"amount: less than 0": 3}


def test_a_row_that_could_not_be_split_keeps_its_raw_text(city: City) -> None:
    good = csv_bytes(THING, [("1", "", "1", "A", "")])
    (run,) = deliver(city, "thing", "a.csv", good + b'2,"x"y,1,A,\n3,,1,A,\n4,\xff,1,A,\n')
    assert (run.rows_read, run.rows_kept, run.rows_quarantined) == (4, 2, 2)
    assert [(r.ordinal, r.raw, r.values) for r in quarantined(city, "thing")] == [
        (2, '2,"x"y,1,A,', None),
        (4, "4,\\xff,1,A,", None),
    ]
    city.replay("thing")
    assert [r.raw for r in quarantined(city, "thing")] == ['2,"x"y,1,A,', "4,\\xff,1,A,"]


def test_the_same_bytes_again_change_nothing(city: City) -> None:
    content = csv_bytes(THING, [("1", "", "1", "A", ""), ("2", "", "-1", "A", "")])
    assert len(deliver(city, "thing", "a.csv", content)) == 1
    before = (digests(city), city.runs(), quarantined(city, "thing"))
    assert deliver(city, "thing", "a.csv", content) == []
    assert (digests(city), city.runs(), quarantined(city, "thing")) == before


def test_bytes_taken_in_again_on_request_give_the_same_rows(city: City, tmp_path: Path) -> None:
    content = csv_bytes(THING, [("1", "", "1", "A", ""), ("2", "", "-1", "A", "")])
    deliver(city, "thing", "a.csv", content)
    before = kept_and_refused(city)
    (tmp_path / "a.csv").write_bytes(content)
    (run,) = city.receive("thing", tmp_path / "a.csv", again=True)
    assert (run.rows_kept, run.rows_quarantined) == (1, 1)
    assert kept_and_refused(city) == before


def test_other_bytes_under_the_same_name_replace_the_delivery(city: City) -> None:
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "", "1", "A", ""), ("x", *"    ")]))
    deliver(city, "thing", "b.csv", csv_bytes(THING, [("2", "", "1", "A", ""), ("y", *"    ")]))
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "", "7", "A", ""), ("z", *"    ")]))
    assert sorted((row["id"], row["amount"]) for row in rows(city, "thing")) == [(1, 7), (2, 1)]
    assert [row.received["id"] for row in quarantined(city, "thing")] == ["z", "y"]


def test_a_row_that_another_delivery_brought_is_a_duplicate(city: City) -> None:
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "p", "1", "A", "")]))
    (run,) = deliver(city, "thing", "b.csv", csv_bytes(THING, [("1", "p", "1", "A", "")]))
    assert (run.rows_kept, run.rows_quarantined, run.rows_duplicate) == (0, 0, 1)


def test_a_row_that_contradicts_another_delivery_is_refused(city: City) -> None:
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "p", "1", "A", "")]))
    (run,) = deliver(city, "thing", "b.csv", csv_bytes(THING, [("1", "p", "2", "A", "")]))
    assert (run.rows_kept, run.rows_quarantined, run.rows_duplicate) == (0, 1, 0)
    (row,) = quarantined(city, "thing")
    words = "held already by a row of another delivery with different values"
    assert row.messages == (f"code: {words}", f"id: {words}")
    assert [row["amount"] for row in rows(city, "thing")] == [1]


def test_a_broken_row_is_no_duplicate_of_a_kept_one(tmp_path: Path) -> None:
    columns = [column("id", "integer", key=1), column("amount", "integer")]
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", columns)})
    deliver(city, "thing", "a.csv", b"id,amount\n1,\n2,2\n")
    (run,) = deliver(city, "thing", "b.csv", b"id,amount\n1,many\n2,1.5\n")
    assert (run.rows_quarantined, run.rows_duplicate) == (2, 0)
    assert [row.received["amount"] for row in quarantined(city, "thing")] == ["many", "1.5"]


def test_rows_of_equal_values_written_differently_do_not_contradict(tmp_path: Path) -> None:
    columns = [column("id", "integer", key=1), column("share", "number")]
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", columns)})
    (run,) = deliver(city, "thing", "a.csv", b"id,share\n1,0.5\n01,0.50\n")
    assert (run.rows_kept, run.rows_quarantined, run.rows_duplicate) == (1, 0, 1)


def test_a_mistyped_key_does_not_stand_for_the_number_it_nearly_is(tmp_path: Path) -> None:
    columns = [column("id", "integer", key=1), column("boss", "integer", refers="thing.id")]
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", columns)})
    deliver(city, "thing", "a.csv", b"id,boss\n2,\n1.5,\n 2,\n")
    assert [row["id"] for row in rows(city, "thing")] == [2]
    assert [row.reasons for row in quarantined(city, "thing")] == [(("id", "type"),)] * 2


def test_a_mistyped_reference_has_one_reason(tmp_path: Path) -> None:
    contracts = {
        "place": contract_text("place", [column("code", "integer", key=1)]),
        "thing": contract_text(
            "thing",
            [column("id", "integer", key=1), column("at", "integer", refers="place.code")],
        ),
    }
    city = new_city(tmp_path / "city", contracts)
    deliver(city, "thing", "a.csv", b"id,at\n1,1.5\n2,x\n")
    assert [row.reasons for row in quarantined(city, "thing")] == [(("at", "type"),)] * 2


def test_upsert_replaces_the_row_of_the_same_key(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", oracle.contracts("upsert"))
    deliver(city, "thing", "a.csv", csv_bytes(THING, [(n, "", n, "A", "") for n in (1, 2)]))
    deliver(city, "thing", "b.csv", csv_bytes(THING, [(n, "", n * 2, "A", "") for n in (2, 3)]))
    assert sorted((r["id"], r["amount"]) for r in rows(city, "thing")) == [(1, 1), (2, 4), (3, 6)]


def test_upsert_keeps_unique_columns_unique(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", oracle.contracts("upsert"))
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "p", "1", "A", "")]))
    deliver(city, "thing", "b.csv", csv_bytes(THING, [("2", "p", "1", "A", "")]))
    codes = [row["code"] for row in rows(city, "thing")]
    assert len(codes) == len(set(codes))


@pytest.mark.xfail(strict=True, reason="the overwritten row is gone")
def test_a_corrected_upsert_gives_back_what_it_had_overwritten(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", oracle.contracts("upsert"))
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "", "1", "A", "")]))
    deliver(city, "thing", "b.csv", csv_bytes(THING, [("1", "", "2", "A", "")]))
    deliver(city, "thing", "b.csv", csv_bytes(THING, [("3", "", "3", "A", "")]))
    assert sorted(row["id"] for row in rows(city, "thing")) == [1, 3]


def test_a_snapshot_replaces_all_rows_and_all_refused_rows(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", oracle.contracts("snapshot"))
    deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "", "1", "A", ""), ("x", *"    ")]))
    deliver(city, "thing", "b.csv", csv_bytes(THING, [("2", "", "1", "A", "")]))
    assert [row["id"] for row in rows(city, "thing")] == [2]
    assert quarantined(city, "thing") == []


def inbox(city: City, dataset: str, name: str, content: bytes) -> Path:
    """Put a file in a city's inbox."""
    folder = city.path / "inbox" / dataset
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(content)
    return folder / name


def reopened(city: City) -> City:
    """The city as another process would open it."""
    return City.open(city.path)


def woven(city: City) -> list[tuple[str, str, str]]:
    """The kind, dataset and source of each run of a weave by a newly opened city."""
    return [(run.kind, run.dataset, run.source) for run in reopened(city).weave()]


WAITING = csv_bytes(THING, [("1", "", "1", "A", "N"), ("2", "", "1", "A", "")])
NORTH = csv_bytes(("code",), [("N",)])


def test_a_row_whose_parent_is_missing_waits_and_is_kept_when_it_arrives(city: City) -> None:
    inbox(city, "thing", "a.csv", WAITING)
    city.weave()
    (row,) = quarantined(city, "thing")
    assert row.reasons == (("place", "reference"),)
    assert woven(city) == []
    inbox(city, "place", "p.csv", NORTH)
    assert woven(city) == [(RECEIVE, "place", "p.csv"), (REPLAY, "thing", "a.csv")]
    assert quarantined(city, "thing") == []
    assert sorted(row["id"] for row in rows(city, "thing")) == [1, 2]
    assert woven(city) == []


def test_a_parent_that_comes_in_the_same_weave_is_there_for_its_children(city: City) -> None:
    inbox(city, "thing", "a.csv", WAITING)
    inbox(city, "place", "p.csv", NORTH)
    city.weave()
    assert quarantined(city, "thing") == []


def test_rows_wait_on_while_other_deliveries_come(city: City) -> None:
    inbox(city, "thing", "a.csv", WAITING)
    city.weave()
    inbox(city, "place", "p.csv", NORTH)
    inbox(city, "thing", "b.csv", csv_bytes(THING, [("3", "", "1", "A", "")]))
    reopened(city).weave()
    assert quarantined(city, "thing") == []


def test_rows_of_two_deliveries_are_both_replayed(city: City) -> None:
    inbox(city, "thing", "a.csv", WAITING)
    inbox(city, "thing", "b.csv", csv_bytes(THING, [("9", "", "1", "A", "N")]))
    city.weave()
    inbox(city, "place", "p.csv", NORTH)
    reopened(city).weave()
    assert quarantined(city, "thing") == []


@pytest.fixture
def company(tmp_path: Path) -> City:
    """Persons, each below another person or none."""
    columns = [column("id", "integer", key=1), column("boss", "integer", refers="person.id")]
    return new_city(tmp_path / "city", {"person": contract_text("person", columns)})


def test_a_row_may_refer_to_a_row_of_its_own_delivery(company: City) -> None:
    inbox(company, "person", "a.csv", b"id,boss\n3,2\n2,1\n1,\n")
    company.weave()
    assert quarantined(company, "person") == []


def test_a_row_may_wait_for_a_later_delivery_of_its_own_dataset(company: City) -> None:
    inbox(company, "person", "a.csv", b"id,boss\n2,1\n")
    company.weave()
    inbox(company, "person", "b.csv", b"id,boss\n1,\n")
    reopened(company).weave()
    assert quarantined(company, "person") == []


def test_one_weave_replays_down_a_chain_of_references(tmp_path: Path) -> None:
    contracts = {
        "c": contract_text("c", [column("id", key=1)]),
        "b": contract_text("b", [column("id", key=1), column("up", refers="c.id")]),
        "a": contract_text("a", [column("id", key=1), column("up", refers="b.id")]),
    }
    city = new_city(tmp_path / "city", contracts)
    inbox(city, "a", "a.csv", b"id,up\na1,b1\n")
    inbox(city, "b", "b.csv", b"id,up\nb1,c1\n")
    city.weave()
    inbox(city, "c", "c.csv", b"id\nc1\n")
    reopened(city).weave()
    assert [row["id"] for row in rows(city, "a")] == ["a1"]


def test_rows_received_while_their_parents_contract_was_away_are_kept_once_it_is_back(
    tmp_path: Path,
) -> None:
    child = [column("no", key=1), column("p", refers="par.p")]
    contracts = {
        "par": contract_text("par", [column("p", key=1)]),
        "chi": contract_text("chi", child),
    }
    city = new_city(tmp_path / "city", contracts)
    inbox(city, "par", "p.csv", b"p\nA\n")
    city.weave()
    (city.path / "contracts" / "par.odcs.yaml").unlink()
    inbox(city, "chi", "c.csv", b"no,p\n1,A\n2,B\n")
    assert woven(city) == [(RECEIVE, "chi", "c.csv")]
    assert len(quarantined(reopened(city), "chi")) == 2
    assert woven(city) == []
    set_contract(city.path, "par", contracts["par"])
    assert woven(city) == [(REPLAY, "chi", "c.csv")]
    assert rows(reopened(city), "chi") == [{"no": "1", "p": "A"}]
    assert woven(city) == []


def test_rows_wait_on_while_the_clock_is_set_back(
    company: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox(company, "person", "a.csv", b"id,boss\n2,1\n")
    company.weave()
    monkeypatch.setattr(cityloom.intake, "now", lambda: "2001-01-01T00:00:00.000000+00:00")
    inbox(company, "person", "b.csv", b"id,boss\n1,\n")
    reopened(company).weave()
    assert quarantined(company, "person") == []


def test_rows_wait_on_through_the_loss_of_the_store(tmp_path: Path) -> None:
    contracts = {
        "clinic": contract_text("clinic", [column("id", key=1)]),
        "visit": contract_text("visit", [column("id", key=1), column("at", refers="clinic.id")]),
    }
    city = new_city(tmp_path / "city", contracts)
    deliver(city, "visit", "v.csv", b"id,at\nv1,c1\n")
    deliver(city, "clinic", "c.csv", b"id\nc1\n")
    for file in city.path.glob("store.sqlite*"):
        file.unlink()
    reopened(city).weave()
    assert [row["id"] for row in rows(city, "visit")] == ["v1"]


def test_a_missing_optional_column_and_an_extra_one_are_said_in_words(city: City) -> None:
    content = b"id,amount,kinds,place\n1,1,A,\n"
    (run,) = deliver(city, "thing", "a.csv", content)
    assert run.notes == [
        "column 'code' is missing",
        "column 'kind' is missing; 'kinds' may be its new name",
        "column 'kinds' is not in the contract and was not stored",
    ]
    assert rows(city, "thing") == [
        {"id": 1, "code": None, "amount": 1, "kind": None, "place": None}
    ]


def test_a_delivery_without_a_required_column_is_refused(city: City) -> None:
    with pytest.raises(DeliveryError, match=r"required column 'amount' is missing; 'amounts' may"):
        deliver(city, "thing", "a.csv", b"id,amounts\n1,1\n")
    assert rows(city, "thing") == []
    (run,) = city.runs("thing")
    assert run.failed
    assert "required column 'amount' is missing" in run.error


def test_columns_in_another_order_are_the_same_columns(city: City) -> None:
    deliver(city, "thing", "a.csv", b"place,kind,amount,code,id\n,A,1,,7\n")
    (row,) = rows(city, "thing")
    assert (row["id"], row["amount"], row["kind"]) == (7, 1, "A")


BAD = b"id\n1\n"


def test_a_file_that_is_refused_does_not_stop_a_weave_nor_is_it_tried_again(city: City) -> None:
    path = inbox(city, "thing", "a.csv", BAD)
    inbox(city, "thing", "b.csv", csv_bytes(THING, [("1", "", "1", "A", "")]))
    runs = city.weave()
    assert [(run.source, run.failed) for run in runs] == [("a.csv", True), ("b.csv", False)]
    assert woven(city) == []
    path.write_bytes(BAD + b"2\n")
    assert woven(city) == [(RECEIVE, "thing", "a.csv")]
    assert woven(city) == []
    path.write_bytes(csv_bytes(THING, [("2", "", "1", "A", "")]))
    assert woven(city) == [(RECEIVE, "thing", "a.csv")]
    assert sorted(row["id"] for row in rows(city, "thing")) == [1, 2]


def test_a_refused_file_is_tried_again_when_its_contract_changes(tmp_path: Path) -> None:
    columns = [column("id", key=1), column("note", required=True)]
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", columns)})
    inbox(city, "thing", "a.csv", b"id\n1\n")
    assert [run.failed for run in city.weave()] == [True]
    set_contract(city.path, "thing", contract_text("thing", [columns[0], column("note")]))
    assert woven(city) == [(RECEIVE, "thing", "a.csv")]
    assert [row["id"] for row in rows(reopened(city), "thing")] == ["1"]


@pytest.mark.parametrize(
    ("name", "content"),
    [("a.csv.gz", b"not gzip"), ("a.parquet", b"PAR1xxxx"), ("a.xyz", b"1"), ("a.json", b"[{]")],
)
def test_a_file_that_cannot_be_read_is_a_failed_run_in_words(
    city: City, name: str, content: bytes
) -> None:
    inbox(city, "thing", name, content)
    (run,) = city.weave()
    assert run.failed
    assert name in run.error
    assert rows(city, "thing") == []


def test_a_changed_contract_is_tried_on_the_refused_rows(city: City) -> None:
    negative = csv_bytes(THING, [("1", "", "-1", "A", ""), ("2", "", "y", "A", "")])
    inbox(city, "thing", "a.csv", negative)
    inbox(city, "thing", "b.csv", negative.replace(b"1,,", b"3,,").replace(b"2,,", b"4,,"))
    city.weave()
    text = oracle.contracts("append")["thing"].replace("minimum: 0", "minimum: -9")
    set_contract(city.path, "thing", text)
    assert woven(city) == [(REPLAY, "thing", "a.csv"), (REPLAY, "thing", "b.csv")]
    assert sorted(row["id"] for row in rows(reopened(city), "thing")) == [1, 3]
    assert [row.received["id"] for row in quarantined(reopened(city), "thing")] == ["2", "4"]
    assert woven(city) == []


def test_a_column_that_a_contract_gains_is_stored_from_then_on(tmp_path: Path) -> None:
    columns = [column("id", "integer", key=1)]
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", columns)})
    deliver(city, "thing", "a.csv", b"id,note\n1,old\n")
    set_contract(city.path, "thing", contract_text("thing", [*columns, column("note")]))
    city = reopened(city)
    assert rows(city, "thing") == [{"id": 1, "note": None}]
    deliver(city, "thing", "b.csv", b"id,note\n2,new\n")
    assert sorted(rows(city, "thing"), key=str) == [
        {"id": 1, "note": None},
        {"id": 2, "note": "new"},
    ]


AWKWARD = ['quote " mark', "back\\slash", "do.t", "[0]", "$", "编号", "with blank", "a'b", "名,称"]


@pytest.mark.parametrize("name", AWKWARD)
def test_replayed_values_are_the_values_as_received_whatever_the_header(
    name: str, tmp_path: Path
) -> None:
    columns = [
        column("id", "integer", key=1),
        column("note", physicalName=name),
        column("number", "integer", logicalTypeOptions={"minimum": 5}),
    ]
    city = new_city(tmp_path / "city", {"thing": contract_text("thing", columns)})
    notes = ['"', "\\", "\\u0041", "a\nb", "中文", " x ", "'", "null", "{}", "\t", "é\u2028"]
    content = csv_bytes(("id", name, "number"), [(n, note, 1) for n, note in enumerate(notes)])
    deliver(city, "thing", "a.csv", content)
    assert [row.received[name] for row in quarantined(city, "thing")] == notes
    columns[2] = column("number", "integer")
    set_contract(city.path, "thing", contract_text("thing", columns))
    city = reopened(city)
    city.weave()
    assert quarantined(city, "thing") == []
    assert [row["note"] for row in sorted(rows(city, "thing"), key=lambda r: r["id"])] == notes


def test_chinese_headers_values_and_file_names_are_received(tmp_path: Path) -> None:
    columns = [
        column("code", key=1, physicalName="编号"),
        column("kind", physicalName="类别", enum=["住宅", "商业"]),
        column("area", "number", physicalName="面积"),
    ]
    server = {"path": "inbox/房屋/*", "format": "csv", "encoding": "gb18030"}
    city = new_city(tmp_path / "城市", {"house": contract_text("house", columns, server=server)})
    folder = city.path / "inbox" / "房屋"
    folder.mkdir()
    text = "编号,类别,面积\n甲一,住宅,88.5\n甲二,工厂,1\n"
    (folder / "一月.csv").write_bytes(text.encode("gb18030"))
    (run,) = city.weave()
    assert (run.source, run.rows_kept, run.rows_quarantined) == ("一月.csv", 1, 1)
    assert rows(city, "house") == [{"code": "甲一", "kind": "住宅", "area": 88.5}]
    (refused,) = quarantined(city, "house")
    assert refused.received == {"编号": "甲二", "类别": "工厂", "面积": "1"}
    assert refused.messages == ("kind: not one of 住宅, 商业",)


def test_typed_files_and_text_files_give_the_same_rows(tmp_path: Path) -> None:
    columns = [
        column("id", "integer", key=1),
        column("share", "number"),
        column("day", "date"),
        column("at", "timestamp", logicalTypeOptions={"timezone": True}),
        column("local", "timestamp"),
        column("clock", "time"),
        column("yes", "boolean"),
        column("price", "number", physicalType="DECIMAL(12,8)"),
    ]
    contract = contract_text("thing", columns)
    text = (
        b"id,share,day,at,local,clock,yes,price\n"
        b"1,0.1,2024-02-29,2024-01-01T00:00:00.5+08:00,2024-01-01 23:59:59,12:34:56,true,1.10\n"
        b"2,1e300,1969-12-31,2023-01-01T00:00:00Z,1900-01-01T00:00:00,00:00:00,no,0.00000001\n"
        b"3,,,,,,,\n"
    )
    first = new_city(tmp_path / "text", {"thing": contract})
    (run,) = deliver(first, "thing", "a.csv.gz", gzip.compress(text))
    assert run.rows_kept == 3, quarantined(first, "thing")
    table = pa.Table.from_pylist(rows(first, "thing"), first.contract("thing").schema)
    clock = [value and time.fromisoformat(value) for value in table["clock"].to_pylist()]
    clocks = pa.array(clock, pa.time64("us"))
    typed = table.set_column(table.column_names.index("clock"), "clock", clocks)
    pq.write_table(typed, tmp_path / "a.parquet")
    second = new_city(tmp_path / "typed", {"thing": contract})
    (run,) = second.receive("thing", tmp_path / "a.parquet")
    assert quarantined(second, "thing") == []
    assert digests(second) == digests(first)


def test_a_folder_is_received_file_by_file(city: City, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    for number in (1, 2):
        content = csv_bytes(THING, [(number, "", "1", "A", "")])
        (folder / f"{number}.csv").write_bytes(content)
    (folder / ".hidden").write_bytes(b"x")
    assert [run.source for run in city.receive("thing", folder)] == ["1.csv", "2.csv"]
    assert sorted(receipts(city, "thing")) == ["1.csv", "2.csv"]
    assert city.receive("thing", folder) == []


def test_files_of_one_name_in_two_folders_are_two_deliveries(city: City) -> None:
    for number in (1, 2):
        folder = city.path / "inbox" / "thing" / str(number)
        folder.mkdir(parents=True)
        content = csv_bytes(THING, [(number, "", "1", "A", "")])
        (folder / "a.csv").write_bytes(content)
    city.weave()
    assert sorted(row["id"] for row in rows(city, "thing")) == [1, 2]
    assert woven(city) == []


def test_an_unknown_dataset_is_refused_by_name(city: City, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b"id\n1\n")
    with pytest.raises(
        UsageError, match="no dataset 'things' in this city; known are place, thing"
    ):
        city.receive("things", tmp_path / "a.csv")


def test_a_file_that_is_not_there_is_refused(city: City, tmp_path: Path) -> None:
    with pytest.raises(DeliveryError, match="no such file"):
        city.receive("thing", tmp_path / "a.csv")


# The account, and how rows are grouped


def test_an_account_has_the_most_frequent_reasons_and_rounded_seconds() -> None:
    receipt = cityloom.receive.Receipt("a.csv", rows_read=3, rows_kept=1, notes=["said"])
    receipt.reasons.update({f"reason {number}": number for number in range(1, 103)})
    receipt.stages["read"] = 1.23456
    facts = receipt.facts()
    assert list(facts["reasons"]) == [f"reason {number}" for number in range(102, 2, -1)]
    assert facts["stages"] == {"read": 1.235}
    assert facts["source"] == "a.csv"
    assert facts["notes"] == ["said"]
    assert [facts[f"rows_{what}"] for what in ("read", "kept", "quarantined", "duplicate")] == [
        3, 1, 0, 0,
    ]  # fmt: skip


def test_the_seconds_of_a_stage_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    ticks = iter((10.0, 10.25, 20.0, 20.5))
    monkeypatch.setattr(cityloom.receive.time, "perf_counter", lambda: next(ticks))
    receipt = cityloom.receive.Receipt("a.csv")
    for _ in range(2):
        with receipt.stage("read"):
            pass
    assert receipt.stages == {"read": 0.75}


def test_every_stage_of_a_receipt_is_timed(city: City) -> None:
    (run,) = deliver(city, "thing", "a.csv", csv_bytes(THING, [("1", "", "x", "A", "")]))
    assert set(run.stages) >= {"find repeated keys", "read", "split", "write", "explain"}
    assert all(0 <= seconds < 60 for seconds in run.stages.values())


@pytest.mark.parametrize(("most", "sizes"), [(3, [3, 3, 1]), (1000, [7])])
def test_small_batches_are_taken_together(
    most: int, sizes: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cityloom.receive, "ROWS_AT_A_TIME", most)
    text = [pa.table({"a": [str(number)]}) for number in range(7)]
    batches = [
        Batch(rows, np.array([place]), [Malformed(place, "raw", "why")])
        for place, rows in enumerate(text, start=1)
    ]
    grouped = list(cityloom.receive._grouped(batches))
    assert [len(batch.ordinals) for batch in grouped] == sizes
    assert [number for batch in grouped for number in batch.ordinals] == list(range(1, 8))
    assert [bad.ordinal for batch in grouped for bad in batch.malformed] == list(range(1, 8))
    assert pa.concat_tables([batch.rows for batch in grouped]) == pa.concat_tables(text)


def test_batches_of_many_bytes_are_taken_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    rows = pa.table({"a": ["x" * 100]})
    monkeypatch.setattr(cityloom.receive, "BYTES_AT_A_TIME", 2 * rows.nbytes)
    batches = [Batch(rows, np.array([number])) for number in range(5)]
    grouped = cityloom.receive._grouped(batches)
    assert [len(batch.ordinals) for batch in grouped] == [2, 2, 1]


def test_a_row_may_wait_for_a_dataset_that_the_city_does_not_have(tmp_path: Path) -> None:
    columns = [column("no", "integer", key=1), column("place", refers="nowhere.code")]
    city = new_city(tmp_path / "city", {"case": contract_text("case", columns)})
    (run,) = deliver(city, "case", "a.csv", csv_bytes(("no", "place"), [(1, "N"), (2, "")]))
    assert (run.rows_kept, run.rows_quarantined) == (1, 1)
    assert quarantined(city, "case")[0].reasons == (("place", "reference"),)
