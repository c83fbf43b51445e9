"""Lineage events have the structure that OpenLineage's own package gives its events."""

from dataclasses import replace
from typing import Any

from openlineage.client import event_v2, facet_v2
from openlineage.client.serde import Serde

from cityloom.city import City
from cityloom.lineage import run_events, run_id
from cityloom.runs import DERIVE, Run

_written = facet_v2.output_statistics_output_dataset
_FACETS = {
    "datasetVersion": facet_v2.dataset_version_dataset.DatasetVersionDatasetFacet,
    "documentation": facet_v2.documentation_dataset.DocumentationDatasetFacet,
    "errorMessage": facet_v2.error_message_run.ErrorMessageRunFacet,
    "jobType": facet_v2.job_type_job.JobTypeJobFacet,
    "outputStatistics": _written.OutputStatisticsOutputDatasetFacet,
    "ownership": facet_v2.ownership_dataset.OwnershipDatasetFacet,
    "schema": facet_v2.schema_dataset.SchemaDatasetFacet,
}


def _facets(written: dict[str, Any]) -> dict[str, Any]:
    made = {}
    for name, content in written.items():
        fields = {k: v for k, v in content.items() if k not in ("_producer", "_schemaURL")}
        facet = _FACETS[name](**fields, producer=content["_producer"])
        assert content["_schemaURL"] == facet._get_schema()
        made[name] = facet
    return made


def _same_as_the_package_writes(event: dict[str, Any]) -> None:
    """Build the event again from the package's classes, which check it, and compare."""
    rebuilt = event_v2.RunEvent(
        eventType=event_v2.RunState(event["eventType"]),
        eventTime=event["eventTime"],
        producer=event["producer"],
        run=event_v2.Run(event["run"]["runId"], facets=_facets(event["run"]["facets"])),
        job=event_v2.Job(
            event["job"]["namespace"], event["job"]["name"], facets=_facets(event["job"]["facets"])
        ),
        inputs=[
            event_v2.InputDataset(item["namespace"], item["name"], facets=_facets(item["facets"]))
            for item in event["inputs"]
        ],
        outputs=[
            event_v2.OutputDataset(
                item["namespace"],
                item["name"],
                facets=_facets(item["facets"]),
                outputFacets=_facets(item["outputFacets"]),
            )
            for item in event["outputs"]
        ],
    )
    assert event["schemaURL"] == rebuilt.schemaURL
    assert _without_nothing(Serde.to_dict(rebuilt)) == _without_nothing(event)


def _without_nothing(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _without_nothing(v) for k, v in value.items() if v not in (None, {})}
    return [_without_nothing(item) for item in value] if isinstance(value, list) else value


def test_every_run_of_a_city_gives_events_of_the_specification(town: City) -> None:
    events = [
        event for run in town.runs() for event in run_events(run, town.contracts, "Town")
    ]  # fmt: skip
    assert {event["eventType"] for event in events} == {"START", "COMPLETE", "FAIL"}
    for event in events:
        _same_as_the_package_writes(event)


def test_a_derivation_names_what_it_read_and_in_which_version(town: City) -> None:
    run = Run(
        "visit", DERIVE, "visit", "2026-01-31T08:00:00.000+00:00", 2.5,
        rows_kept=7, version=3, inputs={"place": 4, "gone": 1},
    )  # fmt: skip
    start, end = run_events(run, town.contracts, "Town")
    _same_as_the_package_writes(start)
    _same_as_the_package_writes(end)
    assert (start["eventTime"], end["eventTime"]) == (
        "2026-01-31T08:00:00.000+00:00", "2026-01-31T08:00:02.500+00:00",
    )  # fmt: skip
    assert [item["name"] for item in end["inputs"]] == ["gone", "place"]
    place = end["inputs"][1]["facets"]
    assert place["datasetVersion"]["datasetVersion"] == "4"
    assert place["schema"]["fields"][0]["name"] == "place_id"
    assert end["outputs"][0]["outputFacets"]["outputStatistics"]["rowCount"] == 7
    assert start["outputs"] == []


def test_a_run_keeps_its_identity(town: City) -> None:
    run = town.runs()[0]
    assert run_id(run, "Town") == run_id(replace(run), "Town")
    assert run_id(run, "Town") != run_id(run, "Other")
    identities = {run_id(run, "Town") for run in town.runs()}
    assert len(identities) == len(town.runs())
