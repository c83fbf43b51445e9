"""Each value that a database gives is written by itself, whatever stands beside it."""

from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.sources.texts import column_as_text
from tests.cities import column, contract_text, rows
from tests.sources.sites import Postgres, pulling_city, sound

EAST = timezone(timedelta(hours=8))
ZONES = st.none() | st.sampled_from([UTC, EAST, timezone(-timedelta(1) / 4)])
TIMES = st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=ZONES)
LISTED = st.lists(st.integers(0, 9) | st.decimals(0, 9, places=1), max_size=2)
VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.decimals(allow_nan=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=3), st.binary(max_size=2),
    st.dates(), TIMES, st.times(), st.timedeltas(), LISTED,
)  # fmt: skip


def texts(*values: Any) -> list[str | None]:
    found: list[str | None] = column_as_text(values).to_pylist()
    return found


@settings(deadline=None)
@given(st.lists(VALUES, max_size=6) | st.lists(TIMES) | st.lists(st.decimals(allow_nan=False)))
def test_a_value_is_written_as_if_it_stood_alone(values: list[Any]) -> None:
    assert texts(*values) == [text for value in values for text in texts(value)]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Decimal(5), "5"),
        (Decimal("5.250"), "5.250"),
        (Decimal("1E+2"), "100"),
        (1.0, "1"),
        (2.5, "2.5"),
        (2**70, str(2**70)),
        (datetime(2024, 2, 29, 8, 30), "2024-02-29T08:30:00.000000"),
        (datetime(2024, 2, 29, 8, tzinfo=EAST), "2024-02-29T00:00:00.000000Z"),
        (date(2024, 2, 29), "2024-02-29"),
        (time(8, 30), "08:30:00"),
        (b"\x0f", "0f"),
        ({"a": Decimal("1.5")}, '{"a": "1.5"}'),
        ("", None),
    ],
)  # fmt: skip
def test_a_value_is_written_as_a_contract_expects_it(value: Any, text: str | None) -> None:
    for beside in (None, value, Decimal("0.001"), 7, 7.5, datetime(2024, 1, 1), "x"):
        assert texts(value, beside)[0] == texts(beside, value)[1] == text


def test_a_row_read_again_beside_another_number_has_the_same_key(
    postgres: Postgres, tmp_path: Path
) -> None:
    postgres.execute(
        "DROP TABLE IF EXISTS parcel", "CREATE TABLE parcel (no NUMERIC, changed INTEGER)"
    )
    contract = contract_text("parcel", [column("no", key=1)], "upsert")
    city = pulling_city(tmp_path / "city", {"parcel": contract}, (
        f'[network]\ninternal = ["127.0.0.1:{postgres.port}"]\n[sources.office]\n'
        'kind = "database"\ndataset = "parcel"\ntable = "parcel"\nwatermark = "changed"\n'
        f'url = "postgresql://postgres@127.0.0.1:{postgres.port}/postgres"'
    ))  # fmt: skip
    for number in ("5", "5.25"):
        postgres.execute(f"INSERT INTO parcel VALUES ({number}, 1)")
        sound(city)
        opened = City.open(city.path)
        assert [run.error for run in opened.weave() if run.failed] == []
    assert sorted(row["no"] for row in rows(opened, "parcel")) == ["5", "5.25"]
