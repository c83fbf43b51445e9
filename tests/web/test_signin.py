"""Signing in at the console: cookies, forms, tokens, and who is shown what."""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from argon2 import PasswordHasher
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.signin import door as doors
from cityloom.signin.accounts import Accounts
from cityloom.signin.door import Door, door_of
from cityloom.signin.roles import Role
from cityloom.web.app import LARGEST_BODY, create_app
from cityloom.web.signin.addresses import own_address
from cityloom.web.signin.forms import FIELD, HEADER
from cityloom.web.signin.served import Served
from tests.signin.doors import OTHER, PASSWORD, QUICK
from tests.web.towns import new_town

HOST = "http://127.0.0.1"
FAR = Served(https=True, hosts=("data.town",), guarded=True)


@pytest.fixture(scope="module", autouse=True)
def quick() -> object:
    """Passwords are hashed at a hundredth of the cost."""
    with pytest.MonkeyPatch.context() as patch:
        made = Accounts.__init__

        def cheap(self: Accounts, store: object, clock: object, _: PasswordHasher) -> None:
            made(self, store, clock, QUICK)

        patch.setattr(doors.Accounts, "__init__", cheap)
        yield


@pytest.fixture(scope="module")
def city(tmp_path_factory: pytest.TempPathFactory) -> City:
    """A town with two accounts."""
    found = new_town(tmp_path_factory.mktemp("signin"))
    accounts = door_of(found).accounts
    accounts.add("li", PASSWORD, [Role.ANALYST], {"district": "north"}, "Li Lei")
    accounts.add("wu", PASSWORD, [Role.ADMINISTRATOR])
    return found


@pytest.fixture
def door(city: City) -> Door:
    """The town's door; whoever had to wait does no more."""
    found = door_of(city)
    with found.store.begin() as connection:
        connection.exec_driver_sql("DELETE FROM signin_attempt")
    return found


@pytest.fixture
def reader(city: City, door: Door) -> TestClient:
    return client(city)


def client(city: City, how: Served | None = None) -> TestClient:
    base = HOST if how is None else f"https://{how.hosts[0]}"
    headers = {"accept-language": "en", "accept": "text/html"}
    return TestClient(create_app(city, how), base_url=base, headers=headers, follow_redirects=False)


def token_in(page: str) -> str:
    return page.partition(f'name="{FIELD}" value="')[2].partition('"')[0]


def sign_in(reader: TestClient, name: str = "li", password: str = PASSWORD, next: str = "/"):
    form = {"name": name, "password": password, "next": next}
    token = token_in(reader.get("/signin").text)
    return reader.post("/signin", data={**form, FIELD: token})


def own_token(reader: TestClient) -> str:
    return token_in(reader.get("/account").text)


@pytest.mark.parametrize(("code", "words"), [("en", "Sign in"), ("zh", "登录")])
def test_the_page_is_in_both_languages(reader: TestClient, code: str, words: str) -> None:
    page = reader.get("/signin", headers={"accept-language": code}).text
    assert f"<h1>{words}</h1>" in page
    assert f">{words}</a>" in reader.get("/", headers={"accept-language": code}).text


def test_who_signs_in_is_named_on_each_page_and_told_to_policy(
    reader: TestClient, city: City
) -> None:
    answered = sign_in(reader, next="/runs?kind=receive")
    assert (answered.status_code, answered.headers["location"]) == (303, "/runs?kind=receive")
    assert "Signed in as Li Lei (analyst)" in reader.get("/datasets").text
    assert "Signed in as Li Lei (analyst)" in reader.get("/nope").text
    zh = reader.get("/", headers={"accept-language": "zh"}).text
    assert "已登录：Li Lei（分析员）" in zh
    assert reader.get("/signin?next=/runs").headers["location"] == "/runs"
    reader.get("/datasets/visit/rows")
    last = (city.path / "ledger.ndjson").read_text().splitlines()[-1]
    assert json.loads(last)["principal"] == "li"


