"""A contract's conditions over several columns: SQL that a city wrote, and nothing but conditions.

They judge received rows once their text is cast, and derived rows.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from cityloom.contract.model import Column, Contract, Kind, RowRule
from cityloom.contract.patterns import portable, whole
from cityloom.contract.rules import Reason
from cityloom.errors import ContractError

if TYPE_CHECKING:
    from sqlglot.expressions import Expression


def row_rule_reason(rule: RowRule) -> Reason:
    """The reason given for a row that breaks a rule over several columns."""
    return Reason("", rule.name, f"{rule.name}: {rule.description or f'not {rule.condition}'}")


def row_condition(contract: Contract, rule: RowRule, dialect: str = "duckdb") -> str:
    """A rule's condition as SQL of an engine's dialect; a cast that fails gives null, so is met.

    Raises:
        ContractError: the text is not one condition over the contract's columns.
    """
    where = f"{contract.origin}: rule '{rule.name}'"
    condition = _parsed(rule.condition, where)
    for node in condition.walk():
        if said := _unlike(node):
            raise ContractError(f"{where}: {said}")
        if said := _not_of_one_row(node):
            raise ContractError(
                f"{where}: '{said}' has no place in a condition over one row; {_allowed_words()}"
            )
    columns = {column.name: column for column in contract.columns}
    for named in condition.find_all(_sqlglot().exp.Column):
        if named.table:
            raise ContractError(f"{where}: '{named.sql()}' names a table; write the column alone")
        if named.name not in columns:
            raise ContractError(f"{where}: no column '{named.name}' in this contract")
    if not _is_predicate(condition, columns):
        raise ContractError(f"{where}: '{rule.condition}' is a value, not a condition; compare it")
    return str(_made_alike(condition, columns).sql(dialect=dialect, comments=False))


def _sqlglot() -> Any:
    """The SQL parser, loaded only where a contract has conditions."""
    import sqlglot

    return sqlglot


def _parsed(text: str, where: str) -> Expression:
    sqlglot = _sqlglot()
    try:
        condition = sqlglot.parse_one(text, dialect="duckdb")
    except sqlglot.errors.SqlglotError as error:
        raise ContractError(f"{where}: not a condition: {str(error).splitlines()[0]}") from None
    except RecursionError:
        raise ContractError(f"{where}: not a condition: nested too deeply") from None
    tried: Expression = condition.transform(_tried)
    return tried


def _tried(node: Expression) -> Expression:
    """A cast, and any in what it casts, as one that gives null where it fails."""
    exp = _sqlglot().exp
    if type(node) is exp.Cast:
        tried: Expression = exp.TryCast(this=node.this.transform(_tried), to=node.args["to"])
        return tried
    return node


# What engines understand each in its own way

_WHOLE_NUMBERS = {"SMALLINT", "INT", "BIGINT"}
_NUMBERS = {"FLOAT", "DOUBLE", "DECIMAL"}
_GIVING_NUMBERS = {
    "mul", "div", "intdiv", "mod", "abs", "round", "floor", "ceil", "length", "year", "month",
    "day", "extract", "datediff",
}  # fmt: skip


def _unlike(node: Expression) -> str | None:
    """What is wrong with a part of a condition that engines would not understand alike."""
    exp = _sqlglot().exp
    said = f"'{node.sql(dialect='duckdb')}'"
    if isinstance(node, exp.DateDiff) and str(node.args.get("unit")).upper() != "DAY":
        unit = str(node.args.get("unit")).lower()
        return (
            f"date_diff counts days alone, not '{unit}': engines count the others each in its own "
            "way; compare year() and month()"
        )
    if isinstance(node, exp.RegexpLike | exp.RegexpFullMatch | exp.Like | exp.ILike):
        if not node.expression.is_string:
            return f"{said}: write the pattern out as text"
        if _backslash_may_escape(node):
            return f"{said}: a backslash needs an ESCAPE with another mark"
    if isinstance(node, exp.Escape) and not _escapes_wildcards(node):
        return f"{said}: the escape character may stand before % or _ alone"
    return None


def _backslash_may_escape(node: Expression) -> bool:
    """Whether a LIKE has a backslash and states no character to escape with."""
    exp = _sqlglot().exp
    stated = isinstance(node.parent, exp.Escape) or not isinstance(node, exp.Like | exp.ILike)
    return not stated and "\\" in node.expression.name


def _escapes_wildcards(node: Expression) -> bool:
    """Whether a LIKE's escape character stands only before a wildcard or itself."""
    mark, pattern = node.expression.name, node.this.expression.name
    if len(mark) != 1:
        return False
    rest = pattern.replace(mark * 2, "")
    return all(after[:1] in ("%", "_") and after for after in rest.split(mark)[1:])


