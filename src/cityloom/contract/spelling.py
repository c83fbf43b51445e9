"""Keys of a contract that are not the standard's, but nearly so: a rule misspelt is a rule lost."""

from collections.abc import Iterator
from difflib import get_close_matches
from functools import cache
from typing import Any

import pydantic
from open_data_contract_standard import model

from cityloom.errors import ContractError

OURS = (
    "delivery", "grows", "classification", "purposes", "trim", "unit", "crs", "bounds",
    "h3Resolution", "bbox", "special_purpose", "mask", "sheet", "header", "layer",
)  # fmt: skip
"""The custom properties that cityloom reads."""

_LIKENESS = 0.8


def check_spelling(stated: dict[str, Any], document: pydantic.BaseModel) -> None:
    """See that no key was misspelt; keys unlike any that is known are left to whoever wrote them.

    Args:
        stated: the contract as it was written.
        document: what the standard's model understood of it.

    Raises:
        ContractError: a key is nearly one of the standard's, or a custom property one of ours.
    """
    understood = document.model_dump(by_alias=True, exclude_unset=True)
    for where, key in _strange(stated, understood, ""):
        _refuse(where, key, _words())
    for where, name in _custom(stated, ""):
        _refuse(where, name, OURS)


def _refuse(where: str, key: str, known: tuple[str, ...]) -> None:
    if key not in known and (near := get_close_matches(key, known, cutoff=_LIKENESS)):
        raise ContractError(f"{where}: '{key}' is not known; did you mean '{near[0]}'?")


def _strange(stated: Any, understood: Any, where: str) -> Iterator[tuple[str, str]]:
    """The keys that the model did not take, with where they stand."""
    if isinstance(stated, dict) and isinstance(understood, dict):
        for key, value in stated.items():
            if key not in understood:
                yield where or "contract", str(key)
            else:
                yield from _strange(value, understood[key], _below(where, key))
    elif isinstance(stated, list) and isinstance(understood, list):
        for number, (one, other) in enumerate(zip(stated, understood, strict=False)):
            yield from _strange(one, other, f"{where} {_called(one, number)}")


def _custom(stated: Any, where: str) -> Iterator[tuple[str, str]]:
    """The names of all custom properties, with where they stand."""
    if isinstance(stated, list):
        for number, item in enumerate(stated):
            yield from _custom(item, f"{where} {_called(item, number)}")
    elif isinstance(stated, dict):
        for key, value in stated.items():
            if key == "customProperties" and isinstance(value, list):
                names = (item.get("property") for item in value if isinstance(item, dict))
                yield from ((_below(where, key), name) for name in names if isinstance(name, str))
            else:
                yield from _custom(value, _below(where, key))


def _below(where: str, key: object) -> str:
    return f"{where}, {key}" if where else str(key)


def _called(item: Any, number: int) -> str:
    """An item of a list by its name, or by its place, from 1."""
    name = item.get("name") if isinstance(item, dict) else None
    return f"'{name}'" if isinstance(name, str) else str(number + 1)


@cache
def _words() -> tuple[str, ...]:
    """Every key of the standard."""
    models = (
        kind
        for kind in vars(model).values()
        if isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)
    )
    fields = (item for kind in models for item in kind.model_fields.items())
    return tuple(sorted({field.alias or name for name, field in fields}))
