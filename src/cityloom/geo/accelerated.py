"""Which geometries lie in which polygons, by an engine that has spatial predicates of its own."""

from importlib.resources import files

import numpy as np
import pyarrow as pa

from cityloom.errors import UsageError
from cityloom.geo.cover import cover, fineness
from cityloom.geo.layer import POINT_BYTES, Layer
from cityloom.geo.portable import Pairs, in_order
from cityloom.sql import connect, literal

_PREDICATES = {"within": "ST_Within", "intersects": "ST_Intersects"}
_EXACT = {"spatial_library": "geos", "execution_mode": "prepare_build"}
_JOIN = """
SELECT l.n AS l, r.n AS r
FROM {left} AS l JOIN {right} AS r
ON {predicate}(ST_GeomFromWKB(l.g), ST_GeomFromWKB(r.g))
"""
_JOIN_BY_CELLS = """
WITH points AS (
    SELECT n, g, ST_X(ST_GeomFromWKB(g)) AS x, ST_Y(ST_GeomFromWKB(g)) AS y
    FROM left_rows WHERE octet_length(g) = {point_bytes}
), near AS (
    SELECT points.n, points.g, cells.polygon, cells.is_inside FROM points JOIN cells
    ON TRY_CAST(floor(x * {per_unit!r}::DOUBLE) AS BIGINT) = cells.column
    AND TRY_CAST(floor(y * {per_unit!r}::DOUBLE) AS BIGINT) = cells.row
), others AS (
    SELECT n, g FROM left_rows WHERE octet_length(g) <> {point_bytes}
)
SELECT n AS l, polygon AS r FROM near WHERE is_inside
UNION ALL
SELECT near.n, near.polygon FROM near JOIN right_rows AS r ON r.n = near.polygon
WHERE NOT is_inside AND {predicate}(ST_GeomFromWKB(near.g), ST_GeomFromWKB(r.g))
UNION ALL
SELECT l, r FROM ({others})
"""


def join_by_duckdb(left: Layer, right: Layer, predicate: str) -> Pairs:
    """The pairs of a geometry and a polygon, by DuckDB's extension ``spatial``.

    Points meet the cells of the polygons first, since the extension takes each polygon anew for
    each point. It is loaded from its Python package; nothing is fetched.
    """
    per_unit = fineness(right.geometries, len(left.rows))
    cells = cover(right.geometries, per_unit)
    connection = connect()
    connection.execute(f"LOAD {literal(_extension())}")
    connection.register("left_rows", _numbered(left))
    connection.register("right_rows", _numbered(right))
    connection.register("cells", pa.table(cells._asdict()))
    name = _PREDICATES[predicate]
    others = _JOIN.format(left="others", right="right_rows", predicate=name)
    sql = _JOIN_BY_CELLS.format(
        point_bytes=POINT_BYTES, per_unit=per_unit, predicate=name, others=others
    )
    return _pairs(connection.execute(sql).to_arrow_table())


def join_by_sedona(left: Layer, right: Layer, predicate: str) -> Pairs:
    """The pairs of a geometry and a polygon, by SedonaDB.

    It is told to ask GEOS, at nearly twice the cost: its own choice, the library tg, takes a point
    next to a border to be on it.

    Raises:
        UsageError: it is not installed.
    """
    try:
        import sedonadb
    except ImportError:
        raise UsageError("SedonaDB is not installed; run: pip install 'cityloom[sedona]'") from None
    context = sedonadb.connect()
    for name, value in _EXACT.items():
        context.sql(f"SET sedona.spatial_join.{name} = '{value}'").execute()
    context.create_data_frame(_numbered(left)).to_view("left_rows")
    context.create_data_frame(_numbered(right)).to_view("right_rows")
    sql = _JOIN.format(left="left_rows", right="right_rows", predicate=_PREDICATES[predicate])
    return _pairs(pa.table(context.sql(sql)))


def _extension() -> str:
    import duckdb

    folder = files("duckdb_extension_spatial") / "extensions" / f"v{duckdb.__version__}"
    return str(folder / "spatial.duckdb_extension")


def _numbered(layer: Layer) -> pa.Table:
    numbers = pa.array(np.arange(len(layer.rows)))
    return pa.table({"n": numbers, "g": layer.wkb})


def _pairs(found: pa.Table) -> Pairs:
    left, right = (found.column(name).to_numpy().astype(np.int64) for name in ("l", "r"))
    return in_order([Pairs(left, right)])
