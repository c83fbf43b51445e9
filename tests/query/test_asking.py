"""A question sees what its asker may read, and reaches nothing else."""

import json
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.errors import AccessRefused, QueryError
from cityloom.policy import Principal
from cityloom.query import Limits, ask
from cityloom.query.statement import read_statement
from tests.cities import TESTER, column, contract_text, csv_bytes, deliver, new_city

ANALYST = Principal("lin", roles=("analyst",))
POLICIES = """
@id("own-ward") permit (principal, action == Action::"read", resource is Rows::person)
when { resource.ward == "A" && context.purpose == "care" };
@id("see") permit (principal, action == Action::"see", resource)
when { context.classification == "public" };
@id("parks") permit (principal, action, resource is Rows::park);
"""


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    personal = {"classification": "personal"}
    columns = [column("ward", classification="public"), column("name", **personal),
               column("n", "integer", classification="public"),
               column("id", **personal, custom={"mask": "pseudonym"})]  # fmt: skip
    opened = new_city(
        tmp_path_factory.mktemp("q") / "city",
        {
            "person": contract_text("person", columns, purposes=["care"]),
            "park": contract_text("park", [column("name"), column("n", "integer")]),
        },
    )
    (opened.path / "policies" / "default.cedar").write_text(POLICIES, encoding="utf-8")
    people = [["A", "王芳", 1, "x1"], ["B", "李雷", 2, "x2"], ["A", "赵六", 3, "x1"]]
    deliver(opened, "person", "p.csv", csv_bytes(["ward", "name", "n", "id"], people))
    deliver(opened, "park", "q.csv", csv_bytes(["name", "n"], [["莲花山", 1], ["荔枝", 4]]))
    return City.open(opened.path)


def asked(city: City, text: str, purpose: str | None = "care") -> list[dict[str, object]]:
    found: list[dict[str, object]] = ask(city, text, ANALYST, purpose).rows.to_pylist()
    return found


def test_rows_and_columns_are_cut_before_a_question_sees_them(city: City) -> None:
    rows = asked(city, "SELECT ward, name, n, id FROM person ORDER BY n")
    assert [(row["ward"], row["name"], row["n"]) for row in rows] == [
        ("A", None, 1),
        ("A", None, 3),
    ]
    assert rows[0]["id"] == rows[1]["id"] != "x1"
    assert asked(city, "SELECT count(*) AS n FROM person WHERE name = '王芳'") == [{"n": 0}]
    joined = "SELECT p.n FROM person p JOIN park k USING (n)"
    assert asked(city, joined) == [{"n": 1}]
    assert asked(city, f"WITH person2 AS ({joined}) SELECT * FROM person2; -- done") == [{"n": 1}]


def test_every_dataset_asked_is_in_the_ledger_with_the_rows_that_could_be_seen(city: City) -> None:
    asked(city, "SELECT 1 FROM person, park LIMIT 1")
    lines = (city.path / "ledger.ndjson").read_text(encoding="utf-8").splitlines()[-2:]
    entries = [json.loads(line) for line in lines]
    assert [(e["dataset"], e["rows"], e["purpose"]) for e in entries] == [
        ("park (query)", 2, "care"), ("person (query)", 2, "care")]  # fmt: skip


def test_what_policy_refuses_is_refused(city: City) -> None:
    with pytest.raises(AccessRefused):
        asked(city, "SELECT * FROM person", purpose=None)


def test_a_condition_that_fails_tells_nothing_of_rows_that_may_not_be_read(city: City) -> None:
    hidden = "SELECT 1 FROM person WHERE CASE WHEN n = 2 THEN error('2') ELSE 'x' END = 'x'"
    with pytest.raises(QueryError, match="'error' cannot be used"):
        asked(city, hidden)
    for divided in ("CAST(CASE WHEN n = 2 THEN 'x' ELSE '1' END AS INTEGER)", "1 // (n - 2)"):
        assert len(asked(city, f"SELECT n FROM person WHERE {divided} IS NOT NULL")) <= 2


