"""Columns of geometries and of JSON."""

import json
import re

from cityloom.contract.draft.guesses import TYPE_SHARE, Guess, doubts, strays
from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.values import Values

_WKT = re.compile(
    r"(?:SRID=[0-9]+;\s*)?(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\s*Z?\s*[(E].*",
    re.IGNORECASE | re.DOTALL,
)
_WKB = re.compile(r"0[01](?:[0-9A-Fa-f]{2}){20,}")
_GEOJSON = re.compile(r'\{.*"type"\s*:\s*"([A-Z][A-Za-z]+)".*', re.DOTALL)
_GEOMETRIES = {
    name.upper() for name in (
        "Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon",
        "GeometryCollection",
    )
}  # fmt: skip


def geometry_type(text: str) -> str | None:
    """The kind of geometry a text is, such as ``POLYGON``; ``None`` where it is none."""
    if found := _WKT.fullmatch(text):
        return f"{found[1] or ''}{found[2]}".upper()
    if _WKB.fullmatch(text):
        return "GEOMETRY"
    found = _GEOJSON.fullmatch(text)
    kind = found[1].upper() if found and '"coordinates"' in text else ""
    return kind if kind in _GEOMETRIES else None


def guess_geometry(header: Header, values: Values) -> Guess | None:
    """A geometry, where most values are WKT, GeoJSON or hexadecimal WKB."""
    if values.matching(geometry_type) < TYPE_SHARE:
        return None
    kinds = {kind for value in values.counts if (kind := geometry_type(value))}
    kind = kinds.pop() if len(kinds) == 1 else "GEOMETRY"
    numbers = [float(n) for n in re.findall(r"-?[0-9]+\.[0-9]+", next(iter(values.counts)))[:2]]
    degrees = len(numbers) == 2 and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90
    return Guess(
        logical_type="object",
        physical_type=kind,
        doubts=doubts(
            "the CRS is not stated: WGS 84 (EPSG:4326) is assumed" if degrees
            else "its coordinates are not degrees: name the CRS (customProperties: crs)",
            strays(values, geometry_type, "geometries"),
        ),
    )  # fmt: skip


def guess_json(header: Header, values: Values) -> Guess | None:
    """An object or array, where most values are JSON."""
    if values.matching(lambda text: text[0] in "{[" and _loads(text)) < TYPE_SHARE:
        return None
    return Guess("array" if next(iter(values.counts)).startswith("[") else "object")


def _loads(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
