"""Web Mercator as the unit square: x grows eastward, y southward, a tile of zoom z is 2⁻ᶻ wide."""

from functools import lru_cache
from math import atan, degrees, pi, sinh
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

if TYPE_CHECKING:
    from pyproj import Transformer

Shapes = npt.NDArray[np.object_]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_AROUND = 40_075_016.685578488
"""Metres around the equator of EPSG:3857."""

_COLUMN = 32
"""Bits by which a tile's column is shifted in its key."""


def to_world(shapes: Shapes, crs: str) -> Shapes:
    """Geometries of a CRS on the unit square; ``None`` for those without a place on it.

    Raises:
        pyproj.exceptions.CRSError: the CRS is not known.
    """
    placed: Shapes = shapely.transform(shapes, lambda points: _placed(points, crs))
    edges = shapely.bounds(placed)
    lost = ~np.isfinite(edges).all(axis=1)
    with np.errstate(invalid="ignore"):
        lost |= (edges < 0).any(axis=1) | (edges > 1).any(axis=1)
    placed[lost] = None
    return placed


def to_degrees(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude of a point of the unit square."""
    return x * 360 - 180, degrees(atan(sinh(pi * (1 - 2 * y))))


def tile_key(x: Ints, y: Ints) -> Ints:
    """One number for a tile of a zoom, by its column and row."""
    return (x << _COLUMN) | y


def tile_of(key: Ints) -> tuple[Ints, Ints]:
    """The columns and rows of tiles by their keys."""
    return key >> _COLUMN, key & ((1 << _COLUMN) - 1)


def _placed(points: Floats, crs: str) -> Floats:
    x, y = _transformer(crs).transform(points[:, 0], points[:, 1])
    return np.column_stack([x / _AROUND + 0.5, 0.5 - y / _AROUND])


@lru_cache(maxsize=8)
def _transformer(crs: str) -> "Transformer":
    from pyproj import Transformer

    return Transformer.from_crs(crs, "EPSG:3857", always_xy=True)
