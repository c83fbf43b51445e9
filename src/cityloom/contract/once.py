"""YAML in which nothing is stated twice: of two statements nobody can know which is meant."""

from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from cityloom.errors import ContractError

_CUSTOM = "customProperties"


class OnceLoader(yaml.SafeLoader):
    """Reads YAML and refuses keys, and custom properties, that come twice in one place."""

    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        """The keys and values of one place.

        Raises:
            ContractError: one of them is there already; the message says on which lines.
        """
        node: yaml.MappingNode = super().compose_mapping_node(anchor)
        _refuse_twice("the key", (key for key, _ in node.value))
        for key, value in node.value:
            if key.value == _CUSTOM and isinstance(value, yaml.SequenceNode):
                _refuse_twice("the custom property", _properties(value))
        return node


def _properties(items: yaml.SequenceNode) -> Iterator[yaml.Node]:
    """The names of custom properties."""
    for item in items.value:
        if isinstance(item, yaml.MappingNode):
            yield from (value for key, value in item.value if key.value == "property")


def _refuse_twice(what: str, names: Iterable[yaml.Node]) -> None:
    lines: dict[str, int] = {}
    for name in names:
        if not isinstance(name, yaml.ScalarNode):
            continue
        line = name.start_mark.line + 1
        if name.value in lines:
            raise ContractError(
                f"line {line}: {what} '{name.value}' is there already, on line "
                f"{lines[name.value]}; keep one of them"
            )
        lines[name.value] = line
