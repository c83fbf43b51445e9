"""A dataset's quality: what became of the rows of each run, and why rows were refused."""

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response

from cityloom.lineage import run_id
from cityloom.runs import DERIVE, RECEIVE, Run
from cityloom.web.answers import Table
from cityloom.web.charts import Column, Part, bar, columns
from cityloom.web.figures import ended, intake, waiting_reasons
from cityloom.web.kernel_words import reason_words
from cityloom.web.languages import Language
from cityloom.web.pages.facts import RUN_COLUMNS, run_facts, run_row
from cityloom.web.pages.frame import Section, section
from cityloom.web.words import run_word

router = APIRouter()

_MOST_RUNS = 60
_MOST_REASONS = 20
_WIDTHS = (1176, 640, 320)
"""A chart is drawn once for each of these widths; the page shows the one that fits."""


@dataclass(frozen=True)
class ReasonBar:
    """A reason, in words, for how many rows it was given, and that as a bar."""

    words: str
    rows: int
    drawn: Markup


@router.get("/datasets/{dataset}/quality")
def quality(request: Request, dataset: str) -> Response:
    """What became of the rows of each run."""
    shown = section(request, dataset, "quality")
    counted = [
        r for r in shown.runs if r.kind in (RECEIVE, DERIVE) and not r.failed and r.rows_read
    ]
    newest = counted[-_MOST_RUNS:]
    city = shown.look.city.settings.name
    values = {
        "title": _finding(shown),
        "rows_charts": [_rows_chart(newest, shown.language, width) for width in _WIDTHS],
        "share_charts": [_share_chart(newest, shown.language, width) for width in _WIDTHS],
        "runs": [(run, run_id(run, city)) for run in reversed(newest)],
        "left_out": len(counted) - len(newest),
        "reasons": reason_bars(shown)[:_MOST_REASONS],
    }
    facts = {
        "runs": [run_facts(run, city) for run in counted],
        "reasons": dict(waiting_reasons(shown.runs).most_common()),
    }
    return shown.answer(values, facts, Table(RUN_COLUMNS, [run_row(run, city) for run in counted]))


def reason_bars(shown: Section) -> list[ReasonBar]:
    """Why rows wait in quarantine, most frequent first."""
    counted = waiting_reasons(shown.runs).most_common()
    most = counted[0][1] if counted else 0
    return [
        ReasonBar(
            reason_words(message, shown.contract, shown.language),
            rows,
            bar([Part("quarantined", rows)], most),
        )
        for message, rows in counted
    ]


def _finding(shown: Section) -> str:
    """What the chart shows, in a sentence."""
    _ = shown.language.gettext
    came = intake(shown.runs)
    if not came.read:
        return _("Rows by run")
    if not came.quarantined:
        return _("Every row that was received is kept")
    return _(
        "%(refused)s of %(read)s rows were refused on arrival (%(share)s)",
        refused=came.quarantined, read=came.read,
        share=shown.language.percent(came.quarantined / came.read),
    )  # fmt: skip


def _rows_chart(runs: Sequence[Run], language: Language, width: int) -> Markup:
    _ = language.gettext
    bars = [
        Column(
            _run_title(run, language),
            run.source.partition(".")[0],
            (
                Part("kept", run.rows_kept),
                Part("quarantined", run.rows_quarantined),
                Part("duplicate", run.rows_duplicate),
            ),
        )
        for run in runs
    ]
    label = _("Rows kept, refused and duplicate by run; the table below has the figures")
    return columns(bars, _("rows"), label, language, width)


def _share_chart(runs: Sequence[Run], language: Language, width: int) -> Markup:
    _ = language.gettext
    bars = [
        Column(
            _run_title(run, language),
            run.source.partition(".")[0],
            (Part("quarantined", 100 * run.rows_quarantined / run.rows_read),),
        )
        for run in runs
    ]
    label = _("Share of rows refused by run; the table below has the figures")
    return columns(bars, "%", label, language, width, height=70)


def _run_title(run: Run, language: Language) -> str:
    _ = language.gettext
    name = run.source or run_word(run.kind, language)
    return _(
        "%(name)s, %(when)s: %(kept)s kept, %(refused)s refused, %(duplicate)s duplicate",
        name=name, when=language.moment(ended(run)), kept=run.rows_kept,
        refused=run.rows_quarantined, duplicate=run.rows_duplicate,
    )  # fmt: skip
