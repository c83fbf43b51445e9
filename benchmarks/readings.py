"""Water-meter readings as a believable CSV with known faults, and the truth about them.

The file has twelve columns and is judged by twelve rules (`RULES`). Of its rows 2.5% are bad: each
kind of fault, some rows with two, some in conflict over a key, a few that cannot be split into
columns. A further 0.1% repeat an earlier row to the letter. Everything follows from the number of
rows and the seed, and is written a chunk at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Mask = NDArray[np.bool_]
Columns = dict[str, Any]

COLUMNS = (
    "reading_id",
    "meter_no",
    "premise_no",
    "read_at",
    "period_start",
    "period_end",
    "value_m3",
    "status",
    "method",
    "district_code",
    "remark",
    "operator",
)
STATUSES = ("ok", "estimated", "no_access", "leak", "replaced")
VALUE_MAX = 99_999
REMARK_MAX = 60
METER_PATTERN = "WM[0-9]{8}"

FAULTS = (
    "reading_id.type",
    "meter_no.pattern",
    "read_at.type",
    "period_start.type",
    "period_end.type",
    "period.order",
    "value_m3.type",
    "value_m3.range",
    "status.enum",
    "remark.length",
    "operator.required",
)
"""Rules that one row breaks by itself, in an order in which the fourth next is another column's."""

RULES = (*FAULTS, "reading_id.unique")
"""The twelve rules."""

BAD_SHARE = 0.025
CONFLICT_SHARE = 0.0015
COPY_SHARE = 0.001
UNSPLIT_SHARE = 0.00005
SECOND_FAULT_SHARE = 0.2
SECOND_FAULT_STEP = 4

CHUNK = 250_000
EPOCH = np.datetime64("2023-01-01", "D")
DAYS = 730
PRIME = 2_147_483_647
VERSION = 1

SPOILT: dict[str, tuple[str, ...]] = {
    "reading_id.type": ("R-10442", "n/a", "12-88", "1.2.3", "一百"),
    "meter_no.pattern": ("WM12", "wm00012345", "XX12345678", "WM1234567O", "00012345678"),
    "read_at.type": (
        "2024-02-30T10:00:00",
        "2024-13-01T08:15:00",
        "yesterday",
        "2024-05-01T25:00:00",
    ),
    "period_start.type": ("2024-02-30", "2023-11-31", "unknown", "2024-00-10"),
    "period_end.type": ("2024-02-30", "2023-13-01", "open", "2024-04-31"),
    "value_m3.type": ("err", "1.2.3", "--", '"12,5"', "12 m3"),
    "value_m3.range": ("-5.000", "-0.001", "100000.500", "999999.999"),
    "status.enum": ("OK", "broken", "正常", "estimate"),
    "remark.length": (
        "meter pit flooded and cover jammed; reading taken from the photograph of the last visit",
        '"basement locked, caretaker absent, neighbour says the key is with the housing office"',
        "水表井被积水淹没无法打开井盖" * 5,
    ),
    "operator.required": ("",),
}

REMARKS = (
    *([""] * 24),
    "read from photograph",
    "meter glass fogged",
    "gate locked",
    "new meter fitted",
    '"dog in yard, read over the fence"',
    '"customer says ""too high"", to be checked"',
    "水表玻璃模糊，已拍照",
    "住户不在家，下次再抄",
    '"地下室积水, 无法靠近"',
    "新装水表",
    "读数由住户自报" * 6,
)
OPERATORS = (
    *(f"{family}{given}" for family in "王李张刘陈杨黄赵" for given in ("伟", "秀英", "敏", "强")),
    *(f"{given} {family}" for given in ("Ann", "Ben", "Mei", "Tom") for family in ("Li", "Wood")),
)
DISTRICTS = tuple(f"3101{code:02d}" for code in (1, 4, 5, 6, 7, 9, 10, 12, 13, 14, 15, 16, 17, 18))
METHODS = ("remote", "remote", "remote", "manual", "manual", "self_read")


@dataclass(frozen=True)
class Truth:
    """What is really in a file of readings."""

    rows: int
    unsplit: int
    copies: int
    bad: int
    clean: int
    clean_key_sum: int
    copied_key_sum: int
    conflicts: int
    faults: dict[str, int]


@dataclass(frozen=True)
class Readings:
    """A file of readings, the same without its unsplittable lines, and its truth."""

    csv: Path
    splittable_csv: Path
    truth: Truth


@dataclass(frozen=True)
class Plan:
    """Which rows are spoilt, and how."""

    unsplit: Ints
    conflict: Ints
    partner: Ints
    copy: Ints
    original: Ints
    spoilt: Ints
    fault: Ints
    second: Ints


