"""The search for inputs that reach new code in our parsers, with Atheris.

It is a program of its own, as nothing that it measures may have been imported before.
"""

import sys
from importlib import import_module
from pathlib import Path

CORPUS = Path(__file__).parent / "corpus"
"""Inputs that are kept: each reached code that those before it did not, or broke a promise once."""

LONGEST = 4096
"""Bytes of an input."""


def search(seconds: int) -> None:
    """Look for inputs that break a promise, from the corpus on; new ones are added to it."""
    import atheris

    with atheris.instrument_imports(include=["cityloom.readers", "cityloom.apart"]):
        for name in ("csv", "json", "nesting", "stream"):
            import_module(f"cityloom.readers.{name}")
        from tests.fuzz.targets import one

    CORPUS.mkdir(exist_ok=True)
    options = [f"-max_total_time={seconds}", f"-max_len={LONGEST}", "-timeout=120"]
    options += ["-rss_limit_mb=4096", "-reduce_inputs=0", f"-artifact_prefix={CORPUS}/"]
    atheris.Setup([sys.argv[0], *options, str(CORPUS)], one)
    atheris.Fuzz()


if __name__ == "__main__":
    search(int(sys.argv[1]))
