"""Reading contracts written in the Open Data Contract Standard, version 3."""

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pydantic
import yaml
from open_data_contract_standard.model import (
    CustomProperty,
    DataQuality,
    OpenDataContractStandard,
    SchemaObject,
    SchemaProperty,
    ServiceLevelAgreementProperty,
)

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
_DAYS = {"h": 1 / 24, "d": 1.0, "w": 7.0, "m": 30.4375, "y": 365.25}


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
    try:
        document = OpenDataContractStandard.from_string(text)
    except yaml.YAMLError as error:
        raise ContractError(f"{origin}: not YAML: {' '.join(str(error).split())}") from None
    except pydantic.ValidationError as error:
        raise ContractError(f"{origin}: {_first_mistake(error)}") from None
    except TypeError:
        raise ContractError(f"{origin}: not an ODCS contract: expected a mapping") from None
    digest = sha256(text.encode()).hexdigest()
    try:
        contract = _contract(document, origin, digest)
    except ContractError as error:
        raise ContractError(f"{origin}: {error}") from None
    refuse_forbidden(contract)
    return contract


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
        columns=_columns(table, custom),
        version=document.version or "",
        title=table.businessName or document.name or table.name or "",
        description=table.description
        or (document.description and document.description.purpose)
        or "",
        owner=_owner(document),
        domain=document.domain or "",
        delivery=_one_of(Delivery, custom.get("delivery", "append"), "delivery"),
        purposes=tuple(custom.get("purposes") or ()),
        retention=_period(document.slaProperties, "retention"),
        retention_column=_element(document.slaProperties, "retention"),
        frequency=_period(document.slaProperties, "frequency"),
        grows=bool(custom.get("grows", False)),
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
    return name


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
    return columns


def _column(prop: SchemaProperty, classification: str) -> Column:
    name = prop.name or ""
    try:
        return _read_column(prop, name, classification)
    except ContractError as error:
        raise ContractError(f"column '{name}': {error}") from None


def _read_column(prop: SchemaProperty, name: str, classification: str) -> Column:
    if not name or name.startswith("_"):
        raise ContractError("a column needs a name, and one that does not begin with '_'")
    custom = _custom(prop.customProperties)
    options = prop.logicalTypeOptions or {}
    stated = _library_rules(prop.quality or [])
    enum = [str(value.value) for value in prop.enum or []] or stated.get("validValues", ())
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
        format=options.get("format"),
        timezone=bool(options.get("timezone", False)),
        decimal=_decimal(prop.physicalType),
        geometry_type=_geometry_type(prop.physicalType),
        trim=bool(custom.get("trim", False)),
        enum=tuple(str(value) for value in enum),
        pattern=_pattern(options.get("pattern") or stated.get("pattern")),
        min_length=options.get("minLength"),
        max_length=options.get("maxLength"),
        minimum=options.get("minimum"),
        maximum=options.get("maximum"),
        exclusive_minimum=options.get("exclusiveMinimum"),
        exclusive_maximum=options.get("exclusiveMaximum"),
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


def _pattern(pattern: str | None) -> str | None:
    if pattern is None:
        return None
    try:
        re.compile(pattern)
    except re.error as error:
        raise ContractError(f"pattern '{pattern}' is not a regular expression: {error}") from None
    return pattern


def _reference(prop: SchemaProperty) -> Reference | None:
    for relationship in prop.relationships or []:
        target = relationship.to if isinstance(relationship.to, str) else ""
        dataset, _, column = target.rpartition(".")
        if not dataset:
            raise ContractError(f"relationship to '{target}': expected 'dataset.column'")
        return Reference(dataset, column)
    return None


def _bounds(value: Any) -> Bounds | None:
    if value is None:
        return None
    try:
        west, south, east, north = (float(edge) for edge in value)
    except (TypeError, ValueError):
        raise ContractError(f"bounds {value}: expected [west, south, east, north]") from None
    return Bounds(west, south, east, north)


def _library_rules(qualities: Iterable[DataQuality]) -> dict[str, Any]:
    """What the standard's own quality metrics say of single values."""
    stated: dict[str, Any] = {}
    for quality in qualities:
        metric = quality.metric or quality.rule
        if metric == "invalidValues":
            stated |= quality.arguments or {}
        elif metric in ("nullValues", "missingValues") and quality.mustBe == 0:
            stated["required"] = True
        elif metric == "duplicateValues" and quality.mustBe == 0:
            stated["unique"] = True
    return stated


def _row_rules(table: SchemaObject) -> Iterator[RowRule]:
    for number, quality in enumerate(table.quality or [], start=1):
        if quality.engine != "cityloom":
            continue
        if not isinstance(quality.implementation, str):
            raise ContractError(f"quality rule {number}: 'implementation' must be a condition")
        yield RowRule(
            name=quality.name or quality.id or f"rule_{number}",
            condition=quality.implementation,
            description=quality.description or "",
        )


def _files(document: OpenDataContractStandard) -> Files:
    if not document.servers:
        return Files()
    server = document.servers[0]
    delimiter = {"tab": "\t", "\\t": "\t"}.get(server.delimiter or ",", server.delimiter or ",")
    if len(delimiter.encode()) != 1:
        raise ContractError(f"delimiter '{delimiter}' must be one ASCII character, or 'tab'")
    return Files(server.path, server.format, delimiter, server.encoding or "utf-8")


def _period(properties: list[ServiceLevelAgreementProperty] | None, name: str) -> timedelta | None:
    for sla in properties or []:
        if sla.property != name:
            continue
        unit = (sla.unit or "d").lower()[:1]
        try:
            return timedelta(days=float(sla.value or "none") * _DAYS[unit])
        except (KeyError, ValueError):
            raise ContractError(
                f"slaProperties '{name}': '{sla.value} {sla.unit}' is not a period; "
                "expected a number and one of h, d, w, m, y"
            ) from None
    return None


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
    names = {column.name for column in contract.columns}
    if contract.retention_column and contract.retention_column not in names:
        raise ContractError(f"retention counts from '{contract.retention_column}', not a column")
    for column in contract.columns:
        if column.special_purpose and column.special_purpose not in contract.purposes:
            raise ContractError(
                f"column '{column.name}': special_purpose '{column.special_purpose}' "
                "is not among the contract's 'purposes'"
            )
