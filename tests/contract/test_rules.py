"""Each rule of a contract keeps the rows that meet it and refuses the others, saying why."""

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pytest
import shapely
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.contract.check import geometry_verdicts
from cityloom.errors import ContractError
from cityloom.policy import Principal

TESTER = Principal("tester", roles=("data_steward",))

Stated = dict[str, Any]


class Outcome(NamedTuple):
    """The rows that were kept, and for each refused row its number and reasons."""

    kept: list[Stated]
    refused: dict[int, list[Stated]]

    def rules(self, row: int = 1) -> list[tuple[str, str]]:
        """The rules that a row broke, by column."""
        return [(reason["column"], reason["rule"]) for reason in self.refused.get(row, [])]

    def messages(self, row: int = 1) -> list[str]:
        """The reasons of a row in words."""
        return [reason["message"] for reason in self.refused.get(row, [])]


def new_city(folder: Path, columns: Sequence[Stated], rules: Sequence[Stated] = ()) -> City:
    """A city with one dataset, ``thing``, that every delivery replaces."""
    city = City.create(folder, "Rules")
    stated = {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "thing",
        "version": "1.0.0",
        "status": "active",
        "customProperties": [
            {"property": "delivery", "value": "snapshot"},
            {"property": "classification", "value": "public"},
        ],
        "schema": [{"name": "thing", "properties": list(columns), "quality": list(rules)}],
    }
    path = city.path / "contracts" / "thing.odcs.yaml"
    path.write_text(yaml.safe_dump(stated, allow_unicode=True), encoding="utf-8")
    return city


def judge(city: City, records: Sequence[Stated]) -> Outcome:
    path = city.path / "delivery.ndjson"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    (run,) = city.receive("thing", path, again=True)
    assert run.rows_read == run.rows_kept + run.rows_quarantined == len(records)
    kept = city.read("thing", TESTER).read_all().to_pylist()
    refused = city.read_quarantine("thing", TESTER).read_all().to_pylist()
    return Outcome(kept, {row["_ordinal"]: row["reasons"] for row in refused})


def condition(text: str, name: str = "the_rule", description: str | None = None) -> Stated:
    stated = {"name": name, "type": "custom", "engine": "cityloom", "implementation": text}
    return stated | ({"description": description} if description else {})


def options(logical: str, **stated: Any) -> Stated:
    return {"logicalType": logical, "logicalTypeOptions": stated}


# Rules on one column


DECIMAL = {"logicalType": "number", "physicalType": "DECIMAL(9,2)"}

ENUMS: list[tuple[Stated, list[Any], list[str], list[str]]] = [
    ({"logicalType": "string"}, ["A", "路口", "b c"], ["A", "路口", "b c"], ["a", "AA", "路", "b"]),
    ({"logicalType": "integer"}, [1, 20], ["1", "20", "020", "1"], ["2", "-1", "200"]),
    ({"logicalType": "number"}, [1.5, 2], ["1.5", "1.50", "2", "2.0"], ["1.51", "0"]),
    (DECIMAL, ["1.5", "2"], ["1.5", "1.50", "2.00"], ["1.51", "0"]),
    ({"logicalType": "boolean"}, ["true"], ["yes", "TRUE", "1", "是"], ["no", "0"]),
    ({"logicalType": "date"}, ["2024-01-01"], ["2024-01-01"], ["2024-01-02"]),
    (options("date", format="yyyyMMdd"), ["2024-01-01"], ["20240101"], ["20240102"]),
    ({"logicalType": "time"}, ["08:00:00"], ["08:00:00"], ["08:00:01"]),
]


@pytest.mark.parametrize(("column", "values", "accepted", "refused"), ENUMS, ids=repr)
def test_only_allowed_values_are_kept_whatever_the_type(
    tmp_path: Path, column: Stated, values: list[Any], accepted: list[str], refused: list[str]
) -> None:
    stated = {"name": "v", **column, "enum": [{"value": value} for value in values]}
    city = new_city(tmp_path / "city", [stated])
    outcome = judge(city, [{"v": text} for text in [*accepted, *refused]])
    assert len(outcome.kept) == len(accepted)
    assert list(map(outcome.rules, sorted(outcome.refused))) == [[("v", "enum")]] * len(refused)


