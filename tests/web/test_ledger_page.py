"""The ledger's page is for auditors alone, finds what is asked, and is in the ledger itself."""

import pytest
from starlette.testclient import TestClient

from cityloom.city import City
from tests.web.staff import signed_in

STEWARD, ANALYST, AUDITOR = "fang", "lin", "wu"


@pytest.fixture(scope="module")
def looked_at(staffed: City) -> City:
    """A town in which rows were asked for."""
    for name, purpose in ((STEWARD, "statistics"), (STEWARD, ""), (ANALYST, "marketing")):
        signed_in(staffed, name).get("/datasets/resident/rows", params={"purpose": purpose})
    return staffed


@pytest.mark.parametrize("form", ["", ".json", ".csv"])
def test_it_is_for_auditors_alone(looked_at: City, client: TestClient, form: str) -> None:
    for reader in (client, signed_in(looked_at, STEWARD), signed_in(looked_at, ANALYST)):
        assert reader.get(f"/ledger{form}").status_code == 403
    assert signed_in(looked_at, AUDITOR).get(f"/ledger{form}").status_code == 200


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({"principal": STEWARD, "dataset": "resident"}, [False, True]),
        ({"principal": ANALYST}, [False]),
        ({"principal": STEWARD, "refused": "1"}, [False]),
        ({"purpose": "statistics", "principal": STEWARD}, [True]),
        ({"principal": STEWARD, "until": "2020-01-01"}, []),
        ({"principal": STEWARD, "since": "2020-01-01"}, [False, True]),
        ({"principal": "nobody"}, []),
    ],
)
def test_what_is_asked_is_found(looked_at: City, asked: dict[str, str], found: list[bool]) -> None:
    entries = signed_in(looked_at, AUDITOR).get("/ledger.json", params=asked).json()["entries"]
    assert [entry["granted"] for entry in entries] == found


def test_the_page_says_who_why_and_what_they_got(looked_at: City) -> None:
    auditor = signed_in(looked_at, AUDITOR)
    for language in ("en", "zh"):
        page = auditor.get("/ledger", params={"dataset": "resident", "lang": language})
        assert page.status_code == 200
        assert STEWARD in page.text
        assert "data steward" in page.text
        assert "statistics" in page.text
    assert 'href="/ledger"' in page.text
    assert 'href="/ledger"' not in signed_in(looked_at, STEWARD).get("/").text


def test_a_look_into_the_ledger_is_in_it(looked_at: City) -> None:
    auditor = signed_in(looked_at, AUDITOR)
    auditor.get("/ledger", params={"principal": "someone"})
    newest = next(looked_at.ledger.newest_first())
    assert (newest.principal, newest.kind, newest.dataset) == (AUDITOR, "audit", "ledger")
    assert "someone" in newest.reason
    looked_at.ledger.verify()


def test_a_date_that_is_none_is_said(looked_at: City) -> None:
    page = signed_in(looked_at, AUDITOR).get("/ledger", params={"since": "<b>yesterday"})
    assert page.status_code == 400
    assert "is no date" in page.text
    assert "<b>yesterday" not in page.text
