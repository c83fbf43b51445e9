"""Signing in with a provider of OpenID Connect that answers over HTTP; and one that lies."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from joserfc.jwk import RSAKey
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.signin.door import door_of
from cityloom.signin.oidc import ProviderError, person_of
from cityloom.signin.roles import Role
from cityloom.web.app import create_app
from tests.signin.provider import CLIENT, SECRET, Provider

CONSOLE = "http://127.0.0.1"


@pytest.fixture(scope="module")
def opened() -> Iterator[Provider]:
    with Provider().open() as found:
        yield found


@pytest.fixture
def provider(opened: Provider, monkeypatch: pytest.MonkeyPatch) -> Provider:
    """A provider that does not lie yet."""
    monkeypatch.setenv("OIDC_SECRET", SECRET)
    fresh = Provider()
    opened.claims, opened.lies, opened.metadata, opened.userinfo = fresh.claims, {}, {}, {}
    opened.signs_with, opened.asked = opened.key, []
    return opened


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> City:
    return City.create(tmp_path_factory.mktemp("oidc") / "city", "Town")


@pytest.fixture
def city(made: City, provider: Provider) -> City:
    """A city whose people sign in with the provider."""
    said = f'name = "Town"\nformat = {made.settings.format}\n{provider.settings()}'
    (made.path / "city.toml").write_text(said)
    return City.open(made.path)


@pytest.fixture
def reader(city: City) -> TestClient:
    return TestClient(create_app(city), base_url=CONSOLE, follow_redirects=False)


def sent_away(reader: TestClient, next: str = "/") -> str:
    """Where the console sends a reader who wants to sign in."""
    answered = reader.get("/signin/oidc", params={"next": next})
    assert answered.status_code == 302, answered.text
    return answered.headers["location"]


def back(there: str) -> str:
    """Where the provider sends a reader back to, who says that they are Wu Lan."""
    assert httpx.get(there).status_code == 200
    answered = httpx.post(there)
    assert answered.status_code == 303
    location = answered.headers["location"]
    assert location.startswith(f"{CONSOLE}/signin/oidc/back?")
    return location


def signed_in(reader: TestClient, next: str = "/") -> httpx.Response:
    found: Any = reader.get(back(sent_away(reader, next)))
    return found


def test_who_comes_back_is_signed_in_with_mapped_roles(reader: TestClient, city: City) -> None:
    answered = signed_in(reader, "/runs?kind=receive")
    assert (answered.status_code, answered.headers["location"]) == (303, "/runs?kind=receive")
    facts = reader.get("/account.json").json()
    assert facts["name"] == "wu"
    assert facts["full_name"] == "Wu Lan"
    assert facts["roles"] == ["data_steward"]
    assert facts["attributes"] == {"district": "east"}
    assert reader.get("/account").text.count("<h2>") == 3
    assert door_of(city).accounts.get("wu").origin == "oidc"
    assert "oidc" not in reader.cookies


def test_the_provider_is_asked_with_pkce_a_nonce_and_a_state(
    reader: TestClient, provider: Provider
) -> None:
    first, second = (parse_qs(urlsplit(sent_away(reader)).query) for _ in range(2))
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name][0]) >= 20
        assert first[name] != second[name]
    assert first["code_challenge_method"] == ["S256"]
    assert first["response_type"] == ["code"]
    assert first["client_id"] == [CLIENT]
    assert SECRET not in str(first)


def test_roles_and_attributes_are_those_of_the_newest_sign_in(
    reader: TestClient, provider: Provider
) -> None:
    signed_in(reader)
    provider.claims |= {"groups": "auditors", "district": 7}
    signed_in(reader)
    facts = reader.get("/account.json").json()
    assert (facts["roles"], facts["attributes"]) == (["auditor"], {})


def test_who_has_no_role_here_is_turned_away(reader: TestClient, provider: Provider) -> None:
    provider.claims |= {"sub": "8", "preferred_username": "lu", "groups": ["unknown"]}
    answered = signed_in(reader)
    assert answered.status_code == 403
    assert "gives you no role here" in answered.text
    assert "session" not in reader.cookies


def test_a_name_is_taken_from_nobody(reader: TestClient, provider: Provider) -> None:
    signed_in(reader)
    reader.cookies.clear()
    provider.claims |= {"sub": "9", "groups": ["auditors"]}
    answered = signed_in(reader)
    assert answered.status_code == 403
    assert "belongs to somebody else" in answered.text
    assert "session" not in reader.cookies


LIES = {
    "another nonce": {"nonce": "made up"},
    "no nonce": {"nonce": None},
    "another issuer": {"iss": "https://elsewhere.example"},
    "another client": {"aud": "elsewhere"},
    "another client, but ours is the party": {"aud": "elsewhere", "azp": CLIENT},
    "for two, and none is the party": {"aud": [CLIENT, "elsewhere"], "azp": "elsewhere"},
    "expired": {"exp": int(time.time()) - 3_600},
    "of the future": {"iat": int(time.time()) + 36_000, "nbf": int(time.time()) + 36_000},
    "nobody": {"sub": None},
    "without a name": {"preferred_username": None},
    "named by a number": {"preferred_username": 7},
    "named by markup": {"preferred_username": "<script>"},
}


@pytest.mark.parametrize("lie", LIES)
def test_what_is_not_said_to_us_now_is_not_believed(
    reader: TestClient, provider: Provider, lie: str
) -> None:
    provider.lies = LIES[lie]
    answered = signed_in(reader)
    assert answered.status_code == 503
    assert "session" not in reader.cookies
    assert "<script>" not in answered.text


def test_what_another_key_signs_is_not_believed(reader: TestClient, provider: Provider) -> None:
    public = provider.key.as_pem(private=False)
    for key in (RSAKey.generate_key(2048), public, None):
        provider.signs_with = key
        assert signed_in(reader).status_code == 503
        assert "session" not in reader.cookies
    provider.signs_with = provider.key
    assert signed_in(reader).status_code == 303


def test_who_did_not_set_out_from_here_does_not_come_back(
    reader: TestClient, city: City, provider: Provider
) -> None:
    location = back(sent_away(reader))
    stranger = TestClient(reader.app, base_url=CONSOLE, follow_redirects=False)
    assert stranger.get(location).status_code == 503
    assert "session" not in stranger.cookies
    swapped = location.replace("state=", "state=x")
    assert reader.get(swapped).status_code == 503
    assert reader.get(location).status_code == 303
    assert reader.get(location).status_code == 503


def test_a_code_that_was_stolen_is_of_no_use_without_its_verifier(reader: TestClient) -> None:
    stolen = parse_qs(urlsplit(back(sent_away(reader))).query)["code"][0]
    thief = TestClient(reader.app, base_url=CONSOLE, follow_redirects=False)
    state = parse_qs(urlsplit(sent_away(thief)).query)["state"][0]
    answered = thief.get("/signin/oidc/back", params={"code": stolen, "state": state})
    assert answered.status_code == 503
    assert "session" not in thief.cookies


def test_what_the_provider_refuses_is_said_in_words(reader: TestClient) -> None:
    sent_away(reader)
    hostile = {"error": "access_denied", "error_description": "<script>alert(1)</script>"}
    answered = reader.get("/signin/oidc/back", params=hostile)
    assert answered.status_code == 503
    assert "is not believed" in answered.text
    assert "<script>alert" not in answered.text


def test_a_provider_that_is_another_than_it_says_is_not_believed(
    reader: TestClient, provider: Provider
) -> None:
    provider.metadata = {"issuer": "https://elsewhere.example"}
    answered = reader.get("/signin/oidc")
    assert answered.status_code == 503
    assert "another issuer" in answered.text


def test_hosts_that_are_not_listed_are_not_asked(reader: TestClient, provider: Provider) -> None:
    provider.metadata = {"token_endpoint": "http://localhost:9/token"}
    answered = signed_in(reader)
    assert answered.status_code == 503
    assert "localhost:9" in answered.text


def test_groups_may_be_told_elsewhere_but_of_the_same_person_alone(
    reader: TestClient, provider: Provider
) -> None:
    del provider.claims["groups"]
    provider.userinfo = {"sub": "7", "groups": ["auditors"], "preferred_username": "root"}
    answered = signed_in(reader)
    assert answered.status_code == 303, answered.text
    assert reader.get("/account.json").json()["roles"] == ["auditor"]
    assert reader.get("/account.json").json()["name"] == "wu"
    reader.cookies.clear()
    provider.userinfo = {"sub": "8", "groups": ["auditors"]}
    assert signed_in(reader).status_code == 503
    assert "session" not in reader.cookies


def test_the_flow_s_cookie_is_out_of_reach_of_scripts(reader: TestClient) -> None:
    answered = reader.get("/signin/oidc")
    said = answered.headers["set-cookie"].lower()
    assert said.startswith("oidc=")
    assert "httponly" in said
    assert "samesite=lax" in said
    assert "max-age=600" in said


def test_the_page_offers_the_provider(reader: TestClient) -> None:
    page = reader.get("/signin?next=/runs", headers={"accept-language": "en"}).text
    assert 'href="/signin/oidc?next=/runs"' in page
    assert "Sign in with Town Hall" in page
    assert 'type="password"' not in page


def test_without_a_provider_there_is_no_way_to_it(tmp_path: Path) -> None:
    app = create_app(City.create(tmp_path / "city", "Town"))
    assert TestClient(app, base_url=CONSOLE).get("/signin/oidc").status_code == 404


def test_a_secret_that_is_not_there_is_said_before_anything_is_served(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OIDC_SECRET")
    with pytest.raises(UsageError, match="OIDC_SECRET holds nothing"):
        create_app(city)


def test_claims_that_no_mapping_knows_give_nothing(city: City) -> None:
    settings = city.settings.signin.oidc
    assert settings is not None
    said = {
        "sub": "1",
        "preferred_username": "x",
        "groups": [["a"], 7, "administrator", "auditors"],
    }
    assert person_of(said, settings).roles == (Role.AUDITOR,)
    assert person_of({**said, "groups": None}, settings).roles == ()
    with pytest.raises(ProviderError, match="does not tell 'preferred_username'"):
        person_of({"sub": "1"}, settings)
