"""A dataset's contract, lineage and history."""

from itertools import pairwise
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cityloom.contract import Column, Contract
from cityloom.lineage import run_events, run_id
from cityloom.runs import DERIVE, Run
from cityloom.sources.standing import standings
from cityloom.web.answers import Table
from cityloom.web.asked import Form, form_of
from cityloom.web.kernel_words import note_words
from cityloom.web.languages import language
from cityloom.web.pages import files, quality, refused, rows
from cityloom.web.pages.connections import (
    checked_against,
    dataset_drawing,
    downstream,
    made_from,
    upstream,
)
from cityloom.web.pages.facts import RUN_COLUMNS, run_facts, run_row
from cityloom.web.pages.frame import Section, section
from cityloom.web.words import rules_in_words

router = APIRouter()
for part in (quality, rows, files, refused):
    router.include_router(part.router)

_MOST_RUNS = 200
"""How many runs the page of a dataset's history lists; its JSON and CSV have all."""

_COLUMN_FACTS = (
    "column", "title", "description", "type", "unit", "required", "key", "classification", "rules",
    "reference",
)  # fmt: skip


@router.get("/datasets/{dataset}")
@router.get("/datasets/{dataset}/contract", include_in_schema=False)
def contract(request: Request, dataset: str) -> Response:
    """What the dataset's contract says."""
    shown = section(request, dataset, "contract")
    columns = [_column_facts(column) for column in shown.contract.stored]
    facts = {**shown.entry.as_facts(), **_contract_facts(shown.contract), "columns": columns}
    sources = standings(shown.look.city, dataset)
    facts["sources"] = [item.facts for item in sources]
    table = Table(
        _COLUMN_FACTS, [[_cell(item[name]) for name in _COLUMN_FACTS] for item in columns]
    )
    return shown.answer({"sources": sources}, facts, table)


@router.get("/datasets/{dataset}/lineage")
def lineage(request: Request, dataset: str) -> Response:
    """What the dataset is made from and what is made of it; as JSON, its OpenLineage events."""
    shown = section(request, dataset, "lineage")
    look = shown.look
    links = _links(shown, dataset)
    values: dict[str, Any] = {"links": [(relation, look.contracts[n]) for relation, n in links]}
    if form_of(request) is Form.HTML:
        values["drawing"] = dataset_drawing(look, dataset, shown.language)
        values["maker"] = look.city.graph.maker.get(dataset)
    city = look.city.settings.name
    events = [event for run in shown.runs for event in run_events(run, look.contracts, city)]
    return shown.answer(values, events, Table(("relation", "dataset"), links))


@router.get("/datasets/{dataset}/history")
def history(request: Request, dataset: str) -> Response:
    """What happened to the dataset, newest first."""
    shown = section(request, dataset, "history")
    city = shown.look.city.settings.name
    newest_first = list(reversed(shown.runs))
    left_out = max(len(newest_first) - _MOST_RUNS, 0)
    changed = _contract_changes(shown.runs)
    values = {
        "runs": [
            {
                "run": run,
                "id": run_id(run, city),
                "notes": [note_words(note, shown.language) for note in run.notes],
                "new_contract": run in changed,
            }
            for run in newest_first[:_MOST_RUNS]
        ],
        "total": len(newest_first),
        "left_out": left_out,
        "DERIVE": DERIVE,
    }
    table = Table(RUN_COLUMNS, [run_row(run, city) for run in newest_first])
    return shown.answer(values, [run_facts(run, city) for run in newest_first], table)


def _links(shown: Section, dataset: str) -> list[tuple[str, str]]:
    """How the dataset is connected to others: the relation, and the other."""
    made, checked = made_from(shown.look), checked_against(shown.look)
    near = [("made_from", edge.source) for edge in made if edge.target == dataset]
    next_ = [("makes", edge.target) for edge in made if edge.source == dataset]
    far = [("made_from_further_up", name) for name in upstream(made, dataset)]
    later = [("makes_further_down", name) for name in downstream(made, dataset)]
    direct = {name for _, name in (*near, *next_)}
    return [
        *near,
        *((relation, name) for relation, name in far if name not in direct),
        *next_,
        *((relation, name) for relation, name in later if name not in direct),
        *(("checked_against", edge.source) for edge in checked if edge.target == dataset),
        *(("checks", edge.target) for edge in checked if edge.source == dataset),
    ]


def _contract_changes(runs: list[Run]) -> list[Run]:
    """The runs that were the first under a new version of the contract."""
    done = [run for run in runs if run.contract and not run.failed]
    return [run for earlier, run in pairwise(done) if earlier.contract != run.contract]


def _contract_facts(contract: Contract) -> dict[str, Any]:
    return {
        "contract_version": contract.version,
        "domain": contract.domain,
        "delivery": str(contract.delivery),
        "purposes": list(contract.purposes),
        "retention_days": contract.retention.days if contract.retention else None,
        "frequency_days": contract.frequency.days if contract.frequency else None,
        "rules": [
            {"name": rule.name, "condition": rule.condition, "description": rule.description}
            for rule in contract.rules
        ],
    }


def _column_facts(column: Column) -> dict[str, Any]:
    reference = column.reference
    return {
        "column": column.name,
        "title": column.title,
        "description": column.description,
        "type": str(column.kind),
        "unit": column.unit,
        "required": column.required,
        "key": column.key_position is not None,
        "classification": column.classification.label,
        "rules": list(rules_in_words(column, language("en"))),
        "reference": f"{reference.dataset}.{reference.column}" if reference else None,
    }


def _cell(value: object) -> object:
    return "; ".join(value) if isinstance(value, list) else value
