"""Archives of a few rows, made without a city."""

import tempfile
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import shapely

from cityloom.contract import Contract, load_contracts
from cityloom.tiles.encoding import spatial_engine
from cityloom.tiles.making import Made, make_archive
from tests.cities import column, contract_text


@cache
def engine() -> duckdb.DuckDBPyConnection:
    """One engine for all tests of a process: opening it takes longer than most of them."""
    return spatial_engine(Path(tempfile.mkdtemp()))


def thing_contract(folder: Path, crs: str = "EPSG:4326", **more: Any) -> Contract:
    folder.mkdir(parents=True, exist_ok=True)
    columns = [
        column("thing_no", key=1, required=True),
        column("name"),
        column("height", "number"),
        column("open", "boolean"),
        column("since", "date"),
        column("geometry", physicalType="GEOMETRY", custom={"crs": crs}),
    ]
    text = contract_text("thing", columns, **more)
    (folder / "thing.odcs.yaml").write_text(text, encoding="utf-8")
    return load_contracts([folder])["thing"]


def thing_file(path: Path, contract: Contract, shapes: Sequence[shapely.Geometry]) -> Path:
    rows = {
        "thing_no": [f"T{n:06}" for n in range(len(shapes))],
        "name": [f"thing {n}" for n in range(len(shapes))],
        "height": [n / 2 for n in range(len(shapes))],
        "open": [n % 2 == 0 for n in range(len(shapes))],
        "since": [None] * len(shapes),
        "geometry": [None if shape is None else shapely.to_wkb(shape) for shape in shapes],
    }
    pq.write_table(pa.table(rows, schema=contract.schema), path)
    return path


def made(
    folder: Path, shapes: Sequence[shapely.Geometry], crs: str = "EPSG:4326", rows: str = "1"
) -> tuple[Path, Made]:
    """An archive of some shapes in a folder, and what it took."""
    contract = thing_contract(folder / "contracts", crs)
    source = thing_file(folder / "thing.parquet", contract, shapes)
    path = folder / "tiles" / "thing.pmtiles"
    return path, make_archive(engine(), [source], contract, rows, path, folder / "scratch")