def _made_alike(condition: Expression, columns: dict[str, Column]) -> Expression:
    """A condition in words that every engine understands alike, the innermost parts first."""
    for node in reversed(list(condition.walk())):
        made = _alike(node, columns)
        if made is not node:
            condition = made if node is condition else condition
            node.replace(made)
    return condition


def _alike(node: Expression, columns: dict[str, Column]) -> Expression:
    """A part of a condition in words that every engine understands alike.

    Patterns are whole ones; what is divided by nought is null; a number that is cast to a whole one
    is rounded, halves away from nought.
    """
    exp = _sqlglot().exp
    made: Expression = node
    if isinstance(node, exp.RegexpFullMatch):
        made = exp.RegexpLike(this=node.this, expression=_text(whole(node.expression.name)))
    elif isinstance(node, exp.RegexpLike):
        made = exp.RegexpLike(this=node.this, expression=_text(portable(node.expression.name)))
    elif isinstance(node, exp.Div | exp.IntDiv | exp.Mod) and not _is_number(node.expression):
        divisor = exp.Nullif(this=node.expression.copy(), expression=exp.Literal.number(0))
        made = node.copy()
        made.set("expression", divisor)
    elif isinstance(node, exp.TryCast) and _rounds(node, columns):
        rounded = exp.Round(this=node.this.copy())
        made = exp.TryCast(this=rounded, to=node.args["to"].copy())
    return made


def _rounds(cast: Expression, columns: dict[str, Column]) -> bool:
    """Whether a cast is one of a number to a whole number."""
    return cast.args["to"].this.name in _WHOLE_NUMBERS and _gives_number(cast.this, columns)


def _text(text: str) -> Expression:
    literal: Expression = _sqlglot().exp.Literal.string(text)
    return literal


def _is_number(node: Expression) -> bool:
    """Whether a part is a number written out that is not nought."""
    try:
        return node.key == "literal" and not node.is_string and float(node.name) != 0
    except ValueError:
        return False


def _gives_number(node: Expression, columns: dict[str, Column]) -> bool:
    """Whether a part surely is a number."""
    match node.key:
        case "column":
            return columns[node.name].kind in (Kind.INTEGER, Kind.NUMBER)
        case "literal":
            return not node.is_string
        case "trycast":
            return node.args["to"].this.name in _WHOLE_NUMBERS | _NUMBERS
    if node.key in _GIVING_NUMBERS:
        return True
    parts = _choices(node)
    return bool(parts) and all(_gives_number(part, columns) for part in parts)


def _choices(node: Expression) -> list[Expression]:
    """The parts of which one is the value of a part, or whose kind it has."""
    match node.key:
        case "paren" | "neg" | "nullif":
            return [node.this]
        case "add" | "sub":
            return [node.this, node.expression]
        case "coalesce" | "greatest" | "least":
            return [node.this, *node.expressions]
        case "if":
            return [node.args["true"]]
        case "case":
            return [branch.args["true"] for branch in node.args["ifs"]]
    return []


# What a condition may be made of, by the parser's own names.

