"""The ``geo`` metadata that makes a Parquet file with WKB columns a GeoParquet file.

GeoParquet 1.1, https://geoparquet.org/releases/v1.1.0/.
"""

import json
from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import shapely

from cityloom.errors import UsageError
from cityloom.geo.cells import extent, shapes
from cityloom.geo.crs import Floats, projjson

KEY = "geo"
_VERSION = "1.1.0"
_DEFAULT = "OGC:CRS84"
"""The CRS of a column of which the metadata does not speak."""


class GeoMetadata:
    """Gathers what the metadata says of some geometry columns while their rows pass by."""

    def __init__(self, columns: Mapping[str, str]) -> None:
        """Gather for columns of WKB, with the CRS of each; the first is the primary one."""
        self._columns = dict(columns)
        self._edges = {name: np.array([np.inf, np.inf, -np.inf, -np.inf]) for name in columns}
        self._types: dict[str, set[int]] = {name: set() for name in columns}

    def look(self, batch: pa.RecordBatch) -> None:
        """Take in the geometries of a batch."""
        for name in self._columns:
            geometries = shapes(batch.column(name))
            present = geometries[~shapely.is_missing(geometries)]
            self._types[name].update(np.unique(shapely.get_type_id(present)).tolist())
            _widen(self._edges[name], extent(present))

    def as_json(self) -> str:
        """The metadata of all that passed by."""
        columns = {name: self._column(name, crs) for name, crs in self._columns.items()}
        primary = next(iter(columns))
        return json.dumps({"version": _VERSION, "primary_column": primary, "columns": columns})

    def _column(self, name: str, crs: str) -> dict[str, object]:
        types = [_type_name(kind) for kind in sorted(self._types[name])]
        facts: dict[str, object] = {
            "encoding": "WKB", "geometry_types": types, "crs": _crs(crs), "edges": "planar",
        }  # fmt: skip
        edges = self._edges[name]
        return facts | ({"bbox": edges.tolist()} if np.isfinite(edges).all() else {})


def stated_crs(metadata: bytes) -> dict[str, str | None]:
    """What the ``geo`` metadata of a file says of the CRS of each of its geometry columns.

    A name or PROJJSON; ``None`` for one that is not known. No columns where it cannot be read.
    """
    try:
        columns = json.loads(metadata)["columns"].items()
        return {name: _as_stated(facts.get("crs", _DEFAULT)) for name, facts in columns}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}


def _as_stated(crs: object) -> str | None:
    return crs if crs is None or isinstance(crs, str) else json.dumps(crs)


def _widen(edges: Floats, more: Floats) -> None:
    edges[:2] = np.fmin(edges[:2], more[:2])
    edges[2:] = np.fmax(edges[2:], more[2:])


def _type_name(kind: int) -> str:
    example = shapely.from_wkt(f"{shapely.GeometryType(kind).name} EMPTY")
    return str(example.geom_type)


def _crs(name: str) -> dict[str, object] | None:
    """A CRS as PROJJSON; none, which stands for one that is not known, where PROJ knows none."""
    try:
        return projjson(name)
    except UsageError:
        return None