@pytest.mark.parametrize(
    ("column", "value", "written"),
    [
        ({"logicalType": "boolean"}, True, "yes"),
        ({"logicalType": "timestamp"}, "2024-01-01T08:00:00", "2024-01-01T08:00:00"),
    ],
    ids=repr,
)
def test_an_allowed_value_is_compared_as_a_value_and_not_as_text(
    tmp_path: Path, column: Stated, value: Any, written: str
) -> None:
    city = new_city(tmp_path / "city", [{"name": "v", **column, "enum": [{"value": value}]}])
    assert judge(city, [{"v": written}]).refused == {}


def test_a_long_list_of_allowed_values_is_told_in_part(tmp_path: Path) -> None:
    values = [{"value": f"K{number:02}"} for number in range(20)]
    outcome = judge(new_city(tmp_path / "city", [{"name": "v", "enum": values}]), [{"v": "x"}])
    (message,) = outcome.messages()
    assert message.startswith("v: not one of K00, K01, ")
    assert message.endswith("K11 and 8 more")


RANGES: list[tuple[Stated, list[str], list[str], str]] = [
    (options("integer", minimum=1), ["1", "2"], ["0", "-5"], "minimum"),
    (options("integer", maximum=9), ["9", "-9"], ["10"], "maximum"),
    (options("integer", exclusiveMinimum=0), ["1"], ["0", "-1"], "exclusive_minimum"),
    (options("integer", exclusiveMaximum=9), ["8"], ["9", "10"], "exclusive_maximum"),
    (options("number", minimum=0.5), ["0.5", "5e-1", "1"], ["0.49", "-1"], "minimum"),
    (options("number", maximum=1e3), ["1000", "1e3"], ["1000.01"], "maximum"),
    ({**DECIMAL, "logicalTypeOptions": {"minimum": 0.1}}, ["0.1", "0.10"], ["0.09"], "minimum"),
    ({**DECIMAL, "logicalTypeOptions": {"exclusiveMaximum": 5}}, ["4.99"], ["5.00"],
     "exclusive_maximum"),
    (options("date", minimum="2024-02-29"), ["2024-02-29", "2024-03-01"], ["2024-02-28"],
     "minimum"),
    (options("date", maximum="2024-02-29", format="dd/MM/yyyy"), ["29/02/2024"], ["01/03/2024"],
     "maximum"),
    (options("timestamp", minimum="2024-01-01T12:00:00"), ["2024-01-01T12:00:00"],
     ["2024-01-01T11:59:59.999999"], "minimum"),
    (options("timestamp", timezone=True, maximum="2024-01-01T00:00:00+08:00"),
     ["2023-12-31T16:00:00Z", "2024-01-01T00:00:00+08:00"],
     ["2023-12-31T16:00:01Z", "2024-01-01T00:00:00+07:00"], "maximum"),
    (options("integer", minimum=9.5), ["10"], ["9"], "minimum"),
    (options("integer", exclusiveMinimum=-9.5), ["-9"], ["-10"], "exclusive_minimum"),
    (options("integer", minimum=1e30), [], ["9223372036854775807"], "minimum"),
    (options("integer", minimum=2**63), [], ["9223372036854775807"], "minimum"),
    (options("integer", minimum=2**63 - 1), ["9223372036854775807"], ["9223372036854775806"],
     "minimum"),
    (options("integer", maximum=-(2**63) - 1), [], ["-9223372036854775808"], "maximum"),
    (options("integer", maximum=-(2**63)), ["-9223372036854775808"], ["-9223372036854775807"],
     "maximum"),
    ({**DECIMAL, "logicalTypeOptions": {"maximum": 0.125}}, ["0.12"], ["0.13"], "maximum"),
    ({**DECIMAL, "logicalTypeOptions": {"exclusiveMaximum": "0.125"}}, ["0.12"], ["0.13"],
     "exclusive_maximum"),
    (options("time", minimum="08:00:00"), ["08:00:00", "23:00:00"], ["07:59:59"], "minimum"),
    (options("string", maximum="M"), ["A", "M"], ["N", "a"], "maximum"),
]  # fmt: skip


