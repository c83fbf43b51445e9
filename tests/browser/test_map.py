"""The map in a browser: drawn by the city's own server alone, and for everyone."""

import re
from base64 import b64encode
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_console import LANGUAGES, Opened
from tests.browser.test_console import opened as opened  # noqa: PLC0414
from tests.web.towns import HOSTILE

pytestmark = pytest.mark.browser

WAIT = 60_000


def drawn(page: Page) -> Page:
    """The page once its map stands still."""
    page.wait_for_selector("#the-map[data-state=drawn]", timeout=WAIT)
    return page


def test_the_map_shows_what_is_in_view_as_a_table(opened: Opened) -> None:
    page = drawn(opened("/map"))
    expect(page.locator("#map-count")).to_contain_text("In view: 3")
    names = page.locator("#map-rows tbody tr td:nth-child(2)").all_inner_texts()
    assert sorted(names) == sorted(["东岸", "West & Co", HOSTILE])
    assert re.search(r"#\d+(\.\d+)?/22\.\d+/114\.\d+$", page.url)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_drawn_map_is_for_everyone(opened: Opened, axe: str, theme: Any) -> None:
    for language in LANGUAGES:
        page = drawn(opened("/map?shade=place.people", language, color_scheme=theme))
        page.locator("#map-rows .row-button").first.click()
        page.evaluate(axe)
        found = page.evaluate("axe.run().then(said => said.violations)")
        assert [(broken["id"], broken["nodes"][0]["html"]) for broken in found] == []


def test_a_click_shows_the_record_beside_the_map(opened: Opened) -> None:
    page = drawn(opened("/map"))
    box = page.locator("#the-map").bounding_box()
    assert box
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    record = page.locator("#map-record")
    expect(record).to_contain_text("West & Co")
    expect(record).to_contain_text("900")
    beside = record.bounding_box()
    assert beside
    assert beside["x"] >= box["x"] + box["width"]
    expect(record.get_by_role("link")).to_have_attribute("href", "/datasets/place")


def test_the_pointer_is_told_the_name(opened: Opened) -> None:
    page = drawn(opened("/map"))
    page.locator("#the-map").hover()
    expect(page.locator(".map-name")).to_have_text("West & Co")


def test_the_map_is_used_by_keyboard_alone(opened: Opened) -> None:
    page = drawn(opened("/map"))
    page.locator("#the-map canvas").focus()
    before = page.url
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => location.href !== before", arg=before, timeout=WAIT)
    page.keyboard.press("t")
    assert page.evaluate("document.activeElement.id") == "map-table"
    page.locator("#map-rows .row-button").first.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#map-record dl div").first).to_be_visible()


def test_the_address_holds_the_view(opened: Opened) -> None:
    page = drawn(opened("/map?layer=place#13/22.55/114.05"))
    expect(page.locator("#map-count")).to_contain_text("In view: 1")
    page.get_by_label("Shade by").select_option("place.people")
    page.wait_for_url("**shade=place.people**")
    drawn(page)
    expect(page.locator("#map-legend")).to_contain_text("people")
    expect(page.locator("#map-legend")).to_contain_text("Source: 统计局.")
    page.get_by_role("checkbox", name="place").uncheck()
    assert "layer=" not in page.url
    assert page.url.endswith("#13/22.55/114.05")


def middle_of(page: Page) -> tuple[list[int], int]:
    """The colour in the middle of the map, and how many colours there are around it."""
    picture = page.locator("#the-map").screenshot()
    found = page.evaluate(
        """async (written) => {
            const bytes = Uint8Array.from(atob(written), (sign) => sign.charCodeAt(0));
            const shot = await createImageBitmap(new Blob([bytes]));
            const flat = new OffscreenCanvas(shot.width, shot.height)
                .getContext("2d", { willReadFrequently: true });
            flat.drawImage(shot, 0, 0);
            const [wide, high] = [shot.width, shot.height];
            const around = flat.getImageData(wide * .2, high * .2, wide * .6, high * .6).data;
            const middle = flat.getImageData(wide / 2, high / 2, 1, 1).data;
            return [[...middle], new Set(new Uint32Array(around.buffer)).size];
        }""",
        b64encode(picture).decode(),
    )
    return found[0], found[1]


def test_shapes_and_names_are_painted(opened: Opened) -> None:
    inside, names = middle_of(drawn(opened("/map#12/22.55/114.05")))
    outside, nothing = middle_of(drawn(opened("/map#14/10/10")))
    assert inside != outside
    assert nothing == 1
    assert names > 20


PIECES = """async () => {
    const { labelPoints } = await import("/static/map/labels.js");
    const { styleOf } = await import("/static/map/style.js");
    const box = (west, east) => ({ type: "Polygon", coordinates: [
        [[west, 0], [east, 0], [east, 2], [west, 2], [west, 0]]] });
    const piece = (id, name, shape) => ({ id, properties: { name }, geometry: shape });
    const layer = { dataset: "place", name: "name", zooms: [0, 14], base: true };
    const pieces = [
        piece(1, "East", box(0, 4)), piece(1, "East", box(4, 6)), piece(2, "West", box(10, 12)),
    ];
    const labels = { place: labelPoints(pieces, layer) };
    const style = styleOf([layer], "", labels);
    const written = style.layers.filter((one) => one.id.startsWith("name-area"));
    return [labels.place.features.map((one) => [one.properties.name, one.geometry.coordinates]),
        written.map((one) => style.sources[one.source].data.features.length)];
}"""


def test_a_name_stands_once_however_many_tiles_cut_its_area(opened: Opened) -> None:
    page = drawn(opened("/map"))
    points, written = page.evaluate(PIECES)
    assert points == [["East", [3, 1]], ["West", [11, 1]]]
    assert written == [2]


def test_the_map_fits_a_phone(opened: Opened) -> None:
    page = drawn(opened("/map", width=360))
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.locator("#the-map").bounding_box()["height"] >= 320  # type: ignore[index]


def test_nothing_moves_for_who_asked_for_no_motion(opened: Opened) -> None:
    page = drawn(opened("/map", reduced_motion="reduce"))
    page.get_by_role("button", name="Zoom in").click()
    drawn(page)
    page.locator("#map-rows .row-button").first.click()
    assert drawn(page)


def test_without_scripts_there_is_the_table(opened: Opened) -> None:
    page = opened("/map", java_script_enabled=False)
    assert page.locator("#map-rows tbody tr").count() == 3
    assert "needs a script" in page.locator("noscript").first.inner_text()


def test_hostile_values_do_nothing_on_the_map(opened: Opened) -> None:
    page = opened("/map")
    alarms: list[str] = []
    page.on("dialog", lambda dialog: alarms.append(dialog.message))
    drawn(page)
    page.get_by_role("button", name="p3").click()
    expect(page.locator("#map-record")).to_contain_text(HOSTILE)
    assert alarms == []


def test_a_personal_dataset_is_no_layer(opened: Opened) -> None:
    page = opened("/map?layer=resident")
    assert page.locator("#map-layers input").evaluate_all("all => all.map(one => one.value)") == [
        "place"
    ]
