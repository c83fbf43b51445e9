"""Charts, lineage and maps: what is drawn says what is so."""

import re
import xml.etree.ElementTree as ET

import pytest
import shapely

from cityloom.web.charts import Column, Part, axis, bar, columns
from cityloom.web.drawing import Edge, Node, levels, lineage
from cityloom.web.languages import language
from cityloom.web.shapes import STEPS, Shape, draw
from cityloom.web.svg import element, shortened, width_of

ENGLISH = language("en")


def _widths(svg: str) -> list[float]:
    return [float(found) for found in re.findall(r'width="([\d.]+)%"', svg)]


def test_a_bar_begins_at_nought_and_is_in_proportion() -> None:
    assert _widths(bar([Part("kept", 75), Part("quarantined", 25)], 200)) == [37.5, 12.5]
    assert _widths(bar([Part("kept", 0)], 100)) == []
    assert _widths(bar([Part("kept", 1)], 1_000_000)) == [0.4]
    assert _widths(bar([Part("kept", 0)], 0)) == []


@pytest.mark.parametrize(
    ("most", "top"),
    [(0, 1), (1, 1), (2999, 3000), (3001, 4000), (20_137, 30_000), (1.7, 2), (7, 7.5)],
)
def test_an_axis_ends_on_a_round_value_above_the_most(most: float, top: float) -> None:
    assert axis(most).top == pytest.approx(top)
    assert axis(most).ticks[0] == 0


def test_upright_bars_stand_on_nought_and_say_what_they_are() -> None:
    bars = [Column(f"run <{n}>", "x", (Part("kept", n), Part("quarantined", 1))) for n in (0, 5, 9)]
    root = ET.fromstring(columns(bars, "rows", "Rows by run", ENGLISH, 640))
    groups = root.findall("g")
    assert [group.find("title").text for group in groups] == ["run <0>", "run <5>", "run <9>"]
    grounds = {float(g[-1].get("y")) + float(g[-1].get("height")) for g in groups[:1]}
    zero = max(float(line.get("y1")) for line in root.findall("line"))
    assert grounds == {zero}
    assert root.get("role") == "img"
    assert root.get("aria-label") == "Rows by run"


def test_values_are_escaped_in_every_place() -> None:
    drawn = element("text", "<b>", title='"><script>', class_="a")
    assert drawn == '<text title="&#34;&gt;&lt;script&gt;" class="a">&lt;b&gt;</text>'


def test_a_text_is_cut_to_its_room() -> None:
    assert shortened("short", 100) == "short"
    cut = shortened("a name that is much too long", 60)
    assert cut.endswith("…")
    assert width_of(cut) <= 60
    assert width_of("汉字") == 26


EDGES = [Edge("a", "b"), Edge("b", "d"), Edge("a", "d"), Edge("c", "d"), Edge("d", "e")]


def test_every_layer_comes_after_what_leads_to_it() -> None:
    level = levels(["a", "b", "c", "d", "e", "alone"], EDGES)
    assert all(level[edge.source] < level[edge.target] for edge in EDGES)
    assert level["c"] == level["d"] - 1


def test_lineage_draws_every_node_and_edge_without_overlap() -> None:
    nodes = [Node(name, f"label {name}", "received", f"/datasets/{name}") for name in "abcde"]
    nodes.append(Node("alone", "alone", "received"))
    root = ET.fromstring(lineage(nodes, [*EDGES, Edge("a", "a"), EDGES[0]], "all"))
    assert len(root.findall("path")) == len(EDGES)
    assert [link.get("href") for link in root.findall("a")] == [f"/datasets/{n}" for n in "abcde"]
    boxes = [
        tuple(float(rect.get(side)) for side in ("x", "y", "width", "height"))
        for rect in root.iter("rect")
    ]
    for number, (x, y, width, height) in enumerate(boxes):
        for other in boxes[number + 1 :]:
            apart = x + width <= other[0] or other[0] + other[2] <= x
            assert apart or y + height <= other[1] or other[1] + other[3] <= y


def test_lineage_of_nothing_is_empty() -> None:
    assert ET.fromstring(lineage([], [], "none")).findall("a") == []


def _square(x: float, size: float = 0.1) -> shapely.Polygon:
    return shapely.box(x, 22.5, x + size, 22.5 + size)


def test_a_map_shades_by_value_and_names_each_shape() -> None:
    shapes = [Shape(_square(114 + n / 10), f"<{n}>", float(n)) for n in range(10)]
    drawn = draw(shapes, "EPSG:4326", "map", ENGLISH)
    assert drawn is not None
    root = ET.fromstring(drawn.svg)
    paths = [path for path in root.findall("path") if path.find("title") is not None]
    assert [path.find("title").text for path in paths] == [f"<{n}>" for n in range(10)]
    assert [path.get("class") for path in paths][::9] == ["area s0", f"area s{STEPS - 1}"]
    assert drawn.least == 0
    assert drawn.edges[-1] == 9
    assert "km" in root.find("g[@class='scale']/text").text


def test_what_would_not_be_seen_is_drawn_as_a_dot() -> None:
    shapes = [Shape(_square(114)), Shape(_square(115, 0.0001)), Shape(shapely.Point(114.5, 22.6))]
    root = ET.fromstring(draw(shapes, "EPSG:4326", "map", ENGLISH).svg)
    assert len(root.findall("circle")) == 2


def test_lines_and_planar_coordinates_are_drawn_without_a_scale() -> None:
    line = Shape(shapely.LineString([(0, 0), (500, 900)]), value=1.0)
    root = ET.fromstring(draw([line], "EPSG:4547", "map", ENGLISH).svg)
    assert [path.get("class") for path in root.findall("path")] == ["line s0"]
    assert root.find("g[@class='scale']") is None


def test_no_shapes_make_no_map() -> None:
    assert draw([], "EPSG:4326", "map", ENGLISH) is None
    assert draw([Shape(shapely.Polygon())], "EPSG:4326", "map", ENGLISH) is None
