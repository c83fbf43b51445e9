"""Identifiers that pass their checksums and can belong to nobody.

Resident identity numbers follow GB 11643-1999 (checksum ISO 7064 MOD 11-2) and unified social
credit codes GB 32100-2015 (MOD 31, around an organisation code of GB 11714). Both begin with a
province number that GB/T 2260 has never assigned: 47, 48 or 49. Mobile numbers begin with 12,
which no operator has.
"""

from typing import Final

import numpy as np
import pyarrow as pa

from cityloom.sample.draws import Bools, Days, Ints, ranks_within, scramble
from cityloom.sample.text import Strings, dates, digits, join, take

UNASSIGNED_PROVINCES: Final = ("47", "48", "49")
CITY_AREA: Final = 4903
"""The city's own prefecture number, in the unassigned province 49."""

MAX_NEIGHBOURHOODS: Final = 1300
"""As many neighbourhoods can number their residents without ever meeting another's numbers."""

_RESIDENT_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
_RESIDENT_CHECKS: Final = "10X98765432"
_CREDIT_ALPHABET: Final = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CREDIT_WEIGHTS: Final = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_ORGANISATION_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ORGANISATION_WEIGHTS: Final = (3, 7, 9, 10, 5, 8, 4, 2)
_COUNTIES: Final = 100
_SEQUENCES: Final = 500


def resident_check(body: str) -> str:
    """The check character of a 17-digit resident number."""
    total = sum(int(digit) * weight for digit, weight in zip(body, _RESIDENT_WEIGHTS, strict=True))
    return _RESIDENT_CHECKS[total % 11]


def credit_check(body: str) -> str:
    """The check character of a 17-character unified social credit code."""
    values = (_CREDIT_ALPHABET.index(letter) for letter in body)
    total = sum(value * weight for value, weight in zip(values, _CREDIT_WEIGHTS, strict=True))
    return _CREDIT_ALPHABET[-total % 31]


def organisation_check(body: str) -> str:
    """The check character of an 8-character organisation code."""
    values = (_ORGANISATION_ALPHABET.index(letter) for letter in body)
    total = sum(value * weight for value, weight in zip(values, _ORGANISATION_WEIGHTS, strict=True))
    return "0123456789X"[-total % 11]


def resident_numbers(neighbourhood: int, prefecture: Ints, birth: Days, male: Bools) -> Strings:
    """Resident numbers, no two alike in the city.

    A neighbourhood owns one residue class of the (county, sequence) pairs, so that numbers given
    in different neighbourhoods cannot meet; within it people of one prefecture, day and sex are
    counted.
    """
    turn = ranks_within(male.astype(np.int64), birth, prefecture)
    slots = _COUNTIES * _SEQUENCES
    slot = scramble(neighbourhood + MAX_NEIGHBOURHOODS * turn, slots, 7919, 0)
    slot = (slot + 31 * birth + 17 * prefecture) % slots
    area = prefecture * _COUNTIES + slot // _SEQUENCES
    sequence = slot % _SEQUENCES * 2 + male
    written = dates(birth, "%Y%m%d")
    body = area * 10**11 + written.cast(pa.int64()).to_numpy() * 1000 + sequence
    return join(digits(body), take(list(_RESIDENT_CHECKS), _weighted(body) % 11))


def credit_codes(company: Ints, district: Ints, individual: Bools) -> Strings:
    """Unified social credit codes, one a company number, of the district's unassigned area."""
    base = len(_CREDIT_ALPHABET)
    serial = scramble(company, base**6, 48_271, 12_345)
    letters = np.stack([serial // base**power % base for power in range(5, -1, -1)], axis=1)
    area = np.stack([np.full_like(district, digit) for digit in (4, 9, 0, 3)], axis=1)
    county = district + 3
    organisation = np.column_stack(
        [np.full_like(company, _CREDIT_ALPHABET.index(letter)) for letter in "MA"] + [letters]
    )
    table = np.array([_ORGANISATION_ALPHABET.index(letter) for letter in _CREDIT_ALPHABET])
    check = -(table[organisation] @ np.array(_ORGANISATION_WEIGHTS)) % 11
    check = np.where(check == 10, _CREDIT_ALPHABET.index("X"), check)
    body = np.column_stack(
        [
            np.full_like(company, 9),
            np.where(individual, 2, 1),
            area,
            county // 10,
            county % 10,
            organisation,
            check,
        ]
    )
    last = -(body @ np.array(_CREDIT_WEIGHTS)) % 31
    codes = np.column_stack([body, last])
    return _spell(codes)


def mobile_numbers(people: Ints) -> Strings:
    """Mobile numbers, one a person number, of an unassigned range."""
    return join("12", digits(scramble(people, 10**9, 387_420_489, 271_828_182), 9))


def district_code(district: int) -> str:
    """Six digits of the n-th district."""
    return f"{CITY_AREA}{district + 3:02d}"


def _weighted(body: Ints) -> Ints:
    total = np.zeros_like(body)
    for place, weight in enumerate(reversed(_RESIDENT_WEIGHTS)):
        total += body // 10**place % 10 * weight
    return total


def _spell(codes: Ints) -> Strings:
    letters = np.frombuffer(_CREDIT_ALPHABET.encode(), dtype=np.uint8)[codes]
    data = pa.py_buffer(np.ascontiguousarray(letters).tobytes())
    offsets = np.arange(len(codes) + 1, dtype=np.int32) * codes.shape[1]
    return pa.StringArray.from_buffers(len(codes), pa.py_buffer(offsets.tobytes()), data)
