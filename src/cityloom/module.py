"""A module: a folder of rooms, found through the entry point group ``cityloom.modules``."""

from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

from cityloom.errors import UsageError


@dataclass(frozen=True)
class Module:
    """What a module's folder offers.

    Rooms are named by their dotted path, so that naming a module loads nothing of it.
    """

    name: str
    package: str
    tables: str | None = None

    @property
    def contracts(self) -> Path:
        """The folder of the contracts of the datasets that the module owns."""
        spec = find_spec(self.package)
        if spec is None or spec.origin is None:
            raise UsageError(f"module '{self.name}': package '{self.package}' is not installed")
        return Path(spec.origin).parent / "contracts"

    def load_tables(self) -> ModuleType | None:
        """The module's dataset functions."""
        return import_module(self.tables) if self.tables else None


def installed_modules() -> list[Module]:
    """Every module there is, ours and others', by name.

    Raises:
        UsageError: an entry point does not lead to a :class:`Module`.
    """
    modules = []
    for point in sorted(entry_points(group="cityloom.modules"), key=lambda point: point.name):
        module = point.load()
        if not isinstance(module, Module):
            found = type(module).__name__
            raise UsageError(f"entry point {point.value} is a {found}, not a Module")
        modules.append(module)
    return modules
