"""What goes wrong on the way to a register, and how often.

A slip is a human error: the record stays acceptable and only its linkage gets harder. A breach
breaks the contract: the record, and nothing else, is to be quarantined.
"""

import re
from dataclasses import replace
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from cityloom.sample import addresses, variants
from cityloom.sample.draws import Ints
from cityloom.sample.records import Breach, Department, Records, Slip
from cityloom.sample.text import Strings, overwritten, take

SLIP_RATES: Final = {
    "name_lookalike": 0.006,
    "name_homophone": 0.008,
    "name_traditional": 0.008,
    "name_swapped": 0.002,
    "name_spaced": 0.003,
    "number_missing": 0.020,
    "number_mistyped": 0.012,
    "number_lower_case": 0.050,
    "birth_exchanged": 0.006,
    "phone_missing": 0.060,
    "phone_mistyped": 0.010,
    "phone_outdated": 0.080,
    "address_shortened": 0.040,
    "address_restyled": 0.030,
}
"""Share of records tried; a slip that finds nothing to change leaves the record as it is."""

BREACH_RATES: Final = {
    "column_count": 0.0008,
    "stray_quote": 0.0004,
    "broken_json": 0.0008,
    "wrong_type": 0.0006,
    "impossible_date": 0.0012,
    "unknown_code": 0.0010,
    "out_of_range": 0.0006,
    "missing_required": 0.0015,
    "rule_broken": 0.0006,
    "orphan": 0.0006,
    "conflicting_key": 0.0008,
    "exact_duplicate": 0.0020,
}
"""Share of records, of each kind that a dataset can have."""

MOVED: Final = 0.05
"""Share of records that still hold an earlier address, where a department is slow to learn."""

OUTCOMES: Final = {
    **dict.fromkeys(BREACH_RATES, "quarantined"),
    "exact_duplicate": "duplicate",
    "late_parent": "waiting",
    "invalid_geometry": "quarantined",
    "out_of_bounds": "quarantined",
    **dict.fromkeys(SLIP_RATES, "kept"),
    "moved": "kept",
}
"""What becomes of a record with each kind of fault. Where several meet, the harshest holds."""

SPOILS_BY_FORMAT: Final = {
    "csv": ("column_count", "stray_quote"),
    "ndjson": ("broken_json",),
    "parquet": (),
}
"""Breaches of a row as a whole, by format: no column holds them."""

COPIES: Final = ("conflicting_key", "exact_duplicate")


class Damaged(NamedTuple):
    """Records with their faults, in the order in which they are written.

    `spoiled` rows are broken as they are written, each in the way named.
    """

    records: Records
    spoiled: dict[int, str]


def name_slips(column: str) -> tuple[Slip, ...]:
    """What befalls a person's name."""
    return (
        Slip("name_lookalike", column, variants.lookalike),
        Slip("name_homophone", column, variants.homophone),
        Slip("name_traditional", column, variants.traditional),
        Slip("name_swapped", column, variants.swapped),
        Slip("name_spaced", column, variants.spaced),
    )


def number_slips(column: str, often: float = 1.0) -> tuple[Slip, ...]:
    """What befalls an identity number; `often` is how careless the department is."""
    return (
        Slip("number_missing", column, _missing, often),
        Slip("number_mistyped", column, variants.mistyped, often),
        Slip("number_lower_case", column, _lower_case, often),
    )


def phone_slips(column: str) -> tuple[Slip, ...]:
    """What befalls a telephone number."""
    return (
        Slip("phone_outdated", column, variants.earlier_phone),
        Slip("phone_missing", column, _missing),
        Slip("phone_mistyped", column, variants.mistyped),
    )


def address_slips(column: str) -> tuple[Slip, ...]:
    """What befalls an address."""
    return (
        Slip("address_shortened", column, addresses.shortened),
        Slip("address_restyled", column, addresses.restyled),
    )


def birth_slips(column: str) -> tuple[Slip, ...]:
    """What befalls a date of birth."""
    return (Slip("birth_exchanged", column, _exchanged),)


def damage(
    rng: np.random.Generator, records: Records, department: Department, file_format: str
) -> Damaged:
    """The records after slips and breaches, shuffled within each delivery, copies at its end."""
    columns, faults = _slip(rng, records, department.slips)
    hit = _breach_of_each(rng, records, department, file_format)
    for breach in department.breaches:
        rows = hit[breach.kind, breach.column]
        picks = rng.integers(0, len(breach.written), len(rows)).tolist()
        values = [breach.written[pick] for pick in picks]
        columns[breach.column] = overwritten(columns[breach.column], rows, values)
        faults[breach.kind] = np.union1d(faults.get(breach.kind, _NO_ROWS), rows)
    for kind in SPOILS_BY_FORMAT[file_format]:
        faults[kind] = hit[kind, ""]
    damaged = replace(records, columns=columns, faults=faults)
    disputed, repeated = hit["conflicting_key", ""], hit["exact_duplicate", ""]
    shuffled = _shuffled_with_copies(rng, damaged, disputed, repeated, department.disputed)
    spoiled = {
        row: kind
        for kind in SPOILS_BY_FORMAT[file_format]
        for row in shuffled.faults[kind].tolist()
    }
    return Damaged(shuffled, spoiled)


