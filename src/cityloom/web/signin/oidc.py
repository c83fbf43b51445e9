"""To a provider of OpenID Connect and back."""

from anyio import to_thread
from fastapi import APIRouter, FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cityloom.city import City
from cityloom.errors import UsageError
from cityloom.secret import city_secret, keyed
from cityloom.signin.oidc import Provider
from cityloom.web.kernel_words import error_words
from cityloom.web.languages import language_of
from cityloom.web.signin.addresses import own_address
from cityloom.web.signin.pages import entered, sign_in_page, visit
from cityloom.web.signin.served import Served, served
from cityloom.web.signin.who import PAGE, door

router = APIRouter(prefix=f"{PAGE}/oidc")

_BACK = f"{PAGE}/oidc/back"
_MINUTES = 10
"""How long one may take to sign in at the provider."""


def with_provider(app: FastAPI, city: City, how: Served) -> None:
    """Have an application sign in with the provider of a city, if the city names one.

    A signed cookie holds the state, the nonce and the verifier meanwhile.
    """
    app.state.provider = None
    if (settings := city.settings.signin.oidc) is None:
        return
    app.state.provider = Provider(settings, city.settings.network, city.path)
    from starlette.middleware.sessions import SessionMiddleware

    app.add_middleware(
        SessionMiddleware,
        secret_key=keyed(city_secret(city.path), "oidc"),
        session_cookie="__Host-oidc" if how.https else "oidc",
        max_age=_MINUTES * 60,
        same_site="lax",
        https_only=how.https,
    )


@router.get("")
async def away(request: Request, next: str = "/") -> Response:
    """To the provider."""
    scheme = "https" if served(request).https else "http"
    back = f"{scheme}://{request.headers['host']}{_BACK}"
    try:
        answered = await _provider(request).send_there(request, back)
    except UsageError as error:
        return await _failed(request, error)
    request.session["next"] = own_address(next)
    return answered


@router.get("/back")
async def back(request: Request) -> Response:
    """Back from the provider: somebody is let in, or told why not."""
    try:
        person = await _provider(request).person(request)
        next = str(request.session.pop("next", "/"))
        entrance = door(request)
        done = await to_thread.run_sync(entrance.meet, person, visit(request))
    except UsageError as error:
        return await _failed(request, error)
    return await to_thread.run_sync(entered, request, done, next)


def _provider(request: Request) -> Provider:
    found: Provider | None = request.app.state.provider
    if found is None:
        raise HTTPException(404)
    return found


async def _failed(request: Request, error: UsageError) -> Response:
    words = error_words(str(error), language_of(request))
    return await to_thread.run_sync(sign_in_page, request, "/", words, "", 503)
