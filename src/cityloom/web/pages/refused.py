"""A dataset's quarantine: why rows wait there, and the rows themselves where policy grants them."""

import json
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
from fastapi import APIRouter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cityloom.contract import Contract
from cityloom.errors import AccessRefused
from cityloom.web.answers import Table
from cityloom.web.asked import Form, form_of, whole_number
from cityloom.web.figures import waiting_reasons
from cityloom.web.kernel_words import reason_words
from cityloom.web.pages.frame import Section, section
from cityloom.web.pages.quality import reason_bars
from cityloom.web.pages.rows import refusal
from cityloom.web.signin.who import principal_of, purpose_of

router = APIRouter()

_A_PAGE = 25
_MOST_PAGES = 40
_SOURCE, _ORDINAL = "_delivery", "_ordinal"
_COLUMNS = ("source", "ordinal", "reasons", "raw")

Row = dict[str, Any]


@router.get("/datasets/{dataset}/quarantine")
def quarantine(request: Request, dataset: str, page: str = "") -> Response:
    """The reasons with their counts; the refused rows where policy grants them."""
    shown = section(request, dataset, "quarantine")
    number = whole_number(page, most=_MOST_PAGES)
    total = shown.entry.facts.rows_quarantined
    facts: dict[str, Any] = {
        "dataset": dataset,
        "total": total,
        "reasons": dict(waiting_reasons(shown.runs).most_common()),
    }
    values: dict[str, Any] = {
        "reasons": reason_bars(shown),
        "refusal": None,
        "rows": [],
        "total": total,
        "page": number,
        "pages": min(max(-(-total // _A_PAGE), 1), _MOST_PAGES),
    }
    try:
        if form_of(request) is Form.CSV:
            return shown.answer({}, None, _table(shown, dataset))
        limit = number * _A_PAGE
        who, purpose = principal_of(request), purpose_of(request)
        reader = shown.look.city.read_quarantine(dataset, who, purpose, limit=limit)
        found = [_record(row) for row in reader.read_all().to_pylist()][(number - 1) * _A_PAGE :]
    except AccessRefused:
        return _refused(shown, values, facts)
    values["rows"] = [_as_read(row, shown) for row in found]
    return shown.answer(values, {**facts, "page": number, "rows": found})


def _refused(shown: Section, values: dict[str, Any], facts: dict[str, Any]) -> Response:
    why = refusal(shown, whole=True)
    if form_of(shown.request) is Form.CSV:
        raise HTTPException(403, why.rule)
    return shown.answer({**values, "refusal": why}, {**facts, **why.as_facts()})


def _record(row: Row) -> Row:
    """A refused row: its source and number, what was received, and every reason."""
    return {
        "source": row[_SOURCE],
        "ordinal": row[_ORDINAL],
        "reasons": row["reasons"],
        "raw": row["raw"],
        "values": json.loads(row["values"]) if row["values"] else None,
    }


def _as_read(row: Row, shown: Section) -> Row:
    """A refused row for a reader: what is wrong in it first."""
    blamed = _blamed(row, shown.contract)
    values = row["values"] or {}
    return {
        **row,
        "reasons": [
            reason_words(reason["message"], shown.contract, shown.language)
            for reason in row["reasons"]
        ],
        "wrong": {name: values[name] for name in values if name in blamed},
        "values": values,
    }


def _blamed(row: Row, contract: Contract) -> set[str]:
    """The columns that reasons are about, as the file calls them."""
    named = {name for reason in row["reasons"] for name in reason["column"].split(", ")}
    return {column.source_name for column in contract.columns if column.name in named} | named


def _table(shown: Section, dataset: str) -> Table:
    who, purpose = principal_of(shown.request), purpose_of(shown.request)
    reader = shown.look.city.read_quarantine(dataset, who, purpose)
    names = [column.source_name for column in shown.contract.columns]
    return Table((*_COLUMNS, *names), _texts(reader, names))


def _texts(reader: pa.RecordBatchReader, names: list[str]) -> Iterator[list[object]]:
    for batch in reader:
        for row in batch.to_pylist():
            record = _record(row)
            values = record["values"] or {}
            reasons = "; ".join(reason["message"] for reason in record["reasons"])
            yield [record["source"], record["ordinal"], reasons, record["raw"]] + [
                values.get(name) for name in names
            ]
