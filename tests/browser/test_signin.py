"""Signing in in a browser: with a password, and with a provider of OpenID Connect."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
import uvicorn
from playwright.sync_api import Browser, Page, expect

from cityloom.city import City
from cityloom.signin.door import door_of
from cityloom.signin.roles import Role
from cityloom.web.app import create_app
from tests.browser.conftest import STARTING
from tests.signin.doors import PASSWORD
from tests.signin.provider import SECRET, Provider

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a city whose people sign in with a password or a provider."""
    with Provider().open() as provider, pytest.MonkeyPatch.context() as patch:
        patch.setenv("OIDC_SECRET", SECRET)
        path = City.create(tmp_path_factory.mktemp("browser") / "city", "Town").path
        with open(path / "city.toml", "a") as toml:
            toml.write(provider.settings())
        city = City.open(path)
        door_of(city).accounts.add("li", PASSWORD, [Role.ANALYST], full_name="Li Lei")
        yield from _served(city)


def _served(city: City) -> Iterator[str]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(create_app(city), port=port, log_level="warning"))
    thread = threading.Thread(target=server.run)
    thread.start()
    until = time.monotonic() + STARTING
    while not server.started and time.monotonic() < until:
        time.sleep(0.02)
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(locale="en-GB")
    yield context.new_page()
    context.close()


def test_a_person_signs_in_with_the_provider_and_out(page: Page, address: str) -> None:
    page.goto(f"{address}/runs")
    page.get_by_role("link", name="Sign in").click()
    page.get_by_role("link", name="Sign in with Town Hall").click()
    page.get_by_role("button", name="I am Wu Lan").click()
    page.wait_for_url(f"{address}/runs")
    page.get_by_role("link", name="Signed in as Wu Lan (data steward)").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("My account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("link", name="Sign in")).to_be_visible()
    assert [cookie["name"] for cookie in page.context.cookies(address)] == ["browser"]


def test_a_person_signs_in_with_a_password_by_keyboard(page: Page, address: str, axe: str) -> None:
    page.goto(f"{address}/signin?next=/datasets")
    assert _violations(page, axe) == []
    page.locator("#name").focus()
    page.keyboard.type("li")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("is not right")
    assert page.locator("#name").input_value() == "li"
    page.locator("#password").fill(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{address}/datasets")
    page.goto(f"{address}/account")
    for language in ("en", "zh"):
        page.goto(f"{address}/account?lang={language}")
        assert _violations(page, axe) == []
        page.set_viewport_size({"width": 360, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        page.set_viewport_size({"width": 1280, "height": 800})
    assert page.evaluate("document.cookie") == ""


def _violations(page: Page, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate("axe.run().then(said => said.violations)")
    return [f"{broken['id']}: {node['html'][:160]}" for broken in found for node in broken["nodes"]]