@pytest.mark.parametrize(
    ("name", "password"), [("li", OTHER), ("nobody", PASSWORD), ("", ""), ("<b>", "x" * 5_000)]
)
def test_who_does_not_fit_is_told_the_same(reader: TestClient, name: str, password: str) -> None:
    answered = sign_in(reader, name, password)
    assert answered.status_code == 403
    assert "The name or the password is not right, or the account is disabled." in answered.text
    assert "session" not in reader.cookies
    assert "<b>" not in answered.text
    assert password == "" or password not in answered.text


def test_who_guesses_is_told_to_wait(reader: TestClient) -> None:
    for _ in range(5):
        assert sign_in(reader, "li", OTHER).status_code == 403
    answered = sign_in(reader, "li", PASSWORD)
    assert answered.status_code == 429
    assert answered.headers["retry-after"] == "1"
    assert "Try again in 1 second." in answered.text


@pytest.mark.parametrize("how", [None, FAR])
def test_cookies_are_for_this_site_alone(city: City, door: Door, how: Served | None) -> None:
    reader = client(city, how)
    said = [reader.get("/signin").headers["set-cookie"]]
    said += sign_in(reader).headers.get_list("set-cookie")
    prefix = "__Host-" if how else ""
    names = [cookie.partition("=")[0] for cookie in said]
    assert names == [prefix + name for name in ("form", "session", "browser", "form")]
    for cookie in said:
        flags = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert {"httponly", "samesite=lax", "path=/"} <= flags
        assert ("secure" in flags) == (how is not None)
        assert not any(flag.startswith("domain") for flag in flags)
    assert not any("max-age" in cookie for cookie in said[:2])


def test_a_session_that_was_planted_is_not_the_one_that_is_signed_in(
    city: City, reader: TestClient
) -> None:
    planted = door_of(city).sessions.begin("wu")
    for identifier in (planted, "made-up"):
        reader.cookies.set("session", identifier, "127.0.0.1", "/")
        sign_in_by_form(city, reader, identifier)
        assert reader.cookies["session"] != identifier
        thief = client(city)
        thief.cookies.set("session", identifier)
        assert "Signed in" not in thief.get("/").text
        reader.cookies.clear()


def sign_in_by_form(city: City, reader: TestClient, identifier: str) -> None:
    """Sign in with a form that is bound to a session's cookie."""
    from cityloom.secret import keyed

    token = keyed(door_of(city).secret, "form", identifier)
    form = {"name": "li", "password": PASSWORD, FIELD: token}
    assert reader.post("/signin", data=form).status_code == 303


def test_signing_out_ends_the_session(reader: TestClient, city: City) -> None:
    sign_in(reader)
    session = reader.cookies["session"]
    assert reader.get("/signout").status_code == 405
    answered = reader.post("/signout", data={FIELD: own_token(reader)})
    assert answered.status_code == 303
    assert "session" not in reader.cookies
    thief = client(city)
    thief.cookies.set("session", session)
    assert thief.get("/account").status_code == 303


def changing_routes(reader: TestClient) -> list[tuple[str, str]]:
    """Every route that changes something, as the application lists them."""
    found = [
        (method, route.path)
        for entry in reader.app.routes
        for route in getattr(getattr(entry, "original_router", None), "routes", [entry])
        if isinstance(route, APIRoute)
        for method in route.methods - {"GET", "HEAD", "OPTIONS"}
    ]
    return sorted(set(found))


def every_change(reader: TestClient) -> list[tuple[str, str]]:
    found = changing_routes(reader)
    assert {path for _, path in found} >= {
        "/signin", "/signout", "/account/password", "/account/sessions", "/account/tokens",
        "/account/tokens/revoke",
    }  # fmt: skip
    return [(method, path.replace("{", "").replace("}", "")) for method, path in found]


