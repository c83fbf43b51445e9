"""What does it cost to find the polygon of each of many points?

    python -m benchmarks.spatial_join [--points 500_000 1_000_000 2_000_000] [--json]

740 polygons like subdistricts, of about 750 vertices each with the borders they share, and points
of which most lie in clusters and some outside. Every contestant reads the same two GeoParquet
files, gives the pairs of a point within a polygon as an Arrow table, and is a process of its own.
The pairs of all are equal, or it stops.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import shapely

from benchmarks.measure import run

SIZES = (500_000, 1_000_000, 2_000_000)
POLYGONS = 740
MOST_TO_GEOPANDAS = 1.5
MOST_TO_SEDONA = 1.2
MOST_GROWTH = 1.15

_WEST, _SOUTH, _EAST, _NORTH = 113.75, 22.4, 114.65, 22.9
_HALVINGS = 7
_ROUGHNESS = 0.09
_CRS = "EPSG:4326"


@dataclass(frozen=True)
class Found:
    """What one contestant found of so many points, and what it cost."""

    contestant: str
    points: int
    pairs: int
    check: int
    cpu: float
    peak_mb: float


def main() -> None:
    """Print the table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", nargs="+", type=int, default=SIZES)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--run", nargs=2, metavar=("CONTESTANT", "FOLDER"), help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.run:
        _run(asked.run[0], Path(asked.run[1]))
        return
    found = []
    with tempfile.TemporaryDirectory() as folder:
        _write(Path(folder, "zones.parquet"), "zone", polygons())
        for size in asked.points:
            _write(Path(folder, "points.parquet"), "point", points(size))
            found += [_measured(name, size, Path(folder)) for name in CONTESTANTS]
    if asked.json:
        print(json.dumps([asdict(item) for item in found], indent=2))
        return
    print(_table(found))
    print("\n".join(_verdicts(found)))


def polygons() -> np.ndarray:
    """Polygons that share rough borders, within the outline of a city."""
    rng = np.random.default_rng(7)
    outline = shapely.box(_WEST, _SOUTH, _EAST, _NORTH)
    sites = shapely.MultiPoint(rng.uniform((_WEST, _SOUTH), (_EAST, _NORTH), (POLYGONS, 2)))
    lines = shapely.voronoi_polygons(sites, extend_to=outline, only_edges=True)
    borders = shapely.unary_union([shapely.intersection(lines, outline), outline.boundary])
    ends = [np.asarray(line.coords) for line in shapely.get_parts(borders)]
    rough = [_rough(a, b, rng) for line in ends for a, b in pairwise(line)]
    faces = shapely.get_parts(shapely.polygonize(shapely.get_parts(shapely.unary_union(rough))))
    largest = np.argsort(-shapely.area(faces), kind="stable")[:POLYGONS]
    return faces[np.sort(largest)]


def _rough(start: np.ndarray, end: np.ndarray, rng: np.random.Generator) -> shapely.Geometry:
    """A line between two places, each piece of it broken in the middle again and again."""
    line = np.stack([start, end])
    for _ in range(_HALVINGS):
        along = np.diff(line, axis=0)
        across = along[:, ::-1] * (-1, 1) * rng.uniform(-_ROUGHNESS, _ROUGHNESS, (len(along), 1))
        line = np.insert(line, np.arange(1, len(line)), line[:-1] + along / 2 + across, axis=0)
    return shapely.LineString(line)


def points(count: int) -> np.ndarray:
    """Points, four in five of them in clusters, some outside all polygons."""
    rng = np.random.default_rng(11)
    clustered = count * 4 // 5
    centres = rng.uniform((_WEST, _SOUTH), (_EAST, _NORTH), (200, 2))
    near = centres[rng.integers(0, len(centres), clustered)] + rng.normal(0, 0.01, (clustered, 2))
    spread = rng.uniform((_WEST, _SOUTH), (_EAST, _NORTH), (count - clustered, 2))
    return shapely.points(rng.permutation(np.concatenate([near, spread])))


def _write(path: Path, key: str, geometries: np.ndarray) -> None:
    from cityloom.geo.parquet import KEY, GeoMetadata

    wkb = pa.array(shapely.to_wkb(geometries), pa.binary())
    rows = pa.table({key: np.arange(len(geometries)), "geometry": wkb})
    geo = GeoMetadata({"geometry": _CRS})
    for batch in rows.to_batches():
        geo.look(batch)
    pq.write_table(rows.replace_schema_metadata({KEY: geo.as_json()}), path)


