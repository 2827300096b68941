"""A log-in service for tests: a real OpenID Connect provider on this machine, which logs in whom the test says."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID = "cem-screens"


@dataclass
class Provider:
    """The service: `claims` of whoever comes next, for `lifetime_s`; what it refused is in `refused`."""

    address: str
    client_secret: str
    claims: dict[str, Any] = field(default_factory=dict)
    lifetime_s: float = 600
    refused: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._key = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": "k1"})
        self._codes: dict[str, dict[str, str]] = {}

    @property
    def metadata_url(self) -> str:
        """Where its metadata are."""
        return f"{self.address}/.well-known/openid-configuration"

    def application(self) -> Starlette:
        """Its ASGI application."""
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/logout", self._logout),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        paths = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        return JSONResponse(
            {
                "issuer": self.address,
                **{name: f"{self.address}/{path}" for name, path in paths.items()},
                "end_session_endpoint": f"{self.address}/logout",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": ["RS256"],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self._key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("code_challenge_method") != "S256" or not asked.get("code_challenge"):
            self.refused.append("no PKCE")
            return Response("PKCE is needed", 400)
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        return RedirectResponse(f"{asked['redirect_uri']}?code={code}&state={asked['state']}")

    async def _token(self, request: Request) -> Response:
        form = dict(await request.form())
        asked = self._codes.pop(str(form["code"]))
        verifier = hashlib.sha256(str(form["code_verifier"]).encode()).digest()
        if base64.urlsafe_b64encode(verifier).rstrip(b"=").decode() != asked["code_challenge"]:
            self.refused.append("wrong verifier")
            return JSONResponse({"error": "invalid_grant"}, 400)
        given = request.headers.get("authorization", "").removeprefix("Basic ")
        if base64.b64decode(given).decode() != f"{CLIENT_ID}:{self.client_secret}":
            self.refused.append("wrong secret")
            return JSONResponse({"error": "invalid_client"}, 401)
        now = int(time.time())
        claims = {
            "iss": self.address,
            "aud": asked["client_id"],
            "iat": now,
            "exp": int(now + self.lifetime_s),
            "nonce": asked.get("nonce"),
            **self.claims,
        }
        token = jwt.encode({"alg": "RS256", "kid": "k1"}, claims, self._key)
        return JSONResponse({"access_token": "at", "token_type": "Bearer", "expires_in": 600, "id_token": token})

    async def _logout(self, request: Request) -> Response:
        return RedirectResponse(request.query_params["post_logout_redirect_uri"])


@contextmanager
def running(port: int) -> Iterator[Provider]:
    """Serve a provider on that port of this machine while the block runs."""
    provider = Provider(address=f"http://127.0.0.1:{port}", client_secret=secrets.token_urlsafe(24))
    server = uvicorn.Server(
        uvicorn.Config(provider.application(), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    )
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        while not server.started:
            time.sleep(0.05)
        yield provider
    finally:
        server.should_exit = True
        thread.join(20)
