"""From which zoom to which a dataset is tiled, and which tiles its features touch."""

import numpy as np

from cityloom.tiles.features import Features, Marks
from cityloom.tiles.mercator import Floats, Ints, tile_key

PIXELS = 512
"""Pixels along the side of a tile, as maps draw it."""

UNITS = 4096
"""Steps along the side of a tile in which it writes coordinates."""

BUFFER = 64
"""Units by which a tile reaches beyond its edge, so that no line is seen where two meet."""

_COARSEST, _USUAL, _FINEST = 12, 14, 16

_SEEN = 4
"""Pixels that the middling feature is wide, at least, at the last zoom, if that is a usual one."""

_CROWDED = 15_000
"""Features in one tile above which there is a further zoom."""


def zoom_range(features: Features) -> range:
    """The zooms: from where all fits in one tile to where features can be told apart.

    The last is the first of 12 to 14 at which the middling feature is four pixels wide, and up to
    16 while more than 15,000 features are in one tile. A unit is 2 m at zoom 12, 0.6 m at zoom 14.
    """
    if len(features) == 0:
        return range(1)
    last = _last(features)
    west_north, east_south = features.boxes[:, :2].min(axis=0), features.boxes[:, 2:].max(axis=0)
    extent = max(*(east_south - west_north), 2.0**-last)
    return range(max(int(np.floor(-np.log2(extent))), 0), last + 1)


def _last(features: Features) -> int:
    middling = float(np.median(features.sizes))
    last = _COARSEST
    while last < _USUAL and middling * PIXELS * 2**last < _SEEN:
        last += 1
    while last < _FINEST and _fullest(features, last) > _CROWDED:
        last += 1
    return last


def _fullest(features: Features, zoom: int) -> int:
    return int(np.unique(centre_tiles(features, zoom), return_counts=True)[1].max())


def centres(features: Features) -> Floats:
    """The middle of each feature's box."""
    return (features.boxes[:, :2] + features.boxes[:, 2:]) / 2


def centre_tiles(features: Features, zoom: int) -> Ints:
    """The key of the tile in which each feature's middle lies."""
    return tile_key(*_within(centres(features), zoom).T)


def touched(features: Features, zoom: int) -> tuple[Ints, Ints]:
    """Every pair of a feature and the key of a tile that may show it, ordered by tile.

    A point is shown by one tile; a line or an area also where it only reaches the tile's buffer.
    """
    reach = np.where(features.dimensions == 0, 0.0, BUFFER / UNITS / 2**zoom)[:, None]
    middle = centres(features)
    is_point = (features.dimensions == 0)[:, None]
    first = _within(np.where(is_point, middle, features.boxes[:, :2] - reach), zoom)
    last = _within(np.where(is_point, middle, features.boxes[:, 2:] + reach), zoom)
    across, down = (last - first + 1).T
    tiles = across * down
    feature = np.repeat(np.arange(len(features)), tiles)
    turn = np.arange(len(feature)) - np.repeat(np.cumsum(tiles) - tiles, tiles)
    down_by, across_by = np.divmod(turn, across[feature])
    keys = tile_key(first[feature, 0] + across_by, first[feature, 1] + down_by)
    order = np.argsort(keys, kind="stable")
    return feature[order], keys[order]


def content_marks(features: Features, feature: Ints, keys: Ints, seed: int) -> tuple[Ints, Marks]:
    """The tiles among ordered keys, and a hash of what each is made of.

    The sum, modulo 2⁶⁴, of the hashes of all features that the tile may show, and the ``seed``.
    """
    tiles, starts = np.unique(keys, return_index=True)
    if len(tiles) == 0:
        return tiles, np.empty(0, dtype=np.uint64)
    return tiles, np.add.reduceat(features.marks[feature], starts) + np.uint64(seed)


def _within(points: Floats, zoom: int) -> Ints:
    """The columns and rows of the tiles in which points lie."""
    return np.floor(points * 2.0**zoom).astype(np.int64).clip(0, 2**zoom - 1)
