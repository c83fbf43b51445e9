"""Identifiers pass their checksums, are unique, and can be nobody's."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.sample.identifiers import (
    CITY_AREA,
    MAX_NEIGHBOURHOODS,
    UNASSIGNED_PROVINCES,
    credit_check,
    credit_codes,
    mobile_numbers,
    organisation_check,
    resident_check,
    resident_numbers,
)

ASSIGNED_PROVINCES = {
    *(11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46),
    *(50, 51, 52, 53, 54, 61, 62, 63, 64, 65, 71, 81, 82, 83, 91),
}

people = st.lists(
    st.tuples(
        st.sampled_from([CITY_AREA, 4701, 4735, 4801, 4835]),
        st.integers(-25_000, 20_200),
        st.booleans(),
    ),
    min_size=1,
    max_size=30,
)


@settings(deadline=None)  # the first call writes out a calendar
@given(neighbourhood=st.integers(0, MAX_NEIGHBOURHOODS - 1), people=people)
def test_a_resident_number_passes_its_checksum_and_tells_birth_and_sex(
    neighbourhood: int, people: list[tuple[int, int, bool]]
) -> None:
    prefecture, birth, male = (np.array(part) for part in zip(*people, strict=True))
    numbers = resident_numbers(neighbourhood, prefecture, birth, male).to_pylist()
    assert len(set(numbers)) == len(numbers)
    for number, (place, day, is_male) in zip(numbers, people, strict=True):
        assert len(number) == 18
        assert resident_check(number[:17]) == number[17]
        assert number.startswith(str(place))
        assert int(number[:2]) not in ASSIGNED_PROVINCES
        written = str(np.datetime64(day, "D")).replace("-", "")
        assert number[6:14] == written
        assert int(number[16]) % 2 == is_male


@given(
    first=st.integers(0, MAX_NEIGHBOURHOODS - 1),
    second=st.integers(0, MAX_NEIGHBOURHOODS - 1),
    day=st.integers(-25_000, 20_200),
)
def test_two_neighbourhoods_never_give_the_same_number(first: int, second: int, day: int) -> None:
    def numbers(neighbourhood: int) -> set[str]:
        alike = np.full(38, CITY_AREA), np.full(38, day), np.ones(38, dtype=bool)
        return set(resident_numbers(neighbourhood, *alike).to_pylist())

    assert first == second or not numbers(first) & numbers(second)


def test_the_checksum_agrees_with_the_example_of_the_standard() -> None:
    assert resident_check("11010519491231002") == "X"
    assert resident_check("44052418800101001") == "4"


def test_the_credit_code_checksum_agrees_with_a_published_example() -> None:
    assert credit_check("91350100M000100Y4") == "3"


@given(st.lists(st.integers(0, 3_600_000), min_size=1, max_size=20, unique=True), st.booleans())
def test_a_credit_code_passes_both_checksums(companies: list[int], individual: bool) -> None:
    numbers = np.array(companies)
    codes = credit_codes(numbers, numbers % 10, np.full(len(numbers), individual)).to_pylist()
    assert len(set(codes)) == len(codes)
    for code in codes:
        assert credit_check(code[:17]) == code[17]
        assert organisation_check(code[8:16]) == code[16]
        assert code[2:4] in UNASSIGNED_PROVINCES
        assert code[1] == ("2" if individual else "1")


@given(st.lists(st.integers(0, 20_000_000), min_size=1, max_size=50, unique=True))
def test_mobile_numbers_are_unique_and_begin_with_a_range_nobody_has(people: list[int]) -> None:
    numbers = mobile_numbers(np.array(people)).to_pylist()
    assert len(set(numbers)) == len(people)
    assert all(len(number) == 11 and number.startswith("12") for number in numbers)
