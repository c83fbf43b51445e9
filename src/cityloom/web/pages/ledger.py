"""The ledger, for auditors: who asked for what, why, and what they were answered."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cityloom.errors import UsageError
from cityloom.ledger import Entry, Query, Recorded
from cityloom.ledger.search import moment
from cityloom.signin.roles import Role
from cityloom.web.answers import Page, Table, answer
from cityloom.web.desk import Desk
from cityloom.web.kernel_words import decision_words
from cityloom.web.languages import Language, language_of
from cityloom.web.signin.who import principal_of

router = APIRouter()

_SHOWN = 200
_COLUMNS = ("number", "at", "principal", "roles", "purpose", "dataset", "granted", "reason", "rows",
            "filter", "masked", "kind")  # fmt: skip


@router.get("/ledger")
def ledger(
    request: Request,
    principal: str = "",
    dataset: str = "",
    purpose: str = "",
    since: str = "",
    until: str = "",
    refused: str = "",
) -> Response:
    """The newest entries that fit; the search itself is an entry."""
    desk: Desk = request.app.state.desk
    who = principal_of(request)
    if Role.AUDITOR not in who.roles:
        raise HTTPException(403, "the ledger is for auditors")
    asked = {"principal": principal, "dataset": dataset, "purpose": purpose, "since": since,
             "until": until, "refused": refused}  # fmt: skip
    values: dict[str, Any] = {"asked": asked, "wrong": "", "entries": [], "has_more": False}
    try:
        query = _query(asked)
    except UsageError as error:
        page = Page("ledger.html", {**values, "wrong": str(error)}, {"error": str(error)})
        return answer(request, page, 400)
    said = ", ".join(f"{name} {value}" for name, value in asked.items() if value)
    look = desk.look()
    look.city.ledger.record(
        Entry(who.name, "", "ledger", True, said or "all", roles=who.roles, kind="audit")
    )
    found = look.city.ledger.search(query, _SHOWN + 1)
    shown = found[:_SHOWN]
    language = language_of(request)
    values |= {
        "entries": [_told(entry, language) for entry in shown],
        "has_more": len(found) > _SHOWN,
    }
    rows = ([_cell(asdict(entry)[name]) for name in _COLUMNS] for entry in shown)
    facts = {"entries": [asdict(entry) for entry in shown], "more": len(found) > _SHOWN}
    return answer(request, Page("ledger.html", values, facts, Table(_COLUMNS, rows), "ledger"))


def _query(asked: dict[str, str]) -> Query:
    """What is asked for.

    Raises:
        UsageError: a date is none.
    """
    return Query(
        principal=asked["principal"].strip() or None,
        dataset=asked["dataset"].strip() or None,
        purpose=asked["purpose"].strip() or None,
        since=moment(asked["since"]) if asked["since"] else None,
        until=moment(asked["until"], end=True) if asked["until"] else None,
        refused=bool(asked["refused"]),
    )


def _told(entry: Recorded, language: Language) -> dict[str, Any]:
    """An entry as a reader sees it."""
    return {
        "entry": entry,
        "at": datetime.fromisoformat(entry.at),
        "reason": decision_words(entry.reason, language),
    }


def _cell(value: object) -> object:
    return " ".join(map(str, value)) if isinstance(value, tuple) else value
