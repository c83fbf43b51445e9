"""What the console must never do."""

import json
import re

import pytest
from starlette.testclient import TestClient

from cityloom.city import City
from tests.cities import TESTER
from tests.web.crawl import crawl
from tests.web.test_pages import PAGES
from tests.web.towns import HOSTILE, SECRETS


def test_the_secrets_are_there_for_who_may_read_them(town: City) -> None:
    rows = town.read("resident", TESTER, "statistics").read_all().to_pylist()
    refused = town.read_quarantine("resident", TESTER, "statistics").read_all()
    for secret in SECRETS:
        assert secret in f"{rows} {refused.to_pylist()}"


def test_no_page_shows_a_value_of_a_personal_row(client: TestClient) -> None:
    addresses = [*PAGES, "/overview", "/datasets/resident/contract"]
    texts = [
        client.get(address + suffix).text
        for address in addresses
        for suffix in ("", ".json", ".csv", "?page=2", "?shade=name")
        if address != "/" or not suffix.startswith(".")
    ]
    texts += [text for _, text in crawl(client)]
    for secret in SECRETS:
        assert not any(secret in text for text in texts), secret


def test_a_refusal_names_the_rule_and_whom_to_ask(client: TestClient) -> None:
    for section in ("rows", "quarantine"):
        page = client.get(f"/datasets/resident/{section}", headers={"accept-language": "en"}).text
        assert "personal data is not shown where nobody has signed in" in page
        assert "统计局" in page
        assert client.get(f"/datasets/resident/{section}.csv").status_code == 403
    assert client.get("/datasets/resident/rows.json").json()["owner"] == "统计局"
    page = client.get("/datasets/resident/rows", headers={"accept-language": "zh"}).text
    assert "未登录时不显示个人数据" in page


def test_counts_and_reasons_of_personal_rows_are_shown(client: TestClient) -> None:
    facts = client.get("/datasets/resident/quarantine.json").json()
    assert facts["total"] == 1
    assert facts["reasons"] == {"phone: does not match [0-9]{11}": 1}
    assert "rows" not in facts


def test_every_look_at_rows_is_in_the_ledger(client: TestClient, town: City) -> None:
    before = town.ledger.verify()
    client.get("/datasets/visit/rows")
    client.get("/datasets/resident/rows")
    client.get("/datasets/visit")
    assert town.ledger.verify() == before + 2
    lines = (town.path / "ledger.ndjson").read_text().splitlines()
    entries = [json.loads(line) for line in lines[-2:]]
    assert [(entry["principal"], entry["granted"]) for entry in entries] == [
        ("console", True),
        ("console", False),
    ]


@pytest.mark.parametrize("path", PAGES)
def test_hostile_values_are_inert(client: TestClient, path: str) -> None:
    assert HOSTILE not in client.get(path).text


def test_hostile_questions_are_inert(client: TestClient) -> None:
    for path in ("/datasets", "/runs", "/datasets/visit/rows", "/"):
        for name in ("q", "owner", "dataset", "sort", "page", "shade", '"><script>'):
            assert HOSTILE not in client.get(path, params={name: f'"{HOSTILE}'}).text


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_script_or_style_of_its_own(client: TestClient, path: str) -> None:
    page = client.get(path).text
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|javascript:", page)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", page))


@pytest.mark.parametrize("path", ["/", "/datasets.json", "/nope", "/static/console.css"])
def test_headers_keep_a_page_to_itself(client: TestClient, path: str) -> None:
    headers = client.get(path).headers
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cross-origin-resource-policy"] == "same-origin"
    assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "10.0.0.1"])
def test_another_host_name_is_turned_away(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 400


def test_the_only_cookie_is_the_language(reader: TestClient) -> None:
    reader.get("/")
    reader.get("/datasets/visit/rows")
    assert not reader.cookies
    reader.get("/?lang=zh")
    assert dict(reader.cookies) == {"language": "zh"}
    assert "总览" in reader.get("/", headers={"accept-language": "en"}).text
    assert "Overview" in reader.get("/?lang=en").text
    assert 'lang="xx"' not in reader.get("/?lang=xx").text


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_nothing_can_be_changed(client: TestClient, method: str) -> None:
    assert client.request(method, "/datasets/visit").status_code == 405


@pytest.mark.parametrize(
    "path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"]
)
def test_only_static_files_are_served(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 404
