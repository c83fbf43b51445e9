"""What do map tiles cost, beside tippecanoe, and after a change of one in a hundred?

    python -m benchmarks.tiles [--buildings 65000 200000 650000] [--points 100000] [--json]

Buildings are those of the sample city's ground, with all their columns; points are their middles.
Both programs get the same rows: cityloom the data file of a table, tippecanoe a GeoJSON text
sequence, which it reads in parallel, and the zooms that cityloom chose. A change moves one row in a
hundred a little: once those of one quarter, once rows all over the city.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import shapely
from pmtiles.reader import MmapSource, Reader, all_tiles

from benchmarks.measure import Cost, python, run
from cityloom.contract import Contract, load_contracts
from cityloom.sample.geography import lay_out, squares
from cityloom.sample.survey import building_columns

_HEAD = (
    "| | rows | program | CPU s | wall s | peak MB | tiles | of them made | MB | largest, KB |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)
BUILDINGS = (65_000, 200_000, 650_000)
POINTS = (100_000,)
_CONTRACTS = Path(__file__).parents[1] / "src/cityloom/sample/contracts"


@dataclass(frozen=True)
class Line:
    """One row of the table; seconds are CPU seconds."""

    what: str
    rows: int
    program: str
    cpu: float
    wall: float
    peak_mb: float
    tiles: int
    computed: int
    size_mb: float
    largest_kb: float


def main() -> None:
    """Print the table, or a JSON object a line; with ``--make``, make one archive."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--buildings", nargs="*", type=int, default=BUILDINGS)
    parser.add_argument("--points", nargs="*", type=int, default=POINTS)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--make", nargs=2, type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.make:
        _make(*asked.make)
        return
    wanted = [(n, False) for n in asked.buildings] + [(n, True) for n in asked.points]
    lines = []
    print("" if asked.json else _HEAD, flush=True)
    with tempfile.TemporaryDirectory() as folder:
        for line in (line for n, points in wanted for line in _compared(Path(folder), n, points)):
            lines.append(line)
            print(json.dumps(asdict(line)) if asked.json else _row(line), flush=True)
    if not asked.json:
        print("\n".join(_growth(lines)))


def _compared(folder: Path, number: int, points: bool) -> Iterable[Line]:
    """One dataset by both programs, and after changes."""
    what = "points" if points else "buildings"
    table = _rows(number, points)
    source, ours, theirs = (folder / name for name in ("rows.parquet", "o.pmtiles", "t.pmtiles"))
    for path in (ours, theirs):
        path.unlink(missing_ok=True)
    pq.write_table(table, source, compression="zstd")
    made = _cityloom(source, ours)
    yield _line(what, number, "cityloom", made, ours, _said(folder))
    yield _line(what, number, "tippecanoe", _tippecanoe(table, folder, ours, theirs), theirs, None)
    whole = ours.read_bytes()
    few = np.arange(number // 2, number // 2 + number // 100)
    spread = np.random.default_rng(1).permutation(number)[: number // 100]
    for name, rows in (("1 % in one place", few), ("1 % all over", spread)):
        pq.write_table(_moved(table, rows), source, compression="zstd")
        ours.write_bytes(whole)
        cost = _cityloom(source, ours)
        yield _line(f"{what}, {name}", number, "cityloom", cost, ours, _said(folder))


def _rows(number: int, points: bool) -> pa.Table:
    ground = lay_out(1, number, number * 20)
    built = ground.buildings
    columns = building_columns(ground, np.arange(len(built)))
    del columns["geometry"]
    if points:
        shapes = shapely.points(built.longitude, built.latitude)
    else:
        shapes = shapely.polygons(squares(built.longitude, built.latitude, built.side))
    table = pa.table({**columns, "geometry": pa.array(shapely.to_wkb(shapes), pa.binary())})
    return table.cast(_contract().schema)


def _moved(table: pa.Table, rows: np.ndarray) -> pa.Table:
    """The table with some rows ten metres further east."""
    shapes = shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False))
    shapes[rows] = shapely.transform(shapes[rows], lambda at: at + np.array([1e-4, 0]))
    place = table.schema.get_field_index("geometry")
    return table.set_column(place, "geometry", pa.array(shapely.to_wkb(shapes), pa.binary()))


def _contract() -> Contract:
    return load_contracts([_CONTRACTS])["building"]


def _make(source: Path, path: Path) -> None:
    from cityloom.tiles.encoding import spatial_engine
    from cityloom.tiles.making import make_archive

    scratch = path.parent / "scratch"
    made = make_archive(spatial_engine(scratch), [source], _contract(), "1", path, scratch)
    (path.parent / "made.json").write_text(json.dumps(asdict(made)))


def _said(folder: Path) -> dict[str, int]:
    found: dict[str, int] = json.loads((folder / "made.json").read_text())
    return found


def _cityloom(source: Path, path: Path) -> Cost:
    return _finished(run(python("benchmarks.tiles", "--make", source, path)))


def _tippecanoe(table: pa.Table, folder: Path, ours: Path, theirs: Path) -> Cost:
    text = folder / "rows.geojsonl"
    names = [name for name in table.column_names if name != "geometry"]
    shapes = shapely.to_geojson(shapely.from_wkb(table["geometry"].to_numpy(zero_copy_only=False)))
    with open(text, "w", encoding="utf-8") as file:
        for values, shape in zip(table.select(names).to_pylist(), shapes, strict=True):
            said = json.dumps(values, ensure_ascii=False, default=str)
            file.write(f'{{"type":"Feature","properties":{said},"geometry":{shape}}}\n')
    with open(ours, "rb") as file:
        header = Reader(MmapSource(file)).header()
    program = Path(sys.executable).with_name("tippecanoe")
    zooms = ["-Z", str(header["min_zoom"]), "-z", str(header["max_zoom"])]
    options = ["--drop-densest-as-needed", "-P", "-q", "-f", "-l", "building", "-t", str(folder)]
    return _finished(run([str(program), "-o", str(theirs), *zooms, *options, str(text)]))


def _finished(cost: Cost) -> Cost:
    if not cost.finished:
        raise SystemExit(cost.stderr)
    return cost


def _line(
    what: str, rows: int, program: str, cost: Cost, path: Path, made: dict[str, int] | None
) -> Line:
    with open(path, "rb") as file:
        sizes = [len(tile) for _, tile in all_tiles(MmapSource(file))]
    return Line(
        what, rows, program, cost.cpu_seconds, cost.wall_seconds, cost.peak_mb, len(sizes),
        made["computed"] if made else len(sizes), path.stat().st_size / 1e6, max(sizes) / 1e3,
    )  # fmt: skip


def _row(x: Line) -> str:
    return (
        f"| {x.what} | {x.rows:,} | {x.program} | {x.cpu:.1f} | {x.wall:.1f} | {x.peak_mb:,.0f} "
        f"| {x.tiles:,} | {x.computed:,} | {x.size_mb:.1f} | {x.largest_kb:.0f} |"
    )


def _growth(lines: list[Line]) -> Iterable[str]:
    """CPU seconds a row of each size over those of the size before."""
    for program in ("cityloom", "tippecanoe"):
        whole = [x for x in lines if x.what == "buildings" and x.program == program]
        for smaller, larger in pairwise(whole):
            grown = larger.cpu / larger.rows / (smaller.cpu / smaller.rows)
            yield f"- {program}, {smaller.rows:,} → {larger.rows:,}: {grown:.2f} × linear"


if __name__ == "__main__":
    main()
