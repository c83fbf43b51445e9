"""What do departmental facts cost, by the hundred million: to make, to receive, to sum up?

    python -m benchmarks.facts [--facts 2M 20M 221M 2.2B] [--scale 1/20] [--folder build/facts]

A sample city is made and woven once. Of each number of facts, a delivery is made, received and
deleted before the next, so that the disk holds the lake alone. Then what they come to by
subdistrict and month is derived, first from all deliveries but the last, then, with that, again:
the second time only what is new is read.

Results are appended to `--notes` as they come; what is noted there is not run again, and a number
that was stopped goes on behind the deliveries it has (`--keep` not being needed for that). The
folder is removed at the end, unless `--keep`. `--report` prints what is noted and runs nothing.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Final

from benchmarks.long import Note, Notes, check_room, say, size_of, table, watched
from benchmarks.measure import python, run
from cityloom.city import City
from cityloom.cli.new import count_of
from cityloom.sample.events import EventFile, copy_contracts, event_files, write_events
from cityloom.sample.truth import truth_of

FACTS: Final = ("2M", "20M", "221M", "2.2B")
MOST_GROWTH: Final = 1.20
DATASETS: Final = ("clinic_visit", "payment", "meter_reading")
_BYTES_A_ROW: Final = 22.0
"""What a row is reckoned to take at the most, in the lake and as the one delivery there is."""

_SPARE_GB: Final = 3.0
_LONGEST: Final = 24 * 3600.0


def main() -> None:
    """Run what is not noted yet and print the tables."""
    asked = _asked()
    notes = Notes(asked.notes)
    if asked.receive:
        _receive_all(asked.receive, asked.facts[0], notes)
        return
    if not asked.report:
        _measure_all(asked, notes)
    print(report(notes))


def _measure_all(asked: argparse.Namespace, notes: Notes) -> None:
    base = asked.folder / "base"
    for facts in asked.facts:
        if notes.of(facts=facts, stage="again"):
            say(f"{facts}: noted already")
            continue
        needed = count_of(facts) * _BYTES_A_ROW / 1e9 + _SPARE_GB
        check_room(asked.folder, needed - size_of(asked.folder / facts) / 1e9, f"{facts} facts")
        _make_base(base, asked.scale)
        city = asked.folder / facts
        if not (city / "copied").exists():
            shutil.rmtree(city, ignore_errors=True)
            shutil.copytree(base, city)
            shutil.copytree(truth_of(base), truth_of(city), dirs_exist_ok=True)
            copy_contracts(city)
            (city / "copied").touch()
        _measure(facts, city, asked.notes, notes)
        if not asked.keep:
            shutil.rmtree(city)
            shutil.rmtree(truth_of(city))
    if not asked.keep:
        shutil.rmtree(asked.folder, ignore_errors=True)


def _make_base(base: Path, scale: str) -> None:
    """The city without facts, woven; its deliveries are no longer needed."""
    if (base / "woven").exists():
        return
    for folder in (base, truth_of(base)):
        shutil.rmtree(folder, ignore_errors=True)
    say(f"a city of {scale}")
    for words in (["new", base, "--sample", scale], ["weave", base]):
        cost = run(python("cityloom", *words), timeout_seconds=_LONGEST)
        if not cost.finished:
            raise SystemExit(f"cityloom {words[0]}: {cost.ending}\n{cost.stderr}")
    shutil.rmtree(base / "inbox")
    (base / "inbox").mkdir()
    (base / "woven").touch()


def _measure(facts: str, city: Path, notes_path: Path, notes: Notes) -> None:
    child = python("benchmarks.facts", "--receive", city, "--facts", facts, "--notes", notes_path)
    for stage in ("first", "again"):
        if notes.of(facts=facts, stage=stage):
            continue
        with watched(city, f"{facts} receive") as disk:
            received = run(child, timeout_seconds=_LONGEST)
        if not received.finished:
            raise SystemExit(f"{facts}: {received.ending}\n{received.stderr}")
        before = len(City.open(city).runs())
        with watched(city, f"{facts} derive") as then:
            derived = run(python("cityloom", "weave", city), timeout_seconds=_LONGEST)
        if not derived.finished:
            raise SystemExit(f"{facts}: {derived.ending}\n{derived.stderr}")
        made = [one for one in City.open(city).runs()[before:] if one.kind == "derive"]
        tallies = {one.dataset: one for one in made if one.dataset.endswith("_tally")}
        notes.add(
            facts=facts,
            stage=stage,
            lake={name: size_of(city / "lake" / name) for name in DATASETS},
            receive_peak_mb=round(received.peak_mb),
            derive_wall=round(derived.wall_seconds, 1),
            derive_cpu=round(derived.cpu_seconds, 1),
            derive_peak_mb=round(derived.peak_mb),
            tallies={name: round(one.cpu_seconds, 2) for name, one in tallies.items()},
            disk=max(disk.peak, then.peak),
        )


def _receive_all(city_path: Path, facts: str, notes: Notes) -> None:
    """Make and receive what the city does not have yet: all but the last, or the last."""
    city = City.open(city_path)
    wanted = event_files(city_path, count_of(facts))
    known = {one.source for one in city.runs() if one.kind == "receive" and not one.failed}
    left = [made for made in wanted if made.name not in known]
    for number, made in enumerate(left if len(left) == 1 else left[:-1]):
        check_room(city_path, made.rows * _BYTES_A_ROW / 1e9 + _SPARE_GB / 2, made.name)
        notes.add(**_take_in(city, made), facts=facts, stage="slice", left=len(left) - number - 1)


def _take_in(city: City, made: EventFile) -> Note:
    """Make, receive and delete one delivery."""
    wall, cpu = time.perf_counter(), time.process_time()
    path, _ = write_events(made)
    making = round(time.perf_counter() - wall, 2), round(time.process_time() - cpu, 2)
    size = path.stat().st_size
    (one,) = city.receive(made.dataset, path)
    path.unlink()
    if one.error:
        raise SystemExit(f"{made.name}: {one.error}")
    return {
        "dataset": made.dataset,
        "rows": one.rows_read,
        "kept": one.rows_kept,
        "quarantined": one.rows_quarantined,
        "delivery": size,
        "make_wall": making[0],
        "make_cpu": making[1],
        "receive_wall": round(one.seconds, 2),
        "receive_cpu": round(one.cpu_seconds, 2),
    }


def report(notes: Notes) -> str:
    """The tables and verdicts of what is noted."""
    sizes = sorted({note["facts"] for note in notes.of(stage="slice")}, key=count_of)
    parts = [_sizes(notes, sizes), _kinds(notes, sizes), "\n".join(_verdicts(notes, sizes))]
    return "\n\n".join(parts)


def _sums(notes: Notes, facts: str, **wanted: str) -> dict[str, float]:
    sums: dict[str, float] = defaultdict(float)
    for note in notes.of(facts=facts, stage="slice", **wanted):
        for name, value in note.items():
            if isinstance(value, int | float):
                sums[name] += value
    return sums


def _sizes(notes: Notes, sizes: list[str]) -> str:
    rows = []
    for facts in sizes:
        its, ends = _sums(notes, facts), notes.of(facts=facts, stage="again")
        first = notes.of(facts=facts, stage="first")
        lake = sum(ends[-1]["lake"].values()) if ends else 0
        rows.append([
            facts, f"{its['rows']:,.0f}", f"{its['rows'] / its['make_cpu']:,.0f}",
            f"{its['rows'] / its['receive_wall']:,.0f}",
            f"{its['rows'] / its['receive_cpu']:,.0f}",
            f"{its['delivery'] / its['rows']:.1f}",
            f"{lake / its['rows']:.1f}" if lake else "–",
            f"{ends[-1]['receive_peak_mb']:,}" if ends else "–",
            f"{sum(first[-1]['tallies'].values()):,.1f}" if first else "–",
            f"{sum(ends[-1]['tallies'].values()):,.1f}" if ends else "–",
        ])  # fmt: skip
    head = ["facts", "rows", "made, rows a CPU s", "received, rows/s", "received, rows a CPU s",
            "bytes a row delivered", "in the lake", "peak MB", "summed up, CPU s",
            "one more file, CPU s"]  # fmt: skip
    return table(head, rows)


def _kinds(notes: Notes, sizes: list[str]) -> str:
    rows = []
    for facts in sizes:
        for dataset in DATASETS:
            its = _sums(notes, facts, dataset=dataset)
            if its["rows"]:
                rows.append([
                    facts, dataset, f"{its['rows']:,.0f}", f"{its['quarantined']:,.0f}",
                    f"{its['rows'] / its['make_cpu']:,.0f}",
                    f"{its['rows'] / its['receive_wall']:,.0f}",
                    f"{its['rows'] / its['receive_cpu']:,.0f}",
                    f"{its['delivery'] / its['rows']:.1f}",
                ])  # fmt: skip
    head = ["facts", "dataset", "rows", "quarantined", "made, rows a CPU s", "received, rows/s",
            "received, rows a CPU s", "bytes a row delivered"]  # fmt: skip
    return table(head, rows)


def _verdicts(notes: Notes, sizes: list[str]) -> list[str]:
    lines = []
    for smaller, larger in pairwise(sizes):
        small, large = _sums(notes, smaller), _sums(notes, larger)
        times = large["rows"] / small["rows"]
        growth = large["receive_cpu"] / small["receive_cpu"] / times
        lines.append(
            f"- received, {smaller} → {larger}: {growth:.2f} × linear in CPU seconds, bar "
            f"{MOST_GROWTH:.2f}: {'met' if growth <= MOST_GROWTH else 'NOT met'}"
        )
    return lines


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--facts", nargs="+", default=FACTS)
    parser.add_argument("--scale", default="1/20", help="of the city that the facts are about")
    parser.add_argument("--folder", type=Path, default=Path("build/facts"))
    parser.add_argument("--notes", type=Path, default=Path("build/facts.jsonl"))
    parser.add_argument("--keep", action="store_true", help="leave the cities in place")
    parser.add_argument("--report", action="store_true", help="print what is noted, run nothing")
    parser.add_argument("--receive", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
