"""Properties that a contract adds to the standard."""

from typing import Any

from open_data_contract_standard.model import CustomProperty

from cityloom.errors import ContractError


def custom_properties(properties: list[CustomProperty] | None) -> dict[str, Any]:
    """The properties that a contract adds to the standard, by name."""
    return {item.property: item.value for item in properties or [] if item.property}


def flag(stated: dict[str, Any], name: str) -> bool:
    """Whether a property is stated to be true.

    Raises:
        ContractError: it is neither true nor false.
    """
    value = stated.get(name)
    if value is not None and not isinstance(value, bool):
        raise ContractError(f"{name} '{value}': expected true or false, without quotes")
    return bool(value)
