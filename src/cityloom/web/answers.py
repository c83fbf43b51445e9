"""Answers: one page as HTML, JSON or CSV, whichever was asked for."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from functools import cache
from hashlib import sha256
from io import StringIO
from pathlib import Path
from types import NoneType
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from cityloom.signin.roles import Role
from cityloom.web.asked import Form, form_of
from cityloom.web.desk import Desk
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import COOKIE, LANGUAGES, Language, has_han, language_of
from cityloom.web.signin.forms import bound_to, form_token
from cityloom.web.signin.who import shown_door
from cityloom.web.signin.words import role_word
from cityloom.web.words import (
    classification_word,
    heading,
    name_of,
    origin_word,
    run_word,
    standing_word,
    taken_out_words,
    unit_sign,
)

STATIC = Path(__file__).parent / "static"
_YEAR = 365 * 24 * 3600
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_ROWS_AT_A_TIME = 500
_AS_THEY_ARE = (str, bool, int, float, list, tuple, dict, NoneType)


@dataclass(frozen=True)
class Page:
    """What a page shows: a template and its values, the same as facts, and its main table."""

    template: str
    values: Mapping[str, Any]
    facts: Any
    table: "Table | None" = None
    name: str = "page"


@dataclass(frozen=True)
class Table:
    """A table to download; its rows may be streamed."""

    columns: Sequence[str]
    rows: Iterable[Sequence[object]] = field(repr=False)


def answer(request: Request, page: Page, status: int = 200) -> Response:
    """A page in the form that was asked for."""
    form = form_of(request)
    if form is Form.JSON:
        return _json(page.facts, status)
    if form is Form.CSV:
        if page.table is None:
            raise HTTPException(406, "This page has no table; ask for JSON.")
        return _csv(page.table, page.name)
    language = language_of(request)
    html = (
        _templates()
        .get_template(page.template)
        .render({**_shared(request, language), **page.values})
    )
    response = Response(html, status, media_type="text/html")
    response.headers["Vary"] = "Accept, Accept-Language, Cookie"
    response.headers["Content-Language"] = language.code
    if request.query_params.get("lang") in LANGUAGES:
        response.set_cookie(COOKIE, language.code, max_age=_YEAR, httponly=True, samesite="lax")
    return response


def url_with(request: Request, **changes: object) -> str:
    """The page's own address with some of its query changed, or taken out where ``None``."""
    query = {**dict(request.query_params), **changes}
    written = urlencode({name: value for name, value in query.items() if value not in (None, "")})
    return _path(request) + ("?" + written if written else "")


def plain(value: object) -> object:
    """A value as JSON can carry it."""
    if isinstance(value, datetime | date | time):
        return value.isoformat()
    if isinstance(value, bytes):
        return value.hex()
    return value if isinstance(value, _AS_THEY_ARE) else str(value)


def inert(value: object) -> object:
    """A value as a cell of a CSV file: no spreadsheet takes it for a formula."""
    if isinstance(value, str) and value.startswith(_FORMULA):
        return "'" + value
    return plain(value)


def _json(facts: Any, status: int) -> Response:
    written = json.dumps(facts, default=plain, ensure_ascii=False)
    content = json.loads(written, parse_constant=lambda _: None)  # JSON has no NaN
    return JSONResponse(content, status)


def _csv(table: Table, name: str) -> Response:
    return StreamingResponse(
        _lines(table),
        media_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}.csv"'},
    )


def _lines(table: Table) -> Iterator[str]:
    page = StringIO()
    writer = csv.writer(page)
    page.write("\ufeff")
    writer.writerow(table.columns)
    for number, row in enumerate(table.rows, start=1):
        writer.writerow([inert(value) for value in row])
        if number % _ROWS_AT_A_TIME == 0:
            yield page.getvalue()
            page.seek(0)
            page.truncate()
    yield page.getvalue()


@cache
def _templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "asset": _asset,
        "classification_word": classification_word,
        "error_words": error_words,
        "heading": heading,
        "languages": LANGUAGES,
        "name_of": name_of,
        "origin_word": origin_word,
        "run_word": run_word,
        "standing_word": standing_word,
        "taken_out_words": taken_out_words,
        "tongue": _tongue,
        "unit_sign": unit_sign,
    }
    return environment


def _shared(request: Request, language: Language) -> dict[str, Any]:
    """What every template knows."""
    desk: Desk = request.app.state.desk
    me, is_in_use = shown_door(request)
    return {
        "_": language.gettext,
        "audits": me is not None and Role.AUDITOR in me.roles,
        "city_name": desk.city.settings.name,
        "door_is_in_use": is_in_use,
        "download": lambda form: _download(request, form),
        "form_token": form_token(request, bound_to(request)) if me else "",
        "gap": "" if language.is_chinese else " ",
        "language": language,
        "me": me,
        "my_roles": [role_word(role, language) for role in me.roles] if me else [],
        "ngettext": language.ngettext,
        "path": _path(request),
        "query": dict(request.query_params),
        "url_with": lambda **changes: url_with(request, **changes),
    }


def _path(request: Request) -> str:
    return str(request.scope["path"])


def _download(request: Request, form: str) -> str:
    """The page's address in another form."""
    path, mark, query = url_with(request, lang=None, page=None).partition("?")
    return f"{'/overview' if path == '/' else path}.{form}{mark}{query}"


def _tongue(text: str, language: Language) -> Markup:
    """The attribute that says a text is not in the page's language, where it is not."""
    spoken = "zh" if has_han(text) else "en"
    return Markup(' lang="{}"').format(spoken) if text and spoken != language.code else Markup("")


@cache
def _asset(name: str) -> str | None:
    """The address of a file to serve, which changes with its content; ``None`` if it is missing."""
    path = STATIC / name
    if not path.exists():
        return None
    return f"/static/{name}?v={sha256(path.read_bytes()).hexdigest()[:8]}"
