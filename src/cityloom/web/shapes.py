"""Geometries as a small map, drawn on the server."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import cos, floor, log10, radians

import numpy as np
import shapely
from markupsafe import Markup
from shapely.geometry.base import BaseGeometry

from cityloom.web.languages import Language
from cityloom.web.svg import element

STEPS = 5
"""How many steps a value is shown in."""

_METRES_A_DEGREE = 111_320.0
_MOST_HIGH = 1.1
"""How many times as high as wide a map may become."""

_SMALLEST = 4.0
"""Pixels below which a shape is drawn as a dot, since it would not be seen."""


@dataclass(frozen=True)
class Shape:
    """A geometry, what it is called, and the value that shades it."""

    geometry: BaseGeometry
    name: str = ""
    value: float | None = None


@dataclass(frozen=True)
class Map:
    """A drawn map and what its legend says: the upper end of each step, lowest first."""

    svg: Markup
    least: float | None
    edges: tuple[float, ...]


@dataclass(frozen=True)
class _Frame:
    """How coordinates become pixels."""

    west: float
    north: float
    across: float
    down: float
    width: float
    height: float

    def pixels(self, points: np.ndarray) -> np.ndarray:
        """Points of a geometry as pixels."""
        return np.column_stack(
            [(points[:, 0] - self.west) * self.across, (self.north - points[:, 1]) * self.down]
        )


def draw(
    shapes: Sequence[Shape], crs: str, label: str, language: Language, width: int = 800
) -> Map | None:
    """The shapes on one map, shaded by their values; ``None`` where there is nothing to draw."""
    drawn = [shape for shape in shapes if not shape.geometry.is_empty]
    if not drawn:
        return None
    degrees = crs in ("EPSG:4326", "OGC:CRS84", "EPSG:4490")
    frame = _frame(shapely.total_bounds([shape.geometry for shape in drawn]), degrees, width)
    values = sorted(shape.value for shape in drawn if shape.value is not None)
    edges = _edges(values)
    parts = [_shape(shape, frame, edges) for shape in drawn]
    if degrees:
        parts.append(_scale_bar(frame, language))
    svg = element(
        "svg", *parts,
        class_="map", viewBox=f"-4 -4 {frame.width + 8:.0f} {frame.height + 30:.0f}",
        role="img", aria_label=label,
    )  # fmt: skip
    return Map(svg, values[0] if values else None, edges)


def _frame(bounds: np.ndarray, degrees: bool, width: float) -> _Frame:
    west, south, east, north = (float(edge) for edge in bounds)
    squeeze = cos(radians((south + north) / 2)) if degrees else 1.0
    wide, high = max((east - west) * squeeze, 1e-6), max(north - south, 1e-6)
    scale = min(width / wide, width * _MOST_HIGH / high)
    return _Frame(west, north, scale * squeeze, scale, wide * scale, high * scale)


def _edges(values: Sequence[float]) -> tuple[float, ...]:
    """The upper ends of steps that hold about equally many values."""
    if not values:
        return ()
    marks = np.quantile(values, [step / STEPS for step in range(1, STEPS + 1)])
    return tuple(dict.fromkeys(float(mark) for mark in marks))


def _shape(shape: Shape, frame: _Frame, edges: Sequence[float]) -> Markup:
    step = "none"
    if shape.value is not None and edges:
        step = str(next(number for number, edge in enumerate(edges) if shape.value <= edge))
    title = element("title", shape.name) if shape.name else ""
    west, south, east, north = shapely.bounds(shape.geometry)
    across, down = (east - west) * frame.across, (north - south) * frame.down
    if max(across, down) < _SMALLEST:
        ((x, y),) = frame.pixels(np.array([[(west + east) / 2, (south + north) / 2]]))
        return element("circle", title, cx=float(x), cy=float(y), r=2.5, class_=f"s{step}")
    kind = "line" if shapely.get_dimensions(shape.geometry) == 1 else "area"
    return element("path", title, d=_path(shape.geometry, frame), class_=f"{kind} s{step}")


def _path(geometry: BaseGeometry, frame: _Frame) -> str:
    pieces = []
    for part in shapely.get_parts(geometry):
        closed = shapely.get_dimensions(part) == 2
        for ring in shapely.get_rings(part) if closed else [part]:
            points = frame.pixels(shapely.get_coordinates(ring))
            simple = shapely.simplify(shapely.linestrings(points), 0.3, preserve_topology=False)
            written = " ".join(f"{x:.1f} {y:.1f}" for x, y in shapely.get_coordinates(simple))
            pieces.append(f"M{written}" + ("Z" if closed else ""))
    return "".join(pieces)


def _scale_bar(frame: _Frame, language: Language) -> Markup:
    metres_a_pixel = _METRES_A_DEGREE / frame.down
    rough = metres_a_pixel * frame.width / 4
    power = 10 ** floor(log10(rough))
    metres = next(power * size for size in (5, 2, 1) if power * size <= rough)
    length, y = metres / metres_a_pixel, frame.height + 12
    words = f"{language.number(metres / 1000)} km" if metres >= 1000 else (
        f"{language.number(metres)} m"
    )  # fmt: skip
    return element(
        "g",
        element("path", d=f"M0 {y - 4:.0f}V{y:.0f}H{length:.1f}V{y - 4:.0f}"),
        element("text", words, x=length + 6, y=y + 2),
        class_="scale",
    )
