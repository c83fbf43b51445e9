"""The cookies of sign-in: for this site alone, out of reach of scripts, by TLS where there is."""

from datetime import timedelta

from starlette.requests import Request
from starlette.responses import Response

from cityloom.web.signin.served import served

SESSION = "session"
"""Holds the identifier of a session."""

BROWSER = "browser"
"""Marks a browser as one that has signed in before."""

FORM = "form"
"""Binds a form to a browser that has no session yet."""


def cookie_name(request: Request, name: str) -> str:
    """A cookie's name; by its prefix a browser sees to it that no other site has set it."""
    return f"__Host-{name}" if served(request).https else name


def cookie_of(request: Request, name: str) -> str:
    """What a request's cookie of a name holds; empty where there is none."""
    return request.cookies.get(cookie_name(request, name), "")


def keep(
    response: Response, request: Request, name: str, value: str, lasts: timedelta | None = None
) -> None:
    """Have the browser keep a cookie; until it is closed if ``lasts`` is not said."""
    response.set_cookie(
        cookie_name(request, name),
        value,
        max_age=None if lasts is None else int(lasts.total_seconds()),
        path="/",
        secure=served(request).https,
        httponly=True,
        samesite="lax",
    )


def drop(response: Response, request: Request, name: str) -> None:
    """Have the browser forget a cookie."""
    secure = served(request).https
    name = cookie_name(request, name)
    response.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="lax")
