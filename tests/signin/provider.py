"""A provider of OpenID Connect that answers over HTTP, with keys of its own; it can be made to lie.

It follows OpenID Connect Core 1.0 and Discovery 1.0, RFC 7636 (PKCE, which it insists on) and
RFC 6749 strictly: a code is good once, for its client, its address to go back to, its verifier.
"""

import base64
import hashlib
import hmac
import json
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT, SECRET = "cityloom", "a-secret-of-the-client"
PAGE = """<!doctype html><title>Provider</title><form method="post">
<button type="submit">I am Wu Lan</button></form>"""


@dataclass
class Provider:
    """The provider; ``claims`` is whom it speaks of, ``lies`` what its tokens say instead."""

    claims: dict[str, Any] = field(
        default_factory=lambda: {
            "sub": "7",
            "preferred_username": "wu",
            "name": "Wu Lan",
            "groups": ["stewards", "unknown"],
            "district": "east",
        }
    )
    lies: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    userinfo: dict[str, Any] = field(default_factory=dict)
    asked: list[dict[str, str]] = field(default_factory=list)
    address: str = ""

    def __post_init__(self) -> None:
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig"}, auto_kid=True)
        self.signs_with: RSAKey | bytes | None = self.key
        self._codes: dict[str, dict[str, str]] = {}

    @contextmanager
    def open(self) -> Iterator["Provider"]:
        """Answer until the block ends."""
        with socket.socket() as listener:
            listener.bind(("127.0.0.1", 0))
            port = listener.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        routes = [
            Route("/.well-known/openid-configuration", self._configuration),
            Route("/keys", self._keys),
            Route("/authorize", self._authorize, methods=["GET", "POST"]),
            Route("/token", self._token, methods=["POST"]),
            Route("/userinfo", self._userinfo),
        ]
        config = uvicorn.Config(Starlette(routes=routes), port=port, log_level="warning")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        try:
            yield self
        finally:
            server.should_exit = True
            thread.join()

    def settings(self) -> str:
        """``city.toml`` for a city that signs in here."""
        host = self.address.removeprefix("http://")
        return f"""
[network]
internal = ["{host}"]

[signin.oidc]
issuer = "{self.address}"
client_id = "{CLIENT}"
client_secret = {{env = "OIDC_SECRET"}}
title = "Town Hall"
roles = {{stewards = "data_steward", auditors = "auditor"}}
attributes = {{district = "district"}}
"""

    async def _configuration(self, _: Request) -> Response:
        told = {
            "issuer": self.address,
            "authorization_endpoint": f"{self.address}/authorize",
            "token_endpoint": f"{self.address}/token",
            "jwks_uri": f"{self.address}/keys",
            "response_types_supported": ["code"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
            **({"userinfo_endpoint": f"{self.address}/userinfo"} if self.userinfo else {}),
        }
        return JSONResponse({**told, **self.metadata})

    async def _keys(self, _: Request) -> Response:
        return JSONResponse(KeySet([self.key]).as_dict(private=False))

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        self.asked.append(asked)
        if asked["code_challenge_method"] != "S256" or "openid" not in asked["scope"].split():
            return Response("refused", 400)
        if request.method == "GET":
            return HTMLResponse(PAGE)
        code = secrets.token_urlsafe()
        self._codes[code] = asked
        back = urlencode({"code": code, "state": asked["state"]})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", 303)

    async def _token(self, request: Request) -> Response:
        form = await request.form()
        asked = self._codes.pop(str(form["code"]), None)
        known = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        digest = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        challenge = _encoded(digest)
        if (
            asked is None
            or request.headers["authorization"] != f"Basic {known}"
            or challenge != asked["code_challenge"]
            or form["redirect_uri"] != asked["redirect_uri"]
            or form["grant_type"] != "authorization_code"
        ):
            return JSONResponse({"error": "invalid_grant"}, 400)
        access = secrets.token_urlsafe()
        return JSONResponse(
            {
                "access_token": access,
                "token_type": "Bearer",
                "expires_in": 60,
                "id_token": self._id_token(asked),
            }
        )

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        said = {
            "iss": self.address,
            "aud": asked["client_id"],
            "nonce": asked["nonce"],
            "iat": now,
            "exp": now + 60,
            **self.claims,
            **self.lies,
        }
        said = {name: value for name, value in said.items() if value is not None}
        if isinstance(self.signs_with, RSAKey):
            return jwt.encode({"alg": "RS256", "kid": "one"}, said, self.signs_with)
        return _forged(said, self.signs_with)

    async def _userinfo(self, request: Request) -> Response:
        return JSONResponse(self.userinfo)


def _forged(said: dict[str, Any], secret: bytes | None) -> str:
    """A token that nobody has signed, or somebody with a secret that is none."""
    header = {"alg": "HS256" if secret else "none", "kid": "one"}
    begun = ".".join(_encoded(json.dumps(part).encode()) for part in (header, said))
    mac = hmac.digest(secret, begun.encode(), "sha256") if secret else b""
    return f"{begun}.{_encoded(mac)}"


def _encoded(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).rstrip(b"=").decode()
