"""A VES listener in this process, on a real socket, for tests."""

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from collectors.listening.database import Database
from collectors.listening.reception import Bounds, Reception
from collectors.listening.requests import Gate
from collectors.listening.server import Listening, server
from collectors.options import Options
from collectors.ves.application import application
from collectors.ves.posted import EventSink
from store.connection import Connection
from store.intake import Limits
from store.keys import Keys
from store.spill import Spill

ONAP = Path(__file__).parent / "data" / "ves" / "onap_ves_collector" / "src" / "test" / "resources"
SLICE = Path(__file__).parent / "data" / "ves" / "onap_slice_analysis" / "event.json"
FAULT = json.loads((ONAP / "ves7_valid_30_1_1_event.json").read_text())
MEASURED = json.loads((ONAP / "measurement7x.json").read_text())
# Patience that a busy machine does not try, and pauses that a test does not feel.
PATIENT = Bounds(patience_s=60, first_pause_s=0.05, longest_pause_s=0.2, retry_after_s=7)
SOON = replace(PATIENT, patience_s=2)
TIMEOUT_S = 60


@dataclass
class Running:
    """A listener in a thread of its own."""

    url: str
    said: list[str] = field(default_factory=list)
    verify: ssl.SSLContext | bool = True

    def post(self, path: str, document: Any, **given: Any) -> httpx.Response:
        content = document if isinstance(document, bytes) else json.dumps(document).encode()
        headers = {"content-type": "application/json", **given.pop("headers", {})}
        return httpx.post(
            f"{self.url}{path}", content=content, headers=headers, verify=self.verify, timeout=TIMEOUT_S, **given
        )

    def health(self) -> dict[str, Any]:
        found: dict[str, Any] = httpx.get(f"{self.url}/healthz", verify=self.verify, timeout=TIMEOUT_S).json()
        return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def listening(sink: Any, folder: Path, keys: Keys, *, bounds: Bounds = PATIENT, **given: Any) -> Iterator[Running]:
    credentials = given.pop("credentials", None)
    spill_bytes = given.pop("spill_bytes", 1 << 20)
    spill = Spill(folder / "spill", keys, name="test", max_bytes=spill_bytes)
    held_bytes = given.pop("max_held_bytes", 1 << 20)
    place = Listening(host="127.0.0.1", port=free_port(), **given)
    running = Running(f"{'https' if place.certificate else 'http'}://127.0.0.1:{place.port}")
    gate = Gate(credentials=credentials, max_body_bytes=200_000, max_held_bytes=held_bytes)
    serving = server(application(lambda: Reception(sink, spill, bounds, running.said.append), gate), place)
    thread = threading.Thread(target=serving.run)
    thread.start()
    until(lambda: serving.started)
    try:
        yield running
    finally:
        serving.should_exit = True
        thread.join(60)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def count(connection: Connection, table: str) -> int:
    row = connection.execute(f"SELECT count(*) FROM cem.{table}").fetchone()  # noqa: S608 - ours only
    assert row is not None
    return int(row[0])


def event_sink(database: str, keys: Keys) -> EventSink:
    """A sink into a database, its clock that of the machine."""
    found = Database(lambda: database, keys, lambda: datetime.now(UTC), Limits())
    return EventSink(found, "ves", Options(), lambda _: None)


def numbered(number: int) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(json.dumps(FAULT))
    document["event"]["commonEventHeader"]["eventId"] = f"fault{number:04}"
    return document
