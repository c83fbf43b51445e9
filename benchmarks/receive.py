"""How much does it cost to receive a large file under contract, and is nothing lost?

    python -m benchmarks.receive --rows 10_000_000 30_000_000

Every contestant receives the same water-meter readings by the same twelve rules and writes kept
and rejected rows, these with their reasons. What each wrote is held against the generator's truth.

The peers have it easier where they cannot do otherwise: they get the file without the few lines
that do not split into columns, and may reject exact copies of a row as conflicts over its key.
CPU seconds are those of the whole process. Memory that the machine hands out for the first time
costs system seconds that later runs are spared; `--repeat` runs each contestant several times and
counts its cheapest run.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import sys
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks import measure
from benchmarks.measure import Cost
from benchmarks.peers import CONTESTANTS, OURS, Contestant
from benchmarks.readings import Readings, Truth, readings

PEAK_BAR_MB = 1500
GROWTH_BAR = 1.15


@dataclass(frozen=True)
class Result:
    """What one contestant did with one file."""

    contestant: str
    rows: int
    cost: Cost
    stage_wall: dict[str, float]
    stage_cpu: dict[str, float]
    tally: dict[str, Any]
    differences: dict[str, int]

    @property
    def accounted(self) -> bool:
        """Whether every row went somewhere: read = kept + rejected + duplicates."""
        parts = ("kept", "rejected", "duplicates")
        return all(part in self.tally for part in parts) and "rows" not in self.differences


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the contestants and print the tables."""
    options = _options(arguments)
    contestants = [CONTESTANTS[name] for name in options.peers]
    if OURS in contestants and find_spec("cityloom.city") is None:
        print("cityloom.city is not there yet: measuring the peers alone", file=sys.stderr)
        contestants.remove(OURS)
    results = [
        _best(contestant, readings(options.work, rows, options.seed), options)
        for rows in options.rows
        for contestant in contestants
    ]
    print(json.dumps(notes(results), indent=1) if options.json else report(results))


def _best(contestant: Contestant, data: Readings, options: argparse.Namespace) -> Result:
    """The cheapest of a contestant's runs on one file, since the system's share of it varies."""
    runs = [measured(contestant, data, options) for _ in range(options.repeat)]
    return min(runs, key=lambda run: (not run.cost.finished, run.cost.cpu_seconds))


def measured(contestant: Contestant, data: Readings, options: argparse.Namespace) -> Result:
    """Run one contestant on one file, then tally what it wrote."""
    csv = data.csv if contestant.sets_unsplit_apart else data.splittable_csv
    folder = options.work / f"{contestant.module}-{data.truth.rows}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    _warm(csv)
    cost = measure.run(
        measure.python("benchmarks.peers", contestant.module, "receive", csv, folder),
        memory_limit_mb=options.memory_gb * 1000,
        timeout_seconds=options.timeout,
    )
    _progress(contestant, data, cost)
    stages = _note(folder, "receive") if cost.finished else {}
    tally = _tally(contestant, csv, folder) if cost.finished else {}
    if not options.keep:
        shutil.rmtree(folder)
    return Result(
        contestant=contestant.title,
        rows=data.truth.rows,
        cost=cost,
        stage_wall=stages.get("wall", {}),
        stage_cpu=stages.get("cpu", {}),
        tally=tally,
        differences=differences(tally, expected(contestant, data.truth)) if tally else {},
    )


def expected(contestant: Contestant, truth: Truth) -> dict[str, int]:
    """What a contestant must find, given what it is asked to set apart."""
    unsplit = truth.unsplit if contestant.sets_unsplit_apart else 0
    dropped = truth.unsplit - unsplit
    both = 0 if contestant.sets_copies_apart else truth.copies
    return {
        "rows": truth.rows - dropped,
        "kept": truth.clean - both,
        "rejected": truth.bad - dropped + 2 * both,
        "duplicates": truth.copies - both,
        "kept_key_sum": truth.clean_key_sum - (truth.copied_key_sum if both else 0),
        "unsplit": unsplit,
        "reading_id.unique": truth.conflicts + 2 * both,
        **truth.faults,
    }


def differences(tally: dict[str, Any], truth: dict[str, int]) -> dict[str, int]:
    """Where a tally departs from what was expected, and by how much."""
    found = {
        **tally,
        **tally["reasons"],
        "rows": tally["kept"] + tally["rejected"] + tally["duplicates"],
    }
    gaps = {name: int(found.get(name, 0)) - count for name, count in truth.items()}
    return {name: gap for name, gap in gaps.items() if gap}


def notes(results: Iterable[Result]) -> list[dict[str, Any]]:
    """The results as plain values, for a file."""
    return [{**asdict(result), "cpu_seconds": result.cost.cpu_seconds} for result in results]


def report(results: Sequence[Result]) -> str:
    """The tables and the verdicts, in Markdown."""
    return "\n".join([*_contest(results), "", *_verdicts(results), "", *_stages(results)])


def _contest(results: Iterable[Result]) -> list[str]:
    head = (
        "contestant", "rows", "wall s", "CPU s", "of it system", "rows a CPU s", "peak MB",
        "kept", "rejected", "duplicates", "agreement with truth",
    )  # fmt: skip
    return _table(head, (_contest_line(result) for result in results))


