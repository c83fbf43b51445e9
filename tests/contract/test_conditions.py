"""A condition is SQL over one row and nothing else, and that alone is passed on to an engine."""

import re

import pytest

from cityloom.contract.conditions import row_condition, row_rule_reason
from cityloom.contract.model import Column, Contract, Kind, RowRule
from cityloom.contract.rules import Reason
from cityloom.errors import ContractError

KINDS = {
    "opened": Kind.DATE, "seen": Kind.TIMESTAMP, "kind": Kind.STRING, "cost": Kind.NUMBER,
    "open": Kind.BOOLEAN,
}  # fmt: skip
CONTRACT = Contract(
    "trial", tuple(Column(name, name, kind) for name, kind in KINDS.items()), origin="t.yaml"
)


def read(text: str, dialect: str = "duckdb") -> str:
    return row_condition(CONTRACT, RowRule("r", text), dialect)


def refused(text: str) -> str:
    with pytest.raises(ContractError) as caught:
        read(text)
    assert str(caught.value).startswith("t.yaml: rule 'r': ")
    return str(caught.value).removeprefix("t.yaml: rule 'r': ")


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("cost > 1", "cost > 1"),
        ("cost > 1 -- in yuan", "cost > 1"),
        ("cost /* a */ > 1", "cost > 1"),
        ("CAST(kind AS INT) > 1", "TRY_CAST(kind AS INT) > 1"),
        (
            "CAST(CAST(kind AS INT) AS BOOLEAN)",
            "TRY_CAST(TRY_CAST(kind AS INT) AS BOOLEAN)",
        ),
        (
            "CAST(abs(CAST(kind AS INT)) AS TEXT) = '1'",
            "TRY_CAST(ABS(TRY_CAST(kind AS INT)) AS TEXT) = '1'",
        ),
        ("kind::DATE = opened", "TRY_CAST(kind AS DATE) = opened"),
        ('"cost" > 1', '"cost" > 1'),
    ],
)
def test_a_condition_is_passed_on_without_comments_and_with_casts_that_give_null(
    text: str, sql: str
) -> None:
    assert read(text) == sql


def test_a_condition_is_written_in_the_dialect_of_an_engine() -> None:
    assert read("cost // 2 > 1") == "cost // 2 > 1"
    assert read("cost // 2 > 1", "spark") != "cost // 2 > 1"


@pytest.mark.parametrize(
    "text",
    [
        "open", "true", "NULL", "(open)", "NOT open", "open AND true", "open OR NULL",
        "cost = 1", "cost <> 1", "cost < 1", "cost <= 1", "cost >= 1", "cost IS NULL",
        "kind IN ('a', 'b')", "cost BETWEEN 1 AND 2", "kind LIKE 'a%'", "kind ILIKE 'a%'",
        "kind LIKE 'a' ESCAPE '!'", "kind ILIKE 'a' ESCAPE '!'", "cost IS DISTINCT FROM 1",
        "cost IS NOT DISTINCT FROM 1", "CAST(kind AS BOOLEAN)", "TRY_CAST(kind AS BOOLEAN)",
        "coalesce(open, true)", "coalesce(open, cost > 1, false)",
        "CASE WHEN cost > 1 THEN open END", "CASE WHEN cost > 1 THEN open ELSE true END",
        "CASE WHEN cost > 1 THEN NULL WHEN open THEN kind = 'a' ELSE NULL END",
        "if(cost > 1, open, true)", "if(cost > 1, open)", "contains(kind, 'a')",
        "starts_with(kind, 'a')", "ends_with(kind, 'a')", "regexp_matches(kind, 'a')",
        "regexp_full_match(kind, 'a')", "opened > DATE '2024-02-29'",
        "seen > TIMESTAMP '2024-02-29 01:02:03'", "seen > CAST('2024-02-29' AS TIMESTAMP)",
        "CAST('x' AS INT) = 1", "opened > CAST(kind AS DATE)",
        "nullif(kind, 'a') = greatest(kind, least(kind, 'b'))",
        "length(lower(upper(trim(kind)))) = 1", "substr(kind, 1, 2) || left(kind, 1) = 'a'",
        "right(kind, 1) = 'a'",
        "concat(kind, replace(kind, 'a', 'b')) = kind", "abs(round(floor(ceil(cost)))) % 2 = 1",
        "year(opened) + month(opened) - day(opened) * 2 > extract(year FROM seen) / -1",
        "date_diff('day', opened, opened) > 3", "opened + INTERVAL 3 DAY > opened",
        "CAST(cost AS DECIMAL(5, 2)) = 1", "CAST(kind AS TIMESTAMPTZ) > seen",
    ],
)  # fmt: skip
def test_what_is_true_false_or_null_of_one_row_is_a_condition(text: str) -> None:
    assert read(text)


