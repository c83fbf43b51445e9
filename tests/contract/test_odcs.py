"""Contract files are read as the documentation says, and every mistake in one is told in words."""

import copy
import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from cityloom.city import City
from cityloom.contract import (
    Bounds,
    Classification,
    Column,
    Contract,
    Delivery,
    Kind,
    Reference,
    RowRule,
    load_contract,
    load_contracts,
    parse_contract,
)
from cityloom.errors import ContractError
from tests.cities import TESTER, column, contract_text

Document = dict[str, Any]

FILE = "contracts/permit.odcs.yaml"


def document(*columns: Document, table: Document | None = None, **top: Any) -> Document:
    listed = list(columns) or [{"name": "number", "logicalType": "integer"}]
    return {
        "apiVersion": "v3.1.0",
        "kind": "DataContract",
        "id": "permit",
        "version": "1.0.0",
        "status": "active",
        "schema": [{"name": "permit", "properties": listed, **(table or {})}],
        **top,
    }


def custom(**values: Any) -> Document:
    return {"customProperties": [{"property": k, "value": v} for k, v in values.items()]}


def read(stated: Document | str) -> Contract:
    text = stated if isinstance(stated, str) else yaml.safe_dump(stated, allow_unicode=True)
    return parse_contract(text, FILE)


def read_column(**stated: Any) -> Column:
    return read(document({"name": "number", **stated})).columns[0]


def refusal(stated: Document | str) -> str:
    with pytest.raises(ContractError) as caught:
        read(stated)
    return str(caught.value)


# What is stated twice


def test_a_key_that_comes_twice_is_named_with_its_lines() -> None:
    text = "apiVersion: v3.1.0\nkind: DataContract\nid: a\nversion: 1.0.0\nid: b\n"
    assert refusal(text) == (
        f"{FILE}: line 5: the key 'id' is there already, on line 3; keep one of them"
    )


def test_a_key_that_comes_twice_in_a_column_is_named() -> None:
    text = yaml.safe_dump(document({"name": "number", "classification": "sensitive"}))
    twice = text.replace(
        "classification: sensitive\n", 'classification: sensitive\n    "classification": public\n'
    )
    assert "the key 'classification' is there already" in refusal(twice)


def test_a_custom_property_that_comes_twice_is_named_with_its_lines() -> None:
    text = yaml.safe_dump(document(), sort_keys=False)
    text += "customProperties:\n"
    text += "  - {property: classification, value: sensitive}\n"
    text += "  - {value: public, property: classification}\n"
    line = text.count("\n")
    assert refusal(text) == (
        f"{FILE}: line {line}: the custom property 'classification' is there already, "
        f"on line {line - 1}; keep one of them"
    )


def test_a_key_taken_over_from_elsewhere_may_be_stated_anew() -> None:
    text = yaml.safe_dump(document(), sort_keys=False).replace(
        "  - name: number\n    logicalType: integer\n",
        "  - &a {name: number, logicalType: integer}\n  - {<<: *a, name: other}\n",
    )
    assert [column.name for column in read(text).columns] == ["number", "other"]


@pytest.mark.parametrize("kind", ["DataProduct", "datacontract", None])
def test_a_document_of_another_kind_is_no_contract(kind: str | None) -> None:
    assert f"kind '{kind}': expected 'DataContract'" in refusal(document(kind=kind))


@pytest.mark.parametrize("version", ["v2.2.2", "v4.0.0", "3.1.0", 3, "v3.1"])
def test_another_version_of_the_standard_is_refused(version: object) -> None:
    said = refusal(document(apiVersion=version))
    assert f"apiVersion '{version}': expected version 3 of the standard" in said


# What a contract says when it says no more than the standard asks


def test_what_is_unsaid_is_read_the_safe_way() -> None:
    contract = read(document({"name": "number"}))
    assert contract.classification is Classification.SENSITIVE
    assert contract.delivery is Delivery.APPEND
    assert contract.purposes == ()
    assert contract.owner == ""
    assert contract.retention is None
    assert contract.frequency is None
    assert contract.grows is False
    assert contract.rules == ()
    assert contract.key == ()
    assert contract.files.path is None
    assert contract.files.format is None
    assert contract.files.delimiter == ","
    assert contract.files.encoding.lower() == "utf-8"


def test_a_bare_column_is_optional_text_of_its_own_name() -> None:
    column = read(document({"name": "number"})).columns[0]
    assert (column.name, column.source_name, column.kind) == ("number", "number", Kind.STRING)
    assert not any([column.required, column.unique, column.trim, column.timezone])
    assert column.classification is Classification.SENSITIVE
    assert column.crs == "EPSG:4326"
    assert (column.enum, column.pattern, column.reference, column.unit) == ((), None, None, None)


# Each row of the table in the documentation


def test_name_title_description_owner_and_version_are_read() -> None:
    table = {"businessName": "许可", "description": "Permits given."}
    contract = read(document(table=table, team={"name": "规划局"}, version="2.1.0", domain="land"))
    assert contract.dataset == "permit"
    assert (contract.title, contract.description) == ("许可", "Permits given.")
    assert (contract.owner, contract.version, contract.domain) == ("规划局", "2.1.0", "land")


def test_the_older_list_of_team_members_names_an_owner_too() -> None:
    assert read(document(team=[{"name": "规划局"}, {"name": "other"}])).owner == "规划局"
    assert read(document(team=[{"username": "planning"}])).owner == "planning"


@pytest.mark.parametrize("delivery", list(Delivery))
def test_each_delivery_mode_is_read(delivery: Delivery) -> None:
    columns = {"name": "number", "primaryKey": True}
    assert read(document(columns, **custom(delivery=delivery.value))).delivery is delivery


@pytest.mark.parametrize("word", ["public", "internal", "personal", "sensitive"])
def test_each_classification_is_read_from_the_dataset_and_from_a_column(word: str) -> None:
    level = Classification[word.upper()]
    of_table = read(document({"name": "a"}, table=custom(classification=word)))
    of_file = read(document({"name": "a"}, **custom(classification=word)))
    of_column = read(document({"name": "a", "classification": word}))
    assert of_table.columns[0].classification is level
    assert of_file.columns[0].classification is level
    assert of_column.columns[0].classification is level
    assert level.label == word


def test_a_dataset_is_as_closely_held_as_its_most_closely_held_column() -> None:
    columns = ({"name": "a"}, {"name": "b", "classification": "personal"})
    contract = read(document(*columns, table=custom(classification="public")))
    assert contract.column("a").classification is Classification.PUBLIC
    assert contract.classification is Classification.PERSONAL


def test_purposes_are_a_list() -> None:
    contract = read(document(**custom(purposes=["planning", "statistics"])))
    assert contract.purposes == ("planning", "statistics")


