"""The event listener of ONAP VES over HTTP: `POST /eventListener/v5` to `v7`, and `/eventBatch` below each.

| answer | when |
|---|---|
| 202 | every event is committed to the database, or synced to the spill |
| 400 | the body is no JSON, or an event is wrong: `requestError` says what and where; nothing of the request is kept |
| 401, 404, 405, 408, 413, 415 | sender, path, method, pace, size or type |
| 503 | neither queue nor spill has room: send again after `Retry-After` seconds |

Errors have the body of the VES listener: `requestError` with a `ServiceException` or `PolicyException`.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors.listening.reception import FullError, Item, Reception
from collectors.listening.requests import Gate, RefusalError
from collectors.ves.events import VERSIONS
from collectors.ves.posted import posted
from records.errors import DataError

# The newest release of each version's listener (ONAP VES Event Listener specifications).
_RELEASES = {"5": "5.4.1", "6": "6.0.0", "7": "7.2.1"}
_POLICY = {401: "POL2000", 413: "POL9003"}
_SERVICE = {500: "SVC1000", 503: "SVC1000"}


def application(make: Callable[[], Reception], gate: Gate) -> Starlette:
    """The ASGI application; `make` is called in the server's event loop when it starts."""

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        reception = make()
        await reception.start()
        app.state.reception = reception
        try:
            yield
        finally:
            await reception.close()

    async def receive(request: Request) -> Response:
        major = request.path_params["version"].removeprefix("v")
        try:
            await gate.sender(request)
            if major not in VERSIONS:
                raise RefusalError(404, "version", f"there is no version {major[:20]!r}; v5, v6 and v7 are heard.")
            async with gate.body(request) as body:
                content = posted(body, major)
                await request.app.state.reception.take(Item(payload=body, content=content))
        except RefusalError as error:
            return _error(error.status, error.text, error.where)
        except DataError as error:
            return _error(400, str(error), str(error).partition(" ")[0])
        except FullError as error:
            return _error(503, str(error), retry_after_s=error.retry_after_s)
        return JSONResponse({}, 202, headers=_versions(major))

    async def health(request: Request) -> Response:
        reception: Reception = request.app.state.reception
        return JSONResponse({**asdict(reception.state), "spill_bytes": reception.spill_bytes})

    return Starlette(
        routes=[
            Route("/eventListener/{version}", receive, methods=["POST"]),
            Route("/eventListener/{version}/eventBatch", receive, methods=["POST"]),
            Route("/healthz", health, methods=["GET"]),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: _from_router, Exception: _unexpected},
    )


def _error(status: int, text: str, where: str = "", *, retry_after_s: int = 5) -> JSONResponse:
    """An error as VES senders expect it; `variables` are what is wrong, and where."""
    kind = "PolicyException" if status in _POLICY else "ServiceException"
    number = _POLICY.get(status) or _SERVICE.get(status) or "SVC0002"
    said = {"messageId": number, "text": "%1", "variables": [text, *([where] if where else [])]}
    headers = {
        401: {"WWW-Authenticate": 'Basic realm="cemaphore", charset="UTF-8"'},
        405: {"Allow": "POST"},
        503: {"Retry-After": str(retry_after_s)},
    }.get(status)
    return JSONResponse({"requestError": {kind: said}}, status, headers=headers)


async def _from_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = {
        404: "there is nothing here: events go to /eventListener/v5 to v7.",
        405: f"{request.method} is not heard here: events are sent by POST.",
    }.get(error.status_code, error.detail)
    return _error(error.status_code, text)


async def _unexpected(request: Request, error: Exception) -> Response:
    return _error(500, f"the listener failed ({type(error).__name__}); nothing of the request is kept.")


def _versions(major: str) -> dict[str, str]:
    _, minor, patch = _RELEASES[major].split(".")
    return {"X-MinorVersion": minor, "X-PatchVersion": patch, "X-LatestVersion": _RELEASES["7"]}
