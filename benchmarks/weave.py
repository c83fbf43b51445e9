"""What does it cost to weave a city, to weave it again, and to weave in one new file?

    python -m benchmarks.weave [--scales 1/1000 1/200 1/100] [--json]

The sample city is made at each scale and woven by the command line, as a user would. Growth is the
CPU seconds a row of the largest city over those of the next smaller one, start-up taken off.
"""

import argparse
import json
import shutil
import sys
import tempfile
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

from benchmarks.measure import Cost, run
from cityloom.city import City
from cityloom.runs import Run
from cityloom.sample import add_delivery

SCALES = ("1/1000", "1/200", "1/100")
MOST_GROWTH = 1.20
MOST_AGAIN = 3.0


@dataclass(frozen=True)
class Woven:
    """What one city cost; rows are those received, seconds are CPU seconds."""

    scale: str
    rows: int
    weave: float
    peak_mb: float
    receive: float
    derive: float
    datasets: float
    again: float
    one_file: float
    one_file_rows: int


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", nargs="+", default=SCALES)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    start_up = _command("--help").cpu_seconds
    with tempfile.TemporaryDirectory() as folder:
        found = [_weave(Path(folder), scale) for scale in asked.scales]
    if asked.json:
        print(json.dumps([asdict(item) for item in found], indent=2))
        return
    print(_table(found))
    print("\n".join(_verdicts(found, start_up)))


def _weave(folder: Path, scale: str) -> Woven:
    city = folder / "city"
    shutil.rmtree(city, ignore_errors=True)
    _command("new", city, "--sample", scale)
    whole = _command("weave", city)
    runs = City.open(city).runs()
    _command("datasets", "--city", city)
    datasets = _command("datasets", "--city", city)
    again = _command("weave", city)
    add_delivery(city, 1, date(2025, 7, 31))
    one_file = _command("weave", city)
    new = City.open(city).runs()[len(runs) :]
    return Woven(
        scale=scale,
        rows=sum(run.rows_read for run in runs if run.kind == "receive"),
        weave=whole.cpu_seconds,
        peak_mb=whole.peak_mb,
        receive=_seconds(runs, "receive"),
        derive=_seconds(runs, "derive"),
        datasets=datasets.wall_seconds,
        again=again.wall_seconds,
        one_file=one_file.cpu_seconds,
        one_file_rows=sum(run.rows_read for run in new if run.kind == "receive"),
    )


def _command(*words: str | Path) -> Cost:
    cost = run([sys.executable, "-m", "cityloom", *map(str, words)])
    if not cost.finished:
        raise SystemExit(f"cityloom {' '.join(map(str, words))}: {cost.stderr}")
    return cost


def _seconds(runs: list[Run], kind: str) -> float:
    return sum(run.cpu_seconds for run in runs if run.kind == kind)


def _table(found: list[Woven]) -> str:
    head = (
        "| scale | rows received | weave, CPU s | of it receive | of it derive | peak MB "
        "| datasets, s | weave again, s | one new file, CPU s (rows) |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    lines = [
        f"| {w.scale} | {w.rows:,} | {w.weave:.1f} | {w.receive:.1f} | {w.derive:.1f} "
        f"| {w.peak_mb:,.0f} | {w.datasets:.2f} | {w.again:.2f} "
        f"| {w.one_file:.1f} ({w.one_file_rows:,}) |"
        for w in found
    ]
    return "\n".join([head, *lines])


def _verdicts(found: list[Woven], start_up: float) -> list[str]:
    lines = []
    for smaller, larger in pairwise(found):
        times = Fraction(larger.scale) / Fraction(smaller.scale)
        growth = (larger.weave - start_up) / (smaller.weave - start_up) / float(times)
        lines.append(
            f"- {smaller.scale} → {larger.scale}: {growth:.2f} × linear, bar {MOST_GROWTH:.2f}: "
            f"{_met(growth <= MOST_GROWTH)}"
        )
    for item in found:
        ratio = item.again / item.datasets
        lines.append(
            f"- {item.scale}: a second weave takes {ratio:.2f} × `cityloom datasets`, "
            f"bar {MOST_AGAIN:.1f}: {_met(ratio <= MOST_AGAIN)}"
        )
    return lines


def _met(condition: bool) -> str:
    return "met" if condition else "NOT met"


if __name__ == "__main__":
    main()
