"""Forms that change something: sent from a page of ours, by whoever was shown it.

A form carries a name that the city's secret makes of the session's cookie (a signed double-submit
that is bound to the session; OWASP, Cross-Site Request Forgery Prevention). What a browser says of
where a request comes from is looked at besides. A token is not sent by a browser on its own, so
what comes with one needs no form.
"""

from hmac import compare_digest
from urllib.parse import urlsplit

from starlette.exceptions import HTTPException
from starlette.requests import Request

from cityloom.secret import keyed
from cityloom.web.signin.cookies import FORM, SESSION, cookie_of
from cityloom.web.signin.who import door, who_of

FIELD = "form_token"
"""The field in which a form carries it."""

HEADER = "x-form-token"
"""The header in which a script may send it instead."""

_HARMLESS = ("GET", "HEAD", "OPTIONS")


def bound_to(request: Request) -> str:
    """The cookie that a form of this browser is bound to; empty where it has none."""
    return cookie_of(request, SESSION) or cookie_of(request, FORM)


def form_token(request: Request, bound: str) -> str:
    """What a form carries that is bound to a cookie."""
    return keyed(door(request).secret, "form", bound) if bound else ""


async def own_form(request: Request) -> None:
    """See that what would change something was sent from a page of ours.

    Raises:
        HTTPException: it was not, or its page is too old.
    """
    if request.method in _HARMLESS or who_of(request).scopes is not None:
        return
    if not _is_from_here(request):
        raise HTTPException(403, "this was sent from another site; nothing was changed")
    sent = request.headers.get(HEADER) or (await request.form()).get(FIELD) or ""
    expected = form_token(request, bound_to(request))
    if not expected or not compare_digest(str(sent).encode(), expected.encode()):
        raise HTTPException(403, "this page is too old; open it again and repeat what you did")


def _is_from_here(request: Request) -> bool:
    """Whether a browser says that a request comes from this site; others say nothing."""
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
