"""What do the same dataset functions cost on each engine, and do all give the same?

    python -m benchmarks.engines [--scales 1/100 1/10] [--json]

The sample city is received once at each scale; then each engine makes all derived datasets of a
copy of it, by the command line as a user would, start-up included. Sail and Spark have two workers.
Seconds are those that pass; the memory is the command's and its children's, without Spark's master
and workers, which run on their own.
"""

import argparse
import json
import shutil
import tempfile
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measure import Cost, python, run
from cityloom.city import City
from cityloom.runs import DERIVE
from tests.engines.cluster import standalone

SCALES = ("1/100", "1/10")


@dataclass(frozen=True)
class Made:
    """What one engine needed to make a city's derived datasets, and what it made."""

    scale: str
    engine: str
    seconds: float
    peak_mb: float
    rows_read: int
    digests: dict[str, str]


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", nargs="+", default=SCALES)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        spark = running.enter_context(standalone(Path(folder), memory="2g"))
        engines = {
            "DuckDB": "duckdb://",
            "Sail": "sail://",
            "Sail, 2 workers": "sail://?workers=2",
            "Spark, 2 workers": f"{spark}?memory=1500m",
        }
        found = [
            _make(city, scale, name, url)
            for scale in asked.scales
            for city in [_received(Path(folder) / "city", scale)]
            for name, url in engines.items()
        ]
    print(json.dumps([asdict(item) for item in found], indent=1) if asked.json else _report(found))


def _received(path: Path, scale: str) -> Path:
    """A sample city whose deliveries have been received."""
    shutil.rmtree(path, ignore_errors=True)
    _command("new", path, "--sample", scale)
    _command("weave", path)
    return path


def _make(city: Path, scale: str, engine: str, url: str) -> Made:
    """All derived datasets of a city, made anew by one engine."""
    runs = City.open(city).runs()
    derived = {made.dataset for made in runs if made.kind == DERIVE}
    for dataset in derived:
        shutil.rmtree(city / "lake" / dataset)
    cost = _command("weave", city, "--engine", url)
    facts = [fact for fact in City.open(city).datasets() if fact.dataset in derived]
    return Made(
        scale=scale,
        engine=engine,
        seconds=cost.wall_seconds,
        peak_mb=cost.peak_mb,
        rows_read=sum(made.rows_kept for made in runs if made.kind == "receive"),
        digests={fact.dataset: fact.digest for fact in facts},
    )


def _command(*words: str | Path) -> Cost:
    cost = run(python("cityloom", *words))
    if not cost.finished:
        raise SystemExit(f"cityloom {' '.join(map(str, words))}: {cost.stderr}")
    return cost


def _report(found: list[Made]) -> str:
    head = "| scale | rows received | engine | s | peak MB | datasets | equal to DuckDB's |"
    lines = [head, "| --- | --- | --- | --- | --- | --- | --- |"]
    for made in found:
        reference = next(one for one in found if one.scale == made.scale)
        equal = sum(made.digests[name] == digest for name, digest in reference.digests.items())
        lines.append(
            f"| {made.scale} | {made.rows_read:,} | {made.engine} "
            f"| {made.seconds:.1f} | {made.peak_mb:,.0f} | {len(made.digests)} | {equal} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
