"""The console in a browser: for everyone, by keyboard, on a small screen, light, and by itself."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import pytest
from playwright.sync_api import Browser, Page, Request, expect

pytestmark = pytest.mark.browser

PAGES = [
    "/",
    "/datasets",
    "/datasets?q=nothing+fits",
    "/datasets/visit",
    "/datasets/visit/quality",
    "/datasets/visit/rows",
    "/datasets/place/rows",
    "/datasets/resident/rows",
    "/datasets/visit/quarantine",
    "/datasets/resident/quarantine",
    "/datasets/visit/lineage",
    "/datasets/visit/history",
    "/map",
    "/query",
    "/query?sql=SELECT+place_name,+people+FROM+place",
    "/query?sql=DROP+TABLE+place",
    "/runs",
    "RUN",
    "/nope",
]
LANGUAGES = ["en-GB", "zh-CN"]
THEMES: dict[Literal["light", "dark"], dict[str, list[str]]] = {
    "light": {},
    "dark": {"runOnly": ["color-contrast"]},
}
"""Each theme, and what is checked in it: everything once, what depends on colours twice."""

BUDGET = 150_000

Opened = Callable[..., Page]


@pytest.fixture
def opened(browser: Browser, served: str) -> Iterator[Opened]:
    """Opens pages; fails on a request to elsewhere, a script error or a console message."""
    contexts = []
    wrong: list[str] = []

    def open_page(
        path: str,
        language: str = "en-GB",
        width: int = 1280,
        sizes: list[int] | None = None,
        **options: Any,
    ) -> Page:
        context = browser.new_context(
            locale=language, viewport={"width": width, "height": 800}, **options
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda said: wrong.append(said.text) if _unexpected(said.text) else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda asked: None if _own(asked.url) else wrong.append(asked.url))
        if sizes is not None:
            page.on("requestfinished", lambda done: sizes.append(_size(done)))
        if path == "RUN":
            path = f"/runs/{context.request.get(f'{served}/runs.json').json()[0]['id']}"
        page.goto(served + path)
        return page

    def _own(url: str) -> bool:
        return url.startswith((served + "/", "data:"))

    def _unexpected(text: str) -> bool:
        return not any(status in text for status in ("400 (Bad Request)", "404 (Not Found)"))

    yield open_page
    for context in contexts:
        context.close()
    assert wrong == []


def _size(done: Request) -> int:
    """The bytes that came over the wire, before the map."""
    if "/maplibre-gl" in done.url or "/tiles/" in done.url:
        return 0
    return int(done.sizes()["responseBodySize"])


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_for_everyone_in_both_languages_and_themes(
    opened: Opened, axe: str, path: str
) -> None:
    for language in LANGUAGES:
        page = opened(path, language)
        for theme, rules in THEMES.items():
            page.emulate_media(color_scheme=theme)
            page.evaluate(axe)
            found = page.evaluate("rules => axe.run(rules).then(said => said.violations)", rules)
            told = [
                f"{broken['id']}: {node['html'][:160]} {node['failureSummary'][:200]}"
                for broken in found
                for node in broken["nodes"]
            ]
            assert told == [], f"{path} {language} {theme}"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_fits_a_small_screen(opened: Opened, path: str) -> None:
    for language in LANGUAGES:
        page = opened(path, language, width=360)
        assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_light(opened: Opened, path: str) -> None:
    sizes: list[int] = []
    opened(path, "zh-CN", sizes=sizes).wait_for_load_state("networkidle")
    assert 1_000 < sum(sizes) < BUDGET


def test_the_whole_console_is_reached_by_keyboard(opened: Opened) -> None:
    page = opened("/")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getAttribute('href')") == "/datasets"
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets")
    seen = [_focused(page) for _ in range(30)]
    assert {"INPUT q", "SELECT owner", "BUTTON ", "A "} <= {tag for tag, _ in seen}
    assert [tag for tag, outlined in seen if not outlined and tag != "BODY "] == []


def _focused(page: Page) -> tuple[str, bool]:
    """What has the focus after one more Tab, and whether that can be seen."""
    page.keyboard.press("Tab")
    tag, style = page.evaluate(
        "[`${document.activeElement.tagName} ${document.activeElement.id}`,"
        " getComputedStyle(document.activeElement).outlineStyle]"
    )
    return tag, style != "none"


def test_a_node_of_the_lineage_is_a_link_for_the_keyboard(opened: Opened) -> None:
    page = opened("/datasets/visit/lineage")
    page.locator("svg.lineage a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/datasets/place/lineage")


def test_the_catalogue_is_searched_without_loading_the_page_again(opened: Opened) -> None:
    page = opened("/datasets")
    page.evaluate("window.stays = true")
    page.locator("#q").press_sequentially("走访")
    expect(page.locator("#found tbody tr")).to_have_count(1)
    assert page.evaluate("window.stays")
    assert "q=" in page.url
    assert page.locator("#q").evaluate("box => box === document.activeElement")
    page.reload()
    assert page.locator("#found tbody tr").count() == 1


@pytest.mark.parametrize("path", ["/datasets", "/runs"])
def test_filters_work_without_scripts(opened: Opened, path: str) -> None:
    page = opened(path, java_script_enabled=False)
    page.locator("form.filters select").first.select_option(index=1)
    page.get_by_role("button", name="Show").click()
    page.wait_for_url("**?*")
    assert page.locator("#found tbody tr").count() > 0


def test_the_language_is_changed_in_the_header_and_stays(opened: Opened) -> None:
    page = opened("/datasets/visit/quality")
    page.get_by_role("link", name="中文").click()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"
    page.get_by_role("link", name="历史").click()
    assert page.locator("html").get_attribute("lang") == "zh-Hans"


def test_hostile_values_do_nothing(opened: Opened) -> None:
    for path in ("/datasets/visit/rows", "/datasets/visit/quarantine", "/datasets/place/rows"):
        with _alarmed(opened(path)) as alarms:
            assert alarms == []


@contextmanager
def _alarmed(page: Page) -> Iterator[list[str]]:
    alarms: list[str] = []
    page.on("dialog", lambda dialog: alarms.append(dialog.message))
    page.reload(wait_until="networkidle")
    yield alarms


def test_a_page_prints_what_matters(opened: Opened) -> None:
    page = opened("/datasets/visit/quality")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.locator("h1").is_visible()
    assert not page.locator(".sections").is_visible()
    assert page.locator("svg.chart >> nth=0").is_visible()


def test_nothing_moves_for_who_asked_for_no_motion(opened: Opened) -> None:
    page = opened("/datasets", reduced_motion="reduce")
    assert page.locator("#found").evaluate("it => getComputedStyle(it).transitionDuration") == "0s"