@pytest.mark.parametrize(
    ("unit", "days"),
    [("h", 1 / 24), ("d", 1), ("w", 7), ("m", 30.4375), ("y", 365.25), ("years", 365.25)],
)
def test_periods_are_read_in_each_unit(unit: str, days: float) -> None:
    sla = [{"property": "frequency", "value": 2, "unit": unit}]
    assert read(document(slaProperties=sla)).frequency == timedelta(days=2 * days)


def test_retention_counts_from_the_column_in_element() -> None:
    columns = ({"name": "number"}, {"name": "closed", "logicalType": "date"})
    sla = {"property": "retention", "value": 10, "unit": "y", "element": "permit.closed"}
    contract = read(document(*columns, slaProperties=[sla]))
    assert contract.retention == timedelta(days=3652.5)
    assert contract.retention_column == "closed"
    assert read(document(slaProperties=[{**sla, "element": None}])).retention_column is None


def test_the_form_of_files_is_read() -> None:
    server = {"server": "in", "type": "local", "path": "drop/*.txt", "format": "csv"}
    files = read(document(servers=[{**server, "delimiter": ";", "encoding": "gb18030"}])).files
    assert (files.path, files.format) == ("drop/*.txt", "csv")
    assert (files.delimiter, files.encoding) == (";", "gb18030")


@pytest.mark.parametrize("written", ["tab", "\\t", "\t"])
def test_a_tab_can_be_written_in_three_ways(written: str) -> None:
    server = {"server": "in", "type": "local", "delimiter": written}
    assert read(document(servers=[server])).files.delimiter == "\t"


def test_files_are_found_by_the_path_and_read_in_the_form_that_the_contract_says(
    tmp_path: Path,
) -> None:
    city = City.create(tmp_path / "city", "Test")
    server = {"server": "in", "type": "local", "path": "drop/p*.dat", "format": "csv"}
    stated = document(
        {"name": "number", "physicalName": "编号", "logicalType": "integer"},
        {"name": "street", "physicalName": "街道"},
        table=custom(classification="public"),
        servers=[{**server, "delimiter": ";", "encoding": "gb18030"}],
    )
    write(city, stated)
    (city.path / "drop").mkdir()
    (city.path / "drop" / "permits.dat").write_text("编号;街道\n7;人民路\n", encoding="gb18030")
    (city.path / "drop" / "other.dat").write_text("编号;街道\n8;长江路\n", encoding="gb18030")
    (run,) = city.weave()
    assert (run.source, run.rows_kept, run.error) == ("permits.dat", 1, "")
    assert rows(city) == [{"number": 7, "street": "人民路"}]


def test_the_inbox_is_the_place_of_files_when_the_contract_names_none(tmp_path: Path) -> None:
    city = City.create(tmp_path / "city", "Test")
    write(city, document(table=custom(classification="public")))
    folder = city.path / "inbox" / "permit"
    folder.mkdir()
    (folder / "a.csv").write_text("number\n1\n")
    (city.path / "inbox" / "permit.csv").write_text("number\n2\n")
    (city.path / "inbox" / "permits.csv").write_text("number\n3\n")
    (folder / ".hidden.csv").write_text("number\n4\n")
    assert sorted(run.source for run in city.weave()) == ["a.csv", "permit.csv"]
    assert sorted(row["number"] for row in rows(city)) == [1, 2]


@pytest.mark.parametrize(
    ("stated", "kind", "stored"),
    [
        ({"logicalType": "string"}, Kind.STRING, pa.string()),
        ({"logicalType": "integer"}, Kind.INTEGER, pa.int64()),
        ({"logicalType": "number"}, Kind.NUMBER, pa.float64()),
        ({"logicalType": "number", "physicalType": "DECIMAL(9,3)"}, Kind.NUMBER,
         pa.decimal128(9, 3)),
        ({"logicalType": "number", "physicalType": "numeric( 5 , 0 )"}, Kind.NUMBER,
         pa.decimal128(5, 0)),
        ({"logicalType": "boolean"}, Kind.BOOLEAN, pa.bool_()),
        ({"logicalType": "date"}, Kind.DATE, pa.date32()),
        ({"logicalType": "timestamp"}, Kind.TIMESTAMP, pa.timestamp("us")),
        ({"logicalType": "timestamp", "logicalTypeOptions": {"timezone": True}}, Kind.TIMESTAMP,
         pa.timestamp("us", tz="UTC")),
        ({"logicalType": "time"}, Kind.TIME, pa.string()),
        ({"logicalType": "object"}, Kind.JSON, pa.string()),
        ({"logicalType": "array"}, Kind.JSON, pa.string()),
        ({"physicalType": "GEOMETRY"}, Kind.GEOMETRY, pa.binary()),
        ({"logicalType": "string", "physicalType": "multipolygon"}, Kind.GEOMETRY, pa.binary()),
    ],
)  # fmt: skip
def test_each_type_is_stored_as_documented(
    stated: Document, kind: Kind, stored: pa.DataType
) -> None:
    column = read_column(**stated)
    assert (column.kind, column.arrow_type) == (kind, stored)


def test_names_required_unique_and_key_are_read() -> None:
    contract = read(
        document(
            {"name": "b", "physicalName": "乙", "primaryKey": True, "primaryKeyPosition": 2},
            {"name": "a", "primaryKey": True, "primaryKeyPosition": 1, "required": True},
            {"name": "c", "unique": True, "businessName": "丙", "description": "The third."},
        )
    )
    assert [column.name for column in contract.key] == ["a", "b"]
    assert [[column.name for column in group] for group in contract.uniques] == [["a", "b"], ["c"]]
    assert contract.column("b").source_name == "乙"
    assert contract.column("b").required, "a key column is required without saying so"
    assert not contract.column("c").required
    assert (contract.column("c").title, contract.column("c").description) == ("丙", "The third.")


def test_ranges_lengths_and_pattern_are_read() -> None:
    options: Document = {"minimum": 1, "maximum": 9, "exclusiveMinimum": 0, "exclusiveMaximum": 10}
    number = read_column(logicalType="integer", logicalTypeOptions=options)
    assert (number.minimum, number.maximum) == (1, 9)
    assert (number.exclusive_minimum, number.exclusive_maximum) == (0, 10)
    options = {"minLength": 2, "maxLength": 4, "pattern": "[a-z]+"}
    text = read_column(logicalType="string", logicalTypeOptions=options)
    assert (text.min_length, text.max_length, text.pattern) == (2, 4, "[a-z]+")


def test_allowed_values_are_texts_whatever_yaml_made_of_them() -> None:
    assert read_column(enum=[{"value": "A"}, {"value": 1}]).enum == ("A", "1")


