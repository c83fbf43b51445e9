"""The query page: what is asked is answered as far as policy permits, in every form."""

import pytest
from starlette.testclient import TestClient

from cityloom.city import City
from cityloom.signin.door import door_of
from cityloom.web.app import create_app
from tests.web.staff import signed_in
from tests.web.towns import HOSTILE, SECRETS

PEOPLE = "SELECT place_name, people FROM place ORDER BY place_id"
RESIDENTS = "SELECT resident_no, name, phone FROM resident"


def test_a_question_is_answered_as_a_page_as_json_and_as_csv(client: TestClient) -> None:
    page = client.get("/query", params={"sql": PEOPLE})
    assert page.status_code == 200
    assert "<table" in page.text
    found = client.get("/query.json", params={"sql": PEOPLE}).json()
    assert found["datasets"] == ["place"]
    assert set(found["rows"][0]) == {"place_name", "people"}
    lines = client.get("/query.csv", params={"sql": PEOPLE}).text.splitlines()
    assert lines[0] == "\ufeffplace_name,people"
    assert len(lines) == len(found["rows"]) + 1


@pytest.mark.parametrize(
    "value",
    ["interval 1 day", "'\\xff'::BLOB", "[from_hex('ff')]", "{'a': date '2024-01-01'}",
     "1.5::DECIMAL(4, 2)", "uuid()", "'nan'::DOUBLE", "MAP {'a': 1}", "time '12:00'",
     "hugeint '1' * 10::HUGEINT ** 30", "'101'::BIT", "timestamptz '2024-01-01 00:00:00+08'"],
)  # fmt: skip
def test_values_of_every_type_are_shown(client: TestClient, value: str) -> None:
    for form in ("", ".json", ".csv"):
        found = client.get(f"/query{form}", params={"sql": f"SELECT {value} AS a"})
        assert found.status_code == 200, found.text


def test_the_empty_page_says_what_can_be_asked_and_nothing_else(client: TestClient) -> None:
    found = client.get("/query.json").json()
    assert "place" in found["datasets"]
    assert "resident" not in found["datasets"]
    assert client.get("/query").status_code == 200


@pytest.mark.parametrize(
    ("sql", "status"),
    [
        (RESIDENTS, 403),
        ("SELECT", 400),
        ("DROP TABLE place", 400),
        ("SELECT * FROM '/etc/passwd'", 400),
    ],
)
def test_what_may_not_be_asked_is_refused_in_words(
    reader: TestClient, sql: str, status: int
) -> None:
    for language in ("en", "zh"):
        found = reader.get("/query", params={"sql": sql, "lang": language})
        assert found.status_code == status
        assert 'role="alert"' in found.text
    assert reader.get("/query.json", params={"sql": sql}).json()["error"]


def test_what_was_asked_and_what_was_found_are_shown_as_text(client: TestClient) -> None:
    page = client.get("/query", params={"sql": f"SELECT '{HOSTILE}' AS \"<b>\""})
    assert page.status_code == 200
    assert HOSTILE not in page.text
    assert "<b>" not in page.text


def test_a_steward_chooses_a_purpose_and_sees_rows(staffed: City) -> None:
    client = signed_in(staffed, "fang")
    refused = client.get("/datasets/resident/rows")
    assert 'name="purpose"' in refused.text
    assert not any(secret in refused.text for secret in SECRETS)
    shown = client.get("/datasets/resident/rows", params={"purpose": "statistics"})
    assert "SECRET-RESIDENT" in shown.text
    assert "purpose=statistics" in shown.text
    quarantine = client.get("/datasets/resident/quarantine", params={"purpose": "statistics"})
    assert "SECRET-REFUSED" in quarantine.text
    asked = client.get("/query.json", params={"sql": RESIDENTS, "purpose": "statistics"}).json()
    assert any(row["name"] == "SECRET-RESIDENT" for row in asked["rows"])


def test_an_analyst_sees_the_rows_behind_masks_and_no_quarantine(staffed: City) -> None:
    client = signed_in(staffed, "lin")
    purpose = {"purpose": "statistics"}
    pages = ("/datasets/resident/rows", "/datasets/resident/rows.json",
             "/datasets/resident/rows.csv", "/datasets/resident/quarantine",
             "/datasets/resident/quarantine.json")  # fmt: skip
    for address in pages:
        found = client.get(address, params=purpose)
        assert not any(secret in found.text for secret in SECRETS), address
    rows = client.get("/datasets/resident/rows.json", params=purpose).json()
    assert rows["masked"] == ["name", "phone", "resident_no"]
    assert rows["rows"]
    count = {"sql": "SELECT count(*) AS n FROM resident", **purpose}
    assert client.get("/query.json", params=count).json()["rows"][0]["n"] == len(rows["rows"])


@pytest.mark.parametrize("purpose", ["", "marketing", "statistics "])
def test_another_role_or_purpose_opens_nothing(staffed: City, purpose: str) -> None:
    for name in ("wu", "lin") if purpose != "statistics " else ("wu",):
        client = signed_in(staffed, name)
        for address in ("/datasets/resident/rows", "/datasets/resident/quarantine"):
            found = client.get(address, params={"purpose": purpose})
            assert not any(secret in found.text for secret in SECRETS)
        params = {"sql": RESIDENTS, "purpose": purpose}
        assert client.get("/query", params=params).status_code == 403


def test_a_token_opens_what_its_scopes_name_for_the_purposes_they_name(staffed: City) -> None:
    token = door_of(staffed).tokens.add("fang", "nightly", ["read:resident", "purpose:statistics"])
    narrow = door_of(staffed).tokens.add("fang", "other", ["read:resident"])
    app = create_app(staffed)
    client, other = (
        TestClient(app, base_url="http://127.0.0.1", headers={"authorization": f"Bearer {one}"})
        for one in (token, narrow)
    )
    rows, purpose = "/datasets/resident/rows.json", {"purpose": "statistics"}
    assert client.get(rows, params=purpose).json()["rows"]
    assert client.get(rows).status_code == 403
    assert other.get(rows, params=purpose).status_code == 403
    assert client.get("/datasets/visit/rows.json").status_code == 403
    asked = {"sql": "SELECT * FROM visit", **purpose}
    assert client.get("/query.json", params=asked).status_code == 403
    assert client.get("/query.json", params={"sql": "SELECT * FROM place"}).status_code == 200