REFUSED = [
    "", "nonsense", "SELECT 1; SELECT 2", "INSERT INTO park VALUES ('x', 1)", "DROP VIEW park",
    "COPY park TO '/tmp/x.csv'", "SET threads = 9", "ATTACH 'x.db'", "PRAGMA database_list",
    "SELECT * FROM nothing", "SELECT * FROM '/etc/passwd'", 'SELECT * FROM "/etc/passwd"',
    "SELECT * FROM read_csv('/etc/passwd')", "SELECT * FROM read_text('/etc/passwd')",
    "SELECT * FROM glob('/*')", "SELECT * FROM duckdb_settings()", "SELECT * FROM main.park",
    "SELECT * FROM information_schema.tables", "SELECT * FROM _whole_person",
    "SELECT * FROM _cut_person", "SELECT * FROM query('SELECT 1')",
    "SELECT * FROM query_table('_whole_person')", "SELECT current_setting('threads')",
    "SELECT getenv('HOME')", "SELECT (SELECT max(name) FROM _whole_person)",
    "SELECT * FROM park WHERE n IN (SELECT n FROM _whole_person)",
    "WITH \"/etc/passwd\" AS (SELECT 1) SELECT * FROM \"/etc/passwd\"",
    "SELECT * FROM (DESCRIBE park)", "SELECT * FROM (SHOW TABLES)", "FROM sniff_csv('x')",
    "SELECT * FROM park, read_parquet('x')", "SUMMARIZE park", "EXPLAIN SELECT * FROM park",
    "SELECT * FROM park UNION ALL SELECT name, n FROM _whole_person",
    "SELECT list_transform([1], x -> (SELECT count(*) FROM _whole_person))",
]  # fmt: skip


@pytest.mark.parametrize("text", REFUSED)
def test_nothing_but_datasets_can_be_asked(city: City, text: str) -> None:
    with pytest.raises(QueryError):
        asked(city, text)


@pytest.mark.parametrize(
    "text",
    ["SELECT * FROM park", "FROM park", "SELECT name FROM park WHERE n > 1 ORDER BY n DESC LIMIT 1",
     "SELECT n % 2 AS odd, count(*), avg(n), string_agg(name, '，') FROM park GROUP BY ALL",
     "SELECT *, row_number() OVER (ORDER BY n) FROM park", "VALUES (1, 'a')",
     "SELECT lower(name), regexp_matches(name, '山'), n::VARCHAR FROM park",
     "WITH RECURSIVE r AS (SELECT 1 AS i UNION ALL SELECT i + 1 FROM r WHERE i < 5) FROM r",
     "SELECT * FROM range(3)", "SELECT * FROM unnest([1, 2])", "SELECT date '2024-01-01' + 1",
     "SELECT a.n FROM park a LEFT JOIN park b ON a.n = b.n - 3",
     "PIVOT park ON n IN (1, 4) USING count(*)"],
)  # fmt: skip
def test_what_analysts_ask_is_answered(city: City, text: str) -> None:
    assert ask(city, text, TESTER).rows.num_columns > 0


def test_a_question_is_bounded_in_rows_time_and_memory(city: City) -> None:
    few = ask(city, "FROM range(100)", TESTER, limits=Limits(rows=7))
    assert (len(few.rows), few.has_more) == (7, True)
    all_of_them = ask(city, "FROM range(7)", TESTER, limits=Limits(rows=7))
    assert (len(all_of_them.rows), all_of_them.has_more) == (7, False)
    slow = "SELECT sum(a.range * b.range) FROM range(10000000) a, range(10000000) b"
    with pytest.raises(QueryError, match=r"longer than 0\.5 seconds"):
        ask(city, slow, TESTER, limits=Limits(seconds=0.5))
    large = "SELECT list(range) FROM range(300000000)"
    with pytest.raises(QueryError, match="more than 100MB of memory"):
        ask(city, large, TESTER, limits=Limits(memory="100MB"))


WORDS = ["SELECT", "FROM", "park", "person", "_whole_person", "*", "(", ")", ",", "n", "name", "1",
         "'x'", "WHERE", "=", "UNION", "WITH", "AS", "JOIN", "ON", "read_csv", ";", "--", '"', "'",
         "query", "VALUES", "/*", "*/", ".", "main", "LATERAL", "IN", "EXISTS"]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join))
def test_any_statement_is_read_or_refused_in_words(text: str) -> None:
    known = {"park", "person"}
    with suppress(QueryError):
        assert set(read_statement(text, known).datasets) <= known


def test_bytes_are_told_as_text(city: City) -> None:
    text = "SELECT from_hex('0101000000000000000000F03F0000000000000040') AS a, from_hex('ff') AS b"
    assert ask(city, text, TESTER).rows.to_pylist() == [{"a": "POINT (1 2)", "b": "ff"}]
    assert ask(city, "SELECT NULL::BLOB AS a", TESTER).rows.to_pylist() == [{"a": None}]
