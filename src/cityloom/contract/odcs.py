"""Reading contracts written in the Open Data Contract Standard, version 3."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pydantic
import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    Relationship,
    SchemaObject,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)

from cityloom.contract.forms import form_of, stated_bound, stated_value
from cityloom.contract.model import (
    Bounds,
    Classification,
    Column,
    Contract,
    Delivery,
    Files,
    Kind,
    Reference,
    RowRule,
)
from cityloom.contract.refusals import refuse_forbidden
from cityloom.errors import ContractError

SUFFIX = ".odcs.yaml"

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
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
_UNIT = re.compile(r"h(ours?)?|d(ays?)?|w(eeks?)?|m(onths?)?|y(ears?)?")
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}
_MOST_DAYS = 1000 * 365.25


def load_contracts(folders: Iterable[Path]) -> dict[str, Contract]:
    """The contracts of all ``*.odcs.yaml`` files in some folders, by dataset name.

    Raises:
        ContractError: a file is not a contract, is refused, or two files name one dataset.
    """
    contracts: dict[str, Contract] = {}
    for path in (file for folder in folders for file in sorted(folder.glob(f"*{SUFFIX}"))):
        contract = load_contract(path)
        if twin := contracts.get(contract.dataset):
            raise ContractError(
                f"{path}: dataset '{contract.dataset}' already has a contract, {twin.origin}; "
                "remove one of them or rename the dataset"
            )
        contracts[contract.dataset] = contract
    return contracts


def load_contract(path: Path) -> Contract:
    """The contract in one file.

    Raises:
        ContractError: the file is not a contract or is refused; the message says where and why.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ContractError(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError as error:
        raise ContractError(f"{path}: not UTF-8 at byte {error.start}; save it as UTF-8") from None
    return parse_contract(text, origin=str(path))


def parse_contract(text: str, origin: str = "contract") -> Contract:
    """The contract written in ``text``; ``origin`` names it in messages.

    Raises:
        ContractError: see :func:`load_contract`.
    """
    document = _document(text, origin)
    digest = sha256(text.encode()).hexdigest()
    try:
        contract = _contract(document, origin, digest)
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    _check_conditions(contract)
    refuse_forbidden(contract)
    return contract


def _document(text: str, origin: str) -> OpenDataContractStandard:
    stated = _yaml(text, origin)
    if not isinstance(stated, dict) or not all(isinstance(name, str) for name in stated):
        raise ContractError(f"{origin}: not an ODCS contract: expected a mapping")
    try:
        return OpenDataContractStandard(**stated)
    except pydantic.ValidationError as error:
        raise ContractError(f"{origin}: {_first_mistake(error)}") from None


def _yaml(text: str, origin: str) -> Any:
    try:
        return yaml.safe_load(text)
    except RecursionError:
        raise ContractError(f"{origin}: not YAML that can be read: nested too deeply") from None
    except yaml.YAMLError as error:
        raise ContractError(f"{origin}: not YAML: {' '.join(str(error).split())}") from None
    except (ValueError, LookupError, AttributeError, OverflowError) as error:
        # The YAML reader's own failures over dates such as 2024-02-30 and tags such as !!int
        raise ContractError(
            f"{origin}: not YAML that can be read: {error}; put dates and the like in quotes"
        ) from None


def _check_conditions(contract: Contract) -> None:
    """Refuse rules that are not conditions; the SQL parser is loaded only where there are some."""
    if contract.rules:
        from cityloom.contract.rules import row_condition

        for rule in contract.rules:
            row_condition(contract, rule)


def _first_mistake(error: pydantic.ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']} (Open Data Contract Standard v3)"


def _contract(document: OpenDataContractStandard, origin: str, digest: str) -> Contract:
    if len(document.schema_ or []) != 1:
        raise ContractError("a contract describes one dataset: expected one object in 'schema'")
    table = (document.schema_ or [])[0]
    custom = _custom(document.customProperties) | _custom(table.customProperties)
    contract = Contract(
        dataset=_dataset_name(table),
        columns=_referring(_columns(table, custom), table),
        version=document.version or "",
        title=table.businessName or document.name or table.name or "",
        description=table.description
        or (document.description and document.description.purpose)
        or "",
        owner=_owner(document),
        domain=document.domain or "",
        delivery=_one_of(Delivery, custom.get("delivery", "append"), "delivery"),
        purposes=_purposes(custom.get("purposes")),
        retention=_period(document.slaProperties, "retention"),
        retention_column=_element(document.slaProperties, "retention"),
        frequency=_period(document.slaProperties, "frequency"),
        grows=_flag(custom, "grows"),
        rules=tuple(_row_rules(table)),
        files=_files(document),
        origin=origin,
        digest=digest,
    )
    _check_whole(contract)
    return contract


def _dataset_name(table: SchemaObject) -> str:
    name = table.name or ""
    if not _NAME.fullmatch(name):
        raise ContractError(
            f"schema name '{name}' cannot name a dataset; "
            "use lower-case letters, digits and underscores, a letter first"
        )
    if name == "previous" or name.startswith("new_"):
        raise ContractError(
            f"schema name '{name}' cannot name a dataset: 'previous' and 'new_…' are parameters "
            "of dataset functions; use another"
        )
    return name


def _purposes(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or not all(isinstance(p, str) and p.strip() for p in value):
        raise ContractError(f"purposes '{value}': expected a list of words, as in [planning]")
    return tuple(value)


def _flag(stated: dict[str, Any], name: str) -> bool:
    value = stated.get(name)
    if value is not None and not isinstance(value, bool):
        raise ContractError(f"{name} '{value}': expected true or false, without quotes")
    return bool(value)


def _owner(document: OpenDataContractStandard) -> str:
    team = document.team
    if team is None:
        return ""
    if isinstance(team, list):
        return next((member.name or member.username or "" for member in team), "")
    return team.name or ""


def _columns(table: SchemaObject, custom: dict[str, Any]) -> tuple[Column, ...]:
    if not table.properties:
        raise ContractError(f"dataset '{table.name}' has no columns; list them in 'properties'")
    default = str(custom.get("classification", "sensitive"))
    columns = tuple(_column(prop, default) for prop in table.properties)
    for text, names in (("name", [c.name for c in columns]),
                        ("physicalName", [c.source_name for c in columns])):  # fmt: skip
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ContractError(f"two columns have the {text} '{twice}'")
    seen: dict[str, str] = {}
    for column in columns:
        if seen.setdefault(column.name.lower(), column.name) != column.name:
            raise ContractError(
                f"columns '{seen[column.name.lower()]}' and '{column.name}' differ only in case, "
                "which engines do not tell apart; rename one"
            )
    return columns


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
    custom = _custom(prop.customProperties)
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
        timezone=_flag(options, "timezone"),
        decimal=_decimal(prop.physicalType),
        geometry_type=_geometry_type(prop.physicalType),
        trim=_flag(custom, "trim"),
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
        special_purpose=custom.get("special_purpose"),
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
    if column.max_length is not None and (column.min_length or 0) > column.max_length:
        raise ContractError("minLength is more than maxLength; no text could meet both")
    _check_enum(column)
    _check_edges(column)


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


def _row_rules(table: SchemaObject) -> Iterator[RowRule]:
    """The rules of ours, on the whole and on its columns."""
    yield from _conditions(table.quality or [], "rule_{}")
    for prop in table.properties or []:
        yield from _conditions(prop.quality or [], f"{prop.name}_rule_{{}}")


def _conditions(qualities: Iterable[DataQuality], unnamed: str) -> Iterator[RowRule]:
    for number, quality in enumerate(qualities, start=1):
        if quality.engine != "cityloom":
            continue
        name = quality.name or quality.id or unnamed.format(number)
        if not isinstance(quality.implementation, str):
            raise ContractError(
                f"quality rule {number} ('{name}'): 'implementation' must be a condition"
            )
        yield RowRule(name, quality.implementation, quality.description or "")


def _files(document: OpenDataContractStandard) -> Files:
    if not document.servers:
        return Files()
    server = document.servers[0]
    delimiter = {"tab": "\t", "\\t": "\t"}.get(server.delimiter or ",", server.delimiter or ",")
    if len(delimiter.encode()) != 1 or delimiter in '"\r\n':
        raise ContractError(
            f"delimiter '{delimiter}' must be one ASCII character, or 'tab', "
            "and no quotation mark or line end"
        )
    return Files(server.path, server.format, delimiter, _encoding(server.encoding or "utf-8"))


def _encoding(name: str) -> str:
    try:
        "".encode(name)
    except (LookupError, ValueError):
        raise ContractError(
            f"encoding '{name}' is not known; expected one such as utf-8, gb18030 or big5"
        ) from None
    return name


def _period(properties: list[ServiceLevelAgreementProperty] | None, name: str) -> timedelta | None:
    for sla in properties or []:
        if sla.property != name:
            continue
        unit = _UNIT.fullmatch((sla.unit or "d").strip().lower())
        days = _number(sla.value) * _DAYS[unit[0][0]] if unit else 0
        if not 0 < days <= _MOST_DAYS:
            raise ContractError(
                f"slaProperties '{name}': '{sla.value} {sla.unit}' is not a period; "
                "expected a number above 0 and one of h, d, w, m, y, at most 1000 years"
            )
        return timedelta(days=days)
    return None


def _number(value: Any) -> float:
    """The number, or 0 where there is none."""
    try:
        return 0 if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        return 0


def _element(properties: list[ServiceLevelAgreementProperty] | None, name: str) -> str | None:
    element = next((sla.element for sla in properties or [] if sla.property == name), None)
    return element.rpartition(".")[2] if element else None


def _custom(properties: list[CustomProperty] | None) -> dict[str, Any]:
    return {item.property: item.value for item in properties or [] if item.property}


def _classification(word: str) -> Classification:
    try:
        return Classification[word.upper()]
    except KeyError:
        words = ", ".join(level.label for level in Classification)
        raise ContractError(f"classification '{word}' is none of {words}") from None


def _one_of(kind: type[Delivery], word: Any, what: str) -> Delivery:
    try:
        return kind(word)
    except ValueError:
        raise ContractError(f"{what} '{word}' is none of {', '.join(kind)}") from None


def _check_whole(contract: Contract) -> None:
    if contract.delivery is Delivery.UPSERT and not contract.key:
        raise ContractError("delivery 'upsert' needs a primary key: mark it with 'primaryKey'")
    if counted := contract.retention_column:
        kinds = {column.name: column.kind for column in contract.columns}
        if counted not in kinds:
            raise ContractError(f"retention counts from '{counted}', not a column")
        if kinds[counted] not in (Kind.DATE, Kind.TIMESTAMP):
            raise ContractError(
                f"retention counts from column '{counted}', which is {kinds[counted]}; "
                "it needs a date or a timestamp"
            )
    for column in contract.columns:
        if column.special_purpose and column.special_purpose not in contract.purposes:
            raise ContractError(
                f"column '{column.name}': special_purpose '{column.special_purpose}' "
                "is not among the contract's 'purposes'"
            )
