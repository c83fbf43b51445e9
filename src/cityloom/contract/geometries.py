"""Geometries as they are written, judged and stored as WKB."""

from enum import IntEnum

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from cityloom.contract.model import Column


class Problem(IntEnum):
    """What can be wrong with a geometry."""

    FORM = 1
    TYPE = 2
    INVALID = 3
    BOUNDS = 4


Geometries = npt.NDArray[np.object_]


def problem_words(column: Column) -> dict[Problem, str]:
    """Each problem in words for a person."""
    box = column.bounds
    edges = f"{box.west}, {box.south}, {box.east}, {box.north}" if box else ""
    return {
        Problem.FORM: "not a geometry; expected WKT, GeoJSON or hexadecimal WKB",
        Problem.TYPE: f"not a {column.geometry_type}",
        Problem.INVALID: "not a valid geometry (OGC Simple Features): its edges cross or repeat",
        Problem.BOUNDS: f"outside the bounds {edges} ({column.crs})",
    }


def judge(texts: pa.ChunkedArray, column: Column) -> tuple[pa.Array, pa.Array]:
    """The geometries as WKB, and the :class:`Problem` of each (0 where there is none)."""
    written = texts.to_numpy(zero_copy_only=False)
    geometries = _parsed(written)
    problems = np.zeros(len(written), np.int8)
    missing = shapely.is_missing(geometries)
    problems[missing & texts.is_valid().to_numpy().astype(bool)] = Problem.FORM
    for problem, broken in _checks(geometries, column).items():
        problems[broken & ~missing & (problems == 0)] = problem
    wkb = shapely.to_wkb(shapely.force_2d(geometries))
    return pa.array(wkb, pa.binary()), pa.array(problems, pa.int8())


def _parsed(written: Geometries) -> Geometries:
    geometries = np.full(len(written), None, dtype=object)
    for reads, parse in (
        (_is_geojson, shapely.from_geojson),
        (_is_hex, shapely.from_wkb),
        (_is_wkt, shapely.from_wkt),
    ):
        chosen = np.array([text is not None and reads(text.lstrip()) for text in written], bool)
        if chosen.any():
            geometries[chosen] = parse(written[chosen], on_invalid="ignore")
    return geometries


def _is_geojson(text: str) -> bool:
    return text.startswith("{")


def _is_hex(text: str) -> bool:
    return text.startswith(("00", "01"))


def _is_wkt(text: str) -> bool:
    return not _is_geojson(text) and not _is_hex(text)


def _checks(geometries: Geometries, column: Column) -> dict[Problem, npt.NDArray[np.bool_]]:
    checks = {Problem.INVALID: ~shapely.is_valid(geometries)}
    if column.geometry_type not in (None, "geometry"):
        checks[Problem.TYPE] = ~np.isin(shapely.get_type_id(geometries), _accepted(column))
    if box := column.bounds:
        west, south, east, north = shapely.bounds(geometries).T
        inside = (west >= box.west) & (south >= box.south)
        checks[Problem.BOUNDS] = ~(inside & (east <= box.east) & (north <= box.north))
    return checks


def _accepted(column: Column) -> list[int]:
    """The declared type; where it is a multi-geometry, a single one too, as GIS files mix them."""
    declared = str(column.geometry_type).upper()
    single = declared.removeprefix("MULTI")
    return [kind.value for kind in shapely.GeometryType if kind.name in (declared, single)]
