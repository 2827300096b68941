"""`/metrics`, `/healthz` and `/readyz` of the running program, on a small HTTP server of its own threads."""

import threading
from collections.abc import Callable, Sequence
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType

from cemaphore.running.metrics import CONTENT_TYPE, Metrics
from records.errors import ConfigError

Look = Callable[[], Sequence[str]]  # what is wrong, nothing where all is well


class OpsServer:
    """Serves until its block ends: 503 with what is wrong, 200 where nothing is."""

    def __init__(self, host: str, port: int, metrics: Metrics, *, healthy: Look, ready: Look) -> None:
        handler = _handler(metrics, {"/healthz": healthy, "/readyz": ready})
        try:
            self._server = ThreadingHTTPServer((host, port), handler)
        except OSError as error:
            raise ConfigError(
                f"port {port} of {host} cannot be used for metrics ({error.strerror}); set CEMAPHORE_OPS_PORT."
            ) from None
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, name="cem-ops", daemon=True)

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return int(self._server.server_address[1])

    def __enter__(self) -> "OpsServer":
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _handler(metrics: Metrics, looks: dict[str, Look]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            if path == "/metrics":
                self._answer(200, metrics.text(), CONTENT_TYPE)
            elif path in looks:
                wrong = looks[path]()
                self._answer(503 if wrong else 200, "".join(f"{line}\n" for line in wrong or ["ok"]).encode())
            else:
                self._answer(404, b"there are /metrics, /healthz and /readyz\n")

        def _answer(self, status: int, body: bytes, kind: str = "text/plain; charset=utf-8") -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Requests are not logged: a scrape every few seconds says nothing."""

    return Handler