def test_nothing_is_changed_from_elsewhere(city: City, reader: TestClient) -> None:
    sign_in(reader)
    good, other = own_token(reader), client(city)
    sign_in(other, "wu")
    forged = [{}, {FIELD: ""}, {FIELD: good[:-1]}, {FIELD: own_token(other)}]
    from_elsewhere = [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:81"},
    ]
    for method, path in every_change(reader):
        for form in forged:
            assert reader.request(method, path, data=form).status_code == 403, (path, form)
        for headers in from_elsewhere:
            sent = reader.request(method, path, data={FIELD: good}, headers=headers)
            assert sent.status_code == 403, (path, headers)
    stranger = client(city)
    for method, path in every_change(stranger):
        assert stranger.request(method, path, data={FIELD: good}).status_code == 403
    assert "Signed in" in reader.get("/").text


def test_what_a_page_of_ours_sends_is_taken(reader: TestClient) -> None:
    sign_in(reader)
    good = own_token(reader)
    for sent in ({"data": {FIELD: good}}, {"headers": {HEADER: good}}):
        for more in ({}, {"sec-fetch-site": "same-origin"}, {"origin": HOST}):
            headers = {**sent.get("headers", {}), **more}
            answered = reader.post("/account/sessions", data=sent.get("data"), headers=headers)
            assert answered.status_code == 303, (sent, more)


@pytest.mark.parametrize(
    "next",
    [
        "https://evil.example", "//evil.example", "/\\evil.example", "\\\\evil.example",
        "/\t/evil.example", "javascript:alert(1)", "http:evil", "///evil.example", "evil",
        "/ok\r\nSet-Cookie: x=y", "", "//", "https:/evil.example", "\x01//evil.example",
    ],
    ids=range(14),
)  # fmt: skip
def test_signing_in_leads_nowhere_else(reader: TestClient, next: str) -> None:
    assert sign_in(reader, next=next).headers["location"] == "/"
    assert reader.get("/signin", params={"next": next}).headers["location"] == "/"


@given(st.text("/\\.:@abc\t\r\n ?#%") | st.text())
def test_an_own_address_is_a_path_of_this_site(text: str) -> None:
    found = own_address(text)
    parts = urlsplit(found)
    assert (parts.scheme, parts.netloc) == ("", "")
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found in (text, "/")


def test_the_account_is_shown_and_changed(reader: TestClient, city: City) -> None:
    assert client(city).get("/account").headers["location"] == "/signin?next=%2Faccount"
    sign_in(reader)
    other = client(city)
    sign_in(other)
    page = reader.get("/account").text
    for words in ("Li Lei", "analyst", "district", "north", "this one", "End it"):
        assert words in page
    digest = page.partition('name="digest" value="')[2].partition('"')[0]
    ended = reader.post("/account/sessions", data={FIELD: token_in(page), "digest": digest})
    assert ended.status_code == 303
    assert other.get("/account").status_code == 303
    assert reader.get("/account/tokens").headers["location"] == "/account"


def test_a_password_is_changed_and_other_sessions_end(city: City, door: Door) -> None:
    door.accounts.add("yu", PASSWORD, [Role.ANALYST])
    reader, other = client(city), client(city)
    sign_in(reader, "yu")
    sign_in(other, "yu")

    def changed(old: str, new: str):
        form = {FIELD: own_token(reader), "old": old, "new": new}
        return reader.post("/account/password", data=form)

    assert "The old password is not right." in changed(OTHER, OTHER).text
    assert "15 to 1,024 characters" in changed(PASSWORD, "short").text
    assert other.get("/account").status_code == 200
    before = reader.cookies["session"]
    assert changed(PASSWORD, OTHER).status_code == 303
    assert reader.cookies["session"] != before
    assert reader.get("/account").status_code == 200
    assert other.get("/account").status_code == 303
    assert sign_in(client(city), "yu", OTHER).status_code == 303


