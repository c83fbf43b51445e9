"""Columns of geometries and of JSON."""

import json
import re
from typing import Literal

from cityloom.contract.draft.guesses import TYPE_SHARE, Guess, doubts, strays
from cityloom.contract.draft.headers import Header
from cityloom.contract.draft.values import Values

_WKT = re.compile(
    r"(?:SRID=[0-9]+;\s*)?(MULTI)?(POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\s*Z?\s*[(E].*",
    re.IGNORECASE | re.DOTALL,
)
_WKB = re.compile(r"0[01](?:[0-9A-Fa-f]{2}){20,}")
_WKB_TYPES = {
    1: "POINT", 2: "LINESTRING", 3: "POLYGON", 4: "MULTIPOINT", 5: "MULTILINESTRING",
    6: "MULTIPOLYGON", 7: "GEOMETRYCOLLECTION",
}  # fmt: skip
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
        return _wkb_type(text)
    found = _GEOJSON.fullmatch(text)
    kind = found[1].upper() if found and '"coordinates"' in text else ""
    return kind if kind in _GEOMETRIES else None


def _wkb_type(text: str) -> str:
    """The kind of geometry of hexadecimal WKB, by its number of a type."""
    order: Literal["little", "big"] = "little" if text[1] == "1" else "big"
    number = int.from_bytes(bytes.fromhex(text[2:10]), order) % 1000 & 0xFF
    return _WKB_TYPES.get(number, "GEOMETRY")


def _one_of(kinds: set[str]) -> str:
    """The kind of a column of some kinds; a multi-geometry stands for single ones too."""
    singles = {kind.removeprefix("MULTI") for kind in kinds}
    return max(kinds, key=len) if len(singles) == 1 else "GEOMETRY"


def _in_degrees(text: str) -> bool:
    """Whether the first coordinates of a geometry could be longitude and latitude."""
    if _WKB.fullmatch(text):
        from shapely import bounds, from_wkb

        x, y, *_ = bounds(from_wkb(text, on_invalid="ignore")).tolist()
        return bool(abs(x) <= 180 and abs(y) <= 90)
    numbers = [float(n) for n in re.findall(r"-?[0-9]+\.[0-9]+", text)[:2]]
    return len(numbers) == 2 and abs(numbers[0]) <= 180 and abs(numbers[1]) <= 90


def guess_geometry(header: Header, values: Values) -> Guess | None:
    """A geometry, where most values are WKT, GeoJSON or hexadecimal WKB."""
    if values.matching(geometry_type) < TYPE_SHARE:
        return None
    kinds = {kind for value in values.counts if (kind := geometry_type(value))}
    degrees = _in_degrees(next(iter(values.counts)))
    return Guess(
        logical_type="object",
        physical_type=_one_of(kinds),
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
