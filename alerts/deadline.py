"""Ends a connection when its time is over: httpx limits each wait, and a server that drips bytes keeps it for ever."""

import contextlib
import socket
from threading import Timer
from types import TracebackType
from typing import Any


class Deadline:
    """Within the block, the connection that `trace` (an extension of a request of httpx) saw opened ends in time."""

    def __init__(self, seconds: float) -> None:
        self._timer = Timer(seconds, self._end)
        self._timer.daemon = True
        self._over = False
        self._connection: socket.socket | None = None

    def __enter__(self) -> "Deadline":
        self._timer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._timer.cancel()
        self._timer.join()
        if self._connection is not None:
            self._connection.close()

    def trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep a handle of the connection that was opened; TLS on it makes no difference."""
        if event != "connection.connect_tcp.complete":
            return
        self._connection = info["return_value"].get_extra_info("socket").dup()
        if self._over:
            self._end()

    def _end(self) -> None:
        self._over = True
        if self._connection is not None:
            with contextlib.suppress(OSError):
                self._connection.shutdown(socket.SHUT_RDWR)
