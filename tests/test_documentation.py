"""What is public is documented: names, commands, options, modules and contracts."""

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

import cityloom
from cityloom.cli import COMMANDS, _app
from cityloom.contract import (
    SUFFIX,
    Classification,
    Delivery,
    Kind,
    load_contract,
    load_contracts,
)

ROOT = Path(__file__).parent.parent
PACKAGE = Path(cityloom.__file__).parent
DOCS = ROOT / "docs"

Documented = ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def sources() -> list[Path]:
    """Our own source files but the migrations, whose shape is given."""
    found = sorted(PACKAGE.rglob("*.py"))
    return [path for path in found if "migrations" not in path.parts]


def public_names(path: Path) -> Iterator[tuple[str, str | None]]:
    """The module and every public class, function and method in it, each with its docstring."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    yield "the module", ast.get_docstring(tree)
    yield from _inner(tree, "")


def _inner(parent: ast.AST, within: str) -> Iterator[tuple[str, str | None]]:
    for node in ast.iter_child_nodes(parent):
        if not isinstance(node, Documented) or node.name.startswith("_"):
            continue
        name = f"{within}{node.name}"
        yield name, ast.get_docstring(node)
        if isinstance(node, ast.ClassDef):
            yield from _inner(node, f"{name}.")


def is_empty(path: Path) -> bool:
    return not path.read_text(encoding="utf-8").strip()


@pytest.mark.parametrize(
    "path", sources(), ids=lambda path: str(path.relative_to(PACKAGE).with_suffix(""))
)
def test_every_public_name_has_a_docstring(path: Path) -> None:
    if is_empty(path):
        return
    assert [name for name, said in public_names(path) if not (said or "").strip()] == []


def commands() -> dict[str, Any]:
    """Every command by the words that call it."""
    found: dict[str, Any] = {}

    def add(words: str, command: Any) -> None:
        found[words] = command
        for name, inner in getattr(command, "commands", {}).items():
            add(f"{words} {name}".strip(), inner)

    add("", typer.main.get_command(_app()))
    return found


def test_every_command_is_there() -> None:
    assert set(COMMANDS) == {words for words in commands() if words and " " not in words}


@pytest.mark.parametrize("words", commands())
def test_every_command_argument_and_option_has_help(words: str) -> None:
    command = commands()[words]
    assert (command.help or "").strip()
    for parameter in command.params:
        assert (getattr(parameter, "help", None) or "").strip(), parameter.name


def modules() -> list[str]:
    folders = (path for path in (PACKAGE / "modules").iterdir() if path.is_dir())
    return sorted(path.name for path in folders if not path.name.startswith("_"))


@pytest.mark.parametrize("name", modules())
def test_every_module_has_its_page(name: str) -> None:
    pages = [DOCS / f"{name}.md", DOCS / "modules" / f"{name}.md"]
    page = next((page for page in pages if page.is_file()), None)
    assert page is not None, f"write {pages[-1].relative_to(ROOT)}"
    text = page.read_text(encoding="utf-8")
    for contract in load_contracts([PACKAGE / "modules" / name / "contracts"]):
        assert contract in text, f"{page.relative_to(ROOT)} does not tell of '{contract}'"


def contracts() -> list[Path]:
    folders = (PACKAGE, ROOT / "examples", ROOT / "tests")
    return sorted(path for folder in folders for path in folder.rglob(f"*{SUFFIX}"))


@pytest.mark.parametrize("path", contracts(), ids=lambda path: str(path.relative_to(ROOT)))
def test_every_contract_of_ours_loads_and_says_what_it_holds(path: Path) -> None:
    contract = load_contract(path)
    assert path.name == f"{contract.dataset}{SUFFIX}"
    assert contract.title
    assert contract.description
    assert contract.owner
    if path.is_relative_to(PACKAGE):
        said = {column.name: column.title or column.description for column in contract.columns}
        assert [name for name, words in said.items() if not words] == []


def test_contracts_of_one_place_do_not_share_a_dataset() -> None:
    for folder in {path.parent for path in contracts()}:
        assert load_contracts([folder])


def test_the_contract_page_tells_of_every_type_mode_and_classification() -> None:
    text = (DOCS / "contracts.md").read_text(encoding="utf-8")
    words = [kind for kind in Kind if kind is not Kind.JSON] + ["object", "array"]
    words += [*Delivery, *(level.label for level in Classification)]
    assert [str(word) for word in words if str(word) not in text.lower()] == []
