"""What is told to those who keep a city running: numbers and lines that name nobody."""

import json
import logging

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from cityloom.city import City
from tests.web.towns import SECRETS


def samples(client: TestClient) -> dict[tuple[str, ...], float]:
    found = client.get("/metrics")
    assert found.headers["content-type"].startswith("text/plain")
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in text_string_to_metric_families(found.text)
        for sample in family.samples
    }


def test_requests_are_counted_by_route_and_outcome(reader: TestClient) -> None:
    reader.get("/datasets/place")
    reader.get("/datasets/visit?lang=zh")
    reader.get("/nowhere/王芳")
    found = samples(reader)
    name = "cityloom_http_requests_total"
    assert found[name, "GET", "/datasets/{dataset}", "200"] == 2
    assert found[name, "GET", "(none)", "404"] == 1
    assert found["cityloom_http_request_seconds_count", "/datasets/{dataset}"] == 2
    assert not any("王芳" in part or "zh" in part for key in found for part in key)


def test_datasets_are_told_in_numbers(reader: TestClient, town: City) -> None:
    found, facts = samples(reader), {f.dataset: f for f in town.datasets()}
    for name, fact in facts.items():
        assert found["cityloom_dataset_rows", name] == fact.rows
        assert found["cityloom_dataset_quarantined_rows", name] == fact.rows_quarantined
    assert found["cityloom_failures",] == len(town.failures())


def test_a_request_leaves_a_line_with_its_number_and_no_value(
    reader: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, logger="cityloom.requests"):
        answers = [
            reader.get("/datasets/resident/rows?purpose=statistics&x=SECRET-RESIDENT"),
            reader.get("/query", params={"sql": "SELECT 'SECRET-REFUSED'"}),
        ]
    lines = [json.loads(record.message) for record in caplog.records]
    assert [line["request"] for line in lines] == [a.headers["x-request-id"] for a in answers]
    assert [line["route"] for line in lines] == ["/datasets/{dataset}/rows", "/query"]
    assert set(lines[0]) == {"at", "request", "method", "route", "status", "ms"}
    assert not any(secret in caplog.text for secret in SECRETS)
