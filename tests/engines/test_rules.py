"""The rules of a contract judge derived rows alike on every engine."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from cityloom.contract.check import MARK, conforming, marked
from cityloom.contract.conditions import _FUNCTIONS, _TESTS
from cityloom.contract.model import Column, Contract, Kind, RowRule
from cityloom.contract.rules import matches
from cityloom.engine import Engine, open_engine

COLUMNS = (
    Column("id", "id", Kind.INTEGER, minimum=2, exclusive_maximum=9),
    Column("name", "name", Kind.STRING, pattern=r"[^0-9]+", min_length=2, max_length=3),
    Column("code", "code", Kind.STRING, pattern=r"[A-C]\d{2}", required=True),
    Column("kind", "kind", Kind.STRING, enum=("水表", "b'", "c")),
    Column("money", "money", Kind.NUMBER, decimal=(10, 2), enum=("1.5", "-2.25")),
    Column("size", "size", Kind.NUMBER, minimum=-1, maximum=2.5),
    Column("day", "day", Kind.DATE, minimum="2024-02-29"),
    Column("at", "at", Kind.TIMESTAMP, timezone=True, maximum="2024-03-01T00:00:00+08:00"),
    Column("local", "local", Kind.TIMESTAMP, exclusive_minimum="2024-03-10T02:30:00"),
    Column("open", "open", Kind.BOOLEAN),
)
SCHEMA = pa.schema([(column.name, column.arrow_type) for column in COLUMNS])
D, M = datetime, Decimal
ROWS: list[tuple[object, ...]] = [
    (1, "张伟", "A12", "水表", M("1.50"), 0.1, date(2024, 2, 29), D(2024, 2, 29, 16, tzinfo=UTC),
     D(2024, 3, 10, 2, 30), True),
    (2, "𠮷", "A1", "b'", M("-2.25"), -1.0, date(2024, 2, 28), D(2024, 2, 29, 16, 0, 0, 1, UTC),
     D(2024, 3, 10, 2, 30, 0, 1), False),
    (8, "é\n", "D12", "C", M("1.51"), 2.5000001, date(1, 1, 1), D(1969, 12, 31, tzinfo=UTC),
     D(1582, 10, 10), True),
    (9, "a1", "A12\n", "c ", M("-0.01"), -0.0, date(9999, 12, 31), D(1900, 1, 1, tzinfo=UTC),
     D(9999, 12, 31), None),
    (-7, "abcd", "C٣٣", "", M("99999999.99"), 1e300, date(2023, 12, 31),
     D(2024, 1, 1, tzinfo=UTC), D(2024, 1, 1), None),
    (None,) * 10,
]  # fmt: skip
CONDITIONS = (
    "id > 1",
    "id >= 2 AND id < 9",
    "id <> 8 OR id IS NULL",
    "NOT open",
    "open",
    "id IN (1, 2)",
    "name IN ('张伟', 'a1')",
    "kind = 'c'",
    "kind <> ''",
    "id BETWEEN 1 AND 8",
    "id IS NOT DISTINCT FROM 8",
    "kind IS NULL",
    "money + 1 > 2.5",
    "money * 2 = -4.5",
    "id / 2 > 0.5",
    "id // 2 = 4",
    "id % 4 = 0",
    "id % 4 = -3",
    "-id < 0",
    "size / 0 > 1",
    "id - money > 0",
    "name || kind = '张伟水表'",
    "name LIKE '张%'",
    "name LIKE '_'",
    "name NOT LIKE '%1'",
    "name ILIKE 'A%'",
    "kind LIKE 'b!_' ESCAPE '!'",
    "CASE WHEN id > 5 THEN money > 0 WHEN id > 1 THEN money < 0 ELSE true END",
    "if(id > 5, open, NOT open)",
    "coalesce(open, id < 0)",
    "nullif(id, 8) > 0",
    "greatest(id, 5) = 5",
    "least(id, 5) = 5",
    "length(name) = 2",
    "length(name) = 1",
    "lower(kind) = 'c'",
    "upper(kind) = 'C'",
    "trim(kind) = 'c'",
    "substring(name, 2, 1) = '伟'",
    "substr(name, 1, 1) = '𠮷'",
    "left(name, 1) = '张'",
    "right(name, 1) = '伟'",
    "concat(name, '-', kind) = '𠮷-b'''",
    "concat(name, 'x') = 'x'",
    "replace(name, '张', 'x') = 'x伟'",
    "abs(id) = 7",
    "round(money, 1) = 1.5",
    "round(size) = 3",
    "floor(money) = -3",
    "ceil(money) = 2",
    "year(day) = 2024",
    "month(day) = 2",
    "day(day) = 29",
    "extract(year FROM at) = 2024",
    "extract(hour FROM at) = 16",
    "year(local) = 1582",
    "date_diff('day', day, date '2024-03-01') = 1",
    "date_diff('day', local, TIMESTAMP '2024-03-10 00:00:00') = 0",
    "size / id > 0",
    "id % (id - 8) = 1",
    "id // (id - 8) = -1",
    "day < date '2024-02-29'",
    "day + INTERVAL 1 DAY = date '2024-03-01'",
    "at >= TIMESTAMP '2024-02-29 16:00:00'",
    "local > TIMESTAMP '2024-03-10 02:30:00'",
    "starts_with(name, '张')",
    "ends_with(name, '伟')",
    "contains(name, 'bc')",
    r"regexp_matches(name, '\w$')",
    r"regexp_matches(code, '[[:upper:]\d]{3}')",
    "regexp_matches(name, '^.$')",
    "regexp_full_match(code, '[A-C][0-9]{2}')",
    "CAST(code AS INTEGER) > 3",
    "CAST(id AS VARCHAR) = '8'",
    "CAST(money AS INTEGER) = 2",
    "CAST(size AS INTEGER) = 0",
    "CAST(kind AS DATE) IS NULL",
    "TRY_CAST(code AS DOUBLE) IS NULL",
)


TEXTS = (
    None,
    "",
    "a",
    "A",
    "a\n",
    "\n",
    "a\r",
    "\u2028",
    "7",
    "٣",
    "é",
    "京",
    "𠮷",
    "_",
    "-",
    "[",
    "]",
    "&",
    "a&&b",
    "~",
    "\\",
    "^",
    "\x0b",
    " ",
    "ſ",
    "ß",
    ".",
    "$",
    "a$",
    "0x1F",
    "1_000",
    "AB-2024",
)
PATTERNS = (
    ".",
    ".*",
    "a$|b",
    "[^a]",
    r"\d",
    r"\D",
    r"\w+",
    r"\W",
    r"\s",
    r"\S",
    r"[\d_]",
    r"[^\w]",
    "[[:alpha:]]",
    "[[:punct:]]",
    "[[]",
    "[]]",
    r"[\]]",
    "[a&&b]+",
    "[~]",
    "[^-]",
    "[a-]",
    r"\.",
    r"\$",
    r"a\$",
    "(?i)a",
    "(?s).",
    "(?s:.)",
    r"\Q$\E",
    r"\p{L}",
    "(京|𠮷)",
    "[一-龥]",
    r"[A-Z]{2}-\d{4}",
    r"\x41",
    "a?",
    "(?:)",
)


def batched(texts: Sequence[str], size: int) -> Iterator[tuple[str, ...]]:
    rest = iter(texts)
    while some := tuple(islice(rest, size)):
        yield some


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("rules") / "rows.parquet"
    columns = [
        pa.array(column, field.type)
        for column, field in zip(zip(*ROWS, strict=True), SCHEMA, strict=True)
    ]
    pq.write_table(pa.table(columns, schema=SCHEMA), path)
    return path


def verdicts(
    engine: Engine, file: Path, rules: tuple[RowRule, ...] = ()
) -> dict[str, list[object]]:
    """Whether each row meets each rule, by the rule's message."""
    contract = Contract("trial", COLUMNS, rules=rules, origin="trial")
    rows, reasons = marked(
        contract, conforming(contract, engine.table("rows", [file], SCHEMA), "t")
    )
    found = engine.batches(rows).read_all().sort_by([("id", "ascending")])
    marks = [found[MARK.format(number)].to_pylist() for number in range(len(reasons))]
    return {reason.message: mark for reason, mark in zip(reasons, marks, strict=True)}


