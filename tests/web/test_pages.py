"""Every page answers, in each language and each form."""

import csv
import io
import re
from pathlib import Path

import pytest
from markupsafe import escape
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.web.app import create_app
from tests.cities import column, contract_text, csv_bytes, deliver, new_city, set_contract
from tests.web.crawl import crawl
from tests.web.towns import FORMULA

PAGES = [
    "/",
    "/datasets",
    "/runs",
    *[
        f"/datasets/{dataset}{section}"
        for dataset in ("place", "visit", "resident", "empty")
        for section in ("", "/quality", "/rows", "/quarantine", "/lineage", "/history")
    ],
]


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_served_in_both_languages(client: TestClient, path: str) -> None:
    for code, lang, word in (("en", "en", "Datasets"), ("zh", "zh-Hans", "数据集")):
        answered = client.get(path, headers={"accept-language": code})
        assert answered.status_code == 200
        assert f'<html lang="{lang}">' in answered.text
        assert word in answered.text
        assert answered.headers["content-language"] == code


@pytest.mark.parametrize("path", [page for page in PAGES if page != "/"] + ["/overview"])
def test_a_page_is_json_too(client: TestClient, path: str) -> None:
    by_suffix = client.get(f"{path}.json")
    by_wish = client.get(path, headers={"accept": "application/json"})
    assert by_suffix.headers["content-type"] == "application/json"
    assert by_suffix.json() == by_wish.json()
    assert by_suffix.status_code == (403 if path == "/datasets/resident/rows" else 200)


def test_the_overview_says_what_there_is(client: TestClient) -> None:
    facts = client.get("/overview.json").json()
    assert facts["datasets"] == facts["received"] == 4
    assert facts["rows"] == 3 + 123 + 1
    assert facts["quarantined"] == 3
    assert facts["failed"] == 1
    assert {finding["serious"] for finding in facts["findings"]} == {True, False}


def test_what_was_received_adds_up_on_the_overview(tmp_path: Path) -> None:
    columns = [column("no", "integer", key=True), column("kind")]
    city = new_city(tmp_path, {"pole": contract_text("pole", columns, "upsert")})
    deliver(city, "pole", "1.csv", b"no,kind\n1,a\n1,a\n2,b\n")
    deliver(city, "pole", "2.csv", b"no,kind\n1,c\n3,c\nx,d\n")
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    (row,) = client.get("/overview.json").json()["arrivals"]
    assert row == {
        "dataset": "pole", "rows_received": 6, "rows_kept": 3, "rows_quarantined": 1,
        "rows_duplicate": 1, "rows_replaced": 1,
    }  # fmt: skip
    assert "\npole,6,3,1,1,1" in client.get("/overview.csv").text.replace("\r", "")
    table = client.get("/").text.partition("<tbody>")[2].partition("</tbody>")[0]
    shown = re.findall(r'data-label="[^"]*" class="number">(?:<a [^>]*>)?(\d+)', table)
    assert list(map(int, shown)) == [6, 3, 1, 2]


def test_the_overview_leads_to_what_failed(client: TestClient) -> None:
    assert "/runs?outcome=failed" in client.get("/").text
    assert "columns is in the file" in client.get("/runs?outcome=failed").text


@pytest.mark.parametrize("words", ["走访", "visit", "VISITS places", "备注", "统计局 note"])
def test_the_catalogue_is_searched_in_chinese_and_english(client: TestClient, words: str) -> None:
    found = client.get("/datasets.json", params={"q": words}).json()
    assert [item["dataset"] for item in found] == ["visit"]


def test_the_catalogue_is_filtered_and_sorted_by_its_address(client: TestClient) -> None:
    def names(**query: str) -> list[str]:
        found = client.get("/datasets.json", params=query).json()
        return [item["dataset"] for item in found]

    assert names(sort="rows", order="desc") == ["visit", "place", "resident", "empty"]
    assert names(classification="personal") == ["resident"]
    assert names(standing="failed") == ["empty"]
    assert names(owner="统计局", kind="received") == ["place", "resident", "visit"]
    assert names(sort="no such order") == ["empty", "place", "resident", "visit"]
    assert names(q="nothing at all") == []


def test_a_contract_is_said_in_words(client: TestClient) -> None:
    page = client.get("/datasets/visit", headers={"accept-language": "en"}).text
    for words in ("at least 0", "must exist in", "whole number", "every 1 day", "short", "key"):
        assert words in page
    page = client.get("/datasets/visit", headers={"accept-language": "zh-CN"}).text
    for words in ("备注", "不小于", "必须存在于", "整数", "主键", "每\u20091\u2009天"):
        assert words in page