@pytest.mark.parametrize(("column", "accepted", "refused", "rule"), RANGES, ids=repr)
def test_ranges_hold_in_the_columns_own_type(
    tmp_path: Path, column: Stated, accepted: list[str], refused: list[str], rule: str
) -> None:
    city = new_city(tmp_path / "city", [{"name": "v", **column}])
    outcome = judge(city, [{"v": text} for text in [*accepted, *refused]])
    assert len(outcome.kept) == len(accepted)
    assert list(map(outcome.rules, sorted(outcome.refused))) == [[("v", rule)]] * len(refused)


def test_a_range_is_told_with_its_bound_and_unit(tmp_path: Path) -> None:
    unit = {"customProperties": [{"property": "unit", "value": "m2"}]}
    column = {"name": "area", **options("number", minimum=1, exclusiveMaximum=9), **unit}
    outcome = judge(new_city(tmp_path / "city", [column]), [{"area": "0"}, {"area": "9"}])
    assert outcome.messages(1) == ["area: less than 1 m2"]
    assert outcome.messages(2) == ["area: not less than 9 m2"]


def test_the_digits_of_a_decimal_are_told(tmp_path: Path) -> None:
    column = {"name": "v", "logicalType": "number", "physicalType": "DECIMAL(6,2)"}
    outcome = judge(new_city(tmp_path / "city", [column]), [{"v": "12345"}, {"v": "1234.50"}])
    assert outcome.messages(1) == [
        "v: not a number of at most 4 digits before and 2 after the point"
    ]
    assert len(outcome.kept) == 1


def test_lengths_are_counted_in_characters_and_not_in_bytes(tmp_path: Path) -> None:
    column = {"name": "v", **options("string", minLength=2, maxLength=3)}
    sound = ["ab", "abc", "路口", "人民路", "🏙️", "🌆🌇", "🌆🌇🌃", "é", "e\u0301", "𠮷野家"]
    sound = [text for text in sound if 2 <= len(text) <= 3]
    short, long = ["a", "路", "🌆", "é"], ["abcd", "人民路口", "🌆🌇🌃🌌", "e\u0301e\u0301"]
    outcome = judge(
        new_city(tmp_path / "city", [column]), [{"v": text} for text in [*sound, *short, *long]]
    )
    assert [row["v"] for row in outcome.kept] == sound
    found = [outcome.rules(row) for row in sorted(outcome.refused)]
    assert found == [[("v", "min_length")]] * 4 + [[("v", "max_length")]] * 4
    assert outcome.messages(len(sound) + 1) == ["v: shorter than 2 characters"]


@pytest.mark.parametrize(
    ("pattern", "accepted", "refused"),
    [
        ("[0-9]{3}", ["123"], ["1234", "12", "a123", "123\n", "１２３"]),
        ("a|b", ["a", "b"], ["ab", "ax", "xb"]),
        ("^a.c$", ["abc", "a路c"], ["abcd", "xabc", "a\nc"]),
        ("(?i)ab", ["AB", "aB"], ["abc"]),
        ("人民(路|街)[0-9]+号", ["人民路1号", "人民街20号"], ["人民路号", "在人民路1号"]),
        ("\\$\\{x\\}", ["${x}"], ["x"]),
        ("it's", ["it's"], ["its"]),
    ],
)
def test_a_pattern_must_match_the_whole_value(
    tmp_path: Path, pattern: str, accepted: list[str], refused: list[str]
) -> None:
    city = new_city(tmp_path / "city", [{"name": "v", **options("string", pattern=pattern)}])
    outcome = judge(city, [{"v": text} for text in [*accepted, *refused]])
    assert [row["v"] for row in outcome.kept] == accepted
    assert list(map(outcome.rules, sorted(outcome.refused))) == [[("v", "pattern")]] * len(refused)