@pytest.fixture(scope="module")
def reference(scratch: Path) -> Engine:
    return open_engine("duckdb://", scratch)


def test_rules_of_columns(engine: Engine, reference: Engine, file: Path) -> None:
    assert verdicts(engine, file) == verdicts(reference, file)


@pytest.mark.parametrize("conditions", list(batched(CONDITIONS, 12)), ids=lambda some: some[0])
def test_conditions_over_columns(
    engine: Engine, reference: Engine, file: Path, conditions: tuple[str, ...]
) -> None:
    rules = tuple(RowRule(f"rule {text}", text) for text in conditions)
    found, expected = verdicts(engine, file, rules), verdicts(reference, file, rules)
    assert {said: met for said, met in found.items() if met != expected[said]} == {}
    assert len(found) == len(expected)


def test_patterns(engine: Engine, tmp_path: Path) -> None:
    schema = pa.schema([("id", pa.int64()), ("text", pa.string())])
    rows = pa.table([range(len(TEXTS)), TEXTS], schema=schema)
    pq.write_table(rows, tmp_path / "texts.parquet")
    table = engine.table("texts", [tmp_path / "texts.parquet"], schema)
    columns = {f"met_{n}": matches(table.text, pattern) for n, pattern in enumerate(PATTERNS)}
    found = engine.batches(table.select("id", **columns)).read_all().sort_by([("id", "ascending")])
    texts = pa.array(TEXTS)
    expected = {
        pattern: pc.match_substring_regex(texts, rf"^(?:{pattern})\z").to_pylist()
        for pattern in PATTERNS
    }
    assert (
        dict(zip(PATTERNS, (found[name].to_pylist() for name in columns), strict=True)) == expected
    )


def test_every_function_of_a_condition_is_tried() -> None:
    words = " ".join(CONDITIONS).lower()
    functions = {*_FUNCTIONS.values(), *_TESTS.values()}
    assert not [name for name in functions if f"{name}(" not in words]
