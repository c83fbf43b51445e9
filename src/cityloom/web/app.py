"""The console as an application: routes, manners and error pages."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityloom.city import City
from cityloom.errors import UsageError, faults_in_words, in_words, storage_faults
from cityloom.store import open_store
from cityloom.web.answers import STATIC, Page, answer
from cityloom.web.asked import FormBySuffix
from cityloom.web.desk import Desk
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import language_of
from cityloom.web.pages import catalogue, dataset, maps, overview, runs

HOSTS = ["127.0.0.1", "localhost"]
"""The names the console answers to; any other could be another site's trick."""

_log = logging.getLogger(__name__)

_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
        "connect-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
}


def create_app(city: City) -> FastAPI:
    """The console of a city."""
    desk = Desk(city)

    @asynccontextmanager
    async def looking(_: FastAPI) -> AsyncIterator[None]:
        """Look at the city once while nobody waits, so that the first page is quick."""
        looked = asyncio.create_task(asyncio.to_thread(_look_once, desk))
        yield
        await looked

    app = FastAPI(
        title=city.settings.name, lifespan=looking, openapi_url=None, docs_url=None, redoc_url=None
    )
    app.state.desk = desk
    for pages in (overview, catalogue, dataset, maps, runs):
        app.include_router(pages.router)
    app.add_api_route("/health", health, methods=["GET"], response_class=JSONResponse)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(UsageError, _unusable)
    for fault in storage_faults():
        app.add_exception_handler(fault, _faulty)
    app.add_middleware(FormBySuffix)
    app.add_middleware(_Manners)
    packed = (*DEFAULT_EXCLUDED_CONTENT_TYPES, maps.MEDIA_TYPE)
    app.add_middleware(GZipMiddleware, minimum_size=1000, exclude_content_types=packed)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=HOSTS)
    if not (STATIC / "vendor" / "fonts.css").exists():
        _log.warning(
            "fonts and htmx are missing; pages use system fonts and load whole. "
            "Fetch them with 'python -m cityloom.web.assets'"
        )
    return app


def health(request: Request) -> JSONResponse:
    """Whether the city can be read: its store, its log of runs and its lake, as every page does."""
    desk: Desk = request.app.state.desk
    try:
        with faults_in_words(desk.path):
            open_store(desk.path, desk.city.settings.database).dispose()
            look = desk.look()
            look.city.see_tables()
    except UsageError as error:
        return JSONResponse({"status": "failing", "error": str(error)}, 503)
    name, datasets = look.city.settings.name, len(look.contracts)
    return JSONResponse({"status": "ok", "city": name, "datasets": datasets})


def _look_once(desk: Desk) -> None:
    import_module("cityloom.engine")  # which takes a while, and which the first row needs
    with suppress(UsageError):
        desk.look()
        desk.findings()


class _Manners:
    """Adds to every answer the headers that keep a page to itself."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = [(name.encode(), value.encode()) for name, value in _headers(scope).items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _headers(scope: Scope) -> dict[str, str]:
    lasting = scope["path"].startswith("/static/") and b"v=" in scope["query_string"]
    lasts = "public, max-age=31536000, immutable" if lasting else "no-cache"
    return {**_HEADERS, "cache-control": lasts}


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    _ = language_of(request).gettext
    words = _("There is no such page.") if error.status_code == 404 else str(error.detail)
    return _error_page(request, error.status_code, words)


def _unusable(request: Request, error: Exception) -> Response:
    return _error_page(request, 500, error_words(str(error), language_of(request)))


def _faulty(request: Request, error: Exception) -> Response:
    if (told := in_words(error)) is None:
        raise error
    return _unusable(request, told)


def _error_page(request: Request, status: int, words: str) -> Response:
    request.state.form = getattr(request.state, "form", None)
    if request.state.form == "csv":
        request.state.form = "html"
    facts = {"status": status, "error": words}
    return answer(request, Page("error.html", {"status": status, "words": words}, facts), status)
