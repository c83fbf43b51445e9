"""Who asks: by a session's cookie, by a token, or nobody that is known."""

from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from cityloom.errors import UsageError, storage_faults
from cityloom.policy import Principal
from cityloom.signin.accounts import Account
from cityloom.signin.door import Door, door_of
from cityloom.signin.tokens import Scopes
from cityloom.web.asked import Form, form_of
from cityloom.web.desk import CONSOLE, Desk
from cityloom.web.signin.cookies import SESSION, cookie_of
from cityloom.web.signin.served import served

PAGE = "/signin"
"""Where one signs in."""

_OPEN = (PAGE, f"{PAGE}/oidc", f"{PAGE}/oidc/back", "/health")
"""What is answered to anyone, wherever the console is served."""


@dataclass(frozen=True)
class Who:
    """Who asks; ``account`` where they have a session, ``scopes`` where they have a token."""

    principal: Principal = CONSOLE
    account: Account | None = None
    scopes: Scopes | None = None


NOBODY = Who()
"""Somebody who has not signed in."""

STRANGER = Principal("stranger", signed_in=False)
"""Somebody of whom nothing is known."""


class SignInFirst(Exception):
    """What was asked for is shown to those alone who have signed in."""


def door(request: Request) -> Door:
    """The door of the city that a request is about."""
    desk: Desk = request.app.state.desk
    return door_of(desk.city)


def who_of(request: Request) -> Who:
    """Who asks; looked up once a request.

    Raises:
        HTTPException: the token is not valid.
    """
    known: Who | None = getattr(request.state, "who", None)
    if known is None:
        known = request.state.who = _looked_up(request)
    return known


def principal_of(request: Request) -> Principal:
    """Who asks, to policy.

    A token speaks for its owner where its scopes name the dataset that the address is of, and for
    a stranger, who is shown what is public, where the address is of none.

    Raises:
        HTTPException: the token is not valid, or not for this dataset.
    """
    who = who_of(request)
    if who.scopes is None:
        return who.principal
    dataset = request.path_params.get("dataset")
    if dataset is None:
        return STRANGER
    if not who.scopes.reads(dataset):
        raise HTTPException(403, f"this token is not for {dataset}; its scopes name others")
    return who.principal


def purpose_of(request: Request) -> str | None:
    """What whoever asks wants data for, as the address says.

    Raises:
        HTTPException: the token is not valid, or not for this purpose.
    """
    purpose = request.query_params.get("purpose", "").strip() or None
    scopes = who_of(request).scopes
    if purpose and scopes is not None and not scopes.serves(purpose):
        raise HTTPException(403, f"this token is not for the purpose {purpose}")
    return purpose


def admitted(request: Request) -> None:
    """See that whoever asks may see anything here at all.

    Raises:
        HTTPException: the token is not valid.
        SignInFirst: nobody has signed in, and the console is served beyond this machine.
    """
    who = who_of(request)
    guarded = served(request).guarded and request.url.path not in _OPEN
    if guarded and not who.principal.signed_in:
        raise SignInFirst


def shown_door(request: Request) -> tuple[Account | None, bool]:
    """For the head of a page: who has a session, and whether anyone can have one.

    Where that cannot be found out, nobody has; a page that says what is wrong is shown all the
    same.
    """
    with suppress(HTTPException, UsageError, *storage_faults()):
        return who_of(request).account, door(request).is_in_use()
    return None, False


def to_sign_in(request: Request, _: Exception) -> Response:
    """The way to the sign-in page, and from there back to what was asked for."""
    if form_of(request) is not Form.HTML or request.method != "GET":
        words = "sign in first, or ask with a token"
        headers = {"WWW-Authenticate": "Bearer"}
        return Response(words, 401, headers, media_type="text/plain")
    query = f"?{request.url.query}" if request.url.query else ""
    asked = urlencode({"next": request.url.path + query})
    return RedirectResponse(f"{PAGE}?{asked}", 303)


def _looked_up(request: Request) -> Who:
    kind, _, token = request.headers.get("authorization", "").partition(" ")
    if kind.lower() == "bearer":
        return _bearer(request, token.strip())
    if identifier := cookie_of(request, SESSION):
        account = door(request).sessions.account(identifier)
        if account is not None:
            return Who(account.principal, account)
    return NOBODY


def _bearer(request: Request, token: str) -> Who:
    bearer = door(request).tokens.bearer(token)
    if bearer is None:
        headers = {"WWW-Authenticate": 'Bearer error="invalid_token"'}
        raise HTTPException(401, "this token is not known, or has expired", headers)
    return Who(bearer.principal, scopes=bearer.scopes)
