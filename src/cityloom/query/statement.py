"""A statement in SQL, held to reading datasets: no files, no settings, nothing but a question.

DuckDB's own parser says what a statement is made of (``json_serialize_sql``, which takes SELECT
alone). What is not known here is refused.
"""

import json
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import duckdb

from cityloom.errors import QueryError, plain

_NAME = re.compile(r"[^\W\d]\w*")
_TABLES = {"BASE_TABLE", "JOIN", "SUBQUERY", "EMPTY", "EXPRESSION_LIST", "PIVOT", "TABLE_FUNCTION"}
_MAKING_ROWS = {"range", "generate_series", "unnest"}
_KINDS = ("scalar", "aggregate", "macro")
_REFUSED = re.compile(
    r"getenv|.*setting.*|getvariable|.*secret.*|(curr|next)val|.*_log|error|query.*|.*_path|"
    r"pg_.*|has_.*_privilege|txid_.*|.*(database|schema|catalog)s?(_.*)?|version|.*prepared.*|"
    r"test_.*|checkpoint|force_checkpoint|current_user|session_user|user"
)
"""Functions that tell of the machine, its settings and files, or act on them."""


@dataclass(frozen=True)
class Statement:
    """A statement that only asks, and the datasets that it asks."""

    text: str
    datasets: tuple[str, ...]


def read_statement(text: str, known: Collection[str]) -> Statement:
    """A statement over some datasets.

    Raises:
        QueryError: it is no SQL, not one SELECT, or asks something else than known datasets; the
            message says what.
    """
    node, written = _parsed(text)
    named = {entry["key"] for entry in _entries(node)}
    if strange := sorted(name for name in named if not _NAME.fullmatch(name)):
        raise QueryError(f"'{strange[0]}' is no name for a part of a query; use letters and digits")
    asked = set()
    for table in _tables(node):
        asked |= _asked(table, named, known)
    for function in _functions(node):
        if function not in _functions_there_are():
            raise QueryError(f"the function '{function}' cannot be used in a query")
    return Statement(written, tuple(sorted(asked)))


def _parsed(text: str) -> tuple[dict[str, Any], str]:
    """What a statement is made of, and the same statement as DuckDB writes it."""
    with duckdb.connect() as connection:
        serialized = _value(connection, "SELECT json_serialize_sql(?::VARCHAR)", text)
        found: dict[str, Any] = json.loads(serialized)
        if found["error"]:
            raise QueryError(_in_words(found))
        if len(found["statements"]) != 1:
            raise QueryError("one statement at a time: a single SELECT")
        written = _value(connection, "SELECT json_deserialize_sql(?::JSON)", serialized)
    return found["statements"][0]["node"], written


def _value(connection: duckdb.DuckDBPyConnection, sql: str, parameter: str) -> str:
    try:
        row = connection.execute(sql, [parameter]).fetchone()
    except duckdb.Error as error:
        raise QueryError(f"not SQL: {plain(error)}") from None
    return str(row[0]) if row else ""


def _in_words(found: dict[str, Any]) -> str:
    said = str(found.get("error_message", ""))
    if "Only SELECT" in said:
        return "only a SELECT can be asked: nothing can be changed, copied or set"
    place = f" (at character {int(found['position']) + 1})" if found.get("position") else ""
    return f"not SQL: {said}{place}"


def _walk(node: object) -> Iterator[dict[str, Any]]:
    waiting = [node]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _entries(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The parts of a query that it names itself (common table expressions)."""
    for item in _walk(node):
        yield from (item.get("cte_map") or {}).get("map", [])


def _tables(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """What is asked at each FROM."""
    for item in _walk(node):
        if "query_location" in item and "class" not in item:
            yield item


def _asked(table: dict[str, Any], named: set[str], known: Collection[str]) -> set[str]:
    """The dataset that a FROM names, if it is one."""
    kind = table.get("type")
    if kind not in _TABLES:
        raise QueryError(f"'{str(kind).lower()}' cannot be asked; ask datasets by their names")
    if kind == "TABLE_FUNCTION":
        name = table["function"].get("function_name", "")
        if name not in _MAKING_ROWS:
            raise QueryError(f"'{name}' cannot be asked; ask datasets by their names")
    if kind != "BASE_TABLE":
        return set()
    name = table["table_name"]
    if table["schema_name"] or table["catalog_name"]:
        raise QueryError(
            f"'{table['schema_name']}.{name}': datasets have no schema; write the name"
        )
    if name in known:
        return {name}
    if name in named:
        return set()
    raise QueryError(f"no dataset '{name}' in this city")


def _functions(node: dict[str, Any]) -> Iterator[str]:
    for item in _walk(node):
        if item.get("class") in ("FUNCTION", "WINDOW") and item.get("function_name"):
            yield item["function_name"].lower()


@cache
def _functions_there_are() -> frozenset[str]:
    """The functions of values that DuckDB has by itself, without those that are refused."""
    with duckdb.connect() as connection:
        found = connection.execute(
            "SELECT DISTINCT lower(function_name) FROM duckdb_functions() "
            f"WHERE internal AND function_type IN {_KINDS}"
        ).fetchall()
    windows = {"row_number", "rank", "dense_rank", "percent_rank", "cume_dist", "ntile", "lead",
               "lag", "first_value", "last_value", "nth_value", "fill"}  # fmt: skip
    names = {name for (name,) in found if not _REFUSED.fullmatch(name)}
    return frozenset(names | windows | _MAKING_ROWS)
