"""What each tile shows: features themselves, and one for the many that are too small to be seen.

The plane is laid out in a grid of square cells that tiles share edges with. A point, and a line or
an area smaller than a cell, belongs to the cell in which its middle lies. Of all that belong to a
cell, points, lines and areas apart, one is shown and carries their count: the longest line, the
first point in the order of content, and for areas a square of the same area as all together.
"""

from dataclasses import dataclass

import numpy as np

from cityloom.tiles.features import Features
from cityloom.tiles.mercator import Floats, Ints
from cityloom.tiles.zooms import PIXELS, centre_tiles, centres

FIRST_CELL = 2
"""Pixels along the side of a cell before a tile turns out too large."""


@dataclass(frozen=True)
class Shown:
    """What tiles show, parallel arrays: which tile, which feature, and how many it stands for.

    ``squares`` are the middle and the side, on the unit square, of what stands for several areas;
    the side is 0 where the feature itself is shown.
    """

    tiles: Ints
    features: Ints
    counts: Ints
    squares: Floats


def chosen(features: Features, feature: Ints, keys: Ints, zoom: int, cell: int) -> Shown:
    """What some tiles show.

    Args:
        features: the dataset's features.
        feature: of each pair, the feature; as :func:`cityloom.tiles.zooms.touched` has them.
        keys: of each pair, the tile.
        zoom: the tiles' zoom.
        cell: pixels along the side of a cell; 0 shows every feature itself.
    """
    width = cell / PIXELS / 2**zoom
    small = (features.dimensions == 0) | (features.sizes < width) if cell else _none(features)
    tiny = small[feature]
    own = centre_tiles(features, zoom)[feature] == keys
    whole = Shown(
        keys[~tiny],
        feature[~tiny],
        np.ones(int((~tiny).sum()), dtype=np.int64),
        np.zeros((int((~tiny).sum()), 3)),
    )
    if not tiny.any():
        return whole
    merged = _merged(features, feature[tiny & own], keys[tiny & own], zoom, width)
    return Shown(
        np.concatenate([whole.tiles, merged.tiles]),
        np.concatenate([whole.features, merged.features]),
        np.concatenate([whole.counts, merged.counts]),
        np.concatenate([whole.squares, merged.squares]),
    )


def _none(features: Features) -> np.ndarray:
    return np.zeros(len(features), dtype=bool)


def _merged(features: Features, feature: Ints, keys: Ints, zoom: int, width: float) -> Shown:
    """One for all that belong to a cell."""
    cells = np.floor(centres(features)[feature] / width).astype(np.int64)
    groups = np.column_stack([keys, features.dimensions[feature], cells])
    rank = -features.measures[feature]
    order = np.lexsort((feature, rank, *groups.T[::-1]))
    feature, groups = feature[order], groups[order]
    changes = np.any(groups[1:] != groups[:-1], axis=1)
    starts = np.flatnonzero(np.concatenate([[True], changes])) if len(feature) else _nothing()
    counts = np.diff(np.append(starts, len(feature)))
    areas = np.add.reduceat(features.measures[feature], starts) if len(starts) else np.empty(0)
    first = feature[starts]
    squares = _squares(groups[starts], areas, zoom, width)
    squares[features.dimensions[first] != 2] = 0
    return Shown(groups[starts, 0], first, counts, squares)


def _squares(groups: Ints, areas: Floats, zoom: int, width: float) -> Floats:
    """A square in the middle of each cell, or of its tile where cells are larger than tiles."""
    tile = 2.0**-zoom
    if width <= tile:
        middle = (groups[:, 2:] + 0.5) * width
    else:
        middle = (np.column_stack([groups[:, 0] >> 32, groups[:, 0] & 0xFFFFFFFF]) + 0.5) * tile
    return np.column_stack([middle, np.minimum(np.sqrt(areas), min(width, tile))])


def _nothing() -> Ints:
    return np.empty(0, dtype=np.int64)
