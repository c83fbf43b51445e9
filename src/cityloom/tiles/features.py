"""The features of a dataset: its rows with a geometry, in an order that their content decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from cityloom.contract import Column, Contract, Kind
from cityloom.lake import scan
from cityloom.sql import literal, quoted
from cityloom.tiles.mercator import Floats, Ints, Shapes, to_world
from cityloom.tiles.sharing import geometry_of, shown_columns

if TYPE_CHECKING:
    import duckdb

Marks = npt.NDArray[np.uint64]

LONGEST = 256
"""Characters of a text that a tile carries; what is longer is cut off and ends in ``…``."""

_AT_ONCE = 100_000


@dataclass(frozen=True)
class Features:
    """A dataset's features, parallel arrays.

    ``shapes`` lie on the unit square (:mod:`cityloom.tiles.mercator`); ``marks`` are hashes of the
    rows; ``boxes`` are west, north, east, south; ``dimensions`` are 0 for points, 1 for lines, 2
    for areas; ``measures`` are lengths or areas. ``rows`` are their numbers in the engine's table
    ``feature``, and ``left_out`` counts the rows that have no place on the map.
    """

    shapes: Shapes
    marks: Marks
    boxes: Floats
    dimensions: Ints
    measures: Floats
    rows: Ints
    left_out: int

    def __len__(self) -> int:
        return len(self.shapes)

    @property
    def sizes(self) -> Floats:
        """The longer side of each feature's box."""
        west, north, east, south = self.boxes.T
        longer: Floats = np.maximum(east - west, south - north)
        return longer


def load(
    connection: "duckdb.DuckDBPyConnection", files: Sequence[Path], contract: Contract
) -> Features:
    """The features of a dataset's data files; what tiles carry of them waits in ``feature``."""
    geometry = geometry_of(contract)
    assert geometry is not None
    rows = scan(files, contract.schema)
    place = quoted(geometry.name)
    seen = [f"{_value(column)} AS {quoted(column.name)}" for column in shown_columns(contract)]
    connection.execute(
        "CREATE OR REPLACE TABLE feature AS "
        "SELECT row_number() OVER (ORDER BY _mark) - 1 AS _row, * FROM ("
        f"SELECT hash(_read) AS _mark, * FROM (SELECT {', '.join([*seen, place + ' AS _shape'])} "
        f"FROM ({rows}) WHERE {place} IS NOT NULL) AS _read) ORDER BY _mark"
    )
    read = [_part(batch, geometry.crs) for batch in _batches(connection)]
    connection.execute("ALTER TABLE feature DROP COLUMN _shape")
    return _joined(read)


def _value(column: Column) -> str:
    """SQL for a column's value as a tile can carry it."""
    name = quoted(column.name)
    if column.kind in (Kind.INTEGER, Kind.BOOLEAN):
        return name
    if column.kind is Kind.NUMBER:
        return f"{name}::DOUBLE"
    text = f"{name}::VARCHAR"
    cut = f"left({text}, {LONGEST}) || {literal('…')}"
    return f"CASE WHEN length({text}) > {LONGEST} THEN {cut} ELSE {text} END"


def _batches(connection: "duckdb.DuckDBPyConnection") -> Iterator[tuple[Ints, Marks, Shapes]]:
    found = connection.execute("SELECT _row, _mark, _shape FROM feature ORDER BY _row")
    for batch in found.to_arrow_reader(_AT_ONCE):
        row, mark, shape = (column.to_numpy(zero_copy_only=False) for column in batch.columns)
        yield row, mark, shapely.from_wkb(shape)


def _part(batch: tuple[Ints, Marks, Shapes], crs: str) -> Features:
    rows, marks, shapes = batch
    drawn = _of_one_dimension(shapely.force_2d(shapes))
    drawn = shapely.orient_polygons(to_world(drawn, crs), exterior_cw=False)
    there = np.flatnonzero(~shapely.is_missing(drawn) & ~shapely.is_empty(drawn))
    drawn = drawn[there]
    dimensions = shapely.get_dimensions(drawn).astype(np.int64)
    measures = np.where(dimensions == 2, shapely.area(drawn), shapely.length(drawn))
    boxes = shapely.bounds(drawn)
    left_out = len(shapes) - len(there)
    return Features(drawn, marks[there], boxes, dimensions, measures, rows[there], left_out)


def _of_one_dimension(shapes: Shapes) -> Shapes:
    """Geometries, of a collection only its parts of the highest dimension."""
    mixed = shapely.get_type_id(shapes) == shapely.GeometryType.GEOMETRYCOLLECTION
    for place in np.flatnonzero(mixed & ~shapely.is_empty(shapes)):
        shapes[place] = _highest(shapes[place])
    return shapes


def _highest(collection: shapely.GeometryCollection) -> shapely.Geometry:
    parts = np.array(list(_simple_parts(collection)), dtype=object)
    kinds = shapely.get_dimensions(parts)
    chosen = parts[kinds == kinds.max()]
    join = (shapely.multipoints, shapely.multilinestrings, shapely.union_all)[int(kinds.max())]
    return join(chosen)


def _simple_parts(shape: shapely.Geometry) -> Iterator[shapely.Geometry]:
    for part in shapely.get_parts(shape):
        if shapely.get_type_id(part) >= shapely.GeometryType.MULTIPOINT:
            yield from _simple_parts(part)
        else:
            yield part


def _joined(parts: Sequence[Features]) -> Features:
    if not parts:
        nothing = np.empty(0, dtype=np.int64)
        return Features(
            np.empty(0, dtype=object), np.empty(0, dtype=np.uint64), np.empty((0, 4)),
            nothing, np.empty(0), nothing, 0,
        )  # fmt: skip
    return Features(
        np.concatenate([part.shapes for part in parts]),
        np.concatenate([part.marks for part in parts]),
        np.concatenate([part.boxes for part in parts]),
        np.concatenate([part.dimensions for part in parts]),
        np.concatenate([part.measures for part in parts]),
        np.concatenate([part.rows for part in parts]),
        sum(part.left_out for part in parts),
    )
