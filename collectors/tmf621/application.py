"""The listener for events of TMF621 trouble tickets over HTTP, to be registered as a callback at the server's `/hub`.

`POST /listener` or `/listener/troubleTicketCreateEvent` and so on, as they are or below `/tmf-api/troubleTicket/v4` or
`v5`.

| answer | when |
|---|---|
| 201 (below `/v4`), 204 | the ticket is committed, or synced to the spill; or the event is passed over |
| 400 | the body is no JSON, or holds no ticket with an id |
| 401, 404, 405, 408, 413, 415 | sender, path, method, pace, size or type |
| 503 | neither queue nor spill has room: send again after `Retry-After` seconds |

Errors have the body of TMF630: `code`, `reason`, `message`, `status`.
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
from collectors.tmf621.events import read, with_type
from records.errors import DataError

VERSIONS = ("v4", "v5")
_BELOW = "/tmf-api/troubleTicket/{version}"


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
        version = request.path_params.get("version", "v5")
        try:
            await gate.sender(request)
            if version not in VERSIONS:
                raise RefusalError(404, "version", f"there is no version {version[:20]!r}; v4 and v5 are heard.")
            async with gate.body(request) as sent:
                body = with_type(sent, request.path_params.get("event"))
                found = read(body)
                if found is not None:
                    await request.app.state.reception.take(Item(payload=body, content=found))
        except RefusalError as error:
            return _error(error.status, error.code, error.text)
        except DataError as error:
            return _error(400, error.code, str(error))
        except FullError as error:
            return _error(503, "full", str(error), {"Retry-After": str(error.retry_after_s)})
        return Response(status_code=201 if version == "v4" else 204)

    async def health(request: Request) -> Response:
        reception: Reception = request.app.state.reception
        return JSONResponse({**asdict(reception.state), "spill_bytes": reception.spill_bytes})

    paths = [f"{start}/listener{end}" for start in ("", _BELOW) for end in ("", "/{event}")]
    return Starlette(
        routes=[
            *(Route(path, receive, methods=["POST"]) for path in paths),
            Route("/healthz", health, methods=["GET"]),
        ],
        lifespan=lifespan,
        exception_handlers={HTTPException: _from_router, Exception: _unexpected},
    )


def _error(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    """An error as TMF630 has it."""
    if status == 503 and headers is None:
        headers = {"Retry-After": "5"}
    given = headers or ({"WWW-Authenticate": 'Basic realm="cemaphore", charset="UTF-8"'} if status == 401 else None)
    body = {"code": code, "reason": text, "message": text, "status": str(status)}
    return JSONResponse(body, status, headers=given)


async def _from_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = {
        404: "there is nothing here: events go to /listener.",
        405: f"{request.method} is not heard here: events are sent by POST.",
    }.get(error.status_code, error.detail)
    return _error(error.status_code, "path", text, dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    return _error(500, "internal", f"the listener failed ({type(error).__name__}); nothing of the request is kept.")
