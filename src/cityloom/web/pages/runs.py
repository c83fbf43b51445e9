"""The runs: what was received and made, with what outcome."""

from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cityloom.lineage import run_events, run_id
from cityloom.runs import Run
from cityloom.web.answers import Page, Table, answer
from cityloom.web.asked import whole_number
from cityloom.web.desk import Desk, Look
from cityloom.web.figures import ended
from cityloom.web.kernel_words import note_words, reason_words
from cityloom.web.languages import language_of
from cityloom.web.pages.facts import RUN_COLUMNS, run_facts, run_row

router = APIRouter()

_A_PAGE = 50
OUTCOMES = ("failed", "quarantined", "clean")
"""What a run may have come to: it failed, it refused rows, or it refused none."""


@router.get("/runs")
def runs(
    request: Request, dataset: str = "", kind: str = "", outcome: str = "", page: str = ""
) -> Response:
    """The runs that fit, newest first."""
    desk: Desk = request.app.state.desk
    look = desk.look()
    city = look.city.settings.name
    found = [
        run
        for run in reversed(look.runs)
        if dataset in ("", run.dataset) and kind in ("", run.kind) and outcome in ("", came_to(run))
    ]
    number = whole_number(page)
    shown = found[(number - 1) * _A_PAGE : number * _A_PAGE]
    values = {
        "runs": [(run, run_id(run, city), look.contracts.get(run.dataset)) for run in shown],
        "ended": ended,
        "came_to": came_to,
        "found": len(found),
        "page": number,
        "pages": max(-(-len(found) // _A_PAGE), 1),
        "contracts": look.contracts,
        "kinds": sorted({run.kind for run in look.runs}),
        "outcomes": OUTCOMES,
        "asked": {"dataset": dataset, "kind": kind, "outcome": outcome},
    }
    facts = [run_facts(run, city) for run in shown]
    table = Table(RUN_COLUMNS, (run_row(run, city) for run in found))
    return answer(request, Page("runs.html", values, facts, table, "runs"))


@router.get("/runs/{identity}")
def run(request: Request, identity: str) -> Response:
    """One run: its account, its reasons, its notes."""
    desk: Desk = request.app.state.desk
    look, language = desk.look(), language_of(request)
    found = _found(look, identity)
    contract = look.contracts.get(found.dataset)
    reasons = sorted(found.reasons.items(), key=lambda pair: -pair[1])
    values = {
        "run": found,
        "contract": contract,
        "ended": ended(found),
        "came_to": came_to(found),
        "identity": identity,
        "reasons": [
            (reason_words(words, contract, language) if contract else words, count)
            for words, count in reasons
        ],
        "notes": [note_words(note, language) for note in found.notes],
    }
    return answer(
        request,
        Page(
            "run.html",
            values,
            run_facts(found, look.city.settings.name),
            Table(("reason", "rows"), reasons),
            f"run-{identity}",
        ),
    )


@router.get("/runs/{identity}/lineage")
def run_lineage(request: Request, identity: str) -> Response:
    """One run as OpenLineage events."""
    desk: Desk = request.app.state.desk
    look = desk.look()
    events = run_events(_found(look, identity), look.contracts, look.city.settings.name)
    return JSONResponse(events)


def came_to(run: Run) -> str:
    """What a run came to."""
    return "failed" if run.failed else "quarantined" if run.rows_quarantined else "clean"


def _found(look: Look, identity: str) -> Run:
    city = look.city.settings.name
    for run in look.runs:
        if run_id(run, city) == identity:
            return run
    raise HTTPException(404)
