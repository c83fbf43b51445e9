"""What a request asks for: a page to read, JSON or CSV."""

from enum import StrEnum

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send


class Form(StrEnum):
    """The forms in which a page can be had."""

    HTML = "html"
    JSON = "json"
    CSV = "csv"


_ONE_FORM = ("/static/", "/ogc/")
"""Where a suffix belongs to a name."""


class FormBySuffix:
    """Takes ``.json`` or ``.csv`` off a path and remembers it: one route serves all forms."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] == "http" and not scope["path"].startswith(_ONE_FORM):
            path, dot, suffix = scope["path"].rpartition(".")
            if dot and path and suffix in (Form.JSON, Form.CSV):
                state = {**scope.get("state", {}), "form": Form(suffix)}
                scope = {**scope, "path": path, "raw_path": path.encode(), "state": state}
        await self._app(scope, receive, send)


def form_of(request: Request) -> Form:
    """The form that a request asks for: by its suffix, else by its Accept header."""
    stated: Form | None = getattr(request.state, "form", None)
    if stated:
        return stated
    accepted = [part.partition(";")[0].strip() for part in _accept(request).split(",")]
    for kind in accepted:
        if kind in ("text/html", "*/*"):
            return Form.HTML
        if kind == "application/json":
            return Form.JSON
        if kind == "text/csv":
            return Form.CSV
    return Form.HTML


def whole_number(text: str | None, least: int = 1, most: int = 1_000_000) -> int:
    """A number from a URL, kept within bounds; the least where it is none."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 9:
        return least
    return min(max(int(text), least), most)


def _accept(request: Request) -> str:
    return request.headers.get("accept", "*/*")