def test_the_standards_own_metrics_are_rules_too() -> None:
    quality = [
        {"metric": "invalidValues", "arguments": {"validValues": ["A", "B"]}, "mustBe": 0},
        {"metric": "nullValues", "mustBe": 0},
        {"metric": "duplicateValues", "mustBe": 0},
    ]
    column = read_column(quality=quality)
    assert (column.enum, column.required, column.unique) == (("A", "B"), True, True)
    by_pattern = [{"metric": "invalidValues", "arguments": {"pattern": "[0-9]+"}, "mustBe": 0}]
    assert read_column(quality=by_pattern).pattern == "[0-9]+"
    assert read_column(quality=[{"metric": "missingValues", "mustBe": 0}]).required
    assert read_column(quality=[{"rule": "nullValues", "mustBe": 0}]).required


@pytest.mark.parametrize("metric", ["nullValues", "duplicateValues"])
def test_a_metric_that_tolerates_some_is_no_rule_for_every_row(metric: str) -> None:
    column = read_column(quality=[{"metric": metric, "mustBeLessThan": 5}])
    assert not any([column.required, column.unique])


def test_a_share_of_invalid_values_that_is_tolerated_is_no_rule_for_every_row() -> None:
    metric = {"metric": "invalidValues", "arguments": {"pattern": "a"}, "mustBeLessThan": 5}
    assert read_column(quality=[metric]).pattern is None


def test_a_relationship_is_a_reference() -> None:
    column = read_column(relationships=[{"to": "street.code"}])
    assert column.reference == Reference("street", "code")


def test_a_relationship_of_the_whole_table_is_a_reference_of_its_column() -> None:
    stated = [{"type": "foreignKey", "from": "permit.street", "to": ["street.code"]}]
    contract = read(document({"name": "street"}, table={"relationships": stated}))
    assert contract.column("street").reference == Reference("street", "code")


@pytest.mark.parametrize(
    ("stated", "word"),
    [
        ({"from": ["permit.a", "permit.b"], "to": ["street.a", "street.b"]}, "several columns"),
        ({"from": "permit.c", "to": "street.c"}, "'c'"),
        ({"from": "permit.a", "to": "street"}, "dataset.column"),
        ({"from": "permit.b", "to": "other.code"}, "two relationships"),
    ],
)
def test_a_relationship_that_is_not_from_one_column_to_one_is_refused(
    stated: Document, word: str
) -> None:
    columns = ({"name": "a"}, {"name": "b", "relationships": [{"to": "street.code"}]})
    assert word in refusal(document(*columns, table={"relationships": [stated]}))


def test_a_rule_of_ours_on_a_column_is_a_rule_of_the_row() -> None:
    rule = {"type": "custom", "engine": "cityloom", "implementation": "number > 5"}
    contract = read(document({"name": "number", "logicalType": "integer", "quality": [rule]}))
    assert contract.rules == (RowRule("number_rule_1", "number > 5"),)


def test_rules_over_several_columns_are_read_and_those_for_other_engines_are_not() -> None:
    rule = {
        "name": "closed_after_opened", "type": "custom", "engine": "cityloom",
        "implementation": "closed >= opened", "description": "Closed after it was opened.",
    }  # fmt: skip
    other = {"type": "custom", "engine": "soda", "implementation": "row_count > 0"}
    columns = [{"name": name, "logicalType": "date"} for name in ("opened", "closed")]
    contract = read(document(*columns, table={"quality": [rule, other]}))
    assert contract.rules == (
        RowRule("closed_after_opened", "closed >= opened", "Closed after it was opened."),
    )


def test_unit_crs_bounds_trim_and_special_purpose_are_read() -> None:
    place = read_column(
        physicalType="POINT", **custom(crs="EPSG:4490", bounds=[113.7, 22.4, 114.7, 22.9])
    )
    assert (place.crs, place.bounds) == ("EPSG:4490", Bounds(113.7, 22.4, 114.7, 22.9))
    assert place.geometry_type == "point"
    assert read_column(**custom(unit="m2")).unit == "m2"
    assert read_column(**custom(trim=True)).trim is True
    purposed = {"name": "a", **custom(special_purpose="care")}
    contract = read(document(purposed, **custom(purposes=["care"])))
    assert contract.columns[0].special_purpose == "care"


def test_a_contract_remembers_its_file_and_its_text(tmp_path: Path) -> None:
    path = tmp_path / "permit.odcs.yaml"
    path.write_text(yaml.safe_dump(document()))
    first = load_contract(path)
    assert first.origin == str(path)
    assert first.digest == load_contract(path).digest
    path.write_text(yaml.safe_dump(document(version="1.0.1")))
    assert load_contract(path).digest != first.digest


# Mistakes


@pytest.mark.parametrize(
    ("column", "words"),
    [
        ({"logicalType": "int"}, ["'int'", "integer"]),
        ({"logicalType": "number", "physicalType": "DECIMAL(39,2)"}, ["DECIMAL(39,2)", "38"]),
        ({"logicalType": "number", "physicalType": "DECIMAL(4,5)"}, ["DECIMAL(4,5)", "scale"]),
        ({"logicalTypeOptions": {"pattern": "["}}, ["'['", "regular expression"]),
        ({"relationships": [{"to": "street"}]}, ["'street'", "dataset.column"]),
        ({"classification": "secret"}, ["'secret'", "sensitive"]),
        (custom(bounds=[1, 2, 3]), ["[1, 2, 3]", "west, south, east, north"]),
        (custom(bounds="everywhere"), ["everywhere", "west, south, east, north"]),
        (custom(special_purpose="care"), ["'care'", "purposes"]),
        ({"enum": ["A", "B"]}, ["properties.0.enum"]),
        ({"required": "perhaps"}, ["properties.0.required"]),
    ],
)
def test_a_mistake_in_a_column_is_told_with_file_column_and_what_is_expected(
    column: Document, words: list[str]
) -> None:
    message = refusal(document({"name": "number", **column}))
    assert message.startswith(f"{FILE}: ")
    assert "number" in message or "properties.0" in message
    assert all(word in message for word in words)


