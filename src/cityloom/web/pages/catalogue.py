"""The catalogue: every dataset, to search, filter and sort."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cityloom.contract.model import Classification
from cityloom.web.answers import Page, Table, answer
from cityloom.web.desk import Desk
from cityloom.web.figures import Standing
from cityloom.web.pages.facts import Entry, entries

router = APIRouter()

_LONG_AGO = datetime.min.replace(tzinfo=UTC)

_ORDERS: dict[str, Callable[[Entry], Any]] = {
    "dataset": lambda item: item.facts.dataset,
    "title": lambda item: item.facts.title,
    "owner": lambda item: item.facts.owner,
    "classification": lambda item: Classification[item.facts.classification.upper()],
    "kind": lambda item: item.facts.kind,
    "rows": lambda item: item.facts.rows,
    "quarantined": lambda item: item.facts.rows_quarantined,
    "changed": lambda item: item.changed or _LONG_AGO,
    "standing": lambda item: list(Standing).index(item.standing),
}

_COLUMNS = (
    "dataset", "title", "owner", "classification", "kind", "rows", "rows_quarantined", "version",
    "digest", "standing", "changed",
)  # fmt: skip


@router.get("/datasets")
def catalogue(
    request: Request,
    q: str = "",
    owner: str = "",
    classification: str = "",
    kind: str = "",
    standing: str = "",
    sort: str = "dataset",
    order: str = "asc",
) -> Response:
    """The datasets that fit, sorted."""
    desk: Desk = request.app.state.desk
    everything = entries(desk.look())
    wanted = {
        "owner": owner, "classification": classification, "kind": kind, "standing": standing,
    }  # fmt: skip
    found = [item for item in everything if _fits(item, wanted) and _mentions(item, q)]
    found.sort(key=_ORDERS.get(sort, _ORDERS["dataset"]), reverse=order == "desc")
    facts = [item.as_facts() for item in found]
    values = {
        "entries": found,
        "total": len(everything),
        "owners": sorted({item.facts.owner for item in everything if item.facts.owner}),
        "classifications": [level.label for level in Classification],
        "standings": list(Standing),
        "asked": {"q": q, **wanted},
        "sort": sort if sort in _ORDERS else "dataset",
        "order": "desc" if order == "desc" else "asc",
    }
    table = Table(_COLUMNS, [[item[name] for name in _COLUMNS] for item in facts])
    return answer(request, Page("catalogue.html", values, facts, table, "datasets"))


def _fits(item: Entry, wanted: dict[str, str]) -> bool:
    has = {
        "owner": item.facts.owner,
        "classification": item.facts.classification,
        "kind": item.facts.kind,
        "standing": str(item.standing),
    }
    return all(not value or has[name] == value for name, value in wanted.items())


def _mentions(item: Entry, words: str) -> bool:
    """Whether a dataset, its owner or its columns are called by every one of some words."""
    contract = item.contract
    columns = (f"{column.name} {column.title} {column.source_name}" for column in contract.stored)
    said = " ".join(
        [contract.dataset, contract.title, contract.description, contract.owner, *columns]
    ).casefold()
    return all(word in said for word in words.casefold().split())
