"""The features of one version of a dataset, written as GeoJSON once and then handed out by place.

They lie in files without a name, mapped into memory: what is not looked at takes none, and nothing
is left of them when the server ends.
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property, lru_cache
from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile
from threading import Lock

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import shapely

from cityloom.asking import Places, Version
from cityloom.geo.crs import Box, lonlat
from cityloom.web.features.writing import geometry_of, id_json, properties_json

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]
_BLOCK = 256
"""Rows whose boxes are looked at only where the box around all of them is met."""

_MOST_HELD = 24
_MOST_REMEMBERED = 32
_NO_SHAPE = "null"


class Pieces:
    """Pieces of bytes, one a place, in a file without a name."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = TemporaryFile(dir=folder)  # noqa: SIM115
        self._ends = [np.zeros(1, np.int64)]

    def add(self, pieces: pa.Array) -> None:
        """Put some more behind those there are, as text or binary; none may be null."""
        ends = np.frombuffer(pieces.buffers()[1], np.int32, len(pieces) + 1, 4 * pieces.offset)
        self._file.write(memoryview(pieces.buffers()[2] or b"")[ends[0] : ends[-1]])
        self._ends.append(ends[1:] - ends[0] + self._ends[-1][-1])

    def finish(self) -> None:
        """Make ready to be looked at; nothing can be added any more."""
        self._edges = np.concatenate(self._ends)
        self._file.flush()
        whole = mmap(self._file.fileno(), 0, access=ACCESS_READ) if self._edges[-1] else b""
        self._bytes = memoryview(whole)

    def __len__(self) -> int:
        return len(self._edges) - 1

    def at(self, places: Places) -> list[memoryview]:
        """The pieces at some places; those that lie side by side may come as one."""
        if not len(places):
            return []
        first, last = places[0], places[-1]
        if last - first + 1 == len(places):
            return [self._bytes[self._edges[first] : self._edges[last + 1]]]
        return self.each(places)

    def each(self, places: Places) -> list[memoryview]:
        """The pieces at some places, one by one."""
        starts, ends = self._edges[places].tolist(), self._edges[places + 1].tolist()
        return [self._bytes[a:b] for a, b in zip(starts, ends, strict=True)]


@dataclass(frozen=True)
class Sheet:
    """The features of a version.

    ``texts`` are GeoJSON, each with a comma behind it; ``shapes`` are WKB in longitude and
    latitude; ``boxes`` are west, south, east and north, not a number where there is no geometry.
    """

    version: Version
    texts: Pieces
    shapes: Pieces
    boxes: Floats
    blocks: Floats

    @cached_property
    def places(self) -> Callable[[str, tuple[object, ...]], Places]:
        """See :meth:`Version.places`; what was asked last is remembered."""
        return lru_cache(maxsize=_MOST_REMEMBERED)(self.version.places)

    def __len__(self) -> int:
        return len(self.texts)

    def features(self, places: Places) -> bytes:
        """The features at some places, as they stand in a GeoJSON array."""
        return b"".join(self.texts.at(places))[:-1]

    def meeting(self, box: Box) -> Places:
        """The places of the features that a box has a point in common with, ascending."""
        near = self._near(box)
        west, south, east, north = self.boxes[:, near]
        within = (west >= box[0]) & (south >= box[1]) & (east <= box[2]) & (north <= box[3])
        unsure = near[~within]
        if not len(unsure):
            return near
        shapes = shapely.from_wkb([bytes(piece) for piece in self.shapes.each(unsure)])
        within[~within] = shapely.intersects(shape_of(box), shapes)
        found: Places = near[within]
        return found

    def _near(self, box: Box) -> Places:
        """The places whose boxes are met."""
        blocks = np.flatnonzero(_met(self.blocks, box))
        places = (blocks[:, None] * _BLOCK + np.arange(_BLOCK)).ravel()
        places = places[: np.searchsorted(places, len(self))]
        met: Places = places[_met(self.boxes[:, places], box)]
        return met