@pytest.mark.parametrize(
    ("column", "word"),
    [
        ({"logicalType": "integer", "logicalTypeOptions": {"minimum": "abc"}}, "minimum"),
        ({"logicalType": "integer", "logicalTypeOptions": {"minLength": 3}}, "minLength"),
        ({"logicalType": "integer", "logicalTypeOptions": {"pattern": "a"}}, "pattern"),
        ({"logicalTypeOptions": {"minLength": "abc"}}, "minLength"),
        ({"logicalType": "date", "logicalTypeOptions": {"format": "yy-mm"}}, "format"),
        ({"logicalType": "date", "logicalTypeOptions": {"format": 5}}, "format"),
        ({"logicalType": "date", "logicalTypeOptions": {"minimum": "01/02/2024"}}, "minimum"),
        ({"logicalType": "integer", "enum": [{"value": "abc"}]}, "abc"),
        ({"logicalTypeOptions": {"pattern": "(?=a)a"}}, "pattern"),
        ({"logicalTypeOptions": {"pattern": r"(a)\1"}}, "pattern"),
        ({"logicalTypeOptions": {"minLength": 2.5}}, "minLength"),
        ({"logicalTypeOptions": {"minLength": 3, "maxLength": 2}}, "minLength"),
        ({"logicalTypeOptions": {"minimum": 5}}, "quotes"),
        ({"logicalType": "boolean", "logicalTypeOptions": {"minimum": 1}}, "minimum"),
        ({"logicalType": "number", "logicalTypeOptions": {"maximum": float("inf")}}, "maximum"),
        ({"logicalType": "timestamp", "logicalTypeOptions": {"maximum": "2024-01-01"}}, "maximum"),
        ({"logicalType": "date", "logicalTypeOptions": {"format": "yyyy-MM-dd'T'"}}, "format"),
        ({"logicalType": "date", "enum": [{"value": "2024-02-30"}]}, "2024-02-30"),
        (
            {"logicalType": "number", "physicalType": "DECIMAL(5,2)", "enum": [{"value": 1.555}]},
            "1.555",
        ),
        ({"physicalType": "POINT", "enum": [{"value": "POINT(1 1)"}]}, "enum"),
    ],
    ids=str,
)
def test_a_rule_that_cannot_work_on_its_column_is_refused_when_the_contract_is_read(
    column: Document, word: str
) -> None:
    message = refusal(document({"name": "number", **column}))
    assert FILE in message
    assert "number" in message
    assert word in message


@pytest.mark.parametrize(
    "column",
    [{"logicalTypeOptions": {"pattern": ["a"]}}, {"logicalTypeOptions": {"pattern": 5}}],
    ids=str,
)
def test_a_pattern_that_is_no_text_is_refused(column: Document) -> None:
    assert "pattern" in refusal(document({"name": "number", **column}))


@pytest.mark.parametrize("pattern", [r"\p{Han}+", r"[0-9]+\z"])
def test_a_pattern_may_use_all_of_re2(pattern: str) -> None:
    assert read_column(logicalTypeOptions={"pattern": pattern}).pattern == pattern


@pytest.mark.parametrize("options", [{"maximum": 9.5}, {"maximum": 8.5}])
def test_a_bound_finer_than_its_column_still_binds(tmp_path: Path, options: Document) -> None:
    number = {"name": "number", "logicalType": "integer", "logicalTypeOptions": options}
    city = City.create(tmp_path / "city", "Test")
    write(city, document(number, table=custom(classification="public")))
    over = int(options["maximum"]) + 1
    deliver(city, [{"number": over}])
    assert rows(city) == []


def test_a_bound_beyond_a_decimals_digits_is_refused_or_never_reached(tmp_path: Path) -> None:
    number = {
        "name": "number", "logicalType": "number", "physicalType": "DECIMAL(5,2)",
        "logicalTypeOptions": {"maximum": 1000},
    }  # fmt: skip
    city = City.create(tmp_path / "city", "Test")
    write(city, document(number, table=custom(classification="public")))
    deliver(city, [{"number": "999.99"}])
    assert len(rows(city)) == 1


@pytest.mark.parametrize(
    ("stated", "words"),
    [
        (document(schema=[]), ["one object in 'schema'"]),
        (document(schema=[{"name": "a"}, {"name": "b"}]), ["one object in 'schema'"]),
        (document(table={"properties": []}), ["'permit'", "properties"]),
        (document(table={"name": "Permits 2024"}), ["'Permits 2024'", "lower-case"]),
        (document(table={"name": None}), ["''", "lower-case"]),
        (document({"name": "_x"}), ["'_'"]),
        (document({"logicalType": "string"}), ["name"]),
        (document({"name": "a"}, {"name": "a"}), ["two columns", "'a'"]),
        (document({"name": "a", "physicalName": "x"}, {"name": "b", "physicalName": "x"}),
         ["two columns", "'x'"]),
        (document(**custom(delivery="sometimes")), ["'sometimes'", "append, snapshot, upsert"]),
        (document(**custom(delivery="upsert")), ["'upsert'", "primaryKey"]),
        (document(**custom(classification="secret")), ["'secret'", "public"]),
        (document(servers=[{"server": "s", "type": "local", "delimiter": "||"}]),
         ["'||'", "one ASCII character"]),
        (document(servers=[{"server": "s", "type": "local", "delimiter": "，"}]),
         ["'，'", "one ASCII character"]),
        (document(slaProperties=[{"property": "frequency", "value": "often", "unit": "d"}]),
         ["'often d'", "h, d, w, m, y"]),
        (document(slaProperties=[{"property": "retention", "value": 3, "unit": "x"}]),
         ["'3 x'", "h, d, w, m, y"]),
        (document(slaProperties=[
            {"property": "retention", "value": 3, "unit": "y", "element": "permit.closed"}]),
         ["'closed'", "not a column"]),
        (document(table={"quality": [{"type": "custom", "engine": "cityloom"}]}),
         ["rule 1", "implementation"]),
        (document(colour="red"), ["colour"]),
    ],
)  # fmt: skip
def test_a_mistake_in_the_whole_is_told_with_file_and_what_is_expected(
    stated: Document, words: list[str]
) -> None:
    message = refusal(stated)
    assert message.startswith(f"{FILE}: ")
    assert all(word in message for word in words)


@pytest.mark.parametrize("text", ["", "5", "hello", "[1]", "1: 2", "a: 1\n---\nb: 2", "a: [", "\0"])
def test_a_text_that_is_no_contract_is_refused_with_its_file(text: str) -> None:
    assert refusal(text).startswith(f"{FILE}: not ")


@pytest.mark.parametrize(
    "stated",
    [
        document(**custom(purposes=5)),
        document(slaProperties=[{"property": "frequency", "value": 1e12, "unit": "y"}]),
        document(slaProperties=[{"property": "frequency", "value": "inf", "unit": "y"}]),
        "description: {purpose: 2024-02-30}",
        "version: !!int x",
        "version: !!timestamp x",
        "[" * 3000,
    ],
    ids=lambda stated: str(stated)[:60],
)
def test_an_unexpected_value_is_a_mistake_like_any_other(stated: Document | str) -> None:
    assert refusal(stated).startswith(f"{FILE}: ")


