"""Coordinate reference systems: which there are, and from each to longitude and latitude."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from cityloom.errors import UsageError

if TYPE_CHECKING:
    from pyproj import CRS, Transformer

Floats = npt.NDArray[np.float64]
Box = tuple[float, float, float, float]

LONLAT = ("EPSG:4326", "OGC:CRS84")
"""What is in longitude and latitude on WGS84 as it stands: x is east, y is north."""


def check_on_earth(crs: str) -> None:
    """See that positions in a CRS can be turned into longitude and latitude.

    Raises:
        UsageError: PROJ does not know the CRS, or it is not tied to the Earth.
    """
    if crs not in LONLAT:
        _to_lonlat(crs)


def known_crs(crs: str) -> CRS:
    """A CRS by its name, such as ``EPSG:4547``.

    Raises:
        UsageError: PROJ does not know it.
    """
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(crs)
    except CRSError:
        raise UsageError(
            f"crs '{crs}' is not known; expected an authority and a code, as in EPSG:4547"
        ) from None


def lonlat(x: Floats, y: Floats, crs: str) -> tuple[Floats, Floats]:
    """Longitude and latitude on WGS84 in degrees, of positions in a CRS with x to the east.

    Infinite or not a number where a position has none.

    Raises:
        UsageError: see :func:`check_on_earth`.
    """
    if crs in LONLAT:
        return x, y
    east, north = _to_lonlat(crs).transform(x, y)
    return np.asarray(east, np.float64), np.asarray(north, np.float64)


def lonlat_box(box: Box, crs: str) -> Box:
    """West, south, east and north around a box (least x and y, greatest x and y) in a CRS.

    Infinite where it has no place on the Earth.

    Raises:
        UsageError: see :func:`check_on_earth`.
    """
    if crs in LONLAT:
        return box
    west, south, east, north = _to_lonlat(crs).transform_bounds(*box)
    return float(west), float(south), float(east), float(north)


def is_on_earth(longitude: Floats, latitude: Floats) -> npt.NDArray[np.bool_]:
    """Which positions are finite, within 180 degrees of longitude and 90 of latitude."""
    on_earth: npt.NDArray[np.bool_] = (np.abs(longitude) <= 180) & (np.abs(latitude) <= 90)
    return on_earth


def projjson(crs: str) -> dict[str, Any]:
    """A CRS as PROJJSON.

    Raises:
        UsageError: PROJ does not know it.
    """
    return known_crs(crs).to_json_dict()


@lru_cache(maxsize=32)
def _to_lonlat(crs: str) -> Transformer:
    from pyproj import Transformer
    from pyproj.exceptions import ProjError

    known = known_crs(crs)
    try:
        return Transformer.from_crs(known, "OGC:CRS84", always_xy=True)
    except ProjError:
        raise UsageError(
            f"crs '{crs}' is not tied to the Earth: there is no way to longitude and latitude"
        ) from None
