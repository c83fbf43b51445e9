"""Rows that policy granted, written to a file, streamed."""

import json
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from cityloom.contract import Contract, Kind
from cityloom.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


def write_file(reader: pa.RecordBatchReader, path: Path, form: str, contract: Contract) -> int:
    """Write rows as ``parquet``, ``csv``, ``arrow`` or ``geojson``; how many there were.

    The file appears whole or not at all.

    Raises:
        UsageError: the file cannot be written, or GeoJSON was asked of a dataset without a
            geometry.
    """
    with whole_file(path) as unfinished:
        return _WRITERS[form](reader, unfinished, contract)


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """Where to write a file that appears at its path when the block ends, whole or not at all.

    Raises:
        UsageError: the file cannot be written.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it")
    if not path.parent.is_dir():
        raise UsageError(f"{path}: there is no folder {path.parent}; make it first")
    unfinished = path.with_name(f".{path.name}.unfinished")
    try:
        yield unfinished
        os.replace(unfinished, path)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror or error}") from None
    finally:
        unfinished.unlink(missing_ok=True)


def _parquet(reader: pa.RecordBatchReader, path: Path, contract: Contract) -> int:
    """Parquet; GeoParquet where there are geometries."""
    import pyarrow.parquet as pq

    from cityloom.geo.parquet import KEY, GeoMetadata

    rows = 0
    geometries = {c.name: c.crs for c in contract.columns if c.kind is Kind.GEOMETRY}
    geo = GeoMetadata(geometries)
    with pq.ParquetWriter(path, reader.schema, compression="zstd") as writer:
        for batch in reader:
            writer.write_batch(batch)
            geo.look(batch)
            rows += len(batch)
        if geometries:
            writer.add_key_value_metadata({KEY: geo.as_json()})
    return rows


def _csv(reader: pa.RecordBatchReader, path: Path, contract: Contract) -> int:
    import pyarrow.csv

    rows = 0
    schema = _in_text(reader.schema.empty_table(), contract).schema
    with pyarrow.csv.CSVWriter(path, schema) as writer:
        for batch in reader:
            writer.write_table(_in_text(pa.Table.from_batches([batch]), contract))
            rows += len(batch)
    return rows


def _arrow(reader: pa.RecordBatchReader, path: Path, _: Contract) -> int:
    rows = 0
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, reader.schema) as writer:
        for batch in reader:
            writer.write_batch(batch)
            rows += len(batch)
    return rows


def _geojson(reader: pa.RecordBatchReader, path: Path, contract: Contract) -> int:
    import shapely

    geometry = next((c for c in contract.columns if c.kind is Kind.GEOMETRY), None)
    if geometry is None:
        raise UsageError(f"'{contract.dataset}' has no geometry; export it as parquet or csv")
    rows = 0
    with open(path, "w", encoding="utf-8") as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for batch in reader:
            shapes = _in_lonlat(batch.column(geometry.name), geometry.crs)
            others = batch.drop_columns([geometry.name]).to_pylist()
            for shape, row in zip(shapes, others, strict=True):
                feature = {
                    "type": "Feature",
                    "geometry": json.loads(shapely.to_geojson(shape)) if shape else None,
                    "properties": {name: _finite(value) for name, value in row.items()},
                }
                file.write(("," if rows else "") + "\n")
                file.write(json.dumps(feature, ensure_ascii=False, default=str))
                rows += 1
        file.write("\n]}\n")
    return rows


def _in_lonlat(geometries: pa.Array, crs: str) -> "npt.NDArray[np.object_]":
    """Geometries as GeoJSON wants them (RFC 7946): in longitude and latitude on WGS84.

    Raises:
        UsageError: there is no way to them from this CRS.
    """
    import numpy as np
    import shapely

    from cityloom.geo.crs import lonlat

    shapes = shapely.from_wkb(geometries.to_numpy(zero_copy_only=False))
    moved: npt.NDArray[np.object_] = shapely.transform(
        shapes, lambda at: np.column_stack(lonlat(at[:, 0], at[:, 1], crs))
    )
    return moved


def _finite(value: object) -> object:
    """A value that JSON can write: it has no NaN and no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _in_text(table: pa.Table, contract: Contract) -> pa.Table:
    """Geometries as WKT: CSV has no binary values."""
    import shapely

    for place, column in enumerate(contract.columns):
        if column.kind is Kind.GEOMETRY:
            shapes = shapely.from_wkb(table.column(column.name).to_numpy(zero_copy_only=False))
            table = table.set_column(
                place, column.name, pa.array(shapely.to_wkt(shapes), pa.string())
            )
    return table


_WRITERS: dict[str, Callable[[pa.RecordBatchReader, Path, Contract], int]] = {
    "parquet": _parquet,
    "csv": _csv,
    "arrow": _arrow,
    "geojson": _geojson,
}
