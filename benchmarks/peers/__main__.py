"""Run one contestant, or tally what it wrote: `python -m benchmarks.peers NAME VERB CSV FOLDER`.

The result goes to `<verb>.json` in the folder.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import cast

from benchmarks.peers.common import Module


def main(name: str, verb: str, csv: str, folder: str) -> None:
    """Do what the arguments say and write down the result."""
    contestant = cast(Module, import_module(f"benchmarks.peers.{name}"))
    place = Path(folder)
    result = contestant.receive(Path(csv), place) if verb == "receive" else contestant.tally(place)
    (place / f"{verb}.json").write_text(json.dumps(asdict(result)), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