@pytest.mark.parametrize(
    "stated",
    [
        document(**custom(purposes="planning")),
        document({"name": "a", "physicalType": "POINT", **custom(bounds="1234")}),
        document({"name": "a", "physicalType": "POINT", **custom(bounds=[3, 0, 1, 1])}),
        document({"name": "a", **custom(trim="false")}),
        document(**custom(grows="no")),
        document(
            {"name": "a", "logicalType": "timestamp", "logicalTypeOptions": {"timezone": "no"}}
        ),
        document(slaProperties=[{"property": "retention", "value": -1, "unit": "d"}]),
        document(slaProperties=[{"property": "frequency", "value": 10, "unit": "minutes"}]),
        document(
            slaProperties=[{"property": "retention", "value": 1, "unit": "y", "element": "number"}]
        ),
        document({"name": "a"}, {"name": "A"}),
        document({"name": "a", "enum": [{"description": "no value"}]}),
        document(servers=[{"server": "s", "type": "local", "delimiter": '"'}]),
        document(servers=[{"server": "s", "type": "local", "encoding": "nonsense"}]),
        document(slaProperties=[{"property": "retention", "value": 0, "unit": "d"}]),
        document(
            {
                "name": "a",
                "quality": [
                    {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": "AB"}}
                ],
            }
        ),
        document(table={"name": "previous"}),
        document(table={"name": "new_permit"}),
    ],
    ids=lambda stated: json.dumps({k: v for k, v in stated.items() if k != "id"})[60:220],
)
def test_what_would_be_misread_is_refused(stated: Document) -> None:
    refusal(stated)


def test_a_file_that_is_not_utf_8_or_not_there_is_named(tmp_path: Path) -> None:
    path = tmp_path / "permit.odcs.yaml"
    with pytest.raises(ContractError, match=r"permit\.odcs\.yaml: No such file"):
        load_contract(path)
    path.write_bytes(b"kind: \xff\xfe")
    with pytest.raises(ContractError, match=r"permit\.odcs\.yaml: not UTF-8 at byte 6; save it"):
        load_contract(path)


def test_two_files_for_one_dataset_are_refused_and_both_are_named(tmp_path: Path) -> None:
    city = City.create(tmp_path / "city", "Test")
    write(city, document(), "one")
    write(city, document(), "two")
    with pytest.raises(ContractError) as caught:
        city.contract("permit")
    message = str(caught.value)
    assert "one.odcs.yaml" in message
    assert "two.odcs.yaml" in message
    assert "'permit'" in message
    assert "remove one of them or rename" in message


def test_files_of_other_names_are_no_contracts(tmp_path: Path) -> None:
    (tmp_path / "permit.odcs.yaml").write_text(yaml.safe_dump(document()))
    (tmp_path / "permit.yaml").write_text("not a contract")
    (tmp_path / "notes.md").write_text("not a contract")
    assert list(load_contracts([tmp_path, tmp_path / "missing"])) == ["permit"]


# Whatever is written


FULL = document(
    {
        "name": "number", "physicalName": "编号", "logicalType": "integer", "primaryKey": True,
        "primaryKeyPosition": 1, "logicalTypeOptions": {"minimum": 1, "maximum": 99},
    },
    {
        "name": "kind", "logicalType": "string", "enum": [{"value": "A"}],
        "logicalTypeOptions": {"minLength": 1, "pattern": "[A-Z]"}, "classification": "public",
        "quality": [{"metric": "nullValues", "mustBe": 0}],
    },
    {
        "name": "place", "logicalType": "string", "physicalType": "POINT",
        **custom(crs="EPSG:4326", bounds=[1, 2, 3, 4], unit="deg"),
    },
    {"name": "day", "logicalType": "date", "logicalTypeOptions": {"format": "yyyyMMdd"}},
    {"name": "street", "relationships": [{"to": "street.code"}]},
    table={
        "quality": [
            {"name": "r", "type": "custom", "engine": "cityloom", "implementation": "number > 1"}
        ],
    },
    servers=[{"server": "s", "type": "local", "path": "in/*", "delimiter": ";"}],
    slaProperties=[{"property": "retention", "value": 1, "unit": "y", "element": "permit.day"}],
    team={"name": "规划局"},
    **custom(delivery="append", purposes=["planning"], classification="internal"),
)  # fmt: skip


def read_or_refusal(stated: Document) -> Contract | str:
    try:
        return read(stated)
    except ContractError as error:
        return str(error)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path] if path else []
    if isinstance(value, dict | list):
        keyed = value.items() if isinstance(value, dict) else enumerate(value)
        found += [place for key, item in keyed for place in places(item, (*path, key))]
    return found


ODD_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=False, allow_infinity=False, width=16)
    | st.text(max_size=8)
    | st.sampled_from(["", "public", "date", "DECIMAL(40,1)", "yyyy", "a.b", "é", "1"])
    | st.dates(date(1900, 1, 1), date(2100, 1, 1))
    | st.datetimes(datetime(1900, 1, 1), datetime(2100, 1, 1)).map(
        lambda moment: moment.replace(tzinfo=UTC)
    ),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=4,
)

KNOWN_TO_RAISE = ("pattern", "purposes", "value")
"""Places where an odd value is known to raise something else; each has a test of its own above."""


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(places(FULL)), ODD_VALUES, st.booleans())
def test_a_contract_with_anything_put_in_any_place_is_read_or_refused_in_words(
    path: tuple[Any, ...], odd: Any, gone: bool
) -> None:
    changed = copy.deepcopy(FULL)
    holder: Any = changed
    for key in path[:-1]:
        holder = holder[key]
    if gone:
        del holder[path[-1]]
    elif path[-1] in KNOWN_TO_RAISE:
        return
    else:
        holder[path[-1]] = odd
    outcome = read_or_refusal(changed)
    if isinstance(outcome, str):
        assert outcome.startswith(FILE)
    else:
        assert outcome.classification in Classification


@settings(max_examples=250, deadline=None)
@given(st.text(max_size=60) | st.text("ab:-[]{}&*!|>%@'\"# \n,0", max_size=60))
@example("&a [*a]")
@example("? a\n: b")
@example("kind: DataContract")
def test_any_text_at_all_is_refused_in_words(text: str) -> None:
    with pytest.raises(ContractError):
        read(text)


# Helpers on a city


def write(city: City, stated: Document, name: str = "permit") -> None:
    path = city.path / "contracts" / f"{name}.odcs.yaml"
    path.write_text(yaml.safe_dump(stated, allow_unicode=True), encoding="utf-8")


def deliver(city: City, records: list[Document]) -> None:
    path = city.path / "delivery.ndjson"
    path.write_text("\n".join(json.dumps(record) for record in records), encoding="utf-8")
    city.receive("permit", path)


def rows(city: City) -> list[Document]:
    found: list[Document] = city.read("permit", TESTER).read_all().to_pylist()
    return found


# Where a rule begins and where it ends


@pytest.mark.parametrize("value", ["often", True, None, 0, -1, "nan", 1000.01])
def test_a_period_is_a_number_above_0_and_at_most_1000_years(value: Any) -> None:
    sla = {"property": "frequency", "value": value, "unit": "y"}
    message = refusal(document(slaProperties=[sla]))
    assert message == (
        f"{FILE}: slaProperties 'frequency': '{value} y' is not a period; "
        "expected a number above 0 and one of h, d, w, m, y, at most 1000 years"
    )