_COMPARISONS = {
    "eq", "neq", "gt", "gte", "lt", "lte", "nullsafeeq", "nullsafeneq", "is", "in", "between",
    "like", "ilike", "escape",
}  # fmt: skip
_TESTS = {
    "regexplike": "regexp_matches", "regexpfullmatch": "regexp_full_match",
    "startswith": "starts_with", "endswith": "ends_with", "contains": "contains",
}  # fmt: skip
_JOINED = {"and", "or", "not", "paren"}
_CHOICES = {"case", "if", "coalesce", "nullif", "greatest", "least"}
_VALUES = {
    "column", "identifier", "literal", "boolean", "null", "cast", "trycast", "datatype",
    "datatypeparam", "interval", "var", "add", "sub", "mul", "div", "intdiv", "mod", "neg",
    "dpipe",
}  # fmt: skip
_FUNCTIONS = {
    "length": "length", "lower": "lower", "upper": "upper", "trim": "trim", "substring": "substr",
    "left": "left", "right": "right", "concat": "concat", "replace": "replace", "abs": "abs",
    "round": "round", "floor": "floor", "ceil": "ceil", "year": "year", "month": "month",
    "day": "day", "extract": "extract", "datediff": "date_diff",
}  # fmt: skip
_ALLOWED = {*_COMPARISONS, *_TESTS, *_JOINED, *_CHOICES, *_VALUES, *_FUNCTIONS}
_CAST_TYPES = {
    "BOOLEAN", "SMALLINT", "INT", "BIGINT", "FLOAT", "DOUBLE", "DECIMAL", "TEXT", "VARCHAR",
    "DATE", "TIME", "TIMESTAMPNTZ", "TIMESTAMPTZ", "INTERVAL",
}  # fmt: skip
_MOMENTS = {"DATE", "TIMESTAMPNTZ"}
"""The types of a date and of a time without an offset, which DuckDB calls TIMESTAMP."""


def _allowed_words() -> str:
    functions = ", ".join(sorted({*_FUNCTIONS.values(), *_TESTS.values()}))
    return (
        "allowed are the row's columns, literals, comparisons, AND, OR, NOT, BETWEEN, IN (a list), "
        "IS NULL, LIKE, arithmetic, CASE, CAST, COALESCE, NULLIF, GREATEST, LEAST, and the "
        f"functions {functions}"
    )


def _not_of_one_row(node: Expression) -> str | None:
    """What a part of a condition is called, where it may not be part of one."""
    exp = _sqlglot().exp
    if isinstance(node, exp.Anonymous):
        return str(node.name).lower()
    if node.key not in _ALLOWED:
        return str(node.sql_name() if isinstance(node, exp.Func) else node.key).lower()
    if isinstance(node, exp.DataType) and node.this.name not in _CAST_TYPES:
        return str(node.sql())
    if isinstance(node, exp.In) and not node.expressions:
        return "in"
    if isinstance(node, exp.TryCast) and _is_no_date(node):
        return str(node.sql())
    return None


def _is_no_date(cast: Expression) -> bool:
    """Whether a literal date or time does not exist, so that its condition would never bind."""
    if not cast.this.is_string or cast.args["to"].this.name not in _MOMENTS:
        return False
    try:
        datetime.fromisoformat(cast.this.name)
    except ValueError:
        return True
    return False


def _is_predicate(node: Expression, columns: dict[str, Column]) -> bool:
    """Whether an expression is true, false or null, and no other kind of value."""
    exp = _sqlglot().exp
    match node.key:
        case "column":
            return columns[node.name].kind is Kind.BOOLEAN
        case "boolean" | "null":
            return True
        case "cast" | "trycast":
            return bool(node.is_type("boolean"))
        case "case":
            results = [branch.args["true"] for branch in node.args["ifs"]]
        case "if":
            results = [node.args["true"]]
        case "and" | "or":
            results = [node.this, node.expression]
        case "not" | "paren":
            results = [node.this]
        case "coalesce":
            results = [node.this, *node.expressions]
        case _:
            return (
                node.key in _COMPARISONS - {"escape"}
                or node.key in _TESTS
                or (isinstance(node, exp.Escape) and isinstance(node.this, exp.Like | exp.ILike))
            )
    otherwise = node.args.get("default") or node.args.get("false")
    return all(_is_predicate(result, columns) for result in (*results, otherwise) if result)