_NO_ROWS: Final = np.zeros(0, dtype=np.int64)
_LAST_TWO = re.compile(r"(\d\d)(\D?)(\d\d)$")


def _missing(value: str, pick: int) -> None:
    return None


def _lower_case(number: str, pick: int) -> str:
    return number.lower()


def _exchanged(date: str, pick: int) -> str:
    """The date with month and day exchanged, if that is a date."""
    found = _LAST_TWO.search(date)
    if found is None or int(found[3]) > 12:
        return date
    return date[: found.start()] + found[3] + found[2] + found[1]


def _slip(
    rng: np.random.Generator, records: Records, slips: tuple[Slip, ...]
) -> tuple[dict[str, Strings], dict[str, Ints]]:
    columns = dict(records.columns)
    faults = dict(records.faults)
    for column, slips_of_one in groupby(slips, key=lambda slip: slip.column):
        changed: dict[int, str | None] = {}
        for slip in slips_of_one:
            rows = _picked(rng, len(records), SLIP_RATES[slip.kind] * slip.often)
            after = _changed(rng, columns[column], rows, slip, changed)
            changed |= after
            faulty = np.array(sorted(after), dtype=np.int64)
            faults[slip.kind] = np.union1d(faults.get(slip.kind, _NO_ROWS), faulty)
        rows = np.array(sorted(changed), dtype=np.int64)
        values = [changed[row] for row in rows.tolist()]
        columns[column] = overwritten(columns[column], rows, values)
    return columns, faults


def _changed(
    rng: np.random.Generator,
    column: Strings,
    rows: Ints,
    slip: Slip,
    already: dict[int, str | None],
) -> dict[int, str | None]:
    """What a slip makes of the values at `rows`, by row; those it leaves alone are left out."""
    found = zip(rows.tolist(), take(column, rows).to_pylist(), strict=True)
    before = {row: already.get(row, value) for row, value in found}
    picks = rng.integers(0, 1_000_000, len(rows)).tolist()
    pairs = zip(before.items(), picks, strict=True)
    after = {row: value and slip.change(value, pick) for (row, value), pick in pairs}
    return {row: value for row, value in after.items() if value != before[row]}


def _picked(rng: np.random.Generator, count: int, rate: float) -> Ints:
    """Distinct rows in order, each with probability `rate`, for the price of the picked alone."""
    return np.unique(rng.integers(0, max(count, 1), rng.binomial(count, rate)))


def _breach_of_each(
    rng: np.random.Generator, records: Records, department: Department, file_format: str
) -> dict[tuple[str, str], Ints]:
    """Rows of each breach, at most one breach a row; rows that wait for a parent are spared."""
    columns_of: dict[str, list[str]] = {kind: [""] for kind in SPOILS_BY_FORMAT[file_format]}
    for breach in department.breaches:
        columns_of.setdefault(breach.kind, []).append(breach.column)
    columns_of |= {kind: [""] for kind in COPIES}
    choices = [(kind, column) for kind, columns in columns_of.items() for column in columns]
    shares = [BREACH_RATES[kind] / len(columns_of[kind]) for kind, _ in choices]
    rows = _picked(rng, len(records), sum(shares))
    rows = np.setdiff1d(rows, records.faults.get("late_parent", _NO_ROWS))
    bounds = np.cumsum(shares)
    drawn = np.searchsorted(bounds, rng.random(len(rows)) * bounds[-1], side="right")
    return {choice: rows[drawn == number] for number, choice in enumerate(choices)}


def _shuffled_with_copies(
    rng: np.random.Generator, records: Records, disputed: Ints, repeated: Ints, dispute: Breach
) -> Records:
    """The records in the order of delivery; contradicting and exact copies of some come last."""
    count = len(records)
    originals = np.concatenate([np.arange(count), disputed, repeated])
    kind = np.repeat([0, 1, 2], [count, len(disputed), len(repeated)])
    order = np.lexsort((rng.random(len(kind)), kind > 0, records.delivery[originals]))
    shuffled = records.take(originals[order])
    kind = kind[order]
    contradicting = np.flatnonzero(kind == 1)
    values = [dispute.written[row % len(dispute.written)] for row in contradicting.tolist()]
    column = overwritten(shuffled.columns[dispute.column], contradicting, values)
    faults = shuffled.faults | {
        "conflicting_key": np.flatnonzero((kind == 1) | np.isin(originals[order], disputed)),
        "exact_duplicate": np.flatnonzero(kind == 2),
    }
    return replace(shuffled, columns=shuffled.columns | {dispute.column: column}, faults=faults)