@pytest.mark.parametrize(
    ("value", "unit", "period"),
    [
        (1000, "y", timedelta(days=365_250)),
        ("2", "d", timedelta(days=2)),
        (2, None, timedelta(days=2)),
        (0.5, " Hours ", timedelta(minutes=30)),
        (1, "hour", timedelta(hours=1)),
        (1, "DAY", timedelta(days=1)),
        (1, "weeks", timedelta(days=7)),
        (1, "months", timedelta(days=30.4375)),
        (1, "year", timedelta(days=365.25)),
    ],
)
def test_a_period_is_found_among_other_properties(
    value: Any, unit: str | None, period: timedelta
) -> None:
    other = {"property": "latency", "value": "any"}
    sla = {"property": "frequency", "value": value, "unit": unit}
    contract = read(document(slaProperties=[other, sla]))
    assert (contract.frequency, contract.retention) == (period, None)


@pytest.mark.parametrize(
    "path", ["/etc/x.csv", "../x.csv", "in/../../x.csv", "in/..", ".", "in/**.csv", "in/a**/b"]
)
def test_a_path_out_of_the_city_or_with_stars_in_a_name_is_refused(path: str) -> None:
    server = {"server": "s", "type": "local", "path": path}
    assert f"path '{path}' of 'servers'" in refusal(document(servers=[server]))


@pytest.mark.parametrize("path", ["in/*.csv", "**/x.csv", "in/**", "x.csv", "in/a..b.csv"])
def test_a_path_in_the_city_is_the_place_of_files(path: str) -> None:
    server = {"server": "s", "type": "local", "path": path}
    assert read(document(servers=[server])).files.path == path


def test_an_empty_path_or_delimiter_says_nothing() -> None:
    server = {"server": "s", "type": "local", "path": "", "delimiter": "", "encoding": ""}
    files = read(document(servers=[server])).files
    assert (files.path, files.delimiter, files.encoding) == (None, ",", "utf-8")


@pytest.mark.parametrize("delimiter", ["\n", "\r", '"', "é", "ab"])
def test_a_delimiter_is_one_character_that_ends_no_line(delimiter: str) -> None:
    server = {"server": "s", "type": "local", "delimiter": delimiter}
    message = refusal(document(servers=[server]))
    assert f"delimiter '{delimiter}' must be one ASCII character" in message


@pytest.mark.parametrize("encoding", ["nonsense", "utf\0", "hex"])
def test_an_encoding_is_one_of_text(encoding: str) -> None:
    server = {"server": "s", "type": "local", "encoding": encoding}
    message = refusal(document(servers=[server]))
    assert f"encoding '{encoding}' is not known; expected one such as utf-8" in message


@pytest.mark.parametrize("purposes", ["planning", {"a": 1}, [" "], [""], [5], ["a", None], 5])
def test_purposes_are_words_in_a_list(purposes: Any) -> None:
    message = refusal(document(**custom(purposes=purposes)))
    assert f"purposes '{purposes}': expected a list of words, as in [planning]" in message


@pytest.mark.parametrize("text", ["version: !!bool x", f"version: 1{':0' * 200}.5"], ids=len)
def test_what_the_yaml_reader_itself_fails_over_is_said_in_words(text: str) -> None:
    assert refusal(text).startswith(f"{FILE}: not YAML that can be read: ")
    assert refusal(text).endswith("; put dates and the like in quotes")


def test_what_is_nested_too_deeply_is_said_in_words() -> None:
    assert refusal("[" * 3000) == f"{FILE}: not YAML that can be read: nested too deeply"


def test_a_title_and_a_description_are_the_nearest_to_the_dataset() -> None:
    table = {"businessName": "许可", "description": "Of the table."}
    top: Document = {"name": "Permits", "description": {"purpose": "Of the file."}}
    whole = read(document(table=table, **top))
    assert (whole.title, whole.description) == ("许可", "Of the table.")
    file = read(document(**top))
    assert (file.title, file.description) == ("Permits", "Of the file.")
    bare = read(document(description={"usage": "any"}))
    assert (bare.title, bare.description, bare.domain) == ("permit", "", "")


def test_what_the_dataset_says_goes_before_what_the_file_says() -> None:
    contract = read(document(table=custom(delivery="snapshot"), **custom(delivery="append")))
    assert contract.delivery is Delivery.SNAPSHOT


@pytest.mark.parametrize("team", [[], {"description": "x"}, [{"role": "owner"}]])
def test_a_team_without_names_is_no_owner(team: Any) -> None:
    assert read(document(team=team)).owner == ""


def test_rules_without_a_name_are_counted_where_they_stand() -> None:
    ours = {"type": "custom", "engine": "cityloom", "implementation": "number > 5"}
    other = {**ours, "engine": "soda"}
    number = {"name": "number", "logicalType": "integer", "quality": [other, ours]}
    contract = read(document(number, table={"quality": [other, {**ours, "id": "x"}, ours]}))
    assert [rule.name for rule in contract.rules] == ["x", "rule_3", "number_rule_2"]
    broken = {**ours, "implementation": {"a": "b"}}
    assert "quality rule 2 ('number_rule_2'): 'implementation' must be a condition" in refusal(
        document({**number, "quality": [other, broken]})
    )


@pytest.mark.parametrize("condition", ["number >", "other > 1", "number + 1"])
def test_a_rule_that_is_no_condition_is_refused_when_the_contract_is_read(condition: str) -> None:
    rule = {"name": "r", "type": "custom", "engine": "cityloom", "implementation": condition}
    number = {"name": "number", "logicalType": "integer"}
    message = refusal(document(number, table={"quality": [rule]}))
    assert message.startswith(f"{FILE}: rule 'r': ")


@pytest.mark.parametrize(
    ("name", "is_name"),
    [
        ("a" * 63, True), ("a" * 64, False), ("a1_", True), ("1a", False), ("_a", False),
        ("aB", False), ("previous", False), ("previous_year", True), ("new_", False),
        ("new", True), ("renew_x", True),
    ],
)  # fmt: skip
def test_a_dataset_has_a_name_that_a_function_can_have(name: str, is_name: bool) -> None:
    stated = document(table={"name": name})
    if is_name:
        assert read(stated).dataset == name
    else:
        assert f"schema name '{name}' cannot name a dataset" in refusal(stated)


@pytest.mark.parametrize(
    ("kind", "is_moment"),
    [("date", True), ("timestamp", True), ("time", False), ("integer", False), ("string", False)],
)
def test_retention_counts_from_a_day_or_a_moment(kind: str, is_moment: bool) -> None:
    sla = {"property": "retention", "value": 1, "unit": "y", "element": "closed"}
    stated = document({"name": "closed", "logicalType": kind}, slaProperties=[sla])
    if is_moment:
        assert read(stated).retention_column == "closed"
    else:
        assert "it needs a date or a timestamp" in refusal(stated)


