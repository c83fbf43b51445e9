"""What an upgrade sets aside before it touches it, and puts back when it is rolled back."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from shutil import copy2, copytree, rmtree

from cityloom.backup.record import FILE as BACKUPS
from cityloom.erasures import FILE as ERASURES
from cityloom.lake import tables_in
from cityloom.settings import FILE
from cityloom.upgrade.step import replace_file

FOLDER = ".upgrade"
_STATE = "state.json"


def put(city: Path, before: int, touches: Iterable[str]) -> None:
    """Set aside ``city.toml`` and the paths that a step touches, as they are; whole or not at all.

    What an interrupted upgrade had set aside is replaced: it may be older than the city is now.
    """
    folder, draft = _of(city, before), city / FOLDER / "unfinished"
    rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    for name in (FILE, *touches):
        _copy(city / name, draft / name)
    (draft / _STATE).write_text(json.dumps(_state(city)))
    rmtree(folder, ignore_errors=True)
    os.rename(draft, folder)


def is_there(city: Path, before: int) -> bool:
    """Whether something is set aside from an upgrade that began at a format."""
    return (_of(city, before) / _STATE).exists()


def written_since(city: Path, before: int) -> str:
    """What was done to the city since, in words; empty where nothing was."""
    was, now = json.loads((_of(city, before) / _STATE).read_text()), _state(city)
    if was["tables"] != now["tables"]:
        return "datasets were written to"
    if was["records"] != now["records"]:
        return "erasures or backups were made"
    return ""


def take_back(city: Path, before: int, touches: Iterable[str]) -> None:
    """Put back what was set aside and take away what was not there, ``city.toml`` last."""
    folder = _of(city, before)
    for name in touches:
        _remove(city / name)
        _copy(folder / name, city / name)
    replace_file(city / FILE, (folder / FILE).read_bytes())
    rmtree(folder)


def _of(city: Path, before: int) -> Path:
    return city / FOLDER / f"from-{before}"


def _state(city: Path) -> dict[str, object]:
    """What tells that a city was written to."""
    lake = city / "lake"
    tables = {str(t.folder.relative_to(lake)): t.latest_version() for t in tables_in(lake)}
    records = {
        name: (city / name).stat().st_size if (city / name).exists() else 0
        for name in (ERASURES, BACKUPS)
    }
    return {"tables": tables, "records": records}


def _copy(path: Path, to: Path) -> None:
    if path.is_dir():
        copytree(path, to, symlinks=True)
    elif path.exists():
        to.parent.mkdir(parents=True, exist_ok=True)
        copy2(path, to)


def _remove(path: Path) -> None:
    if path.is_dir():
        rmtree(path)
    else:
        path.unlink(missing_ok=True)
