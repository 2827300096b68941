"""The parts of the soak benchmark that are broken and come back: programs, database server, a source, a receiver."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cemaphore import privatedb
from cemaphore.running.clock import Clock
from cemaphore.settings import Settings, load_settings

_ROOT = Path(__file__).parent.parent
_PROGRAM = [sys.executable, "-c", "from bench.soak_parts import program; program()"]


def program() -> None:
    """What each program's process runs: `cem run` by a clock that its environment sets."""
    from cemaphore.running.program import run

    given = json.loads(os.environ["SOAK"])
    clock = Clock(
        shown=datetime.fromisoformat(given["shown"]), real=datetime.fromisoformat(given["real"]), speed=given["speed"]
    )
    run(load_settings(), every_s=given["every_s"], stable_s=0, clock=clock)


class Program:
    """One `cem run` on the database, with a log of its own."""

    def __init__(self, settings: Settings, dsn: str, clock: Clock, every_s: float, port: int) -> None:
        assert clock.shown is not None
        assert clock.real is not None
        times = {"shown": clock.shown.isoformat(), "real": clock.real.isoformat(), "speed": clock.speed}
        self._log = settings.home / f"program-{port}.log"
        self._environment = {
            **os.environ,
            "CEMAPHORE_HOME": str(settings.home),
            "CEMAPHORE_KEYS_DIR": str(settings.keys_dir),
            "CEMAPHORE_DATABASE_URL": dsn,
            "CEMAPHORE_DEMO": "true",
            "CEMAPHORE_TIME_ZONE": settings.time_zone,
            "CEMAPHORE_OPS_PORT": str(port),
            "CEMAPHORE_WEBHOOK_URLS": ",".join(url.get_secret_value() for url in settings.webhook_urls),
            "CEMAPHORE_DELIVER_EVERY_S": "1",
            "SOAK": json.dumps({**times, "every_s": every_s}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Its process id, 0 where it does not run."""
        return self._process.pid if self._process is not None else 0

    def start(self) -> None:
        """Start it; it adds to its log."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(_PROGRAM, cwd=_ROOT, env=self._environment, stderr=log)

    def keep(self) -> None:
        """Start it again where it has ended by itself, as a supervisor does: without a database it cannot begin."""
        if self._process is not None and self._process.poll() is not None:
            self.start()

    def kill(self) -> None:
        """End it at once; its workers notice by themselves."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self) -> int:
        """End it in good order and return its exit code."""
        if self._process is None:
            return 0
        self._process.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(60)
        code = self._process.poll()
        self.kill()
        return -1 if code is None else code

    def workers(self) -> list[int]:
        """The process ids of its workers and theirs."""
        return descendants(self.pid) if self.pid else []

    def resident_bytes(self) -> int:
        """Memory of it and all its workers."""
        return sum(_resident(pid) for pid in [self.pid, *self.workers()]) if self.pid else 0


class Server:
    """The private database server: stopped in the middle of everything, and started again as `cem` does."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def break_down(self) -> None:
        """End it as `pg_ctl stop -m immediate` does: what was committed comes back from the log at the next start."""
        pid = privatedb.status(self._settings).pid
        if pid is not None:
            os.kill(pid, signal.SIGQUIT)
            while Path(f"/proc/{pid}").exists():
                time.sleep(0.05)

    def start(self) -> None:
        """Start it again."""
        privatedb.start(self._settings)


class Peer:
    """A small HTTP server that is asked for metrics and takes messages; its keys outlive its own end."""

    def __init__(self) -> None:
        self.keys: Counter[str] = Counter()
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Listen, on the same port as before."""
        ThreadingHTTPServer.allow_reuse_address = True
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _handler(self.keys))
        server.daemon_threads = True
        self.port = server.server_address[1]
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self._server = server

    def stop(self) -> None:
        """Refuse connections."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None


def _handler(keys: Counter[str]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(f"# TYPE soak_seconds counter\nsoak_seconds {time.monotonic()}\n".encode())

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            keys[self.headers.get("Idempotency-Key", "")] += 1
            self._answer(b"")

        def _answer(self, body: bytes) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Nothing is logged."""

    return Handler


def descendants(pid: int) -> list[int]:
    """Process ids of a process's children, and of theirs."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with suppress(OSError, ValueError):
                parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found: list[int] = []
    queue: Sequence[int] = [pid]
    while queue:
        queue = [child for one in queue for child in children.get(one, ())]
        found += queue
    return found


def _resident(pid: int) -> int:
    try:
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0
