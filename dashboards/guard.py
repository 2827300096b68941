"""What stands before Streamlit: security headers on every answer, and the way back to a page after logging in."""

import base64
import hashlib
import re
from collections.abc import Iterable
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

NEXT = "cem_next"  # the cookie that remembers where somebody was when they went to log in
_CLOSED = ("/_stcore/metrics", "/_stcore/agent")


def _inline_scripts() -> Iterable[str]:
    """Hashes of the scripts within Streamlit's own page: no other inline script runs."""
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text(encoding="utf-8")
    for script in re.findall(r"<script>(.*?)</script>", page, re.DOTALL):
        yield f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def headers_with(tiles: str | None) -> dict[str, str]:
    """Return the headers of every answer; the page loads from here, and maps from the operator's tile server."""
    parts = urlsplit(tiles or "")
    also = f" {parts.scheme}://{parts.netloc}" if parts.netloc else ""
    # Vega compiles expressions, hence unsafe-eval; Streamlit's components carry their styles inline.
    policy = (
        "default-src 'self'",
        f"script-src 'self' 'unsafe-eval' blob: {' '.join(_inline_scripts())}".rstrip(),
        "style-src 'self' 'unsafe-inline'",
        f"img-src 'self' data: blob:{also}",
        "font-src 'self' data:",
        f"connect-src 'self' data: blob:{also}",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "frame-ancestors 'none'",
    )
    return {
        "Content-Security-Policy": "; ".join(policy),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


class Guard:
    """ASGI middleware; `encrypted` says that people come by https: cookies are then for https alone.

    `tiles` is the address of the operator's own tile server, from which maps load as well.
    """

    def __init__(self, app: ASGIApp, *, encrypted: bool, tiles: str | None = None) -> None:
        self._app = app
        self._headers = headers_with(tiles)
        self._encrypted = encrypted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path, asked = scope["path"], Headers(scope=scope)
        if path.startswith(_CLOSED):
            await PlainTextResponse("Not found", 404)(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers[name] = value
                self._remember(path, asked, headers)
                if self._encrypted:
                    _encrypted_only(headers)
            await send(message)

        await self._app(scope, receive, guarded)

    @staticmethod
    def _remember(path: str, asked: Headers, headers: MutableHeaders) -> None:
        """Keep the page that somebody left for the log-in service, and bring them back to it."""
        attributes = "Path=/; HttpOnly; SameSite=Lax"
        if path.endswith("/auth/login"):
            left = urlsplit(asked.get("referer", ""))
            if left.netloc == asked.get("host"):
                value = quote(left.path + (f"?{left.query}" if left.query else ""), safe="")
                headers.append("Set-Cookie", f"{NEXT}={value}; Max-Age=600; {attributes}")
        elif path.endswith("/oauth2callback"):
            cookie = SimpleCookie(asked.get("cookie", "")).get(NEXT)
            back = unquote(cookie.value) if cookie else ""
            # A path of ours and nothing else: `//host` and `/\\host` would lead away.
            if re.fullmatch(r"/(?![/\\])[^\\\s]*", back) and "location" in headers:
                headers["location"] = back
            headers.append("Set-Cookie", f"{NEXT}=; Max-Age=0; {attributes}")


def _encrypted_only(headers: MutableHeaders) -> None:
    cookies = headers.getlist("set-cookie")
    if cookies:
        del headers["set-cookie"]
        for cookie in cookies:
            headers.append("set-cookie", cookie if "; secure" in cookie.lower() else f"{cookie}; Secure")
    headers["Strict-Transport-Security"] = "max-age=31536000"
