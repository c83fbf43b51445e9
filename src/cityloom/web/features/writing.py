"""How a row is written as a GeoJSON feature: SQL for its id and its properties."""

from cityloom.asking import PLACE, Version
from cityloom.contract import Column, Contract, Kind
from cityloom.sql import literal, quoted


def geometry_of(contract: Contract) -> Column | None:
    """The geometry of a dataset's features: its first column of that kind."""
    return next((column for column in contract.columns if column.kind is Kind.GEOMETRY), None)


def properties_of(contract: Contract) -> list[Column]:
    """The columns that features carry as properties: all but geometries."""
    return [column for column in contract.stored if column.kind is not Kind.GEOMETRY]


def has_whole_ids(version: Version) -> bool:
    """Whether the ids of a version's features are whole numbers."""
    contract, key = version.contract, version.key
    return not key or (len(key) == 1 and contract.column(key[0]).kind is Kind.INTEGER)


def id_text(version: Version) -> str:
    """SQL for a feature's id as text.

    The key; of several columns, joined by commas, with ``,`` and ``%`` in them percent-encoded.
    """
    key = version.key or (PLACE,)
    if len(key) == 1:
        return f"{quoted(key[0])}::VARCHAR"
    return f"concat_ws(',', {', '.join(map(_escaped, key))})"


def id_json(version: Version) -> str:
    """SQL for a feature's id as JSON: a number where it is whole, else text."""
    text = id_text(version)
    return text if has_whole_ids(version) else f"to_json({text})::VARCHAR"


def properties_json(contract: Contract) -> str:
    """SQL for a feature's properties as a JSON object."""
    pairs = (f"{literal(c.name)}, {_value(c)}" for c in properties_of(contract))
    return f"json_object({', '.join(pairs)})::VARCHAR"


def instant(column: Column) -> str:
    """SQL for a date or a time as microseconds since 1970, in UTC."""
    return f"epoch_us({quoted(column.name)}::{'DATE' if column.kind is Kind.DATE else 'TIMESTAMP'})"


def _escaped(name: str) -> str:
    return f"replace(replace({quoted(name)}::VARCHAR, '%', '%25'), ',', '%2C')"


def _value(column: Column) -> str:
    """SQL for a value as JSON can carry it."""
    name = quoted(column.name)
    if column.kind is Kind.NUMBER and not column.decimal:
        return f"CASE WHEN isfinite({name}) THEN {name} END"
    if column.kind is Kind.TIMESTAMP:
        return f"replace({name}::TIMESTAMP::VARCHAR, ' ', 'T')" + (
            " || 'Z'" if column.timezone else ""
        )
    if column.kind is Kind.JSON:
        return f"CASE WHEN json_valid({name}) THEN {name}::JSON ELSE to_json({name}) END"
    return name
