"""Which geometries lie in which polygons: cells first, GEOS where a border may be near."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import shapely

from cityloom.geo.cells import positions
from cityloom.geo.cover import Bools, Cover, Floats, Ints, cells, cover, fineness
from cityloom.geo.layer import Geometries, Layer, read_wkb

_ROWS_AT_A_TIME = 250_000
_TESTS = {"within": shapely.contains_xy, "intersects": shapely.intersects_xy}


class Pairs(NamedTuple):
    """Rows of the left and the right layer that meet a predicate, by their numbers from 0."""

    left: Ints
    right: Ints


def join_by_cells(left: Layer, right: Layer, predicate: str) -> Pairs:
    """The pairs of a geometry and a polygon, by left and then by right row.

    A point is looked up in the cells of the polygons; GEOS is asked where a border may cross its
    cell. What is no point is asked for in an index of the polygons.
    """
    areas = _Areas(right.geometries, len(left.rows), predicate)
    found = [
        Pairs(pairs.left + start, pairs.right)
        for start in range(0, len(left.rows), _ROWS_AT_A_TIME)
        for part in [left.wkb.slice(start, _ROWS_AT_A_TIME)]
        for pairs in areas.pairs(read_wkb(part, left.geometry))
    ]
    return in_order(found)


def in_order(parts: list[Pairs]) -> Pairs:
    """Some pairs as one, by left and then by right row."""
    nothing = np.empty(0, np.int64)
    left = np.concatenate([nothing, *(part.left for part in parts)])
    right = np.concatenate([nothing, *(part.right for part in parts)])
    steps = np.diff(left)
    if ((steps > 0) | ((steps == 0) & (np.diff(right) > 0))).all():
        return Pairs(left, right)
    wide = int(right.max()) + 1
    return Pairs(*np.divmod(np.sort(left * wide + right), wide))


class _Areas:
    """Polygons that geometries are looked up in."""

    def __init__(self, polygons: Geometries, positions: int, predicate: str) -> None:
        self._polygons = polygons
        self._predicate = predicate
        self._per_unit = fineness(polygons, positions)
        self._cells = _Directory(cover(polygons, self._per_unit))
        self._tree: shapely.STRtree | None = None

    def pairs(self, geometries: Geometries) -> Iterator[Pairs]:
        """The pairs of some geometries, points and others apart."""
        is_point = shapely.get_type_id(geometries) == shapely.GeometryType.POINT
        yield self._of_points(*positions(geometries))
        others = np.flatnonzero(~is_point & ~shapely.is_missing(geometries))
        if len(others):
            self._tree = self._tree or shapely.STRtree(self._polygons)
            number, polygon = self._tree.query(geometries[others], predicate=self._predicate)
            yield Pairs(others[number], polygon)

    def _of_points(self, x: Floats, y: Floats) -> Pairs:
        placed = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
        column, row = (cells(values[placed], self._per_unit) for values in (x, y))
        point, entry = self._cells.find(column, row)
        point, polygon = placed[point], self._cells.polygon[entry]
        met = self._cells.is_inside[entry]
        unsure = np.flatnonzero(~met)
        unsure = unsure[np.argsort(polygon[unsure], kind="stable")]
        near = point[unsure]
        test = _TESTS[self._predicate]
        met[unsure] = test(self._polygons[polygon[unsure]], x[near], y[near])
        return Pairs(point[met], polygon[met])


class _Directory:
    """The entries of a cover, found by their cells."""

    def __init__(self, found: Cover) -> None:
        self.polygon: Ints = found.polygon
        self.is_inside: Bools = found.is_inside
        self._west, self._south, self._wide, self._high = 0, 0, 0, 0
        if len(found.row):
            self._west, self._south = int(found.column.min()), int(found.row.min())
            self._wide = int(found.column.max()) - self._west + 1
            self._high = int(found.row.max()) - self._south + 1
        cell = (found.row - self._south) * self._wide + found.column - self._west
        counts = np.bincount(cell, minlength=self._wide * self._high)
        self._starts = np.concatenate([[0], np.cumsum(counts)])

    def find(self, column: Ints, row: Ints) -> tuple[Ints, Ints]:
        """For cells: the number of a cell and an entry, for each entry that it has."""
        column, row = column - self._west, row - self._south
        known = (column >= 0) & (column < self._wide) & (row >= 0) & (row < self._high)
        places = np.flatnonzero(known)
        cell = row[places] * self._wide + column[places]
        start, count = self._starts[cell], self._starts[cell + 1] - self._starts[cell]
        ends = np.cumsum(count)
        total = int(ends[-1]) if len(ends) else 0
        entry = np.arange(total) + np.repeat(start - (ends - count), count)
        return np.repeat(places, count), entry
