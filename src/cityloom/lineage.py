"""Lineage as OpenLineage run events: what a run read and what it made, in which version.

The events follow version 2-0-2 of the specification (https://openlineage.io). Jobs and datasets lie
in a namespace named after the city; a delivered file lies in the namespace ``file``.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from importlib.metadata import version
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from cityloom.contract import Contract
from cityloom.runs import DERIVE, RECEIVE, REPLAY, TILE, Run

Facts = dict[str, Any]

_SPEC = "https://openlineage.io/spec"
_EVENT = f"{_SPEC}/2-0-2/OpenLineage.json#/$defs/RunEvent"
_FACETS = {
    "datasetVersion": "1-0-1/DatasetVersionDatasetFacet",
    "documentation": "1-1-0/DocumentationDatasetFacet",
    "errorMessage": "1-0-1/ErrorMessageRunFacet",
    "jobType": "2-0-4/JobTypeJobFacet",
    "outputStatistics": "1-0-2/OutputStatisticsOutputDatasetFacet",
    "ownership": "1-0-1/OwnershipDatasetFacet",
    "schema": "1-2-0/SchemaDatasetFacet",
}


def run_id(run: Run, city: str) -> str:
    """The UUID of a run: the same whenever it is asked for."""
    named = (city, run.dataset, run.kind, run.source, run.started, str(run.version))
    return str(uuid5(NAMESPACE_URL, "\n".join(named)))


def run_events(run: Run, contracts: Mapping[str, Contract], city: str) -> list[Facts]:
    """The events of a run: that it began, and that it completed or failed."""
    began = datetime.fromisoformat(run.started)
    ended = began + timedelta(seconds=run.seconds)
    outcome = "FAIL" if run.failed else "COMPLETE"
    inputs = list(_inputs(run, contracts, city))
    outputs = [] if run.kind == TILE else [_output(run, contracts, city)]
    return [
        _event("START", began, run, city, inputs, []),
        _event(outcome, ended, run, city, inputs, outputs),
    ]


def _event(
    kind: str, at: datetime, run: Run, city: str, inputs: list[Facts], outputs: list[Facts]
) -> Facts:
    failure = {"message": run.error, "programmingLanguage": "Python"}
    return {
        "eventType": kind,
        "eventTime": at.isoformat(timespec="milliseconds"),
        "producer": _producer(),
        "schemaURL": _EVENT,
        "run": {
            "runId": run_id(run, city),
            "facets": _facet("errorMessage", failure) if kind == "FAIL" else {},
        },
        "job": {"namespace": city, "name": _job(run), "facets": _job_facets(run)},
        "inputs": inputs,
        "outputs": outputs,
    }


def _job(run: Run) -> str:
    return run.source if run.kind == DERIVE else f"{run.kind}.{run.dataset}"


def _job_facets(run: Run) -> Facts:
    kind = {"processingType": "BATCH", "integration": "CITYLOOM", "jobType": run.kind.upper()}
    return _facet("jobType", kind)


def _inputs(run: Run, contracts: Mapping[str, Contract], city: str) -> Iterator[Facts]:
    if run.kind in (RECEIVE, REPLAY):
        yield {"namespace": "file", "name": run.source, "facets": {}}
    for name, seen in sorted(run.inputs.items()):
        yield _dataset(name, seen, contracts, city)


def _output(run: Run, contracts: Mapping[str, Contract], city: str) -> Facts:
    written = {} if run.failed else _facet("outputStatistics", {"rowCount": run.rows_kept})
    return {**_dataset(run.dataset, run.version, contracts, city), "outputFacets": written}


def _dataset(name: str, seen: int | None, contracts: Mapping[str, Contract], city: str) -> Facts:
    facets: Facts = {}
    if seen is not None:
        facets |= _facet("datasetVersion", {"datasetVersion": str(seen)})
    if contract := contracts.get(name):
        facets |= _contract_facets(contract)
    return {"namespace": city, "name": name, "facets": facets}


def _contract_facets(contract: Contract) -> Facts:
    fields = [
        {
            "name": column.name,
            "type": str(column.arrow_type),
            "description": column.description or column.title,
        }
        for column in contract.stored
    ]
    facets = _facet("schema", {"fields": fields})
    if contract.description:
        facets |= _facet("documentation", {"description": contract.description})
    if contract.owner:
        facets |= _facet("ownership", {"owners": [{"name": contract.owner, "type": "OWNER"}]})
    return facets


def _facet(name: str, content: Facts) -> Facts:
    kind = _FACETS[name]
    schema = f"{_SPEC}/facets/{kind}.json#/$defs/{kind.partition('/')[2]}"
    return {name: {"_producer": _producer(), "_schemaURL": schema, **content}}


def _producer() -> str:
    return f"urn:cityloom:{version('cityloom')}"
