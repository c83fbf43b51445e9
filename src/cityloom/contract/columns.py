"""The columns of a contract written in the Open Data Contract Standard, version 3."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from math import isfinite
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from open_data_contract_standard.model import (
    DataQuality,
    Relationship,
    SchemaObject,
    SchemaProperty,
)

from cityloom.contract.custom import custom_properties, flag
from cityloom.contract.filled import check_filled, stated_resolution
from cityloom.contract.forms import form_of, stated_bound, stated_value
from cityloom.contract.masking import HIDE, check_mask
from cityloom.contract.model import Bounds, Classification, Column, Kind, Reference
from cityloom.contract.ranges import check_ranges
from cityloom.errors import ContractError

_DECIMAL = re.compile(r"(?:decimal|numeric)\s*\(\s*(\d+)\s*,\s*(\d+)\s*\)", re.IGNORECASE)
_GEOMETRIES = {
    "geometry", "point", "linestring", "polygon",
    "multipoint", "multilinestring", "multipolygon", "geometrycollection",
}  # fmt: skip
_KINDS = {
    "string": Kind.STRING,
    "integer": Kind.INTEGER,
    "number": Kind.NUMBER,
    "boolean": Kind.BOOLEAN,
    "date": Kind.DATE,
    "timestamp": Kind.TIMESTAMP,
    "time": Kind.TIME,
    "object": Kind.JSON,
    "array": Kind.JSON,
}
_TEXTS = (Kind.STRING, Kind.TIME, Kind.JSON)
_UNORDERED = (Kind.BOOLEAN, Kind.JSON, Kind.GEOMETRY)


def read_columns(table: SchemaObject, classification: str) -> tuple[Column, ...]:
    """The columns of a dataset, with the references that they and the whole table state.

    Args:
        table: the dataset as the standard has it.
        classification: of a column that states none.

    Raises:
        ContractError: a column is not as it should be; the message names it.
    """
    if not table.properties:
        raise ContractError(f"dataset '{table.name}' has no columns; list them in 'properties'")
    columns = tuple(_column(prop, classification) for prop in table.properties)
    _check_told_apart("name", [column.name for column in columns])
    _check_told_apart("physicalName", [column.source_name for column in columns])
    return _referring(columns, table)


def _check_told_apart(what: str, names: Sequence[str]) -> None:
    """Refuse names that come twice, or that differ only in case."""
    seen: dict[str, str] = {}
    for name in names:
        twin = seen.setdefault(name.lower(), name)
        if twin != name:
            raise ContractError(
                f"columns of the {what} '{twin}' and '{name}' differ only in case, "
                "which engines do not tell apart; rename one"
            )
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise ContractError(f"two columns have the {what} '{twice}'")


def _column(prop: SchemaProperty, classification: str) -> Column:
    name = prop.name or ""
    try:
        column = _read_column(prop, name, classification)
        _check_column(column)
    except ContractError as error:
        raise ContractError(f"column '{name}': {error}") from None
    return column


def _read_column(prop: SchemaProperty, name: str, classification: str) -> Column:
    if not name or name.startswith("_"):
        raise ContractError("a column needs a name, and one that does not begin with '_'")
    custom = custom_properties(prop.customProperties)
    options = prop.logicalTypeOptions or {}
    stated = _library_rules(prop.quality or [])
    enum = [value.value for value in prop.enum or []] or stated.get("validValues", [])
    return Column(
        name=name,
        source_name=prop.physicalName or name,
        kind=_kind(prop),
        title=prop.businessName or "",
        description=prop.description or "",
        required=bool(prop.required or prop.primaryKey or stated.get("required")),
        unique=bool(prop.unique or stated.get("unique")),
        key_position=(prop.primaryKeyPosition or 1) if prop.primaryKey else None,
        classification=_classification(prop.classification or classification),
        format=_format(options.get("format")),
        timezone=flag(options, "timezone"),
        decimal=_decimal(prop.physicalType),
        geometry_type=_geometry_type(prop.physicalType),
        trim=flag(custom, "trim"),
        enum=_enum(enum),
        pattern=_pattern(options.get("pattern") or stated.get("pattern")),
        min_length=_length(options, "minLength"),
        max_length=_length(options, "maxLength"),
        minimum=_edge(options, "minimum"),
        maximum=_edge(options, "maximum"),
        exclusive_minimum=_edge(options, "exclusiveMinimum"),
        exclusive_maximum=_edge(options, "exclusiveMaximum"),
        reference=_reference(prop),
        unit=custom.get("unit"),
        crs=str(custom.get("crs", "EPSG:4326")),
        bounds=_bounds(custom.get("bounds")),
        h3_resolution=stated_resolution(custom.get("h3Resolution")),
        has_box=flag(custom, "bbox"),
        special_purpose=custom.get("special_purpose"),
        mask=custom.get("mask", HIDE),
    )


def _kind(prop: SchemaProperty) -> Kind:
    if _geometry_type(prop.physicalType):
        return Kind.GEOMETRY
    logical = prop.logicalType or "string"
    if logical not in _KINDS:
        raise ContractError(f"logicalType '{logical}' is none of {', '.join(_KINDS)}")
    return _KINDS[logical]


def _decimal(physical: str | None) -> tuple[int, int] | None:
    found = _DECIMAL.fullmatch(physical or "")
    if not found:
        return None
    precision, scale = int(found[1]), int(found[2])
    if not 0 < precision <= 38 or scale > precision:
        raise ContractError(f"physicalType '{physical}': 1 to 38 digits, the scale no more")
    return precision, scale


def _geometry_type(physical: str | None) -> str | None:
    lowered = (physical or "").lower()
    return lowered if lowered in _GEOMETRIES else None


def _pattern(pattern: Any) -> str | None:
    if pattern is None:
        return None
    if not isinstance(pattern, str):
        raise ContractError(f"pattern '{pattern}' is not text; put it in quotes")
    try:
        pc.match_substring_regex(pa.array([""]), pattern)
    except pa.ArrowInvalid as error:
        why = str(error).removeprefix("Invalid regular expression: ")
        raise ContractError(
            f"pattern '{pattern}' is not a regular expression of RE2, "
            f"which has no look-around and no back-references: {why}"
        ) from None
    return pattern


def _format(value: Any) -> str | None:
    if value is not None and not isinstance(value, str):
        raise ContractError(f"format '{value}' is not text; put it in quotes")
    return value


def _enum(values: Any) -> tuple[str, ...]:
    if not isinstance(values, list):
        raise ContractError(f"allowed values '{values}': expected a list")
    if None in values:
        raise ContractError("an entry of 'enum' has no value; write {value: …}")
    return tuple(_text(value) for value in values)


def _text(value: Any) -> str:
    """What a contract would have said in quotes, where YAML made something else of it."""
    if isinstance(value, bool):
        return str(value).lower()
    return value.isoformat() if isinstance(value, date | datetime) else str(value)


def _length(options: dict[str, Any], name: str) -> int | None:
    value = options.get(name)
    if value is None or (type(value) is int and value >= 0):
        return value
    raise ContractError(f"{name} '{value}': expected a whole number of characters, 0 or more")


def _edge(options: dict[str, Any], name: str) -> str | float | None:
    value = options.get(name)
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise ContractError(f"{name} '{value}': expected a number, or a date or time in quotes")


def _check_column(column: Column) -> None:
    """Refuse what could not work on the column's kind of values."""
    if column.kind is not Kind.GEOMETRY:
        form_of(column)
    if column.kind not in _TEXTS:
        for name, stated in (("pattern", column.pattern), ("minLength", column.min_length),
                             ("maxLength", column.max_length)):  # fmt: skip
            if stated is not None:
                raise ContractError(f"{name} is for text, and the column is {column.kind}")
    _check_enum(column)
    _check_edges(column)
    check_ranges(column)
    check_filled(column)
    check_mask(column.mask, column.kind)


