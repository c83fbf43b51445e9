"""Questions in SQL: a box for the statement, and its answer as a table."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cityloom.contract import Contract
from cityloom.errors import AccessRefused, QueryError
from cityloom.policy import Principal
from cityloom.query import Answer, Limits, ask
from cityloom.web.answers import Page, Table, answer
from cityloom.web.asked import Form, form_of
from cityloom.web.desk import Desk, Look
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import Language, language_of
from cityloom.web.signin.who import principal_of, purpose_of

router = APIRouter()

_SHOWN = Limits(rows=500)
_LARGE = 1e15
"""Numbers from which on digits are written as they are."""

_TAKEN_AWAY = Limits(rows=1_000_000, seconds=120)


@router.get("/query")
def query(request: Request, sql: str = "") -> Response:
    """The question that the address holds, and its answer."""
    desk: Desk = request.app.state.desk
    look, language = desk.look(), language_of(request)
    who, purpose = principal_of(request), purpose_of(request)
    values: dict[str, Any] = {
        "sql": sql,
        "purpose": purpose or "",
        "purposes": _purposes(look),
        "datasets": _readable(look, who, purpose),
        "found": None,
        "wrong": "",
    }
    if not sql.strip():
        return answer(request, Page("query.html", values, {"datasets": list(values["datasets"])}))
    try:
        limits = _TAKEN_AWAY if form_of(request) is Form.CSV else _SHOWN
        found = ask(look.city, sql, who, purpose, limits)
    except (AccessRefused, QueryError) as error:
        status = 403 if isinstance(error, AccessRefused) else 400
        said = error_words(str(error), language)
        page = Page("query.html", {**values, "wrong": said}, {"error": said})
        return answer(request, page, status)
    values |= {"found": found, "rows": _cells(found, language)}
    facts = {
        "datasets": found.datasets,
        "rows": found.rows.to_pylist() if form_of(request) is Form.JSON else [],
        "more": found.has_more,
    }
    return answer(request, Page("query.html", values, facts, _table(found), "query"))


def _purposes(look: Look) -> list[str]:
    """The purposes that some contract states."""
    return sorted({purpose for c in look.contracts.values() for purpose in c.purposes})


def _readable(look: Look, who: Principal, purpose: str | None) -> dict[str, Contract]:
    """The datasets that may be asked for the purpose."""
    return {
        name: contract
        for name, contract in sorted(look.contracts.items())
        if look.city.may_read(name, who, purpose).granted
    }


def _table(found: Answer) -> Table:
    rows = (tuple(row.values()) for batch in found.rows.to_batches() for row in batch.to_pylist())
    return Table(found.rows.schema.names, rows)


def _cells(found: Answer, language: Language) -> list[list[tuple[str, bool]]]:
    """The values of an answer as a reader sees them, and whether each is a number."""
    columns = [column.to_pylist() for column in found.rows.columns]
    return [[_cell(value, language) for value in row] for row in zip(*columns, strict=True)]


def _cell(value: object, language: Language) -> tuple[str, bool]:
    if value is None:
        return "", False
    if isinstance(value, bool):
        return language.gettext("yes") if value else language.gettext("no"), False
    if isinstance(value, int | float):
        return language.number(value, 6) if abs(value) < _LARGE else str(value), True
    return str(value), False
