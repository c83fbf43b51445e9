"""The Cedar schema of a city: what its policies may speak of.

A row of a dataset is an entity of the type ``Rows::<dataset>``, whose attributes are the columns
that Cedar has a type for: texts, whole numbers, yes and no, dates and times.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Final

from cityloom.contract import Contract, Kind

ATTRIBUTES: Final = (
    "name", "person", "district", "subdistrict", "zone", "department", "organisation",
)  # fmt: skip
"""What a directory may say of a principal, and policies may ask."""

READ, SEE = "read", "see"
"""The actions: to read a dataset's rows, and to see a column of them as it is."""

_TYPES: Mapping[Kind, str] = {
    Kind.STRING: "String",
    Kind.INTEGER: "Long",
    Kind.BOOLEAN: "Bool",
    Kind.DATE: "datetime",
    Kind.TIMESTAMP: "datetime",
}
_RESERVED = {"true", "false", "if", "then", "else", "in", "is", "like", "has"}
_CONTEXT = (
    "dataset: String, classification: String, owner: String, purpose: String, "
    "purposes: Set<String>, signed_in: Bool, today: datetime"
)


def entity_type(dataset: str) -> str:
    """Cedar's name of a dataset's rows."""
    return f"Rows::{dataset}"


def asked_columns(contract: Contract) -> frozenset[str]:
    """The columns that policies may ask of."""
    return frozenset(column.name for column in contract.stored if column.kind in _TYPES)


def schema_of(contracts: Iterable[Contract]) -> str:
    """The schema, as Cedar writes it."""
    told = [contract for contract in contracts if contract.dataset not in _RESERVED]
    principals = ", ".join(f"{name}: String" for name in ATTRIBUTES)
    rows = "\n".join(_rows(contract) for contract in told)
    resources = ", ".join(["Row", *(entity_type(contract.dataset) for contract in told)])
    applies = f"appliesTo {{ principal: [User], resource: [{resources}], context: {{ {_CONTEXT}"
    return (
        "entity Row;\nentity Role;\n"
        f"entity User in [Role] {{ {principals} }};\n"
        f"namespace Rows {{\n{rows}\n}}\n"
        f"action {READ} {applies} }} }};\n"
        f"action {SEE} {applies}, column: String }} }};\n"
    )


def _rows(contract: Contract) -> str:
    columns = ", ".join(
        f"{json.dumps(column.name, ensure_ascii=False)}: {_TYPES[column.kind]}"
        for column in contract.stored
        if column.kind in _TYPES
    )
    return f"  entity {contract.dataset} {{ {columns} }};"