def test_a_special_purpose_is_one_of_the_contracts() -> None:
    special = {"name": "a", **custom(special_purpose="care")}
    assert read(document(special, **custom(purposes=["x", "care"]))).purposes == ("x", "care")
    assert "column 'a': special_purpose 'care' is not among the contract's 'purposes'" in refusal(
        document(special, **custom(purposes=["x"]))
    )


@pytest.mark.parametrize(
    ("physical", "decimal"),
    [
        ("DECIMAL(38,38)", (38, 38)), ("decimal(1, 0)", (1, 0)), ("NUMERIC(5,5)", (5, 5)),
        ("DECIMAL(0,0)", None), ("DECIMAL(39,0)", None), ("DECIMAL(5,6)", None),
    ],
)  # fmt: skip
def test_a_decimal_has_1_to_38_digits(physical: str, decimal: tuple[int, int] | None) -> None:
    stated = {"logicalType": "number", "physicalType": physical}
    if decimal:
        assert read_column(**stated).decimal == decimal
    else:
        message = refusal(document({"name": "number", **stated}))
        assert f"physicalType '{physical}': 1 to 38 digits, the scale no more" in message


@pytest.mark.parametrize(
    "options",
    [
        {"maxLength": 0}, {"minLength": 0}, {"minLength": 2, "maxLength": 2}, {"minLength": 0,
        "maxLength": 0}, {"minLength": 9}, {"minLength": None},
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["string", "time", "object"])
def test_lengths_that_a_text_can_meet_are_read(kind: str, options: Document) -> None:
    column = read_column(logicalType=kind, logicalTypeOptions=options)
    assert (column.min_length, column.max_length) == (
        options.get("minLength"), options.get("maxLength"),
    )  # fmt: skip


@pytest.mark.parametrize("value", [-1, True, False, "3", 2.0, [1]])
@pytest.mark.parametrize("name", ["minLength", "maxLength"])
def test_a_length_is_a_whole_number_of_0_or_more(name: str, value: Any) -> None:
    message = refusal(document({"name": "number", "logicalTypeOptions": {name: value}}))
    assert f"column 'number': {name} '{value}': expected a whole number of characters" in message


@pytest.mark.parametrize("value", [True, False, [1], {"a": 1}])
@pytest.mark.parametrize(
    "name", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
)  # fmt: skip
def test_an_edge_is_a_number_or_a_text(name: str, value: Any) -> None:
    number = {"name": "number", "logicalType": "integer", "logicalTypeOptions": {name: value}}
    assert f"{name} '{value}': expected a number, or a date" in refusal(document(number))


@pytest.mark.parametrize("kind", ["boolean", "object"])
@pytest.mark.parametrize(
    "name", ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]
)  # fmt: skip
def test_values_without_an_order_have_no_edges(name: str, kind: str) -> None:
    number = {"name": "number", "logicalType": kind, "logicalTypeOptions": {name: 1}}
    assert f"{name} is for values in an order, and the column is " in refusal(document(number))


DECIMAL = {"logicalType": "number", "physicalType": "DECIMAL(5,2)"}
NOON, LATER = "2024-02-29T12:00:00", "2024-02-29T12:00:00.000001"


def bounded(column: Document, *, timezone: bool = False, **options: Any) -> Document:
    stated = {**options, "timezone": True} if timezone else options
    return {"name": "number", **column, "logicalTypeOptions": stated}


@pytest.mark.parametrize(
    ("column", "met", "unmet"),
    [
        ({"logicalType": "integer"}, (3, 3), (4, 3)),
        ({"logicalType": "integer"}, (-1.5, -0.5), (1.2, 1.8)),
        ({"logicalType": "integer"}, (0, 2**63), (2**63, 0)),
        ({"logicalType": "number"}, (0.1, 0.1), (0.2, 0.1)),
        (DECIMAL, (0.125, 0.13), (0.121, 0.129)),
        (DECIMAL, (-1, -1), (1, -1)),
        ({"logicalType": "date"}, ("2024-02-29", "2024-02-29"), ("2024-03-01", "2024-02-29")),
        ({"logicalType": "timestamp"}, (NOON, NOON), (LATER, NOON)),
        ({"logicalType": "time"}, ("08:00:00", "08:00:00"), ("22:00:00", "06:00:00")),
        ({"logicalType": "string"}, ("B", "B"), ("B", "A")),
    ],
    ids=str,
)
def test_a_minimum_above_its_maximum_is_refused_with_both(
    column: Document, met: tuple[Any, Any], unmet: tuple[Any, Any]
) -> None:
    assert read(document(bounded(column, minimum=met[0], maximum=met[1]))).columns
    message = refusal(document(bounded(column, minimum=unmet[0], maximum=unmet[1])))
    assert "column 'number': no value could meet both " in message
    assert f"minimum '{unmet[0]}' and maximum '{unmet[1]}'" in message


@pytest.mark.parametrize(
    ("column", "least", "most", "far"),
    [
        ({"logicalType": "integer"}, 1, 2, 3),
        ({"logicalType": "number"}, 0.5, 0.5, 0.6),
        (DECIMAL, 0.01, 0.02, 0.03),
        ({"logicalType": "date"}, "2024-02-29", "2024-03-01", "2024-03-02"),
        ({"logicalType": "timestamp"}, NOON, LATER, "2024-02-29T12:00:00.000002"),
        ({"logicalType": "string"}, "A", "A", "B"),
    ],
    ids=str,
)
def test_exclusive_bounds_that_leave_no_value_are_refused_with_both(
    column: Document, least: Any, most: Any, far: Any
) -> None:
    assert read(document(bounded(column, exclusiveMinimum=least, exclusiveMaximum=far))).columns
    message = refusal(document(bounded(column, exclusiveMinimum=least, exclusiveMaximum=most)))
    assert f"exclusiveMinimum '{least}' and exclusiveMaximum '{most}'" in message
    for open_end, closed_end in (
        ("exclusiveMinimum", "maximum"), ("exclusiveMaximum", "minimum"),
    ):  # fmt: skip
        told = refusal(document(bounded(column, **{open_end: least, closed_end: least})))
        assert f"{open_end} '{least}'" in told
        assert f"{closed_end} '{least}'" in told


def test_bounds_with_an_offset_are_compared_as_instants() -> None:
    column, east = {"logicalType": "timestamp"}, "2024-02-29T12:00:00+08:00"
    within = bounded(column, timezone=True, minimum=east, maximum="2024-02-29T05:00:00Z")
    assert read(document(within)).columns
    without = bounded(column, timezone=True, minimum=east, maximum="2024-02-29T03:00:00Z")
    assert "no value could meet both" in refusal(document(without))


