"""One's own account: roles, sessions, tokens, password."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cityloom.errors import UsageError
from cityloom.signin.accounts import SHORTEST, Account
from cityloom.signin.clock import read
from cityloom.signin.sessions import digest_of
from cityloom.signin.tokens import MOST_DAYS
from cityloom.web.answers import Page, answer
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import language_of
from cityloom.web.signin.cookies import SESSION, cookie_of, keep
from cityloom.web.signin.pages import visit
from cityloom.web.signin.who import SignInFirst, door, who_of

router = APIRouter(prefix="/account")


@router.get("")
def account(request: Request) -> Response:
    """One's own account."""
    return _page(request)


@router.get("/{part}")
def part(part: str) -> Response:
    """Back to the account, from where something of it was changed."""
    return RedirectResponse("/account", 303)


@router.post("/password")
def password(
    request: Request, old: Annotated[str, Form()] = "", new: Annotated[str, Form()] = ""
) -> Response:
    """Change the password; all other sessions end."""
    own, entrance = _own(request), door(request)
    _ = language_of(request).gettext
    try:
        done = entrance.change_password(own, old, new)
    except UsageError as error:
        return _page(request, "password", str(error))
    if not done:
        return _page(request, "password", _("The old password is not right."))
    let_in = entrance.let_in(entrance.accounts.get(own.name), visit(request))
    response = RedirectResponse("/account", 303)
    keep(response, request, SESSION, let_in.session)
    return response


@router.post("/sessions")
def end_session(request: Request, digest: Annotated[str, Form()] = "") -> Response:
    """End one of one's sessions."""
    door(request).sessions.end_of(_own(request).name, digest)
    return RedirectResponse("/account", 303)


@router.post("/tokens")
def add_token(
    request: Request,
    title: Annotated[str, Form()] = "",
    scopes: Annotated[str, Form()] = "",
    days: Annotated[str, Form()] = "",
) -> Response:
    """Make a token, and show it this once."""
    own = _own(request)
    try:
        lasts = int(days) if days.isascii() and days.isdigit() else 0
        made = door(request).tokens.add(own.name, title, scopes.replace(",", " ").split(), lasts)
    except UsageError as error:
        return _page(request, "token", str(error), {"title": title, "scopes": scopes, "days": days})
    return _page(request, made=made)


@router.post("/tokens/revoke")
def revoke_token(request: Request, id: Annotated[str, Form()] = "") -> Response:
    """Let one of one's tokens open nothing any more."""
    try:
        door(request).tokens.revoke(id, _own(request).name)
    except UsageError as error:
        return _page(request, "revoke", str(error))
    return RedirectResponse("/account", 303)


def _own(request: Request) -> Account:
    """The account of whoever has a session."""
    found = who_of(request).account
    if found is None:
        raise SignInFirst
    return found


def _page(
    request: Request,
    wrong_form: str = "",
    wrong: str = "",
    typed: dict[str, str] | None = None,
    made: str = "",
) -> Response:
    """The account's page; with what went wrong in one of its forms, or a token that was made."""
    own, entrance = _own(request), door(request)
    sessions, tokens = entrance.sessions.of(own.name), entrance.tokens.of(own.name)
    now = entrance.clock()
    values: dict[str, Any] = {
        "account": own,
        "sessions": sessions,
        "own_session": digest_of(cookie_of(request, SESSION)),
        "tokens": [t for t in tokens if not t.revoked and (read(t.expires) or now) > now],
        "moment": read,
        "made": made,
        "wrong": {wrong_form: error_words(wrong, language_of(request))} if wrong else {},
        "typed": typed or {"title": "", "scopes": "", "days": "90"},
        "shortest": SHORTEST,
        "most_days": MOST_DAYS,
    }
    facts = {
        "name": own.name,
        "full_name": own.full_name,
        "roles": list(own.roles),
        "attributes": dict(own.attributes),
        "sessions": len(sessions),
        "tokens": [{"id": t.id, "title": t.title, "scopes": t.scopes} for t in values["tokens"]],
    }
    return answer(request, Page("account.html", values, facts), 422 if wrong else 200)
