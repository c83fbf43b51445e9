"""The house keeps its shape: who imports whom, and which rooms a module has."""

import ast
import os
from importlib.metadata import entry_points
from pathlib import Path

import pytest
from importlinter import cli as import_linter

import cityloom
from cityloom.module import Module

ROOT = Path(__file__).parent.parent
PACKAGE = Path(cityloom.__file__).parent

ROOMS = {
    "__init__.py",
    "contracts",
    "tables.py",
    "records.py",
    "routes.py",
    "pages.py",
    "templates",
    "commands.py",
}
SCIENCE_MAY_NOT_IMPORT = {
    "cityloom.web", "cityloom.store", "cityloom.policy", "cityloom.city", "cityloom.lake",
    "cityloom.cli", "sqlalchemy", "fastapi", "os", "pathlib", "requests", "httpx", "socket",
    "urllib", "subprocess",
}  # fmt: skip


def modules() -> list[Path]:
    folders = (path for path in (PACKAGE / "modules").iterdir() if path.is_dir())
    return sorted(path for path in folders if not path.name.startswith("_"))


EACH_MODULE = pytest.mark.parametrize("folder", modules(), ids=lambda folder: folder.name)


def imported(path: Path) -> set[str]:
    """The names of all that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {node.module or "", *(f"{node.module}.{a.name}" for a in node.names)}
    return found


def test_imports_keep_to_the_rules(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    answer = import_linter.lint_imports(
        config_filename=os.fspath(ROOT / "pyproject.toml"), no_cache=True
    )
    assert answer == import_linter.EXIT_STATUS_SUCCESS


@EACH_MODULE
def test_a_module_has_only_the_rooms_of_the_design_and_its_methods(folder: Path) -> None:
    files = {path.name for path in folder.iterdir() if path.name != "__pycache__"}
    others = files - ROOMS
    assert all(name.endswith(".py") for name in others), others
    for name in others | ({"tables.py"} & files):
        forbidden = {
            found
            for found in imported(folder / name)
            for banned in SCIENCE_MAY_NOT_IMPORT
            if found == banned or found.startswith(f"{banned}.")
        }
        assert not forbidden, f"{name} is a method: pure, no input or output"


@EACH_MODULE
def test_a_room_is_there_only_where_it_has_something_to_hold(folder: Path) -> None:
    for room in folder.iterdir():
        if room.is_dir():
            assert any(room.iterdir()), room
        else:
            assert room.read_text(encoding="utf-8").strip(), room
    contracts = folder / "contracts"
    if contracts.is_dir():
        assert all(path.name.endswith(".odcs.yaml") for path in contracts.iterdir())


@EACH_MODULE
def test_a_module_names_its_rooms_and_is_found_through_its_entry_point(folder: Path) -> None:
    (point,) = entry_points(group="cityloom.modules", name=folder.name)
    module = point.load()
    assert isinstance(module, Module)
    assert module.name == folder.name
    assert module.package == f"cityloom.modules.{folder.name}"
    assert module.contracts == folder / "contracts"
    assert (module.tables is not None) == (folder / "tables.py").is_file()


def test_naming_the_modules_loads_nothing_of_them() -> None:
    for folder in modules():
        tree = ast.parse((folder / "__init__.py").read_text(encoding="utf-8"))
        names = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
        assert [getattr(node, "module", None) for node in names] == ["cityloom.module"]


@EACH_MODULE
def test_every_dataset_function_has_a_contract_and_every_contract_a_maker(folder: Path) -> None:
    from cityloom.contract import load_contracts
    from cityloom.graph import functions_of

    (point,) = entry_points(group="cityloom.modules", name=folder.name)
    tables = point.load().load_tables()
    made = {name for function in functions_of(tables) for name in function.outputs}
    assert made == set(load_contracts([folder / "contracts"]))
