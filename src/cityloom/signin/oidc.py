"""Signing in with OpenID Connect: the code flow with PKCE, a nonce and a state, by Authlib.

What the provider says is believed only if its token is signed with one of its own keys, by an
algorithm with a public key, for this client, by the issuer that ``city.toml`` names.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cityloom.errors import UsageError
from cityloom.signin.accounts import Person
from cityloom.signin.settings import OidcSettings
from cityloom.sources.network import SECONDS, Network, shown

if TYPE_CHECKING:
    from authlib.integrations.starlette_client import StarletteOAuth2App
    from starlette.requests import Request
    from starlette.responses import Response

ORIGIN = "oidc"
"""The origin of an account that a provider of OpenID Connect vouches for."""

_SIGNED = {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}
_ALGORITHMS = "id_token_signing_alg_values_supported"


class ProviderError(UsageError):
    """What the provider said cannot be believed, or it does not answer; nobody is signed in."""


class Provider:
    """A provider of OpenID Connect, as ``city.toml`` states it."""

    def __init__(self, settings: OidcSettings, network: Network, city: Path) -> None:
        """``city`` is the folder that secrets and certificate authorities lie in.

        Raises:
            UsageError: Authlib is not installed, or the secret cannot be had.
        """
        self._settings = settings
        self._client = _client(settings, network, city)

    async def send_there(self, request: "Request", back: str) -> "Response":
        """The answer that sends a reader to the provider, who sends them back to a URL.

        Raises:
            ProviderError: the provider cannot be reached.
        """
        with _believing(self._settings):
            await self._know()
            redirect: Response = await self._client.authorize_redirect(request, back)
            return redirect

    async def person(self, request: "Request") -> Person:
        """Who comes back from the provider.

        Raises:
            ProviderError: they do not come from there, or what it says cannot be believed.
        """
        with _believing(self._settings):
            await self._know()
            options = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
            }
            token = await self._client.authorize_access_token(request, claims_options=options)
            claims = token.get("userinfo")
            if not claims:
                raise ProviderError(f"{self._settings.issuer} gave no token of who it is")
            return person_of(await self._completed(token, claims), self._settings)

    async def _know(self) -> None:
        """Learn the provider's addresses, and keep to what it signs with a key of its own."""
        metadata = await self._client.load_server_metadata()
        if metadata.get("issuer") != self._settings.issuer:
            raise ProviderError(f"{self._settings.issuer} says that it is another issuer")
        known = metadata.get(_ALGORITHMS) or ["RS256"]
        metadata[_ALGORITHMS] = [name for name in known if name in _SIGNED]

    async def _completed(self, token: Any, claims: Mapping[str, Any]) -> Mapping[str, Any]:
        """The claims, with those that the provider tells at its address for them alone."""
        metadata = await self._client.load_server_metadata()
        if self._settings.roles_claim in claims or "userinfo_endpoint" not in metadata:
            return claims
        more = await self._client.userinfo(token=token)
        if more.get("sub") != claims["sub"]:
            raise ProviderError(f"{self._settings.issuer} tells of two people at once")
        return {**more, **claims}


def person_of(claims: Mapping[str, Any], settings: OidcSettings) -> Person:
    """The person whom claims are about; what they claim and no mapping knows gives nothing.

    Raises:
        ProviderError: they do not say what the person is called.
    """
    name = claims.get(settings.name_claim)
    if not isinstance(name, str) or not name:
        raise ProviderError(f"{settings.issuer} does not tell '{settings.name_claim}'")
    told = claims.get(settings.roles_claim)
    groups = told if isinstance(told, list) else [told]
    stated = settings.roles
    found = {key: claims.get(claim) for key, claim in settings.attributes.items()}
    return Person(
        ORIGIN,
        f"{settings.issuer} {claims['sub']}",
        name,
        str(claims.get(settings.full_name_claim) or ""),
        tuple(stated[group] for group in groups if isinstance(group, str) and group in stated),
        {key: value for key, value in found.items() if isinstance(value, str) and value},
    )


def _client(settings: OidcSettings, network: Network, city: Path) -> "StarletteOAuth2App":
    try:
        from authlib.integrations.starlette_client import OAuth

        from cityloom.signin.reaching import CheckedTransport
    except ImportError:
        raise UsageError(
            "[signin.oidc] in city.toml needs packages that are not installed; "
            "install them with: pip install 'cityloom[signin]'"
        ) from None
    registry = OAuth()
    registry.register(
        "city",
        client_id=settings.client_id,
        client_secret=settings.client_secret.reveal(city),
        server_metadata_url=settings.metadata_url,
        client_kwargs={
            "scope": settings.scope,
            "code_challenge_method": "S256",
            "leeway": 0,
            "transport": CheckedTransport(network, city),
            "timeout": SECONDS,
            "follow_redirects": False,
            "trust_env": False,
        },
    )
    return registry.city


@contextmanager
def _believing(settings: OidcSettings) -> Iterator[None]:
    """Say what goes wrong with a provider inside the block, without what a stranger put into it."""
    import httpx2
    from authlib.common.errors import AuthlibBaseError
    from joserfc.errors import JoseError

    issuer = shown(settings.issuer)
    try:
        yield
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ProviderError(f"{issuer} does not answer as it should") from error
    except (AuthlibBaseError, JoseError, ValueError, KeyError, TypeError) as error:
        raise ProviderError(f"what came back from {issuer} is not believed") from error