@pytest.fixture(scope="module")
def patterns(tmp_path_factory: pytest.TempPathFactory) -> City:
    written = ["[a-c]+", "a?b*|c", "(ab)+c{2}", "[^a]b.", "\\d+-\\w", "a.*c"]
    columns = [
        {"name": f"p{place}", **options("string", pattern=pattern)}
        for place, pattern in enumerate(written)
    ]
    return new_city(tmp_path_factory.mktemp("patterns") / "city", columns)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(st.text("abc1-_\n ", min_size=1, max_size=5), min_size=5, max_size=40))
def test_patterns_match_as_those_of_plain_python(patterns: City, texts: list[str]) -> None:
    columns = patterns.contract("thing").columns
    outcome = judge(patterns, [{column.name: text for column in columns} for text in texts])
    for row, text in enumerate(texts, start=1):
        broken = {name for name, _ in outcome.rules(row)}
        expected = {c.name for c in columns if not re.fullmatch(c.pattern or "", text)}
        assert broken == expected, text


def test_a_missing_value_breaks_required_and_no_other_rule(tmp_path: Path) -> None:
    ruled = {"enum": [{"value": "A"}], "logicalTypeOptions": {"minLength": 1, "pattern": "A"}}
    columns = [
        {"name": "needed", "required": True, **ruled},
        {"name": "key", "primaryKey": True, **options("integer", minimum=1)},
        {"name": "free", **ruled},
        {"name": "number", **options("integer", minimum=1, maximum=2)},
        {"name": "place", "physicalType": "POINT", "required": True},
    ]
    rules = [condition("number > 1", "big"), condition("needed = free", "same")]
    city = new_city(tmp_path / "city", columns, rules)
    outcome = judge(city, [{"needed": None, "key": "", "number": None, "place": None}])
    assert outcome.rules() == [("needed", "required"), ("key", "required"), ("place", "required")]
    assert outcome.messages() == ["needed: missing", "key: missing", "place: missing"]


# Rules over several columns


ROW = [
    {"name": "opened", "logicalType": "date"},
    {"name": "closed", "logicalType": "date"},
    {"name": "kind", "logicalType": "string"},
    {"name": "cost", "logicalType": "number"},
]


@pytest.mark.parametrize(
    ("text", "met", "broken"),
    [
        ("closed >= opened", {"opened": "2024-01-01", "closed": "2024-01-01"},
         {"opened": "2024-01-02", "closed": "2024-01-01"}),
        ("kind <> 'free' OR cost = 0", {"kind": "free", "cost": "0"},
         {"kind": "free", "cost": "1"}),
        ("CASE WHEN kind = 'a' THEN cost > 1 ELSE true END", {"kind": "b", "cost": "0"},
         {"kind": "a", "cost": "0"}),
        ("closed IS NULL OR kind IN ('done', 'void')", {"closed": "2024-01-01", "kind": "done"},
         {"closed": "2024-01-01", "kind": "open"}),
        ("length(kind) BETWEEN 1 AND 3", {"kind": "人民路"}, {"kind": "人民路口"}),
        ("date_diff('day', opened, closed) <= 30", {"opened": "2024-01-01", "closed": "2024-01-31"},
         {"opened": "2024-01-01", "closed": "2024-02-01"}),
        ('"cost" > 1 -- in yuan', {"cost": "2"}, {"cost": "1"}),
        ("CAST(kind AS INTEGER) > 3 AND opened > DATE '2024-01-01'",
         {"kind": "x", "opened": "2024-01-02"}, {"kind": "3", "opened": "2024-01-02"}),
        ("CAST(CAST(kind AS INTEGER) AS TEXT) = '3'", {"kind": "x"}, {"kind": "4"}),
        ("CAST(kind AS TIMESTAMP) >= TIMESTAMP '2024-01-01 10:00:00'",
         {"kind": "2024-01-01 10:00:00"}, {"kind": "2024-01-01 09:59:59"}),
        ("kind LIKE 'a''%'", {"kind": "a'b"}, {"kind": "ab"}),
        ("kind LIKE 'a!%' ESCAPE '!'", {"kind": "a%"}, {"kind": "ab"}),
        ("starts_with(kind, 'a')", {"kind": "ab"}, {"kind": "ba"}),
        ("ends_with(kind, 'a')", {"kind": "ba"}, {"kind": "ab"}),
        ("contains(kind, 'a')", {"kind": "bab"}, {"kind": "b"}),
        ("regexp_matches(kind, 'a+')", {"kind": "baa"}, {"kind": "b"}),
        ("regexp_full_match(kind, 'a+')", {"kind": "aa"}, {"kind": "aab"}),
        ("coalesce(cost > 1, kind = 'a')", {"kind": "a"}, {"kind": "b"}),
        ("if(cost > 1, kind = 'a', kind = 'b')", {"cost": "1", "kind": "b"},
         {"cost": "2", "kind": "b"}),
        ("NOT (cost > 1 AND kind = 'a')", {"cost": "2", "kind": "b"}, {"cost": "2", "kind": "a"}),
        ("TRY_CAST(kind AS BOOLEAN)", {"kind": "true"}, {"kind": "false"}),
    ],
)  # fmt: skip
def test_a_rule_over_columns_is_a_condition_on_each_row(
    tmp_path: Path, text: str, met: Stated, broken: Stated
) -> None:
    city = new_city(tmp_path / "city", ROW, [condition(text)])
    outcome = judge(city, [met, broken])
    assert len(outcome.kept) == 1
    assert outcome.rules(2) == [("", "the_rule")]


