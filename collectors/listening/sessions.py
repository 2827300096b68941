"""Sessions over HTTP: `POST /sessions`, NDJSON in the body, plain or gzip.

| answer | when |
|---|---|
| 202 | every good record is committed to the database, or synced to the spill; wrong ones among them go to quarantine |
| 400 | the body is no text, damaged, empty, or not one of its records is right: nothing of it is kept |
| 401, 404, 405, 408, 413, 415 | sender, path, method, pace, size or type |
| 503 | neither queue nor spill has room: send again after `Retry-After` seconds |

A request that is sent again is known by its bytes, and a session by its identity: both count once.
"""

import asyncio
import hashlib
import io
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, field, replace

import pyarrow as pa
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from collectors import mapping, tables
from collectors.delivery import Records
from collectors.listening.database import Database
from collectors.listening.reception import FullError, Item, Reception
from collectors.listening.requests import Gate, RefusalError
from collectors.listening.sink import DatabaseSink
from collectors.options import MIB, Options
from collectors.streams import expand
from records.errors import DataError
from records.kinds import SESSIONS
from store.intake import Rejected

NAME = "sessions request"
MAX_BODY_BYTES = 8 * MIB
_MAX_TEXT_BYTES = 64 * MIB
_GZIP = b"\x1f\x8b"


@dataclass(frozen=True, kw_only=True)
class Posted:
    """The records of one request, checked."""

    digest: bytes
    size_bytes: int
    good: tuple[pa.RecordBatch, ...] = field(repr=False)
    rejected: tuple[Rejected, ...] = field(repr=False)

    @property
    def count(self) -> int:
        """How many records are good."""
        return sum(batch.num_rows for batch in self.good)


def posted(body: bytes, options: Options) -> Posted:
    """Read the body of a request; raises `RefusalError` where nothing of it can be stored."""
    text = _text(body, options)
    chosen = mapping.chosen(options.mappings, options.mapping, "") if options.mapping else None
    records = Records(
        SESSIONS, f"{NAME} row", options, lambda notes: tables.read([text], "ndjson", SESSIONS, options, notes, chosen)
    )
    good: list[pa.RecordBatch] = []
    rejected: list[Rejected] = []
    for item in records.batches():
        if isinstance(item, Rejected):
            rejected.append(item)
        else:
            good.append(item)
    if not good:
        reason = records.reasons()
        raise RefusalError(400, "records", reason[0].first if reason else "the body holds no records.")
    return Posted(digest=hashlib.sha256(body).digest(), size_bytes=len(body), good=(*good,), rejected=(*rejected,))


def _text(body: bytes, options: Options) -> bytes:
    if not body.startswith(_GZIP):
        return body
    bounded = replace(options, max_source_bytes=_MAX_TEXT_BYTES)
    try:
        return b"".join(expand(io.BytesIO(body), "gz", bounded, lambda _: None))
    except DataError as error:
        status = 413 if error.code in ("too_large", "expansion") else 400
        raise RefusalError(status, error.code, f"the body cannot be read: {error}") from None


class SessionSink(DatabaseSink):
    """Commits requests one by one; what a broken commit stored after all is known by its bytes."""

    def __init__(self, database: Database, source: str, options: Options) -> None:
        super().__init__(database, source=source, kind=SESSIONS, name=NAME, read=lambda body: posted(body, options))

    def commit(self, contents: Sequence[object]) -> None:
        """Store what the requests hold and was not stored before."""
        with self._database.working() as opened:
            for content in contents:
                if isinstance(content, Posted):
                    opened.intake.load(
                        SESSIONS,
                        source=self._source,
                        name=NAME,
                        digest=content.digest,
                        size_bytes=content.size_bytes,
                        batches=_batches(content),
                    )


def _batches(content: Posted) -> Callable[[], Sequence[pa.RecordBatch | Rejected]]:
    return lambda: [*content.good, *content.rejected]


def application(make: Callable[[], Reception], gate: Gate, options: Options) -> Starlette:
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
        try:
            await gate.sender(request)
            async with gate.body(request, encodings=("identity", "gzip")) as body:
                content = await asyncio.to_thread(posted, body, options)
                await request.app.state.reception.take(Item(payload=body, content=content))
        except RefusalError as error:
            return _refusal(error)
        except FullError as error:
            return _error(503, "full", str(error), {"Retry-After": str(error.retry_after_s)})
        quarantined = len(content.rejected)
        first = {"first": content.rejected[0].reason} if quarantined else {}
        return JSONResponse({"records": content.count, "quarantined": quarantined, **first}, 202)

    async def health(request: Request) -> Response:
        reception: Reception = request.app.state.reception
        return JSONResponse({**asdict(reception.state), "spill_bytes": reception.spill_bytes})

    return Starlette(
        routes=[Route("/sessions", receive, methods=["POST"]), Route("/healthz", health, methods=["GET"])],
        lifespan=lifespan,
        exception_handlers={HTTPException: _from_router, Exception: _unexpected},
    )


def _error(status: int, code: str, text: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": code, "reason": text}, status, headers=headers)


def _refusal(error: RefusalError) -> JSONResponse:
    headers = {
        401: {"WWW-Authenticate": 'Basic realm="cemaphore", charset="UTF-8"'},
        503: {"Retry-After": "5"},
    }.get(error.status)
    return _error(error.status, error.code, error.text, headers)


async def _from_router(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    text = {
        404: "there is nothing here: sessions go to /sessions.",
        405: f"{request.method} is not heard here: sessions are sent by POST.",
    }.get(error.status_code, error.detail)
    return _error(error.status_code, "route", text, dict(error.headers or {}))


async def _unexpected(request: Request, error: Exception) -> Response:
    return _error(500, "internal", f"the listener failed ({type(error).__name__}); nothing of the request is kept.")
