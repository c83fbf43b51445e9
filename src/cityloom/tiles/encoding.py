"""Tiles as Mapbox Vector Tiles, encoded by DuckDB's ``ST_AsMVT`` and packed with gzip."""

import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from cityloom.errors import UsageError
from cityloom.sql import connect, literal, quoted
from cityloom.tiles.mercator import Shapes
from cityloom.tiles.thinning import Shown
from cityloom.tiles.zooms import UNITS

if TYPE_CHECKING:
    import duckdb

COUNT, GEOMETRY = "_count", "_geometry"
"""How many features one stands for; how the geometry is called on its way to the encoder."""


def spatial_engine(scratch: Path) -> "duckdb.DuckDBPyConnection":
    """A DuckDB with its spatial extension, which comes as a Python package.

    Raises:
        UsageError: the package is not installed, or is not built for this DuckDB.
    """
    import duckdb

    try:
        import duckdb_extension_spatial

        folder = Path(duckdb_extension_spatial.__file__).parent / "extensions"
        built = folder / f"v{duckdb.__version__}" / "spatial.duckdb_extension"
        connection = connect(scratch)
        connection.execute("SET enable_progress_bar = false")
        connection.execute(f"LOAD {literal(str(built))}")
        connection.execute("SET threads = 1")
    except (ImportError, duckdb.Error) as error:
        raise UsageError(
            f"DuckDB {duckdb.__version__} has no spatial extension ({error}); "
            f"pip install duckdb-extension-spatial=={duckdb.__version__}"
        ) from None
    return connection


def encoded(
    connection: "duckdb.DuckDBPyConnection",
    layer: str,
    columns: Sequence[str],
    rows: np.ndarray,
    shown: Shown,
    shapes: Shapes,
) -> Iterator[tuple[int, bytes]]:
    """Each tile's key and bytes; features in the order of their content.

    Args:
        connection: an engine with a table ``feature`` (:func:`cityloom.tiles.features.load`).
        layer: the name of the tiles' one layer.
        columns: the columns of ``feature`` that are carried.
        rows: the row in ``feature`` of each feature.
        shown: what the tiles show.
        shapes: its geometries, in tile units; what is ``None`` is not shown.
    """
    there = ~shapely.is_missing(shapes)
    merged = (shown.squares[:, 2] > 0)[there]
    counts = shown.counts[there]
    drawn = pa.table(
        {
            "_tile": shown.tiles[there],
            "_row": pa.array(rows[shown.features[there]], mask=merged),
            "_order": rows[shown.features[there]],
            COUNT: pa.array(counts, mask=(counts == 1) & ~merged),
            GEOMETRY: pa.array(shapely.to_wkb(shapes[there]), pa.binary()),
        }
    )
    carried = [f"{literal(name)}: {quoted(name)}" for name in columns]
    fields = ", ".join(
        [f"{literal(GEOMETRY)}: ST_GeomFromWKB({GEOMETRY})", *carried, f"'{COUNT}': {COUNT}"]
    )
    connection.register("_drawn", drawn)
    found = connection.execute(
        f"SELECT _tile, ST_AsMVT({{{fields}}}, {literal(layer)}, {UNITS}, {literal(GEOMETRY)} "
        "ORDER BY _order, _count) FROM _drawn LEFT JOIN feature USING (_row) GROUP BY _tile"
    )
    for key, tile in found.fetchall():
        yield key, gzip.compress(tile, 6, mtime=0)
    connection.unregister("_drawn")
