"""The console as an application: routes, manners and error pages."""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from importlib import import_module

from fastapi import Depends, FastAPI
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import DEFAULT_EXCLUDED_CONTENT_TYPES, GZipMiddleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cityloom.city import City
from cityloom.errors import UsageError, faults_in_words, in_words, storage_faults
from cityloom.store import open_store
from cityloom.web.answers import STATIC, Page, answer
from cityloom.web.asked import FormBySuffix
from cityloom.web.desk import Desk
from cityloom.web.features.app import features_app
from cityloom.web.features.links import ROOT
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import language_of
from cityloom.web.observed import Observations, Observed, metrics
from cityloom.web.pages import catalogue, dataset, ledger, maps, overview, query, runs
from cityloom.web.signin import account, oidc
from cityloom.web.signin import pages as signin
from cityloom.web.signin.forms import own_form
from cityloom.web.signin.served import Served, served
from cityloom.web.signin.who import SignInFirst, admitted, shown_door, to_sign_in

LARGEST_BODY = 64 << 10
"""Bytes that a request may send; a route that takes more says so."""

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
_ENCRYPTED = {"strict-transport-security": "max-age=31536000"}


def create_app(city: City, how: Served | None = None) -> FastAPI:
    """The console of a city; on this machine alone if it is not said how it is served."""
    how = how or Served()
    desk = Desk(city)

    @asynccontextmanager
    async def looking(_: FastAPI) -> AsyncIterator[None]:
        """Look at the city once while nobody waits, so that the first page is quick."""
        looked = asyncio.create_task(asyncio.to_thread(_look_once, desk))
        yield
        await looked

    app = FastAPI(
        title=city.settings.name,
        lifespan=looking,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(admitted), Depends(own_form)],
        max_body_size=LARGEST_BODY,
    )
    app.state.desk = desk
    app.state.observations = observations = Observations(desk)
    app.state.served = how
    for pages in (overview, catalogue, dataset, maps, query, runs, ledger, signin, account, oidc):
        app.include_router(pages.router)
    app.add_api_route("/health", health, methods=["GET"], response_class=JSONResponse)
    app.add_api_route("/metrics", metrics, methods=["GET"], response_class=Response)
    app.router.routes.append(Route(ROOT + "{path:path}", features_app(desk, how)))
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    app.add_exception_handler(HTTPException, _refused)
    app.add_exception_handler(SignInFirst, to_sign_in)
    app.add_exception_handler(UsageError, _unusable)
    for fault in storage_faults():
        app.add_exception_handler(fault, _faulty)
    oidc.with_provider(app, city, how)
    app.add_middleware(FormBySuffix)
    app.add_middleware(_Manners, how=how)
    packed = (*DEFAULT_EXCLUDED_CONTENT_TYPES, maps.MEDIA_TYPE)
    app.add_middleware(GZipMiddleware, minimum_size=1000, exclude_content_types=packed)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(how.hosts))
    app.add_middleware(Observed, observations=observations)
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
        told = {} if _is_hidden(request) else {"error": str(error)}
        return JSONResponse({"status": "failing", **told}, 503)
    if _is_hidden(request):
        return JSONResponse({"status": "ok"})
    name, datasets = look.city.settings.name, len(look.contracts)
    return JSONResponse({"status": "ok", "city": name, "datasets": datasets})


def _is_hidden(request: Request) -> bool:
    """Whether a stranger asks who may know that the console runs, and no more."""
    return served(request).guarded and shown_door(request)[0] is None


def _look_once(desk: Desk) -> None:
    import_module("cityloom.engine")  # which takes a while, and which the first row needs
    with suppress(UsageError):
        desk.look()
        desk.findings()


class _Manners:
    """Adds to every answer the headers that keep a page to itself."""

    def __init__(self, app: ASGIApp, how: Served) -> None:
        self._app = app
        self._always = _HEADERS | (_ENCRYPTED if how.https else {})

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                said = {**self._always, "cache-control": _lasts(scope)}
                own = [(name.encode(), value.encode()) for name, value in said.items()]
                message = {**message, "headers": [*message["headers"], *own]}
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def _lasts(scope: Scope) -> str:
    """How long an answer may be kept; what somebody sees who has signed in, not at all."""
    if scope["path"].startswith("/static/"):
        lasting = b"v=" in scope["query_string"]
        return "public, max-age=31536000, immutable" if lasting else "no-cache"
    known = any(
        name == b"authorization" or (name == b"cookie" and b"session=" in value)
        for name, value in scope["headers"]
    )
    return "no-store" if known else "no-cache"


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    language = language_of(request)
    words = error_words(str(error.detail), language)
    if error.status_code == 404:
        words = language.gettext("There is no such page.")
    answered = _error_page(request, error.status_code, words)
    answered.headers.update(error.headers or {})
    return answered


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