def _check_enum(column: Column) -> None:
    if column.enum and column.kind is Kind.GEOMETRY:
        raise ContractError("enum is not for geometries")
    for value in column.enum:
        try:
            stated_value(column, value)
        except ValueError as error:
            raise ContractError(f"enum value '{value}': {error}") from None


def _check_edges(column: Column) -> None:
    for name, edge in (
        ("minimum", column.minimum), ("maximum", column.maximum),
        ("exclusiveMinimum", column.exclusive_minimum),
        ("exclusiveMaximum", column.exclusive_maximum),
    ):  # fmt: skip
        if edge is None:
            continue
        if column.kind in _UNORDERED:
            raise ContractError(
                f"{name} is for values in an order, and the column is {column.kind}"
            )
        try:
            stated_bound(column, edge)
        except ValueError as error:
            raise ContractError(f"{name} '{edge}': {error}") from None


def _reference(prop: SchemaProperty) -> Reference | None:
    targets = {_target(relationship) for relationship in prop.relationships or []}
    if len(targets) > 1:
        raise ContractError("two relationships; a column refers to one other column")
    return next(iter(targets), None)


def _target(relationship: Relationship) -> Reference:
    target = _single(relationship.to)
    dataset, _, column = target.rpartition(".")
    if not dataset or not column:
        raise ContractError(f"relationship to '{target}': expected 'dataset.column'")
    return Reference(dataset, column)


