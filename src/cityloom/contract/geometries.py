"""Geometries as they are written, judged and stored as WKB."""

from __future__ import annotations

import json
from collections.abc import Iterator
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import shapely

from cityloom.contract.model import Column
from cityloom.contract.rules import Reason, Rule

if TYPE_CHECKING:
    import ibis.expr.types as ir


class Problem(IntEnum):
    """What can be wrong with a geometry, as flags: one may have several problems at once."""

    FORM = 1
    TYPE = 2
    INVALID = 4
    BOUNDS = 8
    PLACE = 16


Geometries = npt.NDArray[np.object_]


def problem_words(column: Column) -> dict[Problem, str]:
    """Each problem in words for a person."""
    box = column.bounds
    edges = f"{box.west}, {box.south}, {box.east}, {box.north}" if box else ""
    words = {
        Problem.FORM: "not a geometry; expected WKT, GeoJSON or hexadecimal WKB",
        Problem.TYPE: f"not a {column.geometry_type}",
        Problem.INVALID: "not a valid geometry (OGC Simple Features): its edges cross or repeat",
        Problem.BOUNDS: f"outside the bounds {edges} ({column.crs})",
    }
    if column.h3_resolution is not None:
        words[Problem.PLACE] = f"no place on the Earth ({column.crs}), so it lies in no H3 cell"
    return words


def read_geometries(texts: pa.ChunkedArray, column: Column) -> tuple[pa.Array, pa.Array]:
    """The geometries as WKB, and the :class:`Problem` flags of each (0 where there is none)."""
    geometries = parsed(texts.to_numpy(zero_copy_only=False))
    problems = _problems(geometries, texts.is_valid().to_numpy().astype(bool), column)
    wkb = shapely.to_wkb(shapely.force_2d(geometries))
    return pa.array(wkb, pa.binary()), pa.array(problems, pa.int8())


def _reasons(column: Column) -> dict[Problem, Reason]:
    return {
        problem: Reason(column.name, problem.name.lower(), f"{column.name}: {words}")
        for problem, words in problem_words(column).items()
    }


def geometry_rules(column: Column, written: ir.Value, problems: ir.IntegerValue) -> Iterator[Rule]:
    """The rules on a geometry column whose problems are flags in another column."""
    for problem, reason in _reasons(column).items():
        yield Rule(reason, (problems & int(problem)) == 0)
    if column.required:
        missing = Reason(column.name, "required", f"{column.name}: missing")
        yield Rule(missing, written.notnull() | ((problems & int(Problem.FORM)) != 0))


def wkb_verdicts(
    wkb: pa.ChunkedArray, column: Column
) -> Iterator[tuple[Reason, npt.NDArray[np.bool_]]]:
    """Each rule on geometries that are WKB already, and which of them meet it; null does."""
    geometries = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False), on_invalid="ignore")
    problems = _problems(geometries, wkb.is_valid().to_numpy().astype(bool), column)
    for problem, reason in _reasons(column).items():
        yield reason, ~(problems & problem).astype(bool)


def _problems(
    geometries: Geometries, written: npt.NDArray[np.bool_], column: Column
) -> npt.NDArray[np.int8]:
    missing = shapely.is_missing(geometries)
    problems = np.where(missing & written, np.int8(Problem.FORM), np.int8(0))
    for problem, broken in _checks(geometries, column).items():
        problems[broken & ~missing] |= np.int8(problem)
    return problems


def parsed(written: Geometries) -> Geometries:
    """Texts as geometries; nothing in the place of a text that is none."""
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


def _is_feature(text: str) -> bool:
    """Whether a GeoJSON text is a whole feature, or several, rather than a geometry."""
    if "Feature" not in text:
        return False
    try:
        found = json.loads(text)
    except ValueError:
        return False
    return isinstance(found, dict) and str(found.get("type")).startswith("Feature")


def _is_geojson(text: str) -> bool:
    return text.startswith("{") and not _is_feature(text)


def _is_hex(text: str) -> bool:
    return text.startswith(("00", "01"))


def _is_wkt(text: str) -> bool:
    return not text.startswith("{") and not _is_hex(text)


def _checks(geometries: Geometries, column: Column) -> dict[Problem, npt.NDArray[np.bool_]]:
    checks = {Problem.INVALID: ~shapely.is_valid(geometries)}
    if column.geometry_type not in (None, "geometry"):
        checks[Problem.TYPE] = ~np.isin(shapely.get_type_id(geometries), _accepted(column))
    if box := column.bounds:
        west, south, east, north = shapely.bounds(geometries).T
        inside = (west >= box.west) & (south >= box.south)
        inside &= (east <= box.east) & (north <= box.north)
        checks[Problem.BOUNDS] = ~inside & ~shapely.is_empty(geometries)
    if column.h3_resolution is not None:
        checks[Problem.PLACE] = ~_is_placed(geometries, column.crs) & ~shapely.is_empty(geometries)
    return checks


def _is_placed(points: Geometries, crs: str) -> npt.NDArray[np.bool_]:
    """Which points have a longitude and a latitude; what is no point counts as placed."""
    from cityloom.geo.cells import positions
    from cityloom.geo.crs import is_on_earth, lonlat

    placed: npt.NDArray[np.bool_] = is_on_earth(*lonlat(*positions(points), crs))
    placed |= shapely.get_type_id(points) != shapely.GeometryType.POINT
    return placed


def _accepted(column: Column) -> list[int]:
    """The declared type; where it is a multi-geometry, a single one too, as GIS files mix them."""
    declared = str(column.geometry_type).upper()
    single = declared.removeprefix("MULTI")
    return [kind.value for kind in shapely.GeometryType if kind.name in (declared, single)]
