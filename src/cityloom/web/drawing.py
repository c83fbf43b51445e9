"""The lineage of datasets, drawn in layers from left to right."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import pairwise

from markupsafe import Markup

from cityloom.web.svg import element, joined, shortened, width_of

_NODE, _LANE = 30.0, 8.0
"""How high a node is, and the lane of a line that passes a layer."""

_GAP, _CHANNEL = 10.0, 64.0
"""Between two nodes of a layer, and between two layers."""

_WIDEST = 230.0
_SWEEPS = 8


@dataclass(frozen=True)
class Node:
    """A dataset, or who delivers it: a box with a label; a link where there is a page for it."""

    name: str
    label: str
    kind: str
    href: str | None = None
    title: str = ""


@dataclass(frozen=True)
class Edge:
    """A line between two nodes: ``made`` where rows flow, ``checked`` where they are compared."""

    source: str
    target: str
    kind: str = "made"


@dataclass
class _Layout:
    """Where everything is: layers of names, what leads to each, and how far down it is."""

    layers: list[list[str]]
    before: Mapping[str, list[str]]
    after: Mapping[str, list[str]]
    heights: Mapping[str, float]
    y: dict[str, float] = field(default_factory=dict)


def lineage(nodes: Sequence[Node], edges: Iterable[Edge], label: str) -> Markup:
    """The drawing; ``label`` says what it shows, for readers who hear it.

    The edges must not form a ring, and must lead between the nodes.
    """
    by_name = {node.name: node for node in nodes}
    lines = [edge for edge in dict.fromkeys(edges) if edge.source != edge.target]
    level = levels(list(by_name), lines)
    paths, lanes = _with_lanes(lines, level)
    layout = _layout([*by_name, *lanes], {**level, **lanes}, paths.values())
    left, widths = _columns(layout.layers, by_name)
    width = left[-1] + widths[-1] + 2 if left else 0
    height = max((layout.y[n] + layout.heights[n] for n in layout.y), default=0) + 2
    place = {**level, **lanes}
    drawn = [
        _line(edge, path, layout, [(left[place[n]], widths[place[n]]) for n in path])
        for edge, path in paths.items()
    ]
    boxes = [
        _box(node, left[level[node.name]], layout.y[node.name], widths[level[node.name]])
        for node in nodes
    ]
    return element(
        "svg", *drawn, *boxes,
        class_="lineage", width=width, height=height, viewBox=f"-1 -1 {width:.0f} {height:.0f}",
        role="group", aria_label=label,
    )  # fmt: skip


def levels(names: Sequence[str], edges: Iterable[Edge]) -> dict[str, int]:
    """Each node's layer: after all that lead to it, and close before what it leads to."""
    before: dict[str, set[str]] = {name: set() for name in names}
    after: dict[str, set[str]] = {name: set() for name in names}
    for edge in edges:
        before[edge.target].add(edge.source)
        after[edge.source].add(edge.target)
    order = list(TopologicalSorter(before).static_order())
    level: dict[str, int] = {}
    for name in order:
        level[name] = max((level[other] + 1 for other in before[name]), default=0)
    for name in reversed(order):
        if not before[name] and after[name]:
            level[name] = min(level[other] for other in after[name]) - 1
    return level


def _with_lanes(
    edges: Iterable[Edge], level: Mapping[str, int]
) -> tuple[dict[Edge, list[str]], dict[str, int]]:
    """Each edge's way through the layers, and the lanes it takes through those it passes."""
    paths: dict[Edge, list[str]] = {}
    lanes: dict[str, int] = {}
    for edge in edges:
        passed = range(level[edge.source] + 1, level[edge.target])
        names = [f"{edge.source} → {edge.target} @ {number}" for number in passed]
        lanes.update(zip(names, passed, strict=True))
        paths[edge] = [edge.source, *names, edge.target]
    return paths, lanes


