"""The page on which one signs in, and the ways in and out."""

from datetime import timedelta
from secrets import token_urlsafe
from typing import Annotated

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cityloom.errors import UsageError
from cityloom.signin.door import LetIn, TurnedAway, Visit, Why
from cityloom.web.answers import Page, answer
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import Language, language_of
from cityloom.web.signin.addresses import own_address
from cityloom.web.signin.cookies import BROWSER, FORM, SESSION, cookie_of, drop, keep
from cityloom.web.signin.forms import bound_to, form_token
from cityloom.web.signin.who import PAGE, door, who_of

router = APIRouter()

_REMEMBERED = timedelta(days=365)
"""How long a browser is known as one that has signed in before."""


@router.get(PAGE)
def sign_in(request: Request, next: str = "/") -> Response:
    """The page on which one signs in."""
    if who_of(request).account is not None:
        return RedirectResponse(own_address(next), 303)
    return sign_in_page(request, next)


@router.post(PAGE)
def signed_in(
    request: Request,
    name: Annotated[str, Form()] = "",
    password: Annotated[str, Form()] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    """Let somebody in with a name and a password, or say why not."""
    language = language_of(request)
    try:
        done = door(request).enter(name, password, visit(request))
    except UsageError as error:
        return sign_in_page(request, next, error_words(str(error), language), name, 503)
    return entered(request, done, next, name)


@router.post("/signout")
def sign_out(request: Request) -> Response:
    """End the session, and forget it here."""
    door(request).sessions.end(cookie_of(request, SESSION))
    response = RedirectResponse("/", 303, {"Clear-Site-Data": '"cache"'})
    drop(response, request, SESSION)
    return response


def entered(request: Request, done: LetIn | TurnedAway, next: str, name: str = "") -> Response:
    """The way on for somebody who is let in; for others the page again, which says why not."""
    if isinstance(done, TurnedAway):
        words = _turned_away(done, language_of(request))
        answered = sign_in_page(request, next, words, name, 429 if done.wait else 403)
        if done.wait:
            answered.headers["Retry-After"] = str(_seconds(done.wait))
        return answered
    response = RedirectResponse(own_address(next), 303)
    keep(response, request, SESSION, done.session)
    keep(response, request, BROWSER, done.browser, _REMEMBERED)
    if cookie_of(request, FORM):
        drop(response, request, FORM)
    return response


def sign_in_page(
    request: Request, next: str, wrong: str = "", name: str = "", status: int = 200
) -> Response:
    """The page on which one signs in, with what went wrong."""
    entrance = door(request)
    oidc = entrance.settings.oidc
    bound = bound_to(request) or token_urlsafe(32)
    values = {
        "form_token": form_token(request, bound),
        "name": name,
        "next": own_address(next),
        "oidc": None if oidc is None else {"title": oidc.title},
        "passwords": entrance.takes_passwords(),
        "wrong": wrong,
    }
    facts = {"passwords": values["passwords"], "oidc": oidc is not None, "error": wrong}
    response = answer(request, Page("signin.html", values, facts), status)
    if not bound_to(request):
        keep(response, request, FORM, bound)
    return response


def visit(request: Request) -> Visit:
    """Where somebody stands who comes with a request."""
    return Visit(
        request.client.host if request.client else "",
        request.headers.get("user-agent", ""),
        cookie_of(request, BROWSER),
        cookie_of(request, SESSION),
    )


def _turned_away(done: TurnedAway, language: Language) -> str:
    _ = language.gettext
    if done.why is Why.WAIT:
        seconds = _seconds(done.wait)
        return language.ngettext(
            "Too many attempts. Try again in %(n)s second.",
            "Too many attempts. Try again in %(n)s seconds.",
            seconds,
        )
    words = {
        Why.WRONG: _("The name or the password is not right, or the account is disabled."),
        Why.NO_ROLE: _(
            "Your directory knows you, but gives you no role here. Ask an administrator."
        ),
        Why.NOT_THEIRS: _(
            "The account of this name is disabled or belongs to somebody else. "
            "Ask an administrator."
        ),
    }
    return words[done.why]


def _seconds(wait: timedelta) -> int:
    return -int(-wait.total_seconds() // 1)
