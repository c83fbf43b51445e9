"""H3 cells and bounding boxes of geometries in WKB, a whole column at a time.

H3: Uber's hexagonal hierarchical index, https://h3geo.org; it is defined on WGS84.
"""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from cityloom.geo.crs import Floats, is_on_earth, lonlat


def shapes(wkb: pa.ChunkedArray | pa.Array) -> npt.NDArray[np.object_]:
    """Geometries from WKB; ``None`` where there is none or it cannot be read."""
    found: npt.NDArray[np.object_] = shapely.from_wkb(
        wkb.to_numpy(zero_copy_only=False), on_invalid="ignore"
    )
    return found


def positions(geometries: npt.NDArray[np.object_]) -> tuple[Floats, Floats]:
    """The x and y of points; not a number for what is missing, empty or no point."""
    points = geometries.copy()
    points[shapely.is_empty(geometries)] = None
    return shapely.get_x(points), shapely.get_y(points)


def point_cells(points: npt.NDArray[np.object_], resolution: int, crs: str) -> pa.Array:
    """The H3 cell that each point lies in, as the 15 hexadecimal digits that H3 tools write.

    Null for what is no point, is empty or has no place on the Earth.

    Args:
        points: geometries in ``crs``, x to the east.
        resolution: 0 (cells of 4 million km²) to 15 (1 m²).
        crs: such as ``EPSG:4547``.

    Raises:
        UsageError: the CRS is not known or not tied to the Earth.
    """
    from h3ronpy import cells_to_string
    from h3ronpy.vector import coordinates_to_cells

    longitude, latitude = lonlat(*positions(points), crs)
    placed = is_on_earth(longitude, latitude)
    cells = coordinates_to_cells(latitude[placed], longitude[placed], resolution)
    written = pa.array(cells_to_string(cells)).cast(pa.string())
    places = np.cumsum(placed) - 1
    return written.take(pa.array(places, pa.int64(), mask=~placed))


def boxes(geometries: npt.NDArray[np.object_]) -> list[pa.Array]:
    """The bounding boxes in the geometries' own CRS: least x, least y, greatest x, greatest y.

    Null for what is missing or empty.
    """
    edges: Floats = shapely.bounds(geometries)
    return [pa.array(edge, pa.float64(), from_pandas=True) for edge in edges.T.copy()]


def extent(geometries: npt.NDArray[np.object_]) -> Floats:
    """The edges of the box around all of some geometries; not a number where there is none."""
    if not len(geometries):
        return np.full(4, np.nan)
    edges: Floats = shapely.total_bounds(geometries)
    return edges