def shape_of(box: Box) -> shapely.Geometry:
    """A box as a geometry, also where it has no width or no height."""
    west, south, east, north = box
    if west < east and south < north:
        return shapely.box(*box)
    return shapely.LineString([(west, south), (east, north)]) if box[:2] != box[2:] else (
        shapely.Point(west, south)
    )  # fmt: skip


def made_from(version: Version) -> Sheet:
    """The features of a version, read and written once."""
    contract = version.contract
    geometry = geometry_of(contract)
    assert geometry is not None
    texts, shapes, boxes = Pieces(version.scratch), Pieces(version.scratch), [np.empty((0, 4))]
    columns = {
        "id": id_json(version),
        "shape": f'"{geometry.name}"',
        "properties": properties_json(contract),
    }
    for batch in version.rows(columns):
        drawn = on_the_earth(batch.column("shape"), geometry.crs)
        texts.add(_written(batch, drawn))
        shapes.add(pa.array(shapely.to_wkb(drawn), pa.binary()).fill_null(b""))
        boxes.append(shapely.bounds(drawn))
    texts.finish()
    shapes.finish()
    edges = np.concatenate(boxes).T.copy()
    return Sheet(version, texts, shapes, edges, _blocks(edges))


def on_the_earth(wkb: pa.Array, crs: str) -> Shapes:
    """Geometries in longitude and latitude on WGS84, as RFC 7946 wants them.

    None where there is none, where it is empty, and where it has no place on the Earth.
    """
    shapes: Shapes = shapely.from_wkb(wkb.to_numpy(zero_copy_only=False))
    shapes = shapely.transform(shapes, lambda at: np.column_stack(lonlat(at[:, 0], at[:, 1], crs)))
    shapes = shapely.orient_polygons(shapes, exterior_cw=False)
    shapes[~np.isfinite(shapely.bounds(shapes)).all(axis=1)] = None
    return shapes


def _written(batch: pa.RecordBatch, shapes: Shapes) -> pa.Array:
    """Features as GeoJSON, each with a comma behind it."""
    geometries = pa.array(shapely.to_geojson(shapes), pa.string()).fill_null(_NO_SHAPE)
    return pc.binary_join_element_wise(
        '{"type":"Feature","id":', batch.column("id").cast(pa.string()), ',"geometry":',
        geometries, ',"properties":', batch.column("properties").cast(pa.string()), "},", "",
    )  # fmt: skip


def _blocks(boxes: Floats) -> Floats:
    """The boxes around the features of each block of places."""
    starts = np.arange(0, boxes.shape[1], _BLOCK)
    if not len(starts):
        return np.empty((4, 0))
    least = np.fmin.reduceat(boxes[:2], starts, axis=1)
    most = np.fmax.reduceat(boxes[2:], starts, axis=1)
    return np.concatenate([least, most])


def _met(boxes: Floats, box: Box) -> npt.NDArray[np.bool_]:
    west, south, east, north = boxes
    met: npt.NDArray[np.bool_] = (
        (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
    )
    return met


class Sheets:
    """The sheets that were asked for last; each is made once."""

    def __init__(self) -> None:
        self._held: OrderedDict[Version, _Held] = OrderedDict()
        self._lock = Lock()

    def of(self, version: Version, there: Callable[[], Collection[int]]) -> Sheet:
        """The sheet of a version.

        Where it is a new one, those of the dataset's versions that are not ``there`` any more are
        given up, so that what was erased is held no longer.
        """
        with self._lock:
            if version not in self._held:
                self._make_room(version.contract.dataset, there())
                self._held[version] = _Held(version)
            self._held.move_to_end(version)
            found = self._held[version]
        return found.sheet()

    def _make_room(self, dataset: str, there: Collection[int]) -> None:
        for held in list(self._held):
            if held.contract.dataset == dataset and held.number not in there:
                del self._held[held]
        while len(self._held) >= _MOST_HELD:
            self._held.popitem(last=False)


class _Held:
    """A sheet that whoever comes first makes, while others wait."""

    def __init__(self, version: Version) -> None:
        self._version = version
        self._made: Sheet | None = None
        self._lock = Lock()

    def sheet(self) -> Sheet:
        with self._lock:
            if self._made is None:
                self._made = made_from(self._version)
            return self._made
