"""What do a backup, the next one and a restore cost, and is what comes back the same?

    python -m benchmarks.restore [--scales 1/1000 1/200 1/100] [--json]

A sample city is made at each scale and woven, then one more delivery is woven in, so that it has a
past. It is backed up by the command line, as a user would; one more delivery comes and it is backed
up again. Each backup is restored and every digest compared with that of the city. Then a resident
is erased wherever a contract has their identity number, the first backup is restored once more, and
every file of it searched for that number.
The peer is restic (`apt-get install restic`) on the same folder but `scratch/`, side by side.
"""

import argparse
import gzip
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import date
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks.measure import Cost, run
from cityloom.city import City
from cityloom.sample import add_delivery

SCALES = ("1/1000", "1/200", "1/100")
DATASET, COLUMN = "household_registration", "resident_id"
NAMED = (
    (DATASET, COLUMN), ("health_insurance", "id_number"), ("school_enrolment", "id_number"),
    ("company_registration", "representative_number"), ("land_registration", "owner_number"),
    ("tenancy", "landlord_number"), ("tenancy", "tenant_number"),
)  # fmt: skip
"""Where the sample city has identity numbers."""

_PASSWORD = {"RESTIC_PASSWORD": "benchmark"}


@dataclass(frozen=True)
class Side:
    """What one program cost: CPU and wall seconds, bytes on disk, the most memory of the three."""

    first: float
    second: float
    restore: float
    first_wall: float
    second_wall: float
    restore_wall: float
    first_bytes: int
    second_bytes: int
    peak_mb: float


@dataclass(frozen=True)
class Drill:
    """What was found at one scale; digests are those of all datasets in both backups."""

    scale: str
    city_bytes: int
    files: int
    runs: int
    ours: Side
    restic: Side
    digests: int
    digests_differ: int
    files_with_erased: int
    files_with_erased_before: int


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scales", nargs="+", default=SCALES)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = []
    for scale in asked.scales:
        with tempfile.TemporaryDirectory() as folder:
            found.append(_drill(Path(folder), scale))
    if asked.json:
        print(json.dumps([asdict(item) for item in found], indent=2))
        return
    print(_table(found))
    print("\n".join(_verdicts(found)))


def _drill(folder: Path, scale: str) -> Drill:
    city = _make_city(folder, scale)
    size, files = _size(city), sum(1 for _ in _files(city))
    before, first = _digests(city), _both_back_up(folder)
    add_delivery(city, 2, date(2025, 8, 1))
    _cityloom("weave", city)
    after, second = _digests(city), _both_back_up(folder)
    ids = sorted(path.stem for path in (folder / "ours" / "backups").glob("*.json"))
    ours = _restore(folder, ids[1])
    differ = _differences(after, _digests(folder / "again"))
    peer = _restic(folder, "restore", "latest", "--target", folder / "peer", at=folder)
    _restore(folder, ids[0])
    differ += _differences(before, _digests(folder / "again"))
    value = _someone(city)
    held = sum(_holds(path, value) for path in _files(folder / "again"))
    for name, column in NAMED:
        _cityloom("erase", name, column, value, "--city", city)
    _restore(folder, ids[0])
    return Drill(
        scale=scale,
        city_bytes=size,
        files=files,
        runs=len(City.open(city).runs()),
        ours=_side(first[0], second[0], ours),
        restic=_side(first[1], second[1], peer),
        digests=len(before) + len(after),
        digests_differ=differ,
        files_with_erased_before=held,
        files_with_erased=sum(_holds(path, value) for path in _files(folder / "again")),
    )


def _both_back_up(folder: Path) -> list[tuple[Cost, int]]:
    """What a backup costs, and by how many bytes its folder grew: ours, then the peer's."""
    sizes = [_size(folder / name) for name in ("ours", "restic")]
    ours = _cityloom("backup", folder / "ours", "--city", folder / "city")
    peer = _restic(folder, "backup", ".", "--exclude", "scratch", at=folder / "city")
    grown = [_size(folder / name) for name in ("ours", "restic")]
    return [(ours, grown[0] - sizes[0]), (peer, grown[1] - sizes[1])]


def _side(first: tuple[Cost, int], second: tuple[Cost, int], restored: Cost) -> Side:
    costs = (first[0], second[0], restored)
    return Side(
        *(cost.cpu_seconds for cost in costs),
        *(cost.wall_seconds for cost in costs),
        first_bytes=first[1],
        second_bytes=second[1],
        peak_mb=max(cost.peak_mb for cost in costs),
    )