def test_null_counts_as_met(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", ROW, [condition("closed >= opened")])
    records = [{"opened": "2024-01-01"}, {"closed": "2024-01-01"}, {"kind": "x"}]
    assert len(judge(city, records).kept) == 3


def test_a_broken_rule_is_told_by_its_description_or_else_by_its_condition(tmp_path: Path) -> None:
    rules = [
        condition("closed >= opened", "order", "A case closes after it opened."),
        condition("cost > 5", "dear"),
    ]
    city = new_city(tmp_path / "city", ROW, rules)
    outcome = judge(city, [{"opened": "2024-01-02", "closed": "2024-01-01", "cost": "1"}])
    assert outcome.messages() == ["order: A case closes after it opened.", "dear: not cost > 5"]


SUBQUERIES = [
    "cost IN (SELECT 1)",
    "cost > (SELECT max(cost) FROM thing)",
    "EXISTS (SELECT 1)",
    "EXISTS (FROM read_csv('/etc/passwd'))",
    "cost IN (FROM read_csv('/etc/passwd'))",
    "cost = ANY (SELECT 1)",
    "ARRAY(SELECT 1) = [1]",
    "cost > (TABLE thing)",
    "cost > (VALUES (1))",
]
STATEMENTS = [
    "DROP TABLE thing",
    "cost > 1; DROP TABLE thing",
    "INSERT INTO thing VALUES (1)",
    "COPY (SELECT 1) TO '/tmp/out.csv'",
    "ATTACH 'other.db'",
    "PRAGMA database_list",
    "SET threads = 9",
    "SELECT true",
    "cost AS price",
]
BROKEN = ["", " ", "cost >", "cost > 1) OR (true", "'open"]
UNKNOWN = ["price > 1", "kind.x = 1", "_met", "batch IS NOT NULL", "cost > other"]
FILE_READERS = [
    "read_text('/etc/passwd') IS NOT NULL",
    "read_csv('/etc/passwd') IS NOT NULL",
    "read_blob('/etc/passwd') IS NOT NULL",
    "glob('/etc/*') IS NOT NULL",
    "getenv('HOME') = '/root'",
]
AGGREGATES = ["count(*) > 0", "sum(cost) > 3", "max(cost) = cost", "string_agg(kind, ',') = 'x'"]
WINDOWS = ["row_number() OVER () = 1", "sum(cost) OVER () > 3", "lag(cost) OVER () IS NULL"]
NO_CONDITIONS = ["opened", "kind", "cost + 1", "'x'", "1"]
UNSTEADY = ["random() > 0.5", "now() > '2020-01-01'", "opened <= current_date"]
OF_THE_PROCESS = [
    "current_setting('home_directory') = ''",
    "getvariable('x') IS NULL",
    "write_log('x') IS NULL",
    "current_user = 'duckdb'",
]
OTHERS = [
    "error('boom')",
    "unnest([true, false])",
    "COLUMNS(*) IS NOT NULL",
    "other.cost > 1",
    "cost > ?",
    "cost IN (VALUES (1))",
    "nextval('s') = 1",
    "cost IN kind",
    "opened > DATE '2024-02-30'",
    "CAST(kind AS JSON) IS NULL",
]

NOT_OF_ONE_ROW = [
    *FILE_READERS, *AGGREGATES, *WINDOWS, *NO_CONDITIONS, *UNSTEADY, *OF_THE_PROCESS, *OTHERS,
]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [*SUBQUERIES, *STATEMENTS, *BROKEN, *UNKNOWN, *NOT_OF_ONE_ROW],
)
def test_what_is_no_condition_over_one_row_is_refused_by_its_name(
    tmp_path: Path, text: str
) -> None:
    city = new_city(tmp_path / "city", ROW, [condition(text, "sly")])
    with pytest.raises(ContractError, match="'sly'") as caught:
        judge(city, [{"cost": "1"}])
    assert "thing.odcs.yaml" in str(caught.value)


