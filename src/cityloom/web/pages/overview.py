"""The overview: the city at a glance."""

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from cityloom.web.answers import Page, Table, answer
from cityloom.web.charts import Part, bar
from cityloom.web.desk import Desk, Look
from cityloom.web.figures import Intake, Standing, ended, intake, last_weave
from cityloom.web.kernel_words import finding_words
from cityloom.web.languages import Language, language_of
from cityloom.web.pages.connections import city_drawing
from cityloom.web.pages.facts import Entry, entries
from cityloom.web.words import name_of

router = APIRouter()

_NEWEST_RUNS = 6
_COLUMNS = (
    "dataset",
    "rows_received",
    "rows_kept",
    "rows_quarantined",
    "rows_duplicate",
    "rows_replaced",
)


@router.get("/")
@router.get("/overview", include_in_schema=False)
def overview(request: Request) -> Response:
    """The city at a glance."""
    desk: Desk = request.app.state.desk
    look, language = desk.look(), language_of(request)
    listed = entries(look)
    intakes = {
        item.facts.dataset: intake(look.runs_of[item.facts.dataset])
        for item in listed
        if item.facts.kind == "received"
    }
    woven = last_weave(look.runs)
    figures = _figures(look, listed)
    findings = [
        {"what": finding_words(f.what, language), "mend": finding_words(f.mend, language)}
        | {"serious": f.serious}
        for f in sorted(desk.findings(), key=lambda finding: not finding.serious)
    ]
    values = {
        "figures": figures,
        "findings": findings,
        "share_waiting": figures["quarantined"] / max(figures["rows"] + figures["quarantined"], 1),
        "woven_at": ended(woven[0]) if woven else None,
        "woven_sets": len({run.dataset for run in woven if not run.failed}),
        "woven_rows": sum(run.rows_kept for run in woven),
        "finding": _finding(look, intakes, language),
        "arrivals": _arrivals(listed, intakes),
        "drawing": city_drawing(look, language),
        "runs": [
            (run, look.contracts.get(run.dataset)) for run in look.runs[: -_NEWEST_RUNS - 1 : -1]
        ],
        "ended": ended,
    }
    facts = {
        "city": look.city.settings.name,
        **figures,
        "last_weave": {"ended": values["woven_at"], "datasets": values["woven_sets"]},
        "findings": findings,
        "arrivals": [dict(zip(_COLUMNS, row, strict=True)) for row in _rows(listed, intakes)],
    }
    table = Table(_COLUMNS, _rows(listed, intakes))
    return answer(request, Page("overview.html", values, facts, table, "overview"))


def _figures(look: Look, listed: list[Entry]) -> dict[str, Any]:
    return {
        "datasets": len(listed),
        "received": sum(item.facts.kind == "received" for item in listed),
        "derived": sum(item.facts.kind == "derived" for item in listed),
        "owners": len({item.facts.owner for item in listed if item.facts.owner}),
        "rows": sum(item.facts.rows for item in listed),
        "quarantined": sum(item.facts.rows_quarantined for item in listed),
        "waiting_sets": sum(item.facts.rows_quarantined > 0 for item in listed),
        "late": sum(item.standing is Standing.LATE for item in listed),
        "failed": len(look.failures()),
        "empty": sum(item.standing is Standing.EMPTY for item in listed),
    }


def _rows(listed: list[Entry], intakes: dict[str, Intake]) -> list[list[object]]:
    rows: list[list[object]] = []
    for item in listed:
        came = intakes.get(item.facts.dataset)
        if came:
            waiting, gone = item.facts.rows_quarantined, _gone(item, came)
            duplicate = min(came.duplicate, gone)
            counts = [came.read, item.facts.rows, waiting, duplicate, gone - duplicate]
            rows.append([item.facts.dataset, *counts])
    return rows


def _gone(item: Entry, came: Intake) -> int:
    """Rows received that are neither kept nor in quarantine now.

    They were duplicates, or gave way to newer ones of their key, or were taken out.
    """
    return max(came.read - item.facts.rows - item.facts.rows_quarantined, 0)


def _arrivals(listed: list[Entry], intakes: dict[str, Intake]) -> list[dict[str, Any]]:
    """The received datasets, largest first, each with its bar."""
    shown = [item for item in listed if item.facts.dataset in intakes]
    most = max((i.facts.rows + i.facts.rows_quarantined for i in shown), default=0)
    shown.sort(key=lambda item: (-item.facts.rows, item.facts.dataset))
    return [
        {
            "entry": item,
            "intake": intakes[item.facts.dataset],
            "gone": _gone(item, intakes[item.facts.dataset]),
            "share": item.facts.rows_quarantined
            / max(item.facts.rows + item.facts.rows_quarantined, 1),
            "bar": bar(
                [Part("kept", item.facts.rows), Part("quarantined", item.facts.rows_quarantined)],
                most,
            ),
        }
        for item in shown
    ]


def _finding(look: Look, intakes: dict[str, Intake], language: Language) -> str:
    """What the chart of arrivals shows, in a sentence."""
    _ = language.gettext
    shares = {
        name: look.facts[name].rows_quarantined / came.read
        for name, came in intakes.items()
        if came.read
    }
    if not shares:
        return _("Nothing has been received yet")
    worst = max(shares, key=lambda name: shares[name])
    if not shares[worst]:
        return _("Every row that was received is kept")
    return _(
        "%(share)s of what was received for %(dataset)s waits in quarantine, more than anywhere",
        share=language.percent(shares[worst]),
        dataset=name_of(look.contracts[worst], language),
    )
