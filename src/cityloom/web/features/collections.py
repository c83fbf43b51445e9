"""A dataset as a collection of features: what it is called, where and when its features lie."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import isfinite
from typing import Any

from starlette.requests import Request

from cityloom.asking import Version
from cityloom.contract import Contract, Kind
from cityloom.geo.crs import LONLAT, lonlat_box
from cityloom.sql import quoted
from cityloom.web.features import links
from cityloom.web.features.query import time_of
from cityloom.web.features.writing import geometry_of, instant

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
GREGORIAN = "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"

_DAY = 86_400_000_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def collection(request: Request, version: Version) -> dict[str, Any]:
    """What the interface says of a collection."""
    contract = version.contract
    address = links.collection(request, contract.dataset)
    title = contract.title or contract.dataset
    facts = {
        "id": contract.dataset,
        "title": title,
        "description": contract.description,
        "itemType": "feature",
        "crs": [CRS84],
        "storageCrs": storage_crs(contract),
        "links": [
            links.link("self", links.JSON, address, title),
            links.link("items", links.GEOJSON, f"{address}/items", title),
            links.link("alternate", links.HTML, links.page(request, contract.dataset), title),
        ],
    }
    extent = extent_of(version)
    return {**facts, "extent": dict(extent)} if extent else facts


def storage_crs(contract: Contract) -> str:
    """The CRS in which a dataset's geometries are stored, as OGC names it."""
    geometry = geometry_of(contract)
    assert geometry is not None
    authority, _, code = geometry.crs.partition(":")
    if geometry.crs in LONLAT or not code:
        return CRS84
    return f"http://www.opengis.net/def/crs/{authority}/0/{code}"


@lru_cache(maxsize=256)
def extent_of(version: Version) -> Mapping[str, Any]:
    """Where and when the features of a version lie; nothing of what no feature says."""
    contract = version.contract
    geometry, time = geometry_of(contract), time_of(contract)
    assert geometry is not None
    shape = f"ST_GeomFromWKB({quoted(geometry.name)})"
    edges = {"w": f"min(ST_XMin({shape}))", "s": f"min(ST_YMin({shape}))",
             "e": f"max(ST_XMax({shape}))", "n": f"max(ST_YMax({shape}))"}  # fmt: skip
    ends = {"a": f"min({instant(time)})", "b": f"max({instant(time)})"} if time else {}
    found = version.totals({**edges, **ends})
    extent: dict[str, Any] = {}
    if all(found[name] is not None for name in edges):
        box = lonlat_box((found["w"], found["s"], found["e"], found["n"]), geometry.crs)
        if all(map(isfinite, box)):
            extent["spatial"] = {"bbox": [list(box)], "crs": CRS84}
    if time and found["a"] is not None:
        last = found["b"] + (_DAY - 1 if time.kind is Kind.DATE else 0)
        span = [_written(found["a"]), _written(last)]
        extent["temporal"] = {"interval": [span], "trs": GREGORIAN}
    return extent


def _written(microseconds: int) -> str | None:
    """A moment as RFC 3339 has it; nothing, which is an open end, where it has no such form."""
    try:
        moment = _EPOCH + timedelta(microseconds=microseconds)
    except OverflowError:
        return None
    return moment.isoformat().replace("+00:00", "Z")