@pytest.mark.parametrize("text", ["cost >", "DROP TABLE thing", "price > 1"])
def test_a_bad_condition_is_told_when_the_contract_is_read(tmp_path: Path, text: str) -> None:
    city = new_city(tmp_path / "city", ROW, [condition(text, "sly")])
    with pytest.raises(ContractError, match="'sly'"):
        city.contract("thing")


# Geometry


PLACE = {
    "name": "place",
    "logicalType": "string",
    "physicalType": "POLYGON",
    "customProperties": [
        {"property": "bounds", "value": [0, 0, 10, 10]},
        {"property": "crs", "value": "EPSG:4490"},
    ],
}
TRIANGLE = "POLYGON((0 0, 1 0, 1 1, 0 0))"
TRIANGLE_WKB = str(shapely.to_wkb(shapely.from_wkt(TRIANGLE), hex=True)).lower()


def geojson(kind: str, coordinates: Any) -> str:
    return json.dumps({"type": kind, "coordinates": coordinates})


def test_a_geometry_may_be_written_in_three_ways_and_is_stored_as_one(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", [PLACE])
    ring = [[[0, 0], [1, 0], [1, 1], [0, 0]]]
    texts = [
        TRIANGLE, f"  {TRIANGLE}", TRIANGLE.lower(), geojson("Polygon", ring), TRIANGLE_WKB,
        TRIANGLE_WKB.upper(),
    ]  # fmt: skip
    outcome = judge(city, [{"place": text} for text in texts])
    assert outcome.refused == {}
    assert {row["place"] for row in outcome.kept} == {bytes.fromhex(TRIANGLE_WKB)}


@pytest.mark.parametrize(
    ("text", "rule", "words"),
    [
        ("somewhere", "form", "expected WKT, GeoJSON or hexadecimal WKB"),
        ("POLYGON((0 0, 1 0, 1 1))", "form", "not a geometry"),
        ("{}", "form", "not a geometry"),
        ('{"type": "Polygon"}', "form", "not a geometry"),
        ("0103", "form", "not a geometry"),
        (TRIANGLE_WKB[:-2], "form", "not a geometry"),
        ("POINT(1 1)", "type", "not a polygon"),
        (geojson("Point", [1, 1]), "type", "not a polygon"),
        ("MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))", "type", "not a polygon"),
        ("POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))", "invalid", "its edges cross or repeat"),
        ("POLYGON((20 20, 21 20, 21 21, 20 20))", "bounds", "0.0, 0.0, 10.0, 10.0 (EPSG:4490)"),
        ("POLYGON((5 5, 11 5, 11 6, 5 5))", "bounds", "outside the bounds"),
        ("POLYGON((-0.1 0, 1 0, 1 1, -0.1 0))", "bounds", "outside the bounds"),
    ],
)
def test_a_geometry_is_refused_for_its_form_type_validity_or_bounds(
    tmp_path: Path, text: str, rule: str, words: str
) -> None:
    outcome = judge(new_city(tmp_path / "city", [PLACE]), [{"place": text}])
    assert outcome.rules() == [("place", rule)]
    assert words in outcome.messages()[0]


def test_a_geometry_on_the_edge_of_its_bounds_is_inside(tmp_path: Path) -> None:
    square = "POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))"
    assert judge(new_city(tmp_path / "city", [PLACE]), [{"place": square}]).refused == {}


def test_where_many_shapes_are_declared_one_alone_is_kept_too(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", [{"name": "place", "physicalType": "MULTIPOLYGON"}])
    texts = [TRIANGLE, "MULTIPOLYGON(((0 0, 1 0, 1 1, 0 0)))", "POINT(1 1)"]
    outcome = judge(city, [{"place": text} for text in texts])
    assert len(outcome.kept) == 2
    assert outcome.rules(3) == [("place", "type")]


def test_any_shape_is_kept_where_the_type_is_geometry(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", [{"name": "place", "physicalType": "GEOMETRY"}])
    texts = [TRIANGLE, "POINT(900 900)", "LINESTRING(0 0, 1 1)"]
    assert len(judge(city, [{"place": text} for text in texts]).kept) == 3


def test_a_required_geometry_that_cannot_be_read_is_not_called_missing(tmp_path: Path) -> None:
    city = new_city(tmp_path / "city", [{**PLACE, "required": True}])
    outcome = judge(city, [{"place": "somewhere"}, {"place": None}])
    assert outcome.rules(1) == [("place", "form")]
    assert outcome.rules(2) == [("place", "required")]


@pytest.mark.parametrize(
    ("text", "rules"),
    [
        ("POINT(50 50)", ["type", "bounds"]),
        ("POLYGON((20 20, 21 21, 21 20, 20 21, 20 20))", ["invalid", "bounds"]),
    ],
)
def test_every_problem_of_a_geometry_is_told(tmp_path: Path, text: str, rules: list[str]) -> None:
    outcome = judge(new_city(tmp_path / "city", [PLACE]), [{"place": text}])
    assert sorted(rule for _, rule in outcome.rules()) == sorted(rules)


def test_an_empty_shape_is_not_said_to_be_out_of_bounds(tmp_path: Path) -> None:
    outcome = judge(new_city(tmp_path / "city", [PLACE]), [{"place": "POLYGON EMPTY"}])
    assert ("place", "bounds") not in outcome.rules()


def test_a_feature_is_no_geometry(tmp_path: Path) -> None:
    geometry = json.loads(geojson("Polygon", [[[0, 0], [1, 0], [1, 1], [0, 0]]]))
    feature = {"type": "Feature", "properties": {"name": "x"}, "geometry": geometry}
    outcome = judge(new_city(tmp_path / "city", [PLACE]), [{"place": json.dumps(feature)}])
    assert outcome.rules() == [("place", "form")]


def test_geometries_that_were_computed_are_judged_by_the_same_rules(tmp_path: Path) -> None:
    contract = new_city(tmp_path / "city", [PLACE]).contract("thing")
    texts = [TRIANGLE, "POINT(50 50)", "POLYGON((0 0, 1 1, 1 0, 0 1, 0 0))", "POLYGON EMPTY"]
    wkb = [*(shapely.to_wkb(shapely.from_wkt(text)) for text in texts), None, b"no geometry"]
    rows = pa.table({"place": pa.array(wkb, pa.binary())})
    found: dict[int, list[str]] = {}
    for reason, met in geometry_verdicts(contract, rows):
        for row in [row for row, meets in enumerate(met) if not meets]:
            found.setdefault(row, []).append(reason.rule)
    assert found == {1: ["type", "bounds"], 2: ["invalid"], 5: ["form"]}


# Column-level rules for this engine


def test_a_rule_of_ours_on_a_column_binds_or_is_refused(tmp_path: Path) -> None:
    column = {"name": "v", "logicalType": "integer", "quality": [condition("v > 5")]}
    city = new_city(tmp_path / "city", [column])
    try:
        outcome = judge(city, [{"v": "1"}])
    except ContractError:
        return
    assert outcome.kept == []
