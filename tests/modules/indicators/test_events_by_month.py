"""What is new is counted once, by subdistrict and month, and small counts are not shown."""

from pathlib import Path

from cityloom.city import City
from cityloom.policy import Principal
from tests.cities import column, contract_text, csv_bytes, deliver, new_city

TESTER = Principal("tester", roles=("data_steward",))
READING = contract_text(
    "meter_reading",
    [
        column("building_code"),
        column("read_on", "date"),
        column("used_kwh", "integer"),
    ],
)
SUBDISTRICT = contract_text(
    "subdistrict", [column("subdistrict_code", key=1), column("subdistrict_name")], "snapshot"
)
HEAD = ("building_code", "read_on", "used_kwh")
A, B = "490303001", "490303002"


def a_city(tmp_path: Path) -> City:
    city = new_city(tmp_path / "city", {"meter_reading": READING, "subdistrict": SUBDISTRICT})
    names = [(A, "桂园街道"), (B, "黄贝街道")]
    deliver(
        city, "subdistrict", "s.csv", csv_bytes(("subdistrict_code", "subdistrict_name"), names)
    )
    return city


def readings(code: str, day: str, count: int) -> list[tuple[str, str, int]]:
    return [(f"{code}{number:06d}", day, 10) for number in range(count)]


def shown(city: City) -> dict[tuple[str, str], tuple[int | None, int | None]]:
    found = city.read("reading_by_month", TESTER).read_all().to_pylist()
    return {
        (row["subdistrict_code"], str(row["month"])): (row["readings"], row["used_kwh"])
        for row in found
    }


def test_only_what_is_new_is_counted_and_part_sums_are_put_together(tmp_path: Path) -> None:
    city = a_city(tmp_path)
    first = [*readings(A, "2024-05-31", 4), *readings(B, "2024-05-01", 7)]
    deliver(city, "meter_reading", "1.csv", csv_bytes(HEAD, first))
    city.weave()
    assert shown(city) == {(A, "2024-05-01"): (None, None), (B, "2024-05-01"): (7, 70)}
    second = [*readings(A, "2024-05-02", 3), *readings(B, "2024-06-01", 5)]
    deliver(city, "meter_reading", "2.csv", csv_bytes(HEAD, second))
    city.weave()
    assert shown(city) == {
        (A, "2024-05-01"): (7, 70),
        (B, "2024-05-01"): (7, 70),
        (B, "2024-06-01"): (5, 50),
    }
    run = city.runs("reading_tally")[-1]
    assert run.rows_kept == 2


def test_a_delivery_that_is_replaced_is_counted_anew(tmp_path: Path) -> None:
    city = a_city(tmp_path)
    deliver(city, "meter_reading", "1.csv", csv_bytes(HEAD, readings(A, "2024-05-01", 9)))
    city.weave()
    deliver(city, "meter_reading", "1.csv", csv_bytes(HEAD, readings(A, "2024-05-01", 6)))
    city.weave()
    assert shown(city) == {(A, "2024-05-01"): (6, 60)}