def _cityloom(way: str) -> Callable[[Path, Path], pa.Table]:
    def join(left: Path, right: Path) -> pa.Table:
        from cityloom.geo import Layer, spatial_join

        layers = Layer(pq.read_table(left), "point"), Layer(pq.read_table(right), "zone")
        return spatial_join(*layers, "within", way)

    return join


def _geopandas(left: Path, right: Path) -> pa.Table:
    import geopandas

    frames = geopandas.read_parquet(left), geopandas.read_parquet(right)
    found = geopandas.sjoin(*frames, predicate="within")
    return pa.table({"point": found["point"].to_numpy(), "zone": found["zone"].to_numpy()})


def _sedona(left: Path, right: Path) -> pa.Table:
    import sedonadb

    context = sedonadb.connect()
    context.read_parquet(str(left)).to_view("points")
    context.read_parquet(str(right)).to_view("zones")
    return pa.table(
        context.sql(
            "SELECT p.point, z.zone FROM points AS p JOIN zones AS z "
            "ON ST_Within(p.geometry, z.geometry)"
        )
    )


CONTESTANTS: dict[str, Callable[[Path, Path], pa.Table]] = {
    "GeoPandas": _geopandas,
    "SedonaDB": _sedona,
    "cityloom, portable": _cityloom("portable"),
    "cityloom, by SedonaDB": _cityloom("sedona"),
    "cityloom, by DuckDB": _cityloom("duckdb"),
}


def _run(contestant: str, folder: Path) -> None:
    pairs = CONTESTANTS[contestant](folder / "points.parquet", folder / "zones.parquet")
    point, zone = pairs["point"].cast("int64"), pairs["zone"].cast("int64")
    check = pc.sum(pc.multiply(pc.add(point, 1), pc.add(pc.multiply(zone, zone), 1))).as_py()
    answer = {"pairs": len(pairs), "check": check}
    (folder / "answer.json").write_text(json.dumps(answer), encoding="utf-8")


def _measured(contestant: str, size: int, folder: Path) -> Found:
    (folder / "answer.json").unlink(missing_ok=True)
    words = ["-m", "benchmarks.spatial_join", "--run", contestant, str(folder)]
    cost = run([sys.executable, *words])
    if not cost.finished:
        raise SystemExit(f"{contestant}: {cost.stderr}")
    answer = json.loads((folder / "answer.json").read_text(encoding="utf-8"))
    return Found(contestant, size, **answer, cpu=cost.cpu_seconds, peak_mb=cost.peak_mb)


def _table(found: list[Found]) -> str:
    head = "| contestant | points | pairs | CPU s | peak MB |\n| --- | --- | --- | --- | --- |"
    lines = [
        f"| {item.contestant} | {item.points:,} | {item.pairs:,} | {item.cpu:.1f} "
        f"| {item.peak_mb:,.0f} |"
        for item in found
    ]
    return "\n".join([head, *lines])


def _verdicts(found: list[Found]) -> list[str]:
    sizes = sorted({item.points for item in found})
    for size in sizes:
        answers = {(item.pairs, item.check) for item in found if item.points == size}
        if len(answers) != 1:
            raise SystemExit(f"the contestants disagree on {size:,} points: {answers}")
    of = {(item.contestant, item.points): item for item in found}
    most = sizes[-1]
    return [
        "- every contestant found the same pairs",
        _ratio(of, "cityloom, portable", "GeoPandas", most, MOST_TO_GEOPANDAS),
        _ratio(of, "cityloom, portable", "SedonaDB", most, MOST_TO_SEDONA),
        _ratio(of, "cityloom, by SedonaDB", "SedonaDB", most, MOST_TO_SEDONA),
        _ratio(of, "cityloom, by DuckDB", "SedonaDB", most, MOST_TO_SEDONA),
        *(_growth(of, fewer, more) for fewer, more in pairwise(sizes)),
    ]


def _ratio(of: dict[tuple[str, int], Found], ours: str, peer: str, points: int, bar: float) -> str:
    ratio = of[ours, points].cpu / of[peer, points].cpu
    return f"- {ours}: {ratio:.2f} × the CPU s of {peer}, bar {bar:.2f}: {_met(ratio <= bar)}"


def _growth(of: dict[tuple[str, int], Found], fewer: int, more: int) -> str:
    small, large = (of["cityloom, portable", size].cpu for size in (fewer, more))
    growth = large / small / (more / fewer)
    return (
        f"- {fewer:,} → {more:,} points, portable: {growth:.2f} × linear, start-up included, "
        f"bar {MOST_GROWTH:.2f}: {_met(growth <= MOST_GROWTH)}"
    )


def _met(condition: bool) -> str:
    return "met" if condition else "NOT met"


if __name__ == "__main__":
    main()