def readings(folder: Path, rows: int, seed: int = 7) -> Readings:
    """The readings of this size and seed, generated unless the folder has them."""
    stem = folder / f"readings-v{VERSION}-{rows}-{seed}"
    csv, splittable = stem.with_suffix(".csv"), stem.with_suffix(".splittable.csv")
    note = stem.with_suffix(".truth.json")
    if not note.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with csv.open("wb") as whole, splittable.open("wb") as part:
            truth = write(whole, part, rows, seed)
        note.write_text(json.dumps(asdict(truth), indent=1), encoding="utf-8")
    return Readings(csv, splittable, Truth(**json.loads(note.read_text(encoding="utf-8"))))


def write(whole: IO[bytes], splittable: IO[bytes], rows: int, seed: int) -> Truth:
    """Write both files and return their truth."""
    plan = draw_plan(rows, seed)
    originals: dict[int, str] = {}
    clean_key_sum = 0
    header = (",".join(COLUMNS) + "\n").encode()
    whole.write(header)
    splittable.write(header)
    for start in range(0, rows, CHUNK):
        at = np.arange(start, min(start + CHUNK, rows), dtype=np.int64)
        lines = _lines(_chunk(at, plan, seed))
        lines = _with_copies(lines, at, plan, originals)
        broken = np.isin(at, plan.unsplit)
        splittable.write(_text(lines.filter(pa.array(~broken))))
        whole.write(_text(_with_unsplit(lines, broken)))
        clean_key_sum += int(_keys(at, seed)[_is_clean(at, plan)].sum())
    return _truth(plan, rows, clean_key_sum, int(_keys(plan.original, seed).sum()))


def draw_plan(rows: int, seed: int) -> Plan:
    """Choose the rows to spoil; no row is chosen twice."""
    rng = np.random.default_rng(seed)
    unsplit = max(2, round(rows * UNSPLIT_SHARE))
    pairs = round(rows * CONFLICT_SHARE / 2)
    copies = round(rows * COPY_SHARE)
    spoilt = round(rows * BAD_SHARE) - unsplit - 2 * pairs
    sizes = (unsplit, pairs, pairs, copies, copies, spoilt)
    chosen = rng.choice(rows, sum(sizes), replace=False).astype(np.int64)
    parts = np.split(chosen, np.cumsum(sizes)[:-1])
    fault = rng.integers(0, len(FAULTS), spoilt)
    twice = rng.random(spoilt) < SECOND_FAULT_SHARE
    return Plan(
        unsplit=parts[0],
        conflict=parts[1],
        partner=parts[2],
        copy=np.maximum(parts[3], parts[4]),
        original=np.minimum(parts[3], parts[4]),
        spoilt=parts[5],
        fault=fault,
        second=np.where(twice, (fault + SECOND_FAULT_STEP) % len(FAULTS), -1),
    )


def _truth(plan: Plan, rows: int, clean_key_sum: int, copied_key_sum: int) -> Truth:
    conflicts = 2 * len(plan.conflict)
    bad = len(plan.unsplit) + conflicts + len(plan.spoilt)
    faults = {
        rule: int((plan.fault == kind).sum() + (plan.second == kind).sum())
        for kind, rule in enumerate(FAULTS)
    }
    return Truth(
        rows=rows,
        unsplit=len(plan.unsplit),
        copies=len(plan.copy),
        bad=bad,
        clean=rows - bad - len(plan.copy),
        clean_key_sum=clean_key_sum,
        copied_key_sum=copied_key_sum,
        conflicts=conflicts,
        faults=faults,
    )


def _keys(at: Ints, seed: int) -> Ints:
    """A key for each row, no two alike, scattered so that no order helps."""
    return 1 + (at * 48_271 + seed) % PRIME


def _is_clean(at: Ints, plan: Plan) -> Mask:
    dirty = np.concatenate([plan.unsplit, plan.conflict, plan.partner, plan.copy, plan.spoilt])
    first, last = int(at[0]), int(at[-1])
    clean = np.ones(len(at), dtype=np.bool_)
    clean[dirty[(dirty >= first) & (dirty <= last)] - first] = False
    return clean


