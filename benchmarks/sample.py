"""What does a city of 20 million cost: to make, to receive, to derive, and who is in it how often?

    python -m benchmarks.sample [--scales 1/100 1/20 1/5 1/1] [--folder build/sample]

Each scale is made and woven by the command line, as a user would, and its identity tuples are
counted (`benchmarks/identities.py`). Results are appended to `--notes` as they come; what is noted
there is not run again. The folder is removed after each scale, unless `--keep`. A scale that was
stopped is begun again. `--report` prints the tables of what is noted and runs nothing.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections import defaultdict
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.long import Disk, Note, Notes, check_room, say, size_of, table, watched
from benchmarks.measure import Cost, python, run
from cityloom.city import City
from cityloom.sample.truth import truth_of

SCALES: Final = ("1/100", "1/20", "1/5", "1/1")
STAGES: Final = ("make", "weave", "identities")
LEAST_RATE: Final = 200_000
MOST_MB: Final = 8_000
MOST_GB: Final = 40.0
MOST_GROWTH: Final = 1.20
_GB_AT_SCALE_1: Final = 42.0
"""What deliveries, lake, truth and what is set aside while receiving take at the most."""

_LONGEST: Final = 12 * 3600.0


def main() -> None:
    """Run what is not noted yet and print the tables."""
    asked = _asked()
    notes = Notes(asked.notes)
    if not asked.report:
        for scale in asked.scales:
            if notes.of(scale=scale, stage="identities"):
                say(f"{scale}: noted already")
                continue
            _measure(scale, asked.folder, notes)
            if not asked.keep:
                shutil.rmtree(asked.folder, ignore_errors=True)
    print(report(notes))


def _measure(scale: str, folder: Path, notes: Notes) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    check_room(folder, float(Fraction(scale)) * _GB_AT_SCALE_1 + 1, f"scale {scale}")
    city = folder / "city"
    say(f"{scale}: make")
    made, disk = _costs(folder, f"{scale} make", python("cityloom", "new", city, "--sample", scale))
    inbox, truth = size_of(city / "inbox"), size_of(truth_of(city))
    notes.add(scale=scale, stage="make", **made, inbox=inbox, truth=truth, disk=disk.peak)
    say(f"{scale}: weave")
    woven, disk = _costs(folder, f"{scale} weave", python("cityloom", "weave", city))
    _note_runs(scale, City.open(city), notes)
    lake = size_of(city / "lake")
    notes.add(scale=scale, stage="weave", **woven, lake=lake, disk=disk.peak)
    say(f"{scale}: identities")
    out = folder / "identities.json"
    counted, disk = _costs(
        folder,
        f"{scale} identities",
        ["bash", "-c", f"exec {sys.executable} -m benchmarks.identities {city} > {out}"],
    )
    found = json.loads(out.read_text(encoding="utf-8"))
    notes.add(scale=scale, stage="identities", **counted, disk=disk.peak, **found)


def _costs(folder: Path, what: str, command: list[str]) -> tuple[Note, Disk]:
    with watched(folder, what) as disk:
        cost: Cost = run(command, timeout_seconds=_LONGEST)
    if not cost.finished:
        raise SystemExit(f"{what}: {cost.ending}\n{cost.stderr}")
    return {
        "wall": round(cost.wall_seconds, 1),
        "cpu": round(cost.cpu_seconds, 1),
        "peak_mb": round(cost.peak_mb),
    }, disk


def _note_runs(scale: str, city: City, notes: Notes) -> None:
    """Rows and seconds of each dataset, received or derived."""
    sums: dict[tuple[str, str], list[float]] = defaultdict(lambda: [0.0] * 6)
    for one in city.runs():
        parts = (one.rows_read, one.rows_kept, one.rows_quarantined, one.rows_duplicate,
                 one.seconds, one.cpu_seconds)  # fmt: skip
        known = sums[one.kind, one.dataset]
        sums[one.kind, one.dataset] = [a + b for a, b in zip(known, parts, strict=True)]
    names = ("read", "kept", "quarantined", "duplicate", "wall", "cpu")
    for (kind, dataset), parts_of_one in sums.items():
        figures = {name: round(part, 2) for name, part in zip(names, parts_of_one, strict=True)}
        notes.add(scale=scale, stage="run", kind=kind, dataset=dataset, **figures)


def report(notes: Notes) -> str:
    """The tables and verdicts of what is noted."""
    done = [n["scale"] for n in notes.of(stage="identities")]
    scales = sorted(dict.fromkeys(done), key=Fraction)
    if not scales:
        return "nothing is noted"
    parts = [_stages(notes, scales), _datasets(notes, scales[-1]), _identities(notes, scales)]
    return "\n\n".join([*parts, "\n".join(_verdicts(notes, scales))])


def _one(notes: Notes, scale: str, stage: str) -> Note:
    return notes.of(scale=scale, stage=stage)[-1]


def _read(notes: Notes, scale: str) -> int:
    return int(sum(n["read"] for n in notes.of(scale=scale, stage="run", kind="receive")))


def _stages(notes: Notes, scales: list[str]) -> str:
    rows = []
    for scale in scales:
        read = _read(notes, scale)
        for stage in STAGES:
            its = _one(notes, scale, stage)
            rows.append([scale, stage, f"{read:,}", f"{its['wall']:,.0f}", f"{its['cpu']:,.0f}",
                         f"{read / its['wall']:,.0f}", f"{read / its['cpu']:,.0f}",
                         f"{its['peak_mb']:,}", f"{its['disk'] / 1e9:.2f}"])  # fmt: skip
    head = ["scale", "stage", "records", "wall s", "CPU s", "records/s", "records a CPU s",
            "peak MB", "most on disk, GB"]  # fmt: skip
    return table(head, rows)


def _datasets(notes: Notes, scale: str) -> str:
    rows = [
        [n["kind"], n["dataset"], f"{n['read']:,.0f}", f"{n['kept']:,.0f}",
         f"{n['quarantined']:,.0f}", f"{n['duplicate']:,.0f}", f"{n['wall']:,.1f}",
         f"{n['cpu']:,.1f}", f"{n['read'] / max(n['wall'], 0.01):,.0f}"]
        for n in notes.of(scale=scale, stage="run")
    ]  # fmt: skip
    head = ["kind", "dataset", "read", "kept", "quarantined", "duplicate", "wall s", "CPU s",
            "rows/s"]  # fmt: skip
    return f"At {scale}:\n\n{table(head, rows)}"


def _identities(notes: Notes, scales: list[str]) -> str:
    rows = []
    for scale in scales:
        its = _one(notes, scale, "identities")
        known = its["persons_with_a_record"]
        spread = its["persons_by_number_of_tuples"].items()
        shares = ", ".join(f"{count}: {100 * persons / known:.1f}%" for count, persons in spread)
        rows.append([scale, f"{known:,}", f"{its['distinct_tuples']:,}",
                     f"{its['tuples_a_person']:.3f}", shares])  # fmt: skip
    head = ["scale", "persons", "distinct tuples", "a person", "persons by number of tuples"]
    last = _one(notes, scales[-1], "identities")["departments"]
    names = ("dataset", "mentions", "persons", "distinct_tuples", "tuples_a_person",
             "tuples_a_mention")  # fmt: skip
    of_each = [[str(one[name]) for name in names] for one in last]
    heads = [name.replace("_", " ") for name in names]
    return f"{table(head, rows)}\n\nAt {scales[-1]}:\n\n{table(heads, of_each)}"


def _verdicts(notes: Notes, scales: list[str]) -> list[str]:
    lines = []
    for scale in scales:
        made, woven = _one(notes, scale, "make"), _one(notes, scale, "weave")
        read = _read(notes, scale)
        slowest = min(read / made["wall"], read / woven["wall"])
        both = read / (made["wall"] + woven["wall"])
        lines.append(
            f"- {scale}: the slower of making and weaving does {slowest:,.0f} records/s, one after "
            f"the other {both:,.0f}, bar {LEAST_RATE:,}: {_met(both >= LEAST_RATE)}"
        )
        peak = max(
            _one(notes, scale, stage)["peak_mb"] for stage in ("make", "weave", "identities")
        )
        disk = max(_one(notes, scale, stage)["disk"] for stage in ("make", "weave", "identities"))
        lines.append(f"- {scale}: peak {peak:,} MB, bar {MOST_MB:,}: {_met(peak < MOST_MB)}")
        lines.append(
            f"- {scale}: most on disk {disk / 1e9:.1f} GB (inbox {made['inbox'] / 1e9:.2f}, lake "
            f"{woven['lake'] / 1e9:.2f}, truth {made['truth'] / 1e9:.2f}), bar {MOST_GB:.0f}: "
            f"{_met(disk / 1e9 < MOST_GB)}"
        )
    for smaller, larger in pairwise(scales):
        times = float(Fraction(larger) / Fraction(smaller))
        for stage in ("make", "weave"):
            growth = _one(notes, larger, stage)["cpu"] / _one(notes, smaller, stage)["cpu"] / times
            lines.append(
                f"- {stage}, {smaller} → {larger}: {growth:.2f} × linear in CPU seconds, bar "
                f"{MOST_GROWTH:.2f}: {_met(growth <= MOST_GROWTH)}"
            )
    return lines


def _met(condition: bool) -> str:
    return "met" if condition else "NOT met"


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--scales", nargs="+", default=SCALES)
    parser.add_argument("--folder", type=Path, default=Path("build/sample"))
    parser.add_argument("--notes", type=Path, default=Path("build/sample.jsonl"))
    parser.add_argument("--keep", action="store_true", help="leave the city in place")
    parser.add_argument("--report", action="store_true", help="print what is noted, run nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
