"""What stands before the screens: headers, cookies for https alone, and the way back that leads nowhere else."""

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from dashboards.guard import NEXT, Guard


async def _page(request: Request) -> Response:
    answer = PlainTextResponse("here")
    answer.set_cookie("_streamlit_user", "x", httponly=True)
    return answer


async def _away(request: Request) -> Response:
    return RedirectResponse("/", 302)


def guarded(*, encrypted: bool = False, tiles: str | None = None) -> httpx.ASGITransport:
    routes = [Route("/oauth2callback", _away), Route("/auth/login", _away), Route("/{rest:path}", _page)]
    return httpx.ASGITransport(Guard(Starlette(routes=routes), encrypted=encrypted, tiles=tiles))


async def _asked(transport: httpx.ASGITransport, path: str, **headers: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=transport, base_url="http://cem.example") as client:
        return await client.get(path, headers=headers)


def asked(transport: httpx.ASGITransport, path: str, **headers: str) -> httpx.Response:
    return asyncio.run(_asked(transport, path, **headers))


def test_maps_may_load_from_the_operators_tile_server_and_nothing_else() -> None:
    policy = asked(guarded(tiles="https://tiles.example:8443/{z}/{x}/{y}.png"), "/").headers["content-security-policy"]
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    assert rules["img-src"].endswith(" https://tiles.example:8443")
    assert rules["connect-src"].endswith(" https://tiles.example:8443")
    assert rules["default-src"] == "'self'"
    assert "example" not in asked(guarded(), "/").headers["content-security-policy"]


@pytest.mark.parametrize("encrypted", [True, False])
def test_cookies_of_an_encrypted_site_are_for_https_alone(encrypted: bool) -> None:
    answer = asked(guarded(encrypted=encrypted), "/")
    assert ("secure" in answer.headers["set-cookie"].lower()) == encrypted
    assert ("strict-transport-security" in answer.headers) == encrypted


def test_one_comes_back_to_the_page_that_one_left() -> None:
    left = asked(guarded(), "/auth/login", referer="http://cem.example/clusters?cluster=a b")
    assert NEXT in left.cookies
    back = asked(guarded(), "/oauth2callback?code=1", cookie=f"{NEXT}=%2Fclusters%3Fcluster%3Dab")
    assert back.headers["location"] == "/clusters?cluster=ab"


@pytest.mark.parametrize(
    "away", ["%2F%2Felsewhere.example", "%2F%5Celsewhere.example", "https%3A%2F%2Felsewhere.example"]
)
def test_nobody_is_led_elsewhere(away: str) -> None:
    assert asked(guarded(), "/oauth2callback", cookie=f"{NEXT}={away}").headers["location"] == "/"
    left = asked(guarded(), "/auth/login", referer="https://elsewhere.example/x")
    assert NEXT not in left.cookies