@pytest.mark.parametrize(
    "text",
    [
        "cost", "kind", "1", "'x'", "cost + 1", "-cost", "(cost)", "lower(kind)", "opened",
        "open AND cost", "cost OR open", "NOT cost", "coalesce(cost, 1)", "coalesce(open, cost)",
        "CASE WHEN open THEN cost END", "CASE WHEN open THEN true ELSE 1 END",
        "CASE WHEN open THEN 1 ELSE true END", "CASE WHEN open THEN true WHEN true THEN 1 END",
        "if(open, 1, true)", "if(open, true, 1)", "CAST(kind AS INT)", "TRY_CAST(open AS INT)",
        "nullif(open, true)", "length(kind)",
    ],
)  # fmt: skip
def test_a_value_is_no_condition(text: str) -> None:
    assert refused(text) == f"'{text}' is a value, not a condition; compare it"


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("read_text('x') = 'y'", "read_text"),
        ("GETENV('x') = 'y'", "getenv"),
        ("sum(cost) > 1", "sum"),
        ("cost IN (SELECT 1)", "in"),
        ("cost > (SELECT 1)", "subquery"),
        ("row_number() OVER () = 1", None),
        ("cost IN kind", "in"),
        ("cost > ?", "placeholder"),
        ("CAST(kind AS JSON) IS NULL", "JSON"),
        ("CAST(kind AS INT[]) IS NULL", None),
        ("opened > DATE '2024-02-30'", "TRY_CAST('2024-02-30' AS DATE)"),
        ("seen > TIMESTAMP '2024-02-29 25:00:00'", None),
        ("random() > 1", "rand"),
    ],
)  # fmt: skip
def test_what_is_not_of_one_row_is_named_with_what_is_allowed(text: str, word: str | None) -> None:
    message = refused(text)
    assert " has no place in a condition over one row; allowed are the row's columns" in message
    assert "and the functions abs, ceil, concat, contains, date_diff, day, ends_with" in message
    assert word is None or message.startswith(f"'{word}'"), message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("t.cost > 1", "'t.cost' names a table; write the column alone"),
        ("price > 1", "no column 'price' in this contract"),
        ("cost > 1 AND (open OR price)", "no column 'price' in this contract"),
        ("cost >", "not a condition: "),
        ("(" * 5000 + "cost > 1" + ")" * 5000, "not a condition: "),
    ],
    ids=lambda text: text[:30],
)
def test_a_mistake_in_a_condition_is_told_in_one_line(text: str, words: str) -> None:
    message = refused(text)
    assert message.startswith(words)
    assert "\n" not in message
    assert not re.search(r": $", message)


def test_a_broken_rule_is_told_by_its_description_or_its_condition() -> None:
    assert row_rule_reason(RowRule("r", "a > 1")) == Reason("", "r", "r: not a > 1")
    assert row_rule_reason(RowRule("r", "a > 1", "Big.")) == Reason("", "r", "r: Big.")


@pytest.mark.parametrize(
    ("text", "sql"),
    [
        ("cost / open > 1", "cost / NULLIF(open, 0) > 1"),
        ("cost // 0 > 1", "cost // NULLIF(0, 0) > 1"),
        ("cost / open / cost > 1", "cost / NULLIF(open, 0) / NULLIF(cost, 0) > 1"),
        ("cost % (1 / cost) > 1", "cost % NULLIF((1 / NULLIF(cost, 0)), 0) > 1"),
        (
            "CAST(CAST(cost AS INT) / cost AS INT) = 1",
            "TRY_CAST(ROUND(TRY_CAST(ROUND(cost) AS INT) / NULLIF(cost, 0)) AS INT) = 1",
        ),
        ("CAST(coalesce(kind, '0') AS INT) = 1", "TRY_CAST(COALESCE(kind, '0') AS INT) = 1"),
        ("CAST(coalesce(cost, 0) AS INT) = 1", "TRY_CAST(ROUND(COALESCE(cost, 0)) AS INT) = 1"),
        (
            "CAST(CASE WHEN open THEN kind ELSE '1' END AS INT) = 1",
            "TRY_CAST(CASE WHEN open THEN kind ELSE '1' END AS INT) = 1",
        ),
        ("cost % 2 = 1 AND cost / 0.5 > 1", "cost % 2 = 1 AND cost / 0.5 > 1"),
        ("CAST(cost AS INT) = 2", "TRY_CAST(ROUND(cost) AS INT) = 2"),
        ("CAST(cost + 1 AS BIGINT) = 2", "TRY_CAST(ROUND(cost + 1) AS BIGINT) = 2"),
        ("CAST(kind || '1' AS INT) = 2", "TRY_CAST(kind || '1' AS INT) = 2"),
        ("CAST((lower(kind)) AS INT) = 2", "TRY_CAST((LOWER(kind)) AS INT) = 2"),
        ("CAST(open AS INT) = 1", "TRY_CAST(open AS INT) = 1"),
        ("CAST(cost > 1 AS INT) = 1", "TRY_CAST(cost > 1 AS INT) = 1"),
        (r"regexp_matches(kind, 'a.\d$')", r"REGEXP_MATCHES(kind, 'a[^\n][0-9]\z')"),
        ("regexp_full_match(kind, 'a|b')", r"REGEXP_MATCHES(kind, '^(?:a|b)\z')"),
        ("kind LIKE 'a!%!_!!%' ESCAPE '!'", "kind LIKE 'a!%!_!!%' ESCAPE '!'"),
        ("date_diff('day', opened, seen) > 1", "DATE_DIFF('DAY', opened, seen) > 1"),
    ],
)
def test_what_engines_understand_each_in_its_own_way_is_made_alike(text: str, sql: str) -> None:
    assert read(text) == sql


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("date_diff('month', opened, seen) > 1", "date_diff counts days alone, not 'month'"),
        ("date_diff('hour', opened, seen) > 1", "date_diff counts days alone, not 'hour'"),
        ("regexp_matches(kind, kind)", "write the pattern out as text"),
        ("regexp_full_match(kind, lower(kind))", "write the pattern out as text"),
        ("kind LIKE 'a!b' ESCAPE '!'", "the escape character may stand before % or _ alone"),
        ("kind LIKE 'a%' ESCAPE ''", "the escape character may stand before % or _ alone"),
        (r"kind LIKE 'a\%'", "a backslash needs an ESCAPE with another mark"),
        ("kind LIKE kind", "write the pattern out as text"),
        ("kind LIKE 'ab!' ESCAPE '!'", "the escape character may stand before % or _ alone"),
    ],
)
def test_what_cannot_be_made_alike_is_refused_with_what_to_write(text: str, said: str) -> None:
    assert said in refused(text)