def _chunk(at: Ints, plan: Plan, seed: int) -> Columns:
    """The columns of these rows as text, faults included."""
    rng = np.random.default_rng([seed, int(at[0])])
    size, first = len(at), int(at[0])
    keys = _keys(at, seed)
    here = (plan.conflict >= first) & (plan.conflict < first + size)
    keys[plan.conflict[here] - first] = _keys(plan.partner[here], seed)
    start = rng.integers(40, DAYS - 90, size)
    end = start + rng.integers(27, 62, size)
    columns: Columns = {
        "reading_id": _number(keys),
        "meter_no": _join("WM", pc.utf8_lpad(_number(rng.integers(1, 10**8, size)), 8, "0")),
        "premise_no": _join("P", pc.utf8_lpad(_number(rng.integers(1, 10**7, size)), 7, "0")),
        "read_at": _join(_take(_dates(), end), "T", _take(_times(), rng.integers(0, 86_400, size))),
        "period_start": _take(_dates(), start),
        "period_end": _take(_dates(), end),
        "value_m3": _join(
            _number(rng.integers(0, VALUE_MAX, size)),
            _take(_thousandths(), rng.integers(0, 1000, size)),
        ),
        "status": _pick(rng, STATUSES, size),
        "method": _pick(rng, METHODS, size),
        "district_code": _pick(rng, DISTRICTS, size),
        "remark": _pick(rng, REMARKS, size),
        "operator": _pick(rng, OPERATORS, size),
    }
    _spoil(columns, at, plan, rng, start)
    return columns


def _spoil(columns: Columns, at: Ints, plan: Plan, rng: np.random.Generator, start: Ints) -> None:
    """Put each planned fault into its column."""
    first, size = int(at[0]), len(at)
    here = (plan.spoilt >= first) & (plan.spoilt < first + size)
    where, kinds = plan.spoilt[here] - first, (plan.fault[here], plan.second[here])
    for kind, rule in enumerate(FAULTS):
        mask = np.zeros(size, dtype=np.bool_)
        mask[where[(kinds[0] == kind) | (kinds[1] == kind)]] = True
        if rule == "period.order":
            column, values = "period_end", _take(_dates(), start[mask] - 35)
        else:
            column, values = rule.split(".")[0], _pick(rng, SPOILT[rule], int(mask.sum()))
        columns[column] = pc.replace_with_mask(columns[column], pa.array(mask), values)


def _with_copies(lines: Any, at: Ints, plan: Plan, originals: dict[int, str]) -> Any:
    """Repeat earlier lines where the plan says so, remembering the lines to repeat."""
    first, size = int(at[0]), len(at)
    for row in plan.original[(plan.original >= first) & (plan.original < first + size)]:
        originals[int(row)] = lines[int(row) - first].as_py()
    here = (plan.copy >= first) & (plan.copy < first + size)
    order = np.argsort(plan.copy[here])
    mask = np.zeros(size, dtype=np.bool_)
    mask[plan.copy[here] - first] = True
    repeated = [originals.pop(int(row)) for row in plan.original[here][order]]
    return pc.replace_with_mask(lines, pa.array(mask), pa.array(repeated, pa.string()))


def _with_unsplit(lines: Any, broken: Mask) -> Any:
    """Cut every other broken line short and give the rest a column too many."""
    cut = [
        ",".join(line.split(",")[:7]) if turn % 2 else line + ",0"
        for turn, line in enumerate(lines.filter(pa.array(broken)).to_pylist())
    ]
    return pc.replace_with_mask(lines, pa.array(broken), pa.array(cut, pa.string()))


def _lines(columns: Columns) -> Any:
    return pc.binary_join_element_wise(*(columns[name] for name in COLUMNS), ",")


def _text(lines: Any) -> bytes:
    """The lines, each ended, as one run of bytes."""
    ended = _join(lines, "\n")
    return b"" if len(ended) == 0 else bytes(ended.buffers()[2])[: _end_offset(ended)]


def _end_offset(strings: Any) -> int:
    return int(np.frombuffer(strings.buffers()[1], dtype=np.int32)[len(strings)])


def _join(*parts: Any) -> Any:
    return pc.binary_join_element_wise(*parts, "")


def _number(values: Ints) -> Any:
    return pc.cast(pa.array(values), pa.string())


def _take(values: Any, at: Ints) -> Any:
    return values.take(pa.array(at))


def _pick(rng: np.random.Generator, values: tuple[str, ...], size: int) -> Any:
    return _take(pa.array(values, pa.string()), rng.integers(0, len(values), size))


@cache
def _dates() -> Any:
    return pa.array([str(EPOCH + day) for day in range(DAYS)], pa.string())


@cache
def _times() -> Any:
    return pa.array(list(_clock()), pa.string())


@cache
def _thousandths() -> Any:
    return pa.array([f".{part:03d}" for part in range(1000)], pa.string())


def _clock() -> Iterator[str]:
    for second in range(86_400):
        yield f"{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