def _layout(
    names: Iterable[str], level: Mapping[str, int], paths: Iterable[Sequence[str]]
) -> _Layout:
    layers: list[list[str]] = [[] for _ in range(max(level.values(), default=-1) + 1)]
    before: dict[str, list[str]] = {}
    after: dict[str, list[str]] = {}
    for name in names:
        layers[level[name]].append(name)
        before[name], after[name] = [], []
    for path in paths:
        for source, target in pairwise(path):
            after[source].append(target)
            before[target].append(source)
    heights = {name: _LANE if "@" in name else _NODE for name in level}
    layout = _Layout(layers, before, after, heights)
    for layer in layers:
        _stack(layout, layer, {})
    for sweep in range(_SWEEPS):
        forward = sweep % 2 == 0
        for layer in layers if forward else reversed(layers):
            _settle(layout, layer, layout.before if forward else layout.after)
    lowest = min(layout.y.values(), default=0)
    layout.y = {name: y - lowest for name, y in layout.y.items()}
    return layout


def _settle(layout: _Layout, layer: list[str], neighbours: Mapping[str, list[str]]) -> None:
    """Order a layer by where its neighbours are, and move each node towards them."""
    wish = {
        name: sum(_middle(layout, other) for other in neighbours[name]) / len(neighbours[name])
        - layout.heights[name] / 2
        for name in layer
        if neighbours[name]
    }
    layer.sort(key=lambda name: wish.get(name, layout.y[name]))
    _stack(layout, layer, wish)


def _stack(layout: _Layout, layer: list[str], wish: Mapping[str, float]) -> None:
    """Put a layer's nodes below each other, each as near to its wish as the others allow."""
    edge = float("-inf")
    wished = [wish.get(name, layout.y.get(name, 0.0)) for name in layer]
    placed = []
    for name, y in zip(layer, wished, strict=True):
        placed.append(max(y, edge))
        edge = placed[-1] + layout.heights[name] + _GAP
    shift = sum(a - b for a, b in zip(placed, wished, strict=True)) / max(len(layer), 1)
    layout.y.update({name: y - shift for name, y in zip(layer, placed, strict=True)})


def _middle(layout: _Layout, name: str) -> float:
    return layout.y[name] + layout.heights[name] / 2


def _columns(
    layers: Sequence[Sequence[str]], by_name: Mapping[str, Node]
) -> tuple[list[float], list[float]]:
    widths = []
    for layer in layers:
        labels = [by_name[name].label for name in layer if name in by_name]
        widths.append(min(max((width_of(text) for text in labels), default=0) + 28, _WIDEST))
    left, edge = [], 0.0
    for width in widths:
        left.append(edge)
        edge += width + _CHANNEL
    return left, widths


def _line(
    edge: Edge, path: Sequence[str], layout: _Layout, columns: Sequence[tuple[float, float]]
) -> Markup:
    """A smooth line from box to box, level where it passes a layer."""
    x, y = columns[0][0] + columns[0][1], _middle(layout, path[0])
    drawn = f"M{x:.0f} {y:.1f}"
    for name, (left, width) in zip(path[1:], columns[1:], strict=True):
        bend, down = (x + left) / 2, _middle(layout, name)
        drawn += f"C{bend:.0f} {y:.1f} {bend:.0f} {down:.1f} {left:.0f} {down:.1f}"
        if name != path[-1]:
            drawn += f"H{left + width:.0f}"
        x, y = left + width, down
    return element("path", d=drawn, class_=f"edge {edge.kind}")


def _box(node: Node, x: float, y: float, width: float) -> Markup:
    parts = [
        element("title", node.title or node.label),
        element("rect", x=x, y=y, width=width, height=_NODE, rx=3),
        element("text", shortened(node.label, width - 24), x=x + 12, y=y + _NODE / 2 + 4.5),
    ]
    if node.href is None:
        return element("g", *parts, class_=f"node {node.kind}")
    return element("a", joined(parts), href=node.href, class_=f"node {node.kind}")
