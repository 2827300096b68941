"""A web hook and a mail server that note what they get, for tests of delivery; and facts of an alert to deliver."""

import email
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.controller import Controller

from alerts.facts import Child, Facts, TierUsers
from store.connection import Connection

NOON = datetime(2026, 3, 10, 4, tzinfo=UTC)  # noon in Shanghai


@dataclass
class Mailbox:
    """What a mail server took, and what it answers the next mail with."""

    port: int = 0
    got: list[Any] = field(default_factory=list)
    answer: str = "250 taken"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - aiosmtpd's name
        if self.answer.startswith("250"):
            self.got.append(email.message_from_bytes(envelope.content, policy=default))
        return self.answer


@contextmanager
def mail_server() -> Iterator[Mailbox]:
    """A mail server on a free port of this machine."""
    made = Mailbox()
    made.port = free_port()
    controller = Controller(made, hostname="127.0.0.1", port=made.port)
    controller.start()
    try:
        yield made
    finally:
        controller.stop()


@dataclass
class Hook:
    """What it got; statuses that it answers with (then 200); it answers `body` after `delays` (s; then at once)."""

    url: str = ""
    port: int = 0
    got: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    raw: list[bytes] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)
    location: str = ""
    body: bytes = b""
    refusing: str | None = None  # paths that hold it are answered with 500

    @property
    def keys(self) -> list[str]:
        """The idempotency keys, as they came."""
        return [headers["idempotency-key"] for headers in self.headers]

    @property
    def acted(self) -> list[str]:
        """What a receiver that honours the keys acts on."""
        return list(dict.fromkeys(self.keys))


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def until(condition: Callable[[], object], seconds: float = 30) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.05)


@contextmanager
def hook(port: int = 0) -> Iterator[Hook]:
    """Serve until the block ends."""
    made = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            refused = made.refusing is not None and made.refusing in self.path
            status = made.answers.pop(0) if made.answers else 500 if refused else 200
            made.raw.append(body)
            made.headers.append({name.lower(): value for name, value in self.headers.items()})
            made.got.append(json.loads(body) if body[:1] == b"{" else {})
            time.sleep(made.delays.pop(0) if made.delays else 0)
            self.send_response(status)
            if made.location:
                self.send_header("Location", made.location)
            self.send_header("Content-Length", str(len(made.body)))
            self.end_headers()
            self.wfile.write(made.body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.port = int(server.server_address[1])
    made.url = f"http://127.0.0.1:{made.port}/hook/secret"
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def facts(**given: Any) -> Facts:
    """Facts of a critical drop in one region, caused by a core node."""
    values: dict[str, Any] = {
        "alert_id": "a1",
        "change": 1,
        "rule": "region_drop",
        "kind": "drop",
        "subject": "region=west",
        "measure": "overall",
        "unit": "points",
        "severity": "critical",
        "state": "firing",
        "at": NOON + timedelta(minutes=150),
        "started_at": NOON,
        "fired_at": NOON + timedelta(minutes=45),
        "value": 70.2,
        "expected": 81.4,
        "lo": 69.0,
        "hi": 71.4,
        "drop": 11.2,
        "horizon": "fast",
        "users": 1234,
        "tiers": (TierUsers(tier="gold", users=42), TierUsers(tier=None, users=1192)),
        "domain": "core",
        "certainty": 0.83,
        "cluster_id": "c0ffee",
        "evidence": (
            {
                "kind": "measurement",
                "metric": "loss_dl",
                "before": 0.002,
                "during": 0.031,
                "effect": 4,
                "unit": "ratio",
            },
            {"kind": "conditions", "metric": "core_node", "before": None, "during": 1.0, "effect": 0, "unit": "values"},
        ),
        "complaints": 7,
        "owner": "NOC",
        "about": {"region": ("west",)},
    }
    return Facts(**{**values, **given})


def storm(children: int = 1000) -> Facts:
    """A storm with so many alerts inside."""
    inside = tuple(
        Child(
            alert_id=f"s{n}", rule="cell_drop", subject=f"cell=W-{n:03}", severity="warning", state="firing",
            value=60.0, expected=80.0,
        )
        for n in range(min(children, 50))
    )  # fmt: skip
    return facts(
        alert_id="s", kind="storm", drop=None, value=None, expected=None, children=inside, children_count=children
    )


def queue(connection: Connection, *told: Facts) -> None:
    """Store alerts and queue what is to be said of them, as judging a window does."""
    for one in told:
        connection.execute(
            "INSERT INTO cem.alert (alert_id, rule, subject, kind, severity, state, change, started_at, fired_at, "
            "resolved_at, acknowledged_by, acknowledged_at, acknowledged_until, acknowledged_comment, silence_id, "
            "detail, told, updated_at) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, true, now()) "
            "ON CONFLICT (alert_id) DO UPDATE SET state = excluded.state, severity = excluded.severity, "
            "change = excluded.change, resolved_at = excluded.resolved_at, silence_id = excluded.silence_id, "
            "acknowledged_by = excluded.acknowledged_by, acknowledged_at = excluded.acknowledged_at, "
            "acknowledged_until = excluded.acknowledged_until, detail = excluded.detail, updated_at = now()",
            [
                one.alert_id, one.rule, f"{one.subject}/{one.alert_id}", one.kind, one.severity, one.state, one.change,
                one.started_at, one.fired_at, one.resolved_at, one.acknowledged_by, one.acknowledged_at,
                one.acknowledged_until, one.acknowledged_comment, _silence(connection, one),
                json.dumps(one.to_json()),
            ],
        )  # fmt: skip
        if one.state != "silenced":
            connection.execute(
                "INSERT INTO cem.delivery (alert_id, channel, idempotency_key, body, queued_at) "
                "VALUES (%s, '*', %s, %s, %s)",
                [one.alert_id, one.key, json.dumps(one.to_json()), one.at],
            )


def _silence(connection: Connection, one: Facts) -> int | None:
    if one.silenced_until is None:
        return None
    row = connection.execute(
        "INSERT INTO cem.alert_silence (matchers, starts_at, ends_at, actor, comment, made_at) "
        "VALUES ('{}', %s, %s, %s, '', now()) RETURNING silence_id",
        [one.at, one.silenced_until, one.silenced_by],
    ).fetchone()
    return row[0] if row else None
