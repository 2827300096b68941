"""A request up to its JSON: its sender known, its size bounded, its type and text checked; else a `RefusalError`."""

import asyncio
import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import Any

from starlette.requests import ClientDisconnect, Request

from collectors.listening.credentials import Credentials


class RefusalError(Exception):
    """An answer other than 202: its status, a short stable word, what is wrong, and where."""

    def __init__(self, status: int, code: str, text: str, where: str = "") -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.where = where


class Gate:
    """What a request must keep to; without `credentials` anybody may send. For use in one event loop.

    `max_held_bytes` bounds the bodies that are read or wait for their answer at one time.
    """

    def __init__(
        self,
        *,
        credentials: Credentials | None,
        max_body_bytes: int = 2_000_000,
        max_held_bytes: int = 64_000_000,
        body_timeout_s: float = 30.0,
    ) -> None:
        self.credentials = credentials
        self.max_body_bytes = max_body_bytes
        self.max_held_bytes = max_held_bytes
        self.body_timeout_s = body_timeout_s
        self._held_bytes = 0
        self._verifying = asyncio.Semaphore(1)

    async def sender(self, request: Request) -> str:
        """The name of the sender; one password is verified at a time, so that guessing cannot take the machine."""
        if self.credentials is None:
            return "anybody"
        header = request.headers.get("authorization")
        name = self.credentials.recall(header)
        if name is None and header:
            async with self._verifying:
                name = await asyncio.to_thread(self.credentials.verify, header)
        if name is None:
            raise RefusalError(401, "unauthorized", "name and password are needed (HTTP basic authentication).")
        return name

    @asynccontextmanager
    async def body(self, request: Request, encodings: Collection[str] = ("identity",)) -> AsyncIterator[bytes]:
        """The body as it came, of a JSON type, within limits; it counts as held until the block ends."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json" and not kind.endswith("+json") and kind != "application/x-ndjson":
            raise RefusalError(415, "content_type", f"Content-Type is {kind[:60]!r}; application/json is needed.")
        if request.headers.get("content-encoding", "identity").lower() not in encodings:
            raise RefusalError(415, "content_encoding", "Content-Encoding is not read; send the text as it is.")
        body = bytearray()
        try:
            await self._read(request, body)
            yield bytes(body)
        finally:
            self._held_bytes -= len(body)

    async def _read(self, request: Request, body: bytearray) -> None:
        try:
            async with asyncio.timeout(self.body_timeout_s):
                async for piece in request.stream():
                    body += piece
                    self._held_bytes += len(piece)
                    if len(body) > self.max_body_bytes:
                        raise RefusalError(413, "too_large", f"the body is longer than {self.max_body_bytes} bytes.")
                    if self._held_bytes > self.max_held_bytes:
                        raise RefusalError(503, "busy", "too much is being sent at once; try again in 5 s.")
        except TimeoutError:
            raise RefusalError(408, "timeout", f"the body was not sent within {self.body_timeout_s:g} s.") from None
        except ClientDisconnect:
            raise RefusalError(400, "disconnected", "the sender went away before the end of the body.") from None


def document(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; raises `RefusalError`."""
    try:
        found = json.loads(body, parse_constant=str)
    except UnicodeDecodeError:
        raise RefusalError(400, "encoding", "the body is not UTF-8.") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RefusalError(400, "json", f"the body is no JSON: {error.msg} at {where}.", where) from None
    except (RecursionError, ValueError):
        raise RefusalError(400, "json", "the body is nested too deep, or holds a number that is too long.") from None
    if not isinstance(found, dict):
        raise RefusalError(400, "json", "the body is no JSON object.")
    return found
