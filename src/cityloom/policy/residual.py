"""What Cedar leaves of a policy that it could not decide, read into conditions on a row.

Cedar evaluates a policy as far as the principal, the action and the context go, and gives back the
rest as JSON (`Cedar JSON policy format`_), in which the row is ``unknown("resource")``.

.. _Cedar JSON policy format: https://docs.cedarpolicy.com/policies/json-format.html
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from cityloom.policy.condition import (
    FALSE,
    UNKNOWN,
    Attribute,
    Condition,
    Has,
    Like,
    Operation,
    Value,
    all_of,
    any_of,
    applied,
    negated,
)

Json = Mapping[str, Any]


class ResidualReader:
    """Reads what is left of policies on the rows of one dataset."""

    def __init__(self, entity_type: str, columns: frozenset[str]) -> None:
        """``entity_type`` is Cedar's name of the dataset's rows; ``columns`` may be asked of."""
        self._entity_type = entity_type
        self._columns = columns
        self._ways: dict[str, Callable[[Any], Condition]] = {
            "Value": _value,
            "&&": lambda of: all_of(self.read(of["left"]), self.read(of["right"])),
            "||": lambda of: any_of(self.read(of["left"]), self.read(of["right"])),
            "!": lambda of: negated(self.read(of["arg"])),
            "neg": lambda of: applied("-", self.read(of["arg"])),
            "is": self._is,
            "in": self._in,
            "has": self._has,
            ".": self._attribute,
            "like": self._like,
            "contains": self._contains,
            "if-then-else": self._if,
            "datetime": lambda of: _moment(of[0].get("Value")),
            **{name: self._operation(name) for name in ("==", "<", "<=", "+", "-", "*")},
        }

    def conditions(self, policy: Json) -> Condition:
        """The condition under which a policy applies to a row."""
        return all_of(
            *(
                self.read(one["body"]) if one["kind"] == "when" else negated(self.read(one["body"]))
                for one in policy["conditions"]
            )
        )

    def read(self, expression: Json) -> Condition:
        """The condition that an expression is; unknown where no engine could be asked it."""
        ((name, content),) = expression.items()
        way = self._ways.get(name)
        return way(content) if way else UNKNOWN

    def _operation(self, name: str) -> Callable[[Any], Condition]:
        return lambda of: applied(name, self.read(of["left"]), self.read(of["right"]))

    def _is(self, of: Json) -> Condition:
        if not _is_row(of["left"]):
            return UNKNOWN
        return Value(of["entity_type"] == self._entity_type and "in" not in of)

    def _in(self, of: Json) -> Condition:
        """Whether the row belongs to an entity: rows belong to none."""
        return FALSE if _is_row(of["left"]) else UNKNOWN

    def _has(self, of: Json) -> Condition:
        if not _is_row(of["left"]):
            return UNKNOWN
        return Has(of["attr"]) if of["attr"] in self._columns else FALSE

    def _attribute(self, of: Json) -> Condition:
        known = _is_row(of["left"]) and of["attr"] in self._columns
        return Attribute(of["attr"]) if known else UNKNOWN

    def _like(self, of: Json) -> Condition:
        text = self.read(of["left"])
        pattern = tuple(None if p == "Wildcard" else p["Literal"] for p in of["pattern"])
        return UNKNOWN if text == UNKNOWN else Like(text, pattern)

    def _contains(self, of: Json) -> Condition:
        items = _items(of["left"])
        if items is None:
            return UNKNOWN
        return applied("in", self.read(of["right"]), *map(self.read, items)) if items else FALSE

    def _if(self, of: Json) -> Condition:
        test = self.read(of["if"])
        if isinstance(test, Value):
            return UNKNOWN if test == UNKNOWN else self.read(of["then" if test.value else "else"])
        return Operation("if", (test, self.read(of["then"]), self.read(of["else"])))


def _is_row(expression: Json) -> bool:
    return expression == {"unknown": [{"Value": "resource"}]}


def _items(expression: Json) -> list[Json] | None:
    """The members of a set that is written out."""
    if "Set" in expression:
        return list(expression["Set"])
    value = expression.get("Value")
    return [{"Value": item} for item in value] if isinstance(value, list) else None


def _value(value: object) -> Condition:
    if isinstance(value, bool | int | str):
        return Value(value)
    if isinstance(value, dict) and value.get("__extn", {}).get("fn") == "datetime":
        return _moment(value["__extn"]["arg"])
    return UNKNOWN


def _moment(text: object) -> Condition:
    """A moment as Cedar writes it: a date, or a time with its distance from UTC."""
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return UNKNOWN
    return Value(found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC))