def test_rows_come_a_page_at_a_time(client: TestClient) -> None:
    first = client.get("/datasets/visit/rows.json").json()
    third = client.get("/datasets/visit/rows.json?page=3").json()
    assert (first["total"], first["pages"], len(first["rows"])) == (123, 3, 50)
    assert len(third["rows"]) == 23
    for odd in ("0", "-1", "x", "99999999999", "²"):
        assert client.get(f"/datasets/visit/rows?page={odd}").status_code == 200


def test_a_csv_file_has_every_row_and_is_inert(client: TestClient) -> None:
    answered = client.get("/datasets/visit/rows.csv")
    assert "attachment" in answered.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answered.text.removeprefix("\ufeff"))))
    assert len(rows) == 123
    notes = {row["note"] for row in rows}
    assert f"'{FORMULA}" in notes
    assert FORMULA not in notes


def test_geometries_are_a_map_in_html_and_geojson_in_json(client: TestClient) -> None:
    page = client.get("/datasets/place/rows").text
    assert page.count("<path") > 3
    assert 'class="map"' in page
    row = client.get("/datasets/place/rows.json").json()["rows"][0]
    assert row["area"]["type"] == "Polygon"
    assert client.get("/datasets/place/rows.csv").text.count("POLYGON") == 3
    assert "s0" not in client.get("/datasets/place/rows?shade=none").text.split("map-frame")[1]


def test_a_refused_row_is_shown_with_its_source_number_and_every_reason(client: TestClient) -> None:
    page = client.get("/datasets/visit/quarantine", headers={"accept-language": "en"}).text
    for words in ("visit_1.csv, row 4", "days: less than 0", "not a date", "2026-02-30"):
        assert words in page
    facts = client.get("/datasets/visit/quarantine.json").json()
    assert facts["total"] == 2
    assert sum(facts["reasons"].values()) == 3
    assert {row["ordinal"] for row in facts["rows"]} == {3, 4}


LONG = "<b>" + "long " * 60 + "the end."


@pytest.mark.parametrize(
    ("section", "language", "length"),
    [
        ("rows", "en", "311 characters"),
        ("rows", "zh", "共\u2009311\u2009个字符"),
        ("quarantine", "en", "311 characters"),
        ("quarantine", "zh", "共\u2009311\u2009个字符"),
    ],
)
def test_a_long_value_is_shortened_and_opens_whole(
    tmp_path: Path, section: str, language: str, length: str
) -> None:
    columns = [column("no", "integer", key=1), column("note")]
    city = new_city(tmp_path / "city", {"tree": contract_text("tree", columns)})
    given = [(1, LONG), (2, "short"), ("x", LONG), ("y", "short")]
    deliver(city, "tree", "a.csv", csv_bytes(["no", "note"], given))
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    page = client.get(f"/datasets/tree/{section}", headers={"accept-language": language}).text
    start, whole = str(escape(LONG[:100])), str(escape(LONG))
    assert page.count('<details class="whole">') == 1
    _, _, opened = page.partition('<details class="whole"><summary>')
    summary, _, rest = opened.partition("</summary>")
    assert summary == f"<span>{start}… </span><small>{length}</small>"
    assert rest.startswith(f"{whole}</details>")
    assert "short" in page


def test_lineage_links_what_is_checked(client: TestClient) -> None:
    page = client.get("/datasets/place/lineage").text
    assert 'href="/datasets/visit/lineage"' in page
    events = client.get("/datasets/place/lineage.json").json()
    assert [event["eventType"] for event in events] == ["START", "COMPLETE"] * 2
    received, tiled = events[1], events[3]
    assert [made["name"] for made in received["outputs"]] == ["place"]
    assert [read["name"] for read in tiled["inputs"]] == ["place"]
    assert tiled["outputs"] == []


def test_history_tells_of_drift_in_both_languages(client: TestClient) -> None:
    path = "/datasets/visit/history"
    assert "is not in the contract" in client.get(path, headers={"accept-language": "en"}).text
    assert "契约中没有列" in client.get(path, headers={"accept-language": "zh"}).text


def test_runs_are_filtered_and_each_has_a_page(client: TestClient) -> None:
    runs = client.get("/runs.json?dataset=visit").json()
    assert {run["dataset"] for run in runs} == {"visit"}
    for run in client.get("/runs.json").json():
        assert client.get(f"/runs/{run['id']}").status_code == 200
        assert len(client.get(f"/runs/{run['id']}/lineage.json").json()) == 2
    assert client.get("/runs.json?outcome=clean&kind=replay").json() == []