def test_a_token_is_made_shown_once_used_and_revoked(reader: TestClient, city: City) -> None:
    sign_in(reader)

    def made(scopes: str, days: str = "7"):
        form = {FIELD: own_token(reader), "title": "nightly", "scopes": scopes, "days": days}
        return reader.post("/account/tokens", data=form)

    for scopes, days, words in (
        ("write:visit", "7", "is no scope"),
        ("", "7", "needs a dataset"),
        ("read:visit", "x", "lasts 1 to 366 days"),
    ):
        answered = made(scopes, days)
        assert answered.status_code == 422
        assert words in answered.text
    page = made("read:visit, purpose:statistics").text
    token = page.partition('<code id="made">')[2].partition("<")[0]
    assert token.startswith("cityloom_")
    page = reader.get("/account").text
    assert "nightly" in page
    assert token not in page
    program = TestClient(reader.app, base_url=HOST, headers={"authorization": f"Bearer {token}"})
    assert program.get("/datasets/visit/rows.json").status_code == 200
    last = (city.path / "ledger.ndjson").read_text().splitlines()[-1]
    assert json.loads(last)["principal"] == "li"
    assert program.get("/datasets/place/rows.json").status_code == 403
    assert program.get("/map").status_code == 200
    id = page.rpartition('name="id" value="')[2].partition('"')[0]
    reader.post("/account/tokens/revoke", data={FIELD: token_in(page), "id": id})
    refused = program.get("/datasets/visit/rows.json")
    assert refused.status_code == 401
    assert 'error="invalid_token"' in refused.headers["www-authenticate"]
    assert program.get("/datasets").status_code == 401


def test_a_token_speaks_for_nobody_where_no_dataset_is_named(city: City, door: Door) -> None:
    token = door.tokens.add("li", "", ["read:*"])
    program = client(city)
    program.headers["authorization"] = f"Bearer {token}"
    assert program.get("/datasets/visit/rows").status_code == 200
    before = (city.path / "ledger.ndjson").read_text().count('"li"')
    assert program.get("/map").status_code == 200
    assert program.get("/account").status_code == 303
    assert (city.path / "ledger.ndjson").read_text().count('"li"') == before


def test_beyond_this_machine_only_who_signed_in_is_shown_anything(city: City, door: Door) -> None:
    reader = client(city, FAR)
    for path in ("/", "/datasets", "/datasets/visit/rows?page=2", "/map", "/account", "/runs"):
        answered = reader.get(path)
        assert answered.status_code == 303, path
        assert answered.headers["location"].startswith("/signin?next=%2F")
    for path in ("/overview.json", "/datasets/visit/rows.csv", "/tiles/place.pmtiles.json"):
        assert reader.get(path).status_code == 401, path
    assert reader.get("/health").json() == {"status": "ok"}
    assert reader.get("/signin").status_code == 200
    sign_in(reader)
    assert reader.get("/datasets").status_code == 200
    assert reader.get("/health").json()["datasets"] == 4
    token = door.tokens.add("li", "", ["read:visit"])
    program = client(city, FAR)
    assert program.get("/runs", headers={"authorization": f"Bearer {token}"}).status_code == 200
    assert program.get("/", headers={"host": "127.0.0.1"}).status_code == 400


def test_what_somebody_sees_is_kept_by_nobody(city: City, reader: TestClient) -> None:
    assert reader.get("/datasets").headers["cache-control"] == "no-cache"
    sign_in(reader)
    assert reader.get("/datasets").headers["cache-control"] == "no-store"
    assert "strict-transport-security" not in reader.get("/").headers
    assert "strict-transport-security" in client(city, FAR).get("/signin").headers


def test_a_form_that_is_too_large_is_not_read(reader: TestClient) -> None:
    answered = reader.post("/signin", data={"name": "x" * LARGEST_BODY})
    assert answered.status_code == 413


def test_without_accounts_all_is_as_it_was(client: TestClient, tmp_path: Path) -> None:
    answered = client.get("/datasets", headers={"accept-language": "en"})
    assert "Sign in" not in answered.text
    assert "Nobody has signed in" in answered.text
    assert (
        "Nobody has an account here yet"
        in client.get("/signin", headers={"accept-language": "en"}).text
    )
