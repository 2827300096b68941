"""A small HTTP server on loopback that answers with what a test puts on it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TEXT = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"


@dataclass
class Exporter:
    """What is answered to any GET, and what was asked."""

    port: int
    body: bytes = b""
    content_type: str = TEXT
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    answer: Callable[[str], tuple[int, bytes]] | None = None
    before: Callable[[], object] = field(default=lambda: None)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/metrics"

    def show(self, text: str, content_type: str = TEXT) -> None:
        self.body, self.content_type = text.encode(), content_type


@contextmanager
def exporting(port: int = 0) -> Iterator[Exporter]:
    """Serve until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            exporter.asked.append((self.path, dict(self.headers)))
            exporter.before()
            status, body = exporter.answer(self.path) if exporter.answer else (exporter.status, exporter.body)
            self.send_response(status)
            for name, value in exporter.headers.items():
                self.send_header(name, value)
            if exporter.content_type:
                self.send_header("Content-Type", exporter.content_type)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, request: object, client_address: object) -> None:
            """A client that goes away early is what some tests do."""

    server = Server(("127.0.0.1", port), Handler)
    exporter = Exporter(port=server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield exporter
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