def _differences(wanted: dict[str, str], found: dict[str, str]) -> int:
    return sum(found.get(name) != digest for name, digest in wanted.items())


def _make_city(folder: Path, scale: str) -> Path:
    """A woven city with a past, that may be backed up; restic has its folder."""
    city, key = folder / "city", folder / "key"
    _cityloom("new", city, "--sample", scale)
    _cityloom("weave", city)
    add_delivery(city, 1, date(2025, 7, 31))
    _cityloom("weave", city)
    _cityloom("backup", "--new-key", key, "--city", city)
    public = next(line for line in key.read_text().splitlines() if "public key" in line)
    with open(city / "city.toml", "a", encoding="utf-8") as file:
        file.write(f'\n[backup]\nrecipients = ["{public.split()[-1]}"]\n')
    _restic(folder, "init", at=folder)
    return city


def _restore(folder: Path, backup: str) -> Cost:
    shutil.rmtree(folder / "again", ignore_errors=True)
    key = ("--key", folder / "key", "--backup", backup)
    return _cityloom("restore", folder / "ours", folder / "again", *key)


def _cityloom(*words: str | Path) -> Cost:
    return _done(run([sys.executable, "-m", "cityloom", *map(str, words)]))


def _restic(folder: Path, *words: str | Path, at: Path) -> Cost:
    command = ["restic", "--quiet", "--repo", str(folder / "restic"), *map(str, words)]
    return _done(run(["env", "--chdir", str(at), *command], environment=_PASSWORD))


def _done(cost: Cost) -> Cost:
    if not cost.finished:
        raise SystemExit(cost.stderr)
    return cost


def _digests(city: Path) -> dict[str, str]:
    return {facts.dataset: facts.digest for facts in City.open(city).datasets()}


def _someone(city: Path) -> str:
    """An identity number that the city holds."""
    file = City.open(city).kept(DATASET).files()[0]
    return next(filter(None, pq.read_table(file, columns=[COLUMN]).column(0).to_pylist()))


def _holds(path: Path, value: str) -> bool:
    """Whether a file holds a text, as bytes or, of Parquet, in a value of a column of text."""
    content = path.read_bytes()
    if path.suffix == ".gz":
        content = gzip.decompress(content)
    if value.encode() in content:
        return True
    if path.suffix != ".parquet" or "_delta_log" in path.parts:
        return False
    table = pq.read_table(path)
    texts = [table.column(field.name) for field in table.schema if pa.types.is_string(field.type)]
    return any(value in (text or "") for column in texts for text in column.to_pylist())


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name != "scratch"]
        yield from (Path(place, name) for name in names)


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in _files(folder))


def _table(found: list[Drill]) -> str:
    head = (
        "| scale | city MB (files, runs) | program | first backup, CPU s (wall) | MB "
        "| second, CPU s (wall) | new MB | restore, CPU s (wall) | peak MB |\n"
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    )
    lines = [
        f"| {d.scale} | {d.city_bytes / 1e6:,.1f} ({d.files:,}, {d.runs}) | {name} | {_row(side)}"
        for d in found
        for name, side in (("**cityloom**", d.ours), ("restic", d.restic))
    ]
    return "\n".join([head, *lines])


def _row(side: Side) -> str:
    return (
        f"{side.first:.1f} ({side.first_wall:.1f}) | {side.first_bytes / 1e6:,.1f} "
        f"| {side.second:.1f} ({side.second_wall:.1f}) | {side.second_bytes / 1e6:,.2f} "
        f"| {side.restore:.1f} ({side.restore_wall:.1f}) | {side.peak_mb:,.0f} |"
    )


def _verdicts(found: list[Drill]) -> Iterator[str]:
    for smaller, larger in pairwise(found):
        times = float(Fraction(larger.scale) / Fraction(smaller.scale))
        grown = [
            f"{what} {getattr(larger.ours, what) / getattr(smaller.ours, what) / times:.2f} ×"
            for what in ("first", "second", "restore")
        ]
        yield f"- {smaller.scale} → {larger.scale}, against linear: {', '.join(grown)}"
    for d in found:
        yield (
            f"- {d.scale}: {d.digests_differ} of {d.digests} digests differ; of someone erased "
            f"since {d.files_with_erased} restored files hold anything, "
            f"{d.files_with_erased_before} did before"
        )
        ratios = [
            f"{what} {getattr(d.ours, what) / getattr(d.restic, what):.2f} ×"
            for what in ("first", "first_bytes", "second", "second_bytes", "restore")
        ]
        yield f"- {d.scale}, against restic: {', '.join(ratios)}"


if __name__ == "__main__":
    main()
