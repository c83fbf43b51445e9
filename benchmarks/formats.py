"""What does a delivery cost as a workbook, a GeoPackage or a Shapefile, against the same as CSV?

    python -m benchmarks.formats [--rows N]

Meters with a place each: seven columns and a point, in metres of CGCS2000 in the geodata. Making
the files is not counted; start-up and imports are, those of the process that parses as well.
"""

import argparse
import zipfile
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyogrio
import shapely
import xlsxwriter

from benchmarks.measure import python, run
from cityloom.city import City

CONTRACT = """
kind: DataContract
apiVersion: v3.1.0
id: meter
version: 1.0.0
status: active
customProperties: [{property: classification, value: public}]
schema:
  - name: meter
    properties:
      - {name: meter, logicalType: string, required: true}
      - {name: district, logicalType: string, enum: [{value: 福田}, {value: 南山}]}
      - {name: size, logicalType: integer, logicalTypeOptions: {minimum: 0}}
      - {name: litres, logicalType: number, logicalTypeOptions: {minimum: 0}}
      - {name: easting, logicalType: number}
      - {name: northing, logicalType: number}
      - {name: note, logicalType: string}
      - {name: geometry, logicalType: object, physicalType: POINT}
"""


def meters(rows: int) -> tuple[pa.Table, pa.Array]:
    """The rows, and their places as WKB."""
    number = np.arange(rows)
    x, y = 500_000 + number % 5_000, 2_490_000 + number % 7_000
    columns: dict[str, Any] = {
        "meter": [f"M{n:08d}" for n in number],
        "district": np.where(number % 3 == 0, "福田", "南山"),
        "size": number % 40,
        "litres": number % 997 / 8,
        "easting": x / 1.0,
        "northing": y / 1.0,
        "note": [f"note {n % 1000}" for n in number],
    }
    return pa.table(columns), pa.array(shapely.to_wkb(shapely.points(x, y)), pa.binary())


def write_csv(table: pa.Table, _: pa.Array, folder: Path) -> Path:
    """Rows as CSV, without their places."""
    pyarrow.csv.write_csv(table, folder / "meters.csv")
    return folder / "meters.csv"


def write_workbook(table: pa.Table, _: pa.Array, folder: Path) -> Path:
    """Rows as a workbook, without their places."""
    path = folder / "meters.xlsx"
    with xlsxwriter.Workbook(path, {"constant_memory": True}) as book:
        sheet = book.add_worksheet()
        sheet.write_row(0, 0, table.column_names)
        for place, row in enumerate(zip(*(c.to_pylist() for c in table.columns), strict=True)):
            sheet.write_row(place + 1, 0, row)
    return path


def write_geopackage(table: pa.Table, places: pa.Array, folder: Path) -> Path:
    """Rows and places as a GeoPackage."""
    return _layer(table, places, folder / "meters.gpkg", options={"GEOMETRY_NAME": "geometry"})


def write_shapefile(table: pa.Table, places: pa.Array, folder: Path) -> Path:
    """Rows and places as a zipped Shapefile."""
    shp = _layer(table, places, folder / "meters.shp", options={"ENCODING": "UTF-8"})
    path = folder / "meters.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for part in sorted(folder.glob("meters.*")):
            if part.suffix in (".shp", ".shx", ".dbf", ".prj", ".cpg"):
                archive.write(part, part.name)
    shp.unlink()
    return path


def _layer(table: pa.Table, places: pa.Array, path: Path, options: dict[str, str]) -> Path:
    pyogrio.write_arrow(
        table.append_column("geometry", places), path, crs="EPSG:4547", geometry_type="Point",
        geometry_name="geometry", driver="GPKG" if path.suffix == ".gpkg" else "ESRI Shapefile",
        **options,
    )  # fmt: skip
    return path


FORMS: tuple[Callable[[pa.Table, pa.Array, Path], Path], ...] = (
    write_csv, write_workbook, write_geopackage, write_shapefile,
)  # fmt: skip


def main() -> None:
    """Print what each form cost."""
    asked = argparse.ArgumentParser(prog="python -m benchmarks.formats")
    asked.add_argument("--rows", type=int, default=100_000)
    rows = asked.parse_args().rows
    table, places = meters(rows)
    print("| file | MB | CPU s | wall s | peak MB |\n| --- | ---: | ---: | ---: | ---: |")
    for write in FORMS:
        with TemporaryDirectory() as folder:
            path = write(table, places, Path(folder))
            city = City.create(Path(folder) / "city", "Benchmark")
            contract = city.path / "contracts" / "meter.odcs.yaml"
            contract.write_text(CONTRACT, encoding="utf-8")
            cost = run(python("cityloom", "receive", "meter", path, "--city", city.path))
            assert cost.finished, cost.stderr
            size = path.stat().st_size / 1e6
            print(
                f"| {path.name} | {size:.1f} | {cost.cpu_seconds:.1f} | {cost.wall_seconds:.1f} "
                f"| {cost.peak_mb:,.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
