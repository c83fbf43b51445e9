"""Charts, drawn on the server: a bar for a table's row, and stacked bars along the runs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor, log10

from markupsafe import Markup

from cityloom.web.languages import Language
from cityloom.web.svg import element, joined, shortened

_LEAST_SEEN = 0.4
"""Per cent of a chart's width below which a bar that is not empty would not be seen."""

_NAMED = 72
"""Pixels that an upright bar needs for its name below it."""


@dataclass(frozen=True)
class Part:
    """A part of a bar: the class that colours it, and how much it stands for."""

    colour: str
    value: float


@dataclass(frozen=True)
class Column:
    """One upright bar: what it says where the pointer rests, its name, its parts from below."""

    title: str
    name: str
    parts: tuple[Part, ...]


@dataclass(frozen=True)
class Axis:
    """Round values from nought to at least the most."""

    ticks: tuple[float, ...]

    @property
    def top(self) -> float:
        """The value at the upper end."""
        return self.ticks[-1]


def bar(parts: Sequence[Part], most: float) -> Markup:
    """A level bar that begins at nought and fills the width where its parts add up to ``most``."""
    drawn, start = [], 0.0
    for part in parts:
        if part.value <= 0 or most <= 0:
            continue
        width = max(part.value / most * 100, _LEAST_SEEN)
        drawn.append(
            element(
                "rect", x=f"{start:.2f}%", width=f"{width:.2f}%", height="100%", class_=part.colour
            )
        )
        start += width
    return element("svg", joined(drawn), class_="bar", aria_hidden="true")


def axis(most: float, about: int = 3) -> Axis:
    """Round ticks for values up to ``most``."""
    if most <= 0:
        return Axis((0, 1))
    rough = most / about
    power = 10 ** floor(log10(rough))
    step = next(power * size for size in (1, 2, 2.5, 5, 10) if power * size >= rough)
    count = max(ceil(most / step - 1e-9), 1)
    return Axis(tuple(step * number for number in range(count + 1)))


def columns(
    bars: Sequence[Column], unit: str, label: str, language: Language, width: int, height: int = 180
) -> Markup:
    """Upright stacked bars side by side, oldest first, over an axis that says its unit.

    Args:
        bars: the bars.
        unit: what the axis counts, written at its top; ``%`` is written at each tick.
        label: what the chart shows, for readers who hear it.
        language: how numbers are written.
        width: in pixels; the chart is drawn for this width and not scaled.
        height: in pixels, without the axis' title.
    """
    scale = axis(max((sum(part.value for part in item.parts) for item in bars), default=0))
    left, top, right, bottom = 56, 28, 8, 24
    inner = width - left - right
    step = inner / max(len(bars), 1)
    thick = min(max(step * 0.72, 1.5), 44)

    def y(value: float) -> float:
        return top + height * (1 - value / scale.top)

    digits = 0 if scale.ticks[1] >= 1 else 2
    grid = [
        element("line", x1=left, x2=width - right, y1=y(tick), y2=y(tick), class_="grid")
        + element(
            "text",
            language.number(tick, digits) + (unit if unit == "%" else ""),
            x=left - 8, y=y(tick) + 4, text_anchor="end",
        )
        for tick in scale.ticks
    ]  # fmt: skip
    drawn = []
    for number, item in enumerate(bars):
        x = left + step * number + (step - thick) / 2
        drawn.append(_column(item, x, thick, y))
        if step >= _NAMED:
            name = shortened(item.name, step - 10, 12)
            drawn.append(element("text", name, x=x + thick / 2, y=top + height + 18, class_="name"))
    title = element("text", "" if unit == "%" else unit, x=left - 8, y=12, text_anchor="end")
    return element(
        "svg", *grid, title, *drawn,
        class_="chart", width=width, height=top + height + bottom, role="img", aria_label=label,
        viewBox=f"0 0 {width} {top + height + bottom}",
    )  # fmt: skip


def _column(item: Column, x: float, thick: float, y: Callable[[float], float]) -> Markup:
    rects, below = [element("title", item.title)], 0.0
    for part in item.parts:
        if part.value > 0:
            upper = y(below + part.value)
            height = max(y(below) - upper, 0.6)
            rects.append(
                element("rect", x=x, y=upper, width=thick, height=height, class_=part.colour)
            )
            below += part.value
    return element("g", *rects)