def test_every_link_leads_somewhere(client: TestClient) -> None:
    assert len(list(crawl(client))) > 60


@pytest.mark.parametrize("path", ["/nope", "/datasets/nope", "/runs/nope", "/datasets/visit/nope"])
def test_what_does_not_exist_is_said_so(client: TestClient, path: str) -> None:
    answered = client.get(path)
    assert answered.status_code == 404
    assert "<h1>" in answered.text
    assert client.get(f"{path}.json").json()["status"] == 404


def test_a_page_without_a_table_has_no_csv(client: TestClient) -> None:
    assert client.get("/datasets/visit/rows.csv").status_code == 200
    assert client.get("/health.csv").json()["status"] == "ok"


def test_health_says_that_the_city_can_be_read(client: TestClient) -> None:
    assert client.get("/health").json() == {
        "status": "ok", "city": "Test Town 测试市", "datasets": 4,
    }  # fmt: skip


def test_an_empty_city_says_what_to_do_next(tmp_path) -> None:
    client = TestClient(
        create_app(City.create(tmp_path / "city", "New")), base_url="http://localhost"
    )
    for path in ("/", "/datasets", "/runs"):
        answered = client.get(path)
        assert answered.status_code == 200
    assert "contracts folder" in client.get("/datasets").text


def test_a_running_server_sees_new_contracts_and_new_weaves(tmp_path) -> None:
    city = City.create(tmp_path / "city", "Growing")
    with TestClient(create_app(city), base_url="http://127.0.0.1") as client:
        assert client.get("/datasets.json").json() == []
        set_contract(city.path, "thing", contract_text("thing", [column("a", key=1)]))
        assert [item["dataset"] for item in client.get("/datasets.json").json()] == ["thing"]
        (city.path / "inbox" / "thing.csv").write_text("a\n1\n2\n")
        City.open(city.path).weave()
        assert client.get("/datasets.json").json()[0]["rows"] == 2
        assert "Nothing" not in client.get("/datasets/thing/quality").text


def test_a_broken_contract_is_said_in_words_and_the_rest_is_shown(tmp_path) -> None:
    city = City.create(tmp_path / "city", "Broken")
    client = TestClient(create_app(city), base_url="http://127.0.0.1")
    set_contract(city.path, "other", contract_text("other", [column("a", key=1)]))
    set_contract(city.path, "thing", "not: [a contract")
    assert [item["dataset"] for item in client.get("/datasets.json").json()] == ["other"]
    (finding,) = client.get("/overview.json").json()["findings"]
    assert finding["what"].startswith("contracts/thing.odcs.yaml: not YAML at line 1")
    assert "thing.odcs.yaml: not YAML" in client.get("/").text
    asked = client.get("/datasets/thing")
    assert asked.status_code == 500
    assert "thing.odcs.yaml" in asked.text
    assert client.get("/datasets/nothing").status_code == 404


@pytest.mark.parametrize("code", ["en", "zh"])
@pytest.mark.parametrize(
    "page", ["/", "/overview.json", "/datasets/tree", "/runs", "/datasets/late/history"]
)
def test_no_page_shows_where_on_the_server_the_city_lies(
    tmp_path: Path, page: str, code: str
) -> None:
    tree = contract_text("tree", [column("no")])
    late = contract_text("late", [column("no", "integer")])
    city = new_city(tmp_path / "city", {"tree": tree, "trees": tree, "late": late, "bad": "a: ["})
    (city.path / "inbox" / "late.csv").write_text("no\n1\n")
    city.weave()
    set_contract(city.path, "late", contract_text("late", [column("no", "boolean")]))
    (city.path / "inbox" / "late.csv").write_text("no\n2\n")
    assert City.open(city.path).weave()[0].failed
    client = TestClient(create_app(City.open(city.path)), base_url="http://127.0.0.1")
    shown = client.get(page, headers={"accept-language": code}).text
    assert "odcs.yaml" in shown
    assert str(city.path) not in shown


def test_rows_with_a_geometry_lead_to_their_features(client: TestClient) -> None:
    for code, words in (("en", "For GIS programs"), ("zh", "GIS")):
        page = client.get("/datasets/place/rows", headers={"accept-language": code}).text
        assert words in page
        assert 'href="/ogc/collections/place"' in page
    assert "/ogc/" not in client.get("/datasets/visit/rows").text
    assert "/ogc/" not in client.get("/datasets/resident/rows").text