def _contest_line(result: Result) -> tuple[str, ...]:
    cost, tally = result.cost, result.tally
    counts = (f"{tally[name]:,}" if tally else "–" for name in ("kept", "rejected", "duplicates"))
    return (
        result.contestant,
        f"{result.rows:,}",
        f"{cost.wall_seconds:.1f}",
        f"{cost.cpu_seconds:.1f}",
        f"{cost.system_seconds:.1f}",
        f"{result.rows / cost.cpu_seconds:,.0f}" if cost.finished else "–",
        f"{cost.peak_mb:,.0f}",
        *counts,
        _agreement(result),
    )


def _agreement(result: Result) -> str:
    if not result.cost.finished:
        return f"{result.cost.ending}"
    if not result.tally:
        return "not tallied"
    if not result.differences:
        return "all 12 rules, every row"
    return ", ".join(f"{name} {gap:+,}" for name, gap in result.differences.items())


def _verdicts(results: Sequence[Result]) -> list[str]:
    """How we stand against the bar at each size, and how we grow."""
    ours = [r for r in results if r.contestant == OURS.title and r.cost.finished]
    lines = [_against_best_peer(result, results) for result in ours]
    if ours:
        peak = ours[-1].cost.peak_mb
        lines.append(
            f"- Peak at {ours[-1].rows:,} rows: {peak:,.0f} MB, bar {PEAK_BAR_MB:,} MB: "
            f"{_met(peak <= PEAK_BAR_MB)}"
        )
        lost = [result for result in ours if not result.accounted]
        wrong = [result for result in ours if not result.tally or result.differences]
        lines.append(f"- Nothing lost (read = kept + rejected + duplicates): {_met(not lost)}")
        lines.append(f"- Every row and every reason as in the truth: {_met(not wrong)}")
    for title in dict.fromkeys(result.contestant for result in results):
        lines += _growth([r for r in results if r.contestant == title and r.cost.finished])
    return lines


def _against_best_peer(ours: Result, results: Iterable[Result]) -> str:
    peers = [
        r for r in results
        if r.rows == ours.rows and r.contestant != ours.contestant and r.cost.finished
    ]  # fmt: skip
    if not peers:
        return f"- {ours.rows:,} rows: no peer to compare with"
    best = min(peers, key=lambda peer: peer.cost.cpu_seconds)
    ratio = ours.cost.cpu_seconds / best.cost.cpu_seconds
    return (
        f"- {ours.rows:,} rows: {ratio:.2f} × the CPU seconds of the best peer that finished "
        f"({best.contestant}), bar 1.00: {_met(ratio <= 1)}"
    )


def _growth(results: Sequence[Result]) -> list[str]:
    """CPU seconds a row at the largest size over those at the smallest, and the exponent."""
    if len(results) < 2:
        return []
    small, large = results[0], results[-1]
    rows = large.rows / small.rows
    seconds = large.cost.cpu_seconds / small.cost.cpu_seconds
    verdict = f", bar {GROWTH_BAR}: {_met(seconds / rows <= GROWTH_BAR)}"
    return [
        f"- Growth of {small.contestant} from {small.rows:,} to {large.rows:,} rows: "
        f"{seconds / rows:.2f} × linear (exponent {math.log(seconds) / math.log(rows):.2f})"
        + (verdict if small.contestant == OURS.title else "")
    ]


def _stages(results: Iterable[Result]) -> list[str]:
    rows = (
        (
            result.contestant,
            f"{result.rows:,}",
            stage,
            f"{wall:.1f}",
            f"{result.stage_cpu[stage]:.1f}" if stage in result.stage_cpu else "–",
        )
        for result in results
        for stage, wall in result.stage_wall.items()
    )
    return _table(("contestant", "rows", "stage", "wall s", "CPU s"), rows)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows)]


def _met(bar: bool) -> str:
    return "met" if bar else "NOT met"


def _tally(contestant: Contestant, csv: Path, folder: Path) -> dict[str, Any]:
    done = measure.run(measure.python("benchmarks.peers", contestant.module, "tally", csv, folder))
    return _note(folder, "tally") if done.finished else {}


def _note(folder: Path, verb: str) -> dict[str, Any]:
    note: dict[str, Any] = json.loads((folder / f"{verb}.json").read_text(encoding="utf-8"))
    return note


def _progress(contestant: Contestant, data: Readings, cost: Cost) -> None:
    print(
        f"{contestant.title}, {data.truth.rows:,} rows: {cost.ending}, "
        f"{cost.cpu_seconds:.1f} CPU s, {cost.peak_mb:,.0f} MB\n{cost.stderr}".rstrip(),
        file=sys.stderr,
    )


def _warm(csv: Path) -> None:
    """Read a file once, so that no contestant alone pays for the disk."""
    with csv.open("rb") as data:
        while data.read(1 << 24):
            pass


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000_000, 30_000_000])
    parser.add_argument("--peers", nargs="+", choices=CONTESTANTS, default=list(CONTESTANTS))
    parser.add_argument("--work", type=Path, default=Path("build/bench"), help="cache and outputs")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--repeat", type=int, default=1, help="runs of each, the cheapest counts")
    parser.add_argument("--memory-gb", type=float, default=18, help="kill above this")
    parser.add_argument("--timeout", type=float, default=7200, help="kill after these seconds")
    parser.add_argument("--keep", action="store_true", help="leave what was written in place")
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