def _single(ends: str | list[str] | None) -> str:
    """The one column at an end of a relationship."""
    listed = [ends] if isinstance(ends, str) else ends or []
    if len(listed) > 1:
        raise ContractError(
            f"relationship over several columns ({', '.join(listed)}): "
            "a reference is from one column to one column"
        )
    return listed[0] if listed else ""


def _referring(columns: tuple[Column, ...], table: SchemaObject) -> tuple[Column, ...]:
    """The columns, with the references that the whole table states."""
    stated: dict[str, Reference] = {}
    names = {column.name for column in columns}
    for relationship in table.relationships or []:
        name = _single(relationship.from_).rpartition(".")[2]
        if name not in names:
            raise ContractError(f"relationship from '{name}', which is not a column")
        target = _target(relationship)
        if stated.setdefault(name, target) != target:
            raise ContractError(
                f"column '{name}': two relationships; it refers to one other column"
            )
    return tuple(_with_reference(column, stated.get(column.name)) for column in columns)


def _with_reference(column: Column, target: Reference | None) -> Column:
    if target and column.reference not in (None, target):
        raise ContractError(
            f"column '{column.name}': two relationships; it refers to one other column"
        )
    return replace(column, reference=target) if target else column


def _bounds(value: Any) -> Bounds | None:
    if value is None:
        return None
    numbers = isinstance(value, list) and all(type(edge) in (int, float) for edge in value)
    if not numbers or len(value) != 4 or not all(map(isfinite, value)):
        raise ContractError(f"bounds {value}: expected [west, south, east, north], four numbers")
    west, south, east, north = map(float, value)
    if west > east or south > north:
        raise ContractError(f"bounds {value}: west is beyond east, or south beyond north")
    return Bounds(west, south, east, north)


def _library_rules(qualities: Iterable[DataQuality]) -> dict[str, Any]:
    """What the standard's own quality metrics say of single values."""
    stated: dict[str, Any] = {}
    for quality in qualities:
        metric = quality.metric or quality.rule
        if type(quality.mustBe) is bool or quality.mustBe != 0:
            continue
        if metric == "invalidValues":
            stated |= quality.arguments or {}
        elif metric in ("nullValues", "missingValues"):
            stated["required"] = True
        elif metric == "duplicateValues":
            stated["unique"] = True
    return stated


def _classification(word: str) -> Classification:
    try:
        return Classification[word.upper()]
    except KeyError:
        words = ", ".join(level.label for level in Classification)
        raise ContractError(f"classification '{word}' is none of {words}") from None
