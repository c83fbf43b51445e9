"""A page of features: which they are, how many there are in all, and what comes after."""

from dataclasses import dataclass
from functools import reduce

import numpy as np

from cityloom.asking import Places
from cityloom.web.features.query import Cursor, Query
from cityloom.web.features.sheet import Sheet


@dataclass(frozen=True)
class Found:
    """The features of a page as they stand in a GeoJSON array, and the pages beside it."""

    features: bytes
    returned: int
    matched: int
    next: Cursor | None
    previous: Cursor | None


def page_of(sheet: Sheet, query: Query) -> Found:
    """The page of a sheet that a query asks for."""
    places = _places(sheet, query)
    start = _before(places, query.cursor.place) if query.cursor else 0
    shown = places[start : start + query.limit]
    end = start + len(shown)
    before = max(start - query.limit, 0)
    return Found(
        sheet.features(np.asarray(shown, np.int64)), len(shown), len(places),
        Cursor(sheet.version.mark, int(places[end])) if end < len(places) else None,
        Cursor(sheet.version.mark, int(places[before])) if start else None,
    )  # fmt: skip


def _places(sheet: Sheet, query: Query) -> Places | range:
    """The places of all features that a query asks for, ascending."""
    found = [sheet.places(*condition) for condition in query.conditions]
    if query.boxes:
        found.append(reduce(np.union1d, map(sheet.meeting, query.boxes)))
    if not found:
        return range(len(sheet))
    both: Places = reduce(np.intersect1d, found)
    return both


def _before(places: Places | range, place: int) -> int:
    """How many of some places are before one."""
    if isinstance(places, range):
        return min(place, len(places))
    return int(np.searchsorted(places, place))
