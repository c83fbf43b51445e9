"""The files of a city's policies."""

from importlib.resources import files
from pathlib import Path

from cityloom.errors import PolicyError

FOLDER = "policies"
DEFAULT = "default.cedar"


def policy_files(city: Path) -> dict[str, str]:
    """The texts of a city's policy files, by their path in the city.

    A city without the folder has the policies that every city begins with.

    Raises:
        PolicyError: the folder holds no policy, so that nothing could be read, or a file is not
            UTF-8.
    """
    folder = city / FOLDER
    if not folder.is_dir():
        return {DEFAULT: default_policies()}
    found = sorted(folder.glob("*.cedar"))
    if not found:
        raise PolicyError(
            f"{FOLDER}/ holds no *.cedar, so nobody may read anything; put the city's policies "
            "there, or take the folder away to have those that every city begins with"
        )
    return {f"{FOLDER}/{path.name}": _text(path) for path in found}


def write_default(city: Path) -> None:
    """Put the policies that every city begins with into a city, for it to read and change."""
    folder = city / FOLDER
    folder.mkdir(exist_ok=True)
    (folder / DEFAULT).write_text(default_policies(), encoding="utf-8")


def default_policies() -> str:
    """The policies that every city begins with."""
    return files("cityloom.policy").joinpath(DEFAULT).read_text(encoding="utf-8")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise PolicyError(f"{FOLDER}/{path.name}: not UTF-8") from None