def test_lengths_that_no_text_could_meet_are_refused_with_both() -> None:
    message = refusal(document(bounded({}, minLength=3, maxLength=2)))
    assert "column 'number': minLength 3 is more than maxLength 2" in message


def test_dates_that_yaml_read_are_what_was_written() -> None:
    day, moment = date(2024, 2, 29), datetime(2024, 2, 29, 1, 2, 3)
    options: Document = {"minimum": day, "maximum": date(2024, 3, 1)}
    column = read_column(logicalType="date", logicalTypeOptions=options, enum=[{"value": day}])
    assert (column.minimum, column.maximum, column.enum) == (
        "2024-02-29", "2024-03-01", ("2024-02-29",),
    )  # fmt: skip
    options = {"exclusiveMinimum": moment}
    late = read_column(logicalType="timestamp", logicalTypeOptions=options)
    assert late.exclusive_minimum == "2024-02-29T01:02:03"
    flags = read_column(logicalType="boolean", enum=[{"value": True}, {"value": False}])
    assert flags.enum == ("true", "false")


@pytest.mark.parametrize("values", ["AB", 5, {"a": 1}])
def test_allowed_values_of_a_metric_are_a_list(values: Any) -> None:
    metric = {"metric": "invalidValues", "mustBe": 0, "arguments": {"validValues": values}}
    message = refusal(document({"name": "number", "quality": [metric]}))
    assert f"allowed values '{values}': expected a list" in message


@pytest.mark.parametrize("must", [False, 1, None, "0"])
def test_only_a_metric_that_must_be_0_is_a_rule(must: Any) -> None:
    column = read_column(quality=[{"metric": "nullValues", "mustBe": must}])
    assert not column.required


def test_a_metric_of_another_name_or_without_arguments_is_no_rule() -> None:
    quality = [{"metric": "invalidValues", "mustBe": 0}, {"metric": "rowCount", "mustBe": 0}]
    column = read_column(quality=quality)
    assert not any((column.required, column.unique, column.enum, column.pattern))


def test_a_relationship_said_twice_is_one_reference() -> None:
    twice = [{"to": "street.code"}, {"to": "street.code"}]
    whole = [{"from": "permit.street", "to": "street.code"}]
    stated = document({"name": "street", "relationships": twice}, table={"relationships": whole})
    assert read(stated).references == (read(stated).column("street"),)
    other = {"name": "street", "relationships": [*twice, {"to": "street.name"}]}
    assert "column 'street': two relationships" in refusal(document(other))
    both = [*whole, {"from": "permit.street", "to": "street.name"}]
    assert "column 'street': two relationships" in refusal(
        document({"name": "street"}, table={"relationships": both})
    )


@pytest.mark.parametrize("to", ["street", ".code", "street.", "", None, []])
def test_a_relationship_is_to_a_column_of_a_dataset(to: Any) -> None:
    message = refusal(document({"name": "number", "relationships": [{"to": to}]}))
    assert "expected 'dataset.column'" in message


@pytest.mark.parametrize(
    "bounds",
    [
        [1, 2, 3], [1, 2, 3, 4, 5], ["1", 2, 3, 4], [True, 2, 3, 4], [0, 0, float("inf"), 1],
        [0, float("nan"), 1, 1], "1234", [], {"west": 1},
    ],
)  # fmt: skip
def test_bounds_are_four_numbers(bounds: Any) -> None:
    message = refusal(document({"name": "a", "physicalType": "POINT", **custom(bounds=bounds)}))
    assert f"bounds {bounds}: expected [west, south, east, north], four numbers" in message


@pytest.mark.parametrize(
    ("bounds", "is_box"),
    [
        ([1, 2, 1, 2], True), ([-1.5, -2, 1, 2], True), ([0, 0, 5, 1], True), ([0, 0, 1, 5], True),
        ([2, 0, 1, 5], False), ([0, 6, 1, 5], False),
    ],
)  # fmt: skip
def test_bounds_go_from_west_to_east_and_from_south_to_north(
    bounds: list[float], is_box: bool
) -> None:
    place = {"name": "a", "physicalType": "POINT", **custom(bounds=bounds)}
    if is_box:
        assert read(document(place)).columns[0].bounds == Bounds(*bounds)
    else:
        assert "west is beyond east, or south beyond north" in refusal(document(place))


def test_a_key_column_without_a_position_is_the_first() -> None:
    alone = read_column(primaryKey=True)
    assert (alone.key_position, alone.required) == (1, True)
    assert read_column(primaryKey=False, primaryKeyPosition=3).key_position is None


def test_names_that_differ_only_in_case_are_told_from_names_that_come_twice() -> None:
    assert "columns of the name 'a' and 'A' differ only in case" in refusal(
        document({"name": "b"}, {"name": "a"}, {"name": "A"})
    )
    assert "two columns have the name 'a'" in refusal(
        document({"name": "b"}, {"name": "a"}, {"name": "a"})
    )


def test_a_pattern_that_re2_does_not_know_is_told_why() -> None:
    message = refusal(document({"name": "number", "logicalTypeOptions": {"pattern": "(?=a)"}}))
    assert message.endswith("no back-references: invalid perl operator: (?=")


@pytest.mark.parametrize(
    "kind",
    ["geometry", "point", "linestring", "polygon", "multipoint", "multilinestring",
     "multipolygon", "geometrycollection"],
)  # fmt: skip
def test_each_type_of_geometry_is_read(kind: str) -> None:
    column = read_column(physicalType=kind.upper())
    assert (column.kind, column.geometry_type) == (Kind.GEOMETRY, kind)


def test_contracts_come_in_the_order_of_their_folders_and_files(tmp_path: Path) -> None:
    for folder, names in (("two", "ab"), ("one", "dc")):
        (tmp_path / folder).mkdir()
        for name in names:
            path = tmp_path / folder / f"{name}.odcs.yaml"
            path.write_text(yaml.safe_dump(document(table={"name": name})))
    found = load_contracts([tmp_path / "two", tmp_path / "one"])
    assert [*found] == ["a", "b", "c", "d"]
    assert found["a"].origin == str(tmp_path / "two" / "a.odcs.yaml")


def test_the_first_mistake_is_told_with_its_place() -> None:
    columns = {"name": "a", "required": "perhaps"}, {"name": "b", "required": "never"}
    message = refusal(document(*columns))
    assert message.startswith(f"{FILE}: field schema.0.properties.0.required (of 'a'): ")


def test_physical_names_that_differ_only_in_case_are_refused() -> None:
    columns = [column("a", physicalName="ID"), column("b", physicalName="id")]
    with pytest.raises(ContractError, match="physicalName 'ID' and 'id' differ only in case"):
        parse_contract(contract_text("thing", columns))
