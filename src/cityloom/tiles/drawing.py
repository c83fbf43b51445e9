"""Geometries as tiles write them: in whole units from the north-western corner, cut at the buffer.

Areas stay valid and are wound as the Mapbox Vector Tile specification 2.1 asks (exterior rings
clockwise as seen). Nothing that is shown vanishes: a line or an area that is smaller than a unit
becomes one unit long or wide.
"""

import numpy as np
import numpy.typing as npt
import shapely

from cityloom.tiles.features import Features
from cityloom.tiles.mercator import Floats, Shapes, tile_of
from cityloom.tiles.thinning import Shown
from cityloom.tiles.zooms import BUFFER, PIXELS, UNITS

_FEW = 8
"""Points up to which a shape is not simplified."""


def in_tiles(features: Features, shown: Shown, zoom: int, tolerance: float) -> Shapes:
    """The geometry of each that is shown, in its tile's units; ``None`` where it misses the tile.

    ``tolerance`` is by how many pixels a simplified line may lie off (Douglas and Peucker's method
    in the form of GEOS that keeps areas valid); 0 leaves every point.
    """
    is_square = shown.squares[:, 2] > 0
    drawn = np.empty(len(shown.tiles), dtype=object)
    itself = ~is_square
    drawn[itself] = _simplified(features, shown.features[itself], tolerance / PIXELS / 2**zoom)
    drawn[is_square] = _square_shapes(shown.squares[is_square])
    corners = np.column_stack(tile_of(shown.tiles)).astype(np.float64)
    points, places = shapely.get_coordinates(drawn, return_index=True)
    points = (points * 2.0**zoom - corners[places]) * UNITS
    outside = np.unique(places[_beyond(points)])
    cut = _cut(_with_points(drawn[outside], points[np.isin(places, outside)]))
    whole = _with_points(drawn, _rounded(points))
    whole[outside] = [None if shape is None else _on_units(shape) for shape in cut]
    return _mended(whole)


def _simplified(features: Features, chosen: np.ndarray, tolerance: float) -> Shapes:
    """Features, simplified alike wherever they are shown."""
    shapes: Shapes = features.shapes[chosen]
    if tolerance:
        each, back = np.unique(chosen, return_inverse=True)
        long = shapely.get_num_coordinates(features.shapes[each]) > _FEW
        if long.any():
            simple = features.shapes[each]
            lean = shapely.simplify(simple[long], tolerance, preserve_topology=True)
            simple[long] = shapely.orient_polygons(lean, exterior_cw=False)
            shapes = simple[back]
    return shapes


def _square_shapes(squares: Floats) -> Shapes:
    x, y, half = squares[:, 0], squares[:, 1], squares[:, 2] / 2
    boxes: Shapes = shapely.box(x - half, y - half, x + half, y + half, ccw=True)
    return boxes


def _with_points(shapes: Shapes, points: Floats) -> Shapes:
    fresh: Shapes = shapely.set_coordinates(shapes.copy(), points)
    return fresh


def _beyond(points: Floats) -> npt.NDArray[np.bool_]:
    """Which points lie beyond the buffer."""
    low, high = -BUFFER, UNITS + BUFFER
    outside: npt.NDArray[np.bool_] = np.any((points < low) | (points > high), axis=1)
    return outside


def _cut(shapes: Shapes) -> Shapes:
    """Shapes without what lies beyond the buffer; ``None`` where nothing is left."""
    low, high = -BUFFER, UNITS + BUFFER
    kinds = shapely.get_dimensions(shapes)
    left = shapely.intersection(shapes, shapely.box(low, low, high, high))
    parts = [_only(shape, kind) for shape, kind in zip(left, kinds, strict=True)]
    return _as_array(parts)


def _as_array(shapes: list[shapely.Geometry | None]) -> Shapes:
    found = np.empty(len(shapes), dtype=object)
    found[:] = shapes
    return found


def _only(shape: shapely.Geometry, dimension: int) -> shapely.Geometry | None:
    """The parts of a geometry that have a dimension; ``None`` where none has."""
    if shape.is_empty:
        return None
    if shape.geom_type != "GeometryCollection":
        return shape if shapely.get_dimensions(shape) == dimension else None
    parts = [p for p in shapely.get_parts(shape) if shapely.get_dimensions(p) == dimension]
    join = (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)[dimension]
    return join(np.concatenate([shapely.get_parts(part) for part in parts])) if parts else None


def _rounded(points: Floats) -> Floats:
    return np.floor(points + 0.5)


def _on_units(shape: shapely.Geometry) -> shapely.Geometry:
    """A shape that was cut, on whole units and wound as is asked."""
    whole = shapely.set_coordinates(shape, _rounded(shapely.get_coordinates(shape)))
    return shapely.orient_polygons(whole, exterior_cw=False)


def _mended(shapes: Shapes) -> Shapes:
    """Shapes on whole units of which areas that rounding tore are made valid again."""
    kinds = shapely.get_dimensions(shapes)
    areas, lines = np.flatnonzero(kinds == 2), np.flatnonzero(kinds == 1)
    torn = areas[~shapely.is_valid(shapes[areas])]
    shapes[torn] = _as_array([_sound(shape) for shape in shapes[torn]])
    still = lines[shapely.length(shapes[lines]) == 0]
    shapes[still] = _as_array([_unit_line(shape) for shape in shapes[still]])
    return shapes


def _sound(torn: shapely.Geometry) -> shapely.Geometry:
    """A torn area as valid ones on whole units; one unit large where nothing of it is left."""
    mended = _only(shapely.set_precision(shapely.make_valid(torn), 1.0), 2)
    if mended is None:
        x, y = shapely.get_coordinates(torn)[0]
        mended = shapely.box(x, y, x + 1, y + 1)
    return shapely.orient_polygons(mended, exterior_cw=False)


def _unit_line(line: shapely.Geometry) -> shapely.Geometry:
    x, y = shapely.get_coordinates(line)[0]
    return shapely.LineString([(x, y), (x + 1, y)])
