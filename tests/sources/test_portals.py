"""CKAN portals and ODK Central, by servers that answer in the shapes their manuals document."""

from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from cityloom.city import City
from tests.cities import column, contract_text, rows
from tests.sources.sites import Answer, Site, pulled, pulling_city, sound

TREES = {"tree": contract_text("tree", [column("id", key=1), column("kind")])}


def package(*resources: dict[str, Any]) -> dict[str, Any]:
    """What ``package_show`` answers, as the CKAN API guide shows it."""
    return {
        "help": "http://portal.test/api/3/action/help_show?name=package_show",
        "success": True,
        "result": {
            "id": "8d7d1f0a-5d0f-4b7e-9b1a-2b1f4c0f6d11",
            "name": "trees",
            "title": "Trees",
            "state": "active",
            "metadata_modified": "2024-05-01T09:12:44.120934",
            "num_resources": len(resources),
            "resources": list(resources),
            "tags": [],
        },
    }


def resource(number: int, form: str, url: str) -> dict[str, Any]:
    return {
        "id": f"resource-{number}", "name": f"Trees {number}", "format": form, "url": url,
        "mimetype": None, "size": None, "hash": "", "position": number, "state": "active",
        "created": "2024-05-01T09:12:44.155103", "last_modified": None,
    }  # fmt: skip


def ckan(path: Path, site: Site, more: str = "") -> City:
    stated = (
        f'[network]\ninternal = ["127.0.0.1:{site.port}"]\n[sources.portal]\nkind = "ckan"\n'
        f'dataset = "tree"\nurl = "{site.url}"\npackage = "trees"\nformats = ["csv"]\n{more}'
    )
    return pulling_city(path, TREES, stated)


def woven(city: City, dataset: str) -> list[dict[str, Any]]:
    opened = City.open(city.path)
    assert [run.error for run in opened.weave() if run.failed] == []
    return sorted(rows(opened, dataset), key=lambda row: str(row["id"]))


def test_the_resources_of_a_package_are_pulled(site: Site, tmp_path: Path) -> None:
    city = ckan(tmp_path / "city", site)
    site.says("/api/3/action/package_show", package(
        resource(1, "CSV", f"{site.url}/download/trees.csv"),
        resource(2, "PDF", f"{site.url}/download/trees.pdf"),
        resource(3, "csv", f"{site.url}/export?id=3"),
    ))  # fmt: skip
    site.says("/download/trees.csv", "id,kind\n1,oak\n", headers={"ETag": '"1"'})
    site.says("/export", "id,kind\n2,elm\n", headers={"ETag": '"2"'})
    assert sound(city).files == 2
    assert site.asked[0][0] == "/api/3/action/package_show?id=trees"
    assert [row["id"] for row in woven(city, "tree")] == ["1", "2"]
    park = city.path / "inbox" / "tree" / "portal"
    assert sorted(path.name for path in park.glob("*.csv")) == ["resource-1.csv", "resource-3.csv"]
    assert sound(city).files == 0
    site.says("/download/trees.csv", "id,kind\n4,fir\n", headers={"ETag": '"3"'})
    assert sound(city).files == 1
    assert [row["id"] for row in woven(city, "tree")] == ["2", "4"]


def test_a_resource_elsewhere_is_pulled_only_from_a_listed_host(site: Site, tmp_path: Path) -> None:
    city = ckan(tmp_path / "city", site)
    site.says(
        "/api/3/action/package_show", package(resource(1, "CSV", "http://10.0.0.1/trees.csv"))
    )
    assert "10.0.0.1:80 is not among the hosts of [network]" in pulled(city).error


def test_resources_that_cannot_be_pulled_do_not_stop_the_others(site: Site, tmp_path: Path) -> None:
    city = ckan(tmp_path / "city", site)
    site.says("/api/3/action/package_show", package(
        resource(1, "CSV", "http://10.0.0.1/trees.csv"),
        resource(2, "CSV", "http://[x"),
        resource(3, "CSV", f"{site.url}/trees.csv"),
    ))  # fmt: skip
    site.says("/trees.csv", "id,kind\n1,oak\n")
    found = pulled(city)
    assert found.error.startswith("resource-1.csv: 10.0.0.1:80 is not among the hosts of [network]")
    assert found.error.endswith(" (and 1 more file)")
    assert [row["id"] for row in woven(city, "tree")] == ["1"]


@pytest.mark.parametrize("answer", ["<html>", "[]", '{"success": false}', '{"success": true}'])
def test_what_is_no_portal_is_told(answer: str, site: Site, tmp_path: Path) -> None:
    site.says("/api/3/action/package_show", answer)
    assert "does not answer as a CKAN portal does" in pulled(ckan(tmp_path / "city", site)).error


# ODK Central

VISIT = contract_text(
    "visit",
    [
        column("id", key=1, physicalName="__id"),
        column("sent", "timestamp", physicalName="__system-submissionDate",
               logicalTypeOptions={"timezone": True}),
        column("kind", physicalName="tree-kind"),
        column("height", "number", physicalName="tree-height"),
        column("place", physicalType="POINT", physicalName="place", custom={"crs": "EPSG:4326"}),
    ],
    "upsert",
)  # fmt: skip


