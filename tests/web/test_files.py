"""A dataset's rows as files: the same rows in every form, and none that policy refuses."""

import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from starlette.testclient import TestClient

from cityloom.city import City
from tests.cities import rows


def ids(found: list[dict[str, object]]) -> list[str]:
    return sorted(str(row["place_id"]) for row in found)


def test_every_form_has_all_rows(client: TestClient, town: City) -> None:
    wanted = ids(rows(town, "place"))
    parquet = client.get("/datasets/place/rows.parquet")
    assert ids(pq.read_table(io.BytesIO(parquet.content)).to_pylist()) == wanted
    assert parquet.headers["content-type"] == "application/vnd.apache.parquet"
    arrow = client.get("/datasets/place/rows.arrow")
    assert ids(pa.ipc.open_file(arrow.content).read_all().to_pylist()) == wanted
    features = json.loads(client.get("/datasets/place/rows.geojson").text)["features"]
    assert ids([feature["properties"] for feature in features]) == wanted
    left = list((town.path / "scratch").glob("place-*"))
    assert left == []


def test_the_page_links_to_them(client: TestClient) -> None:
    page = client.get("/datasets/place/rows").text
    for ending in ("parquet", "arrow", "geojson"):
        assert f'href="/datasets/place/rows.{ending}"' in page


@pytest.mark.parametrize("ending", ["parquet", "arrow"])
def test_what_policy_refuses_is_no_file(client: TestClient, ending: str) -> None:
    found = client.get(f"/datasets/resident/rows.{ending}")
    assert found.status_code == 403
    assert b"SECRET" not in found.content


@pytest.mark.parametrize(
    "address", ["visit/rows.geojson", "place/rows.exe", "nothing/rows.parquet", "place/rows."]
)
def test_what_there_is_not_is_not_found(client: TestClient, address: str) -> None:
    assert client.get(f"/datasets/{address}").status_code == 404
