"""Polygons as the cells of a plain grid: those that lie inside, and those that a border may cross.

A cell is known by two whole numbers, its column and its row: those of ``x * fineness`` and
``y * fineness``, rounded down. Rounding never changes the order of two numbers, so whatever lies
between the ends of an edge has a column between theirs, and a row. A cell that is in no such
rectangle of any edge has no edge in it, and is inside or outside as a whole: no tolerance is
needed, and positions in such cells need no test.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from cityloom.geo.cells import extent
from cityloom.geo.layer import Geometries

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

_MOST_ACROSS = 2048
_FEWEST_ACROSS = 8
_POSITIONS_A_CELL = 4


class Cover(NamedTuple):
    """The cells of some polygons, by row, column and polygon; several may have one cell.

    ``polygon`` is the polygon's number from 0. Where ``is_inside``, all of the cell lies in its
    interior; elsewhere its border may cross the cell.
    """

    column: Ints
    row: Ints
    polygon: Ints
    is_inside: Bools


class _Spans(NamedTuple):
    """Rectangles of cells, each of a polygon; the ends belong to them."""

    polygon: Ints
    west: Ints
    south: Ints
    east: Ints
    north: Ints

    @property
    def sizes(self) -> Ints:
        """How many cells each has."""
        return (self.east - self.west + 1) * (self.north - self.south + 1)


def fineness(polygons: Geometries, positions: int) -> float:
    """Cells a unit of length that suit so many positions to be looked up."""
    west, south, east, north = extent(polygons)
    size = max(east - west, north - south, abs(east) * 1e-9, abs(north) * 1e-9)
    if not size > 0:
        return 1.0
    across = np.clip(np.sqrt(positions / _POSITIONS_A_CELL), _FEWEST_ACROSS, _MOST_ACROSS)
    return float(across / size)


def cells(values: Floats, per_unit: float) -> Ints:
    """The columns of some x, or the rows of some y."""
    return np.floor(values * per_unit).astype(np.int64)


def cover(polygons: Geometries, per_unit: float) -> Cover:
    """The cells of polygons and multipolygons, ``per_unit`` cells to a unit of their coordinates.

    Missing and empty ones have none. Their edges are followed once, so this costs what they have
    of vertices and of cells along their borders. The polygons are prepared on the way.
    """
    border = _border_cells(polygons, per_unit)
    polygon, west, row, length = _inner_runs(polygons, border, per_unit)
    each = np.repeat(np.arange(len(length)), length)
    column = west[each] + _counted(length)
    columns = np.concatenate([border.column, column])
    rows = np.concatenate([border.row, row[each]])
    owners = np.concatenate([border.polygon, polygon[each]])
    is_inside = np.arange(len(columns)) >= len(border.column)
    order = np.lexsort((owners, columns, rows))
    return Cover(columns[order], rows[order], owners[order], is_inside[order])


def _border_cells(polygons: Geometries, per_unit: float) -> Cover:
    """The cells that a border may cross, by polygon, row and column."""
    spans = _edge_spans(polygons, per_unit)
    if not len(spans.polygon):
        nothing = np.empty(0, np.int64)
        return Cover(nothing, nothing, nothing, np.empty(0, bool))
    west, south = spans.west.min(), spans.south.min()
    wide, high = spans.east.max() - west + 1, spans.north.max() - south + 1
    sizes = spans.sizes
    each, number = np.repeat(np.arange(len(sizes)), sizes), _counted(sizes)
    across = (spans.east - spans.west + 1)[each]
    column = spans.west[each] + number % across
    row = spans.south[each] + number // across
    key = np.unique((spans.polygon[each] * high + row - south) * wide + column - west)
    polygon, place = np.divmod(key, high * wide)
    return Cover(place % wide + west, place // wide + south, polygon, np.zeros(len(key), bool))


def _edge_spans(polygons: Geometries, per_unit: float) -> _Spans:
    """The rectangles of cells that hold the edges, long edges piece by piece."""
    polygon, starts, ends = _edges(polygons)
    spans = _spans(polygon, starts, ends, per_unit, 0.0)
    long = np.flatnonzero(spans.sizes > 4)
    if not len(long):
        return spans
    steps = np.maximum(spans.east - spans.west, spans.north - spans.south)[long] + 1
    each = np.repeat(long, steps)
    number, of = _counted(steps), np.repeat(steps, steps)
    along = ends[each] - starts[each]
    pieces = _spans(
        polygon[each],
        starts[each] + along * (number / of)[:, None],
        starts[each] + along * ((number + 1) / of)[:, None],
        per_unit,
        8 * np.spacing(np.abs(starts).max() + np.abs(ends).max()),
    )
    short = spans.sizes <= 4
    parts = zip(spans, pieces, strict=True)
    return _Spans(*(np.concatenate([whole[short], piece]) for whole, piece in parts))


def _edges(polygons: Geometries) -> tuple[Ints, Floats, Floats]:
    """Every edge: whose it is, where it starts and where it ends."""
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    places, ring = shapely.get_coordinates(rings, return_index=True)
    joined = ring[1:] == ring[:-1]
    polygon: Ints = owner[part[ring[1:][joined]]]
    return polygon, places[:-1][joined], places[1:][joined]


def _spans(polygon: Ints, starts: Floats, ends: Floats, per_unit: float, margin: float) -> _Spans:
    least, most = np.minimum(starts, ends) - margin, np.maximum(starts, ends) + margin
    west, south = cells(least, per_unit).T
    east, north = cells(most, per_unit).T
    return _Spans(polygon, west, south, east, north)


def _inner_runs(
    polygons: Geometries, border: Cover, per_unit: float
) -> tuple[Ints, Ints, Ints, Ints]:
    """Runs of cells inside, between two border cells of a row: polygon, column, row, length.

    No edge is in a run, so one position tells for all of it.
    """
    shapely.prepare(polygons)
    alike = (border.polygon[1:] == border.polygon[:-1]) & (border.row[1:] == border.row[:-1])
    length = np.diff(border.column) - 1
    gaps = np.flatnonzero(alike & (length > 0))
    west, row = border.column[gaps] + 1, border.row[gaps]
    polygon = border.polygon[gaps]
    x, y = (west + 0.5) / per_unit, (row + 0.5) / per_unit
    inside = shapely.contains_xy(polygons[polygon], x, y)
    return polygon[inside], west[inside], row[inside], length[gaps][inside]


def _counted(lengths: Ints) -> Ints:
    """0, 1, 2, … for each length, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.arange(total) - np.repeat(ends - lengths, lengths)