class Central:
    """A form of ODK Central: pages of submissions, filtered as its OData feed does."""

    def __init__(self, site: Site, page: int = 2) -> None:
        self.site = site
        self.submissions: list[dict[str, Any]] = []
        self.path = "/v1/projects/7/forms/visit%20form.svc/Submissions"
        self._page = page
        site.answers[self.path] = self._answer

    def send(self, number: int, sent: str, kind: str = "oak", edited: str | None = None) -> None:
        """Take a submission, or an edited one."""
        self.submissions = [s for s in self.submissions if s["__id"] != f"uuid:{number}"]
        self.submissions.append({
            "__id": f"uuid:{number}",
            "__system": {"submissionDate": sent, "updatedAt": edited, "submitterId": "23",
                         "submitterName": "App", "attachmentsPresent": 0, "status": None},
            "meta": {"instanceID": f"uuid:{number}"},
            "tree": {"kind": kind, "height": 4.5},
            "place": {"type": "Point", "coordinates": [114.05, 22.54, 12.0],
                      "properties": {"accuracy": 5}},
        })  # fmt: skip

    def _answer(self, request: BaseHTTPRequestHandler) -> Answer:
        import json

        if request.headers.get("Authorization") != "Basic Y2l0eTpvcGVuIHNlc2FtZQ==":
            return Answer(b'{"code": 401.2}', 401)
        asked = parse_qs(urlsplit(request.path).query)
        start = int(asked.get("$skiptoken", ["0"])[0])
        where = asked.get("$filter", [""])[0]
        found = [s for s in self.submissions if _meets(where, s["__system"])]
        shown: dict[str, Any] = {
            "value": found[start : start + self._page],
            "@odata.context": f"{self.site.url}/v1/forms/visit.svc/$metadata#Submissions",
        }
        if start + self._page < len(found):
            query = f"$skiptoken={start + self._page}" + (f"&$filter={where}" if where else "")
            shown["@odata.nextLink"] = f"{self.site.url}{self.path}?{query.replace(' ', '%20')}"
        return Answer(json.dumps(shown).encode(), headers={"Content-Type": "application/json"})


def _meets(where: str, system: dict[str, Any]) -> bool:
    if not where:
        return True
    parts = [part.split(" ge ") for part in where.split(" or ")]
    assert [field for field, _ in parts] == ["__system/submissionDate", "__system/updatedAt"]
    return any((system[f.partition("/")[2]] or "") >= moment for f, moment in parts)


def odk(path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> City:
    monkeypatch.setenv("ODK_PASSWORD", "open sesame")
    stated = (
        f'[network]\ninternal = ["127.0.0.1:{site.port}"]\n[sources.central]\nkind = "odk"\n'
        f'dataset = "visit"\nurl = "{site.url}"\nproject = 7\nform = "visit form"\n'
        'user = "city"\npassword = {env = "ODK_PASSWORD"}'
    )
    return pulling_city(path, {"visit": VISIT}, stated)


def test_submissions_are_pulled_page_by_page_then_what_is_new_or_edited(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    central = Central(site)
    for number in range(5):
        central.send(number, f"2024-05-0{number + 1}T08:00:00.123Z")
    city = odk(tmp_path / "city", site, monkeypatch)
    assert sound(city).rows == 5
    first = woven(city, "visit")
    assert [row["id"] for row in first] == [f"uuid:{n}" for n in range(5)]
    assert {(row["kind"], row["height"]) for row in first} == {("oak", 4.5)}
    assert len({row["place"] for row in first}) == 1
    assert first[0]["place"]
    central.send(5, "2024-05-06T08:00:00.000Z")
    central.send(1, "2024-05-02T08:00:00.123Z", "elm", edited="2024-05-07T08:00:00.000Z")
    central.send(6, "2024-05-05T07:55:00.000Z")  # stored late
    assert sound(city).rows == 4
    found = {row["id"]: row["kind"] for row in woven(city, "visit")}
    assert found == {f"uuid:{n}": "elm" if n == 1 else "oak" for n in range(7)}
    assert sound(city).files == 0


def test_a_next_page_on_another_server_is_not_asked(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    city = odk(tmp_path / "city", site, monkeypatch)
    path = "/v1/projects/7/forms/visit%20form.svc/Submissions"
    site.says(path, {"value": [], "@odata.nextLink": "http://other.test/v1/x"})
    assert "names a next page of another server: http://other.test/v1/x" in pulled(city).error


def test_what_odk_central_refuses_is_told(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Central(site)
    city = odk(tmp_path / "city", site, monkeypatch)
    monkeypatch.setenv("ODK_PASSWORD", "another")
    assert pulled(city).error.startswith(
        f"{site.url}/v1/projects/7/forms/visit%20form.svc/Submissions answers 401 Unauthorized; "
    )
