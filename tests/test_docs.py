"""The examples of the README and of the documentation run and print what the pages say.

A fenced block whose info string has ``file=NAME`` is a file of that name. A block marked
``console runnable`` is run, command by command, in a folder of the page's own: lines that begin
with ``$`` are commands, the others what they print. ``…`` stands for whatever is there, blanks
count as one, and a command whose output begins with ``✗`` is expected to fail.
"""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")])
FENCE = re.compile(r"^```(?P<info>[^\n]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\((?P<target>[^)#\s]+)(?:#[^)\s]*)?\)")
STATUS, END = "\x1f", "\x1e"


@dataclass
class Command:
    """A command line of a page and the lines it is said to print."""

    line: str
    says: list[str] = field(default_factory=list)


def blocks(page: Path) -> Iterator[tuple[list[str], str]]:
    for found in FENCE.finditer(page.read_text(encoding="utf-8")):
        yield found["info"].split(), found["body"]


def commands(page: Path) -> list[Command]:
    found: list[Command] = []
    for info, body in blocks(page):
        if info != ["console", "runnable"]:
            continue
        for line in body.splitlines():
            if line.startswith("$ "):
                found.append(Command(line[2:]))
            elif line.startswith("> "):
                found[-1].line += "\n" + line[2:]
            elif line.strip():
                found[-1].says.append(line)
    return found


def lay_out(page: Path, folder: Path) -> None:
    """Write the files that a page shows."""
    for info, body in blocks(page):
        for name in (word.removeprefix("file=") for word in info if word.startswith("file=")):
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(body, encoding="utf-8")


def install(project: Path, site: Path) -> None:
    """Do to a project what ``pip install --editable`` does, without fetching its build tool."""
    stated = tomllib.loads(project.read_text(encoding="utf-8"))["project"]
    info = site / f"{stated['name'].replace('-', '_')}-{stated['version']}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Name: {stated['name']}\nVersion: {stated['version']}\n")
    groups = stated.get("entry-points", {})
    points = (f"[{group}]\n" + "".join(f"{k} = {v}\n" for k, v in named.items())
              for group, named in groups.items())  # fmt: skip
    (info / "entry_points.txt").write_text("\n".join(points))


def run(listed: list[Command], folder: Path, site: Path) -> list[tuple[str, int]]:
    """What each command prints, and its exit status."""
    script = "".join(f'{command.line}\nprintf "{STATUS}%s{END}" "$?"\n' for command in listed)
    scripts = [sysconfig.get_path("scripts"), str(Path(sys.executable).parent)]
    stand_ins = folder / ".bin"
    stand_ins.mkdir()
    (stand_ins / "pip").write_text("#!/bin/sh\n")
    (stand_ins / "pip").chmod(0o755)
    environment = {
        **os.environ,
        "PATH": os.pathsep.join([str(stand_ins), *scripts, os.environ["PATH"]]),
        "PYTHONPATH": os.pathsep.join(map(str, [site, *(p.parent for p in projects(folder))])),
        "COLUMNS": "100",
        "NO_COLOR": "1",
    }
    done = subprocess.run(
        ["bash", "-s"], input=script, cwd=folder, env=environment, timeout=180, check=False,
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
    )  # fmt: skip
    parts = (part.rpartition(STATUS) for part in done.stdout.split(END)[:-1])
    return [(printed, int(status)) for printed, _, status in parts]


def projects(folder: Path) -> list[Path]:
    return sorted(folder.glob("*/pyproject.toml"))


def agrees(says: list[str], printed: str) -> bool:
    """Whether a command printed what its page says; a page that says nothing asks nothing."""
    if not says:
        return True
    wanted = re.escape("\n".join(map(_plain, says))).replace("…", ".*?")
    found = "\n".join(_plain(line) for line in printed.splitlines() if line.strip())
    return re.fullmatch(wanted, found, re.DOTALL) is not None


def _plain(line: str) -> str:
    return " ".join(line.split())


@pytest.mark.parametrize(
    "page", [p for p in PAGES if commands(p)], ids=lambda page: str(page.relative_to(ROOT))
)
def test_the_examples_of_a_page_run(page: Path, tmp_path: Path) -> None:
    folder, site = tmp_path / "page", tmp_path / "site"
    folder.mkdir()
    lay_out(page, folder)
    for project in projects(folder):
        install(project, site)
    listed = commands(page)
    outcomes = run(listed, folder, site)
    assert len(outcomes) == len(listed)
    for command, (printed, status) in zip(listed, outcomes, strict=True):
        fails = command.says[:1] and command.says[0].startswith("✗")
        assert bool(status) == bool(fails), f"$ {command.line}\n{printed}"
        assert agrees(command.says, printed), f"$ {command.line}\n{printed}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_the_links_of_a_page_lead_somewhere(page: Path) -> None:
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    targets = [found["target"] for found in LINK.finditer(text)]
    local = [target for target in targets if not re.match(r"[a-z]+:", target)]
    assert [target for target in local if not (page.parent / target).exists()] == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    pages = [page.relative_to(ROOT / "docs") for page in (ROOT / "docs").rglob("*.md")]
    missing = [str(page) for page in pages if f"({page})" not in index]
    assert [page for page in missing if page != "index.md"] == []


def test_the_architecture_page_names_every_source_file_of_the_kernel() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "cityloom"
    names = [p.relative_to(source) for p in sorted(source.glob("*.py"))]
    names += [p.relative_to(source) for p in sorted((source / "contract").glob("*.py"))]
    names += [p.relative_to(source) for p in sorted((source / "readers").glob("*.py"))]
    wanted = [str(name) for name in names if name.name != "__init__.py"]
    assert [name for name in wanted if f"`{name}`" not in text] == []


def test_publiccode_has_the_fields_of_the_standard() -> None:
    stated = yaml.safe_load((ROOT / "publiccode.yml").read_text(encoding="utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert stated["publiccodeYmlVersion"] == "0.4"
    mandatory = {"name", "url", "releaseDate", "platforms", "categories", "developmentStatus",
                 "softwareType", "description", "legal", "maintenance", "localisation"}  # fmt: skip
    assert mandatory <= stated.keys()
    assert (stated["name"], stated["softwareVersion"]) == (project["name"], project["version"])
    assert stated["legal"]["license"] == project["license"]
    for described in stated["description"].values():
        assert len(described["shortDescription"]) <= 150
        assert 500 <= len(described["longDescription"]) <= 10_000
        assert all(len(feature) <= 100 for feature in described["features"])
