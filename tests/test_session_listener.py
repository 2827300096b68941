"""Sessions over real HTTP: 202 means stored or on the disk, whatever is wrong is said, and each counts once."""

import gzip
import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from collectors.listening.database import Database
from collectors.listening.reception import Bounds, Reception
from collectors.listening.requests import Gate
from collectors.listening.server import Listening, server
from collectors.listening.sessions import SessionSink, application
from collectors.mapping import load
from collectors.options import Options
from store.connection import Connection
from store.intake import Limits
from store.keys import Keys
from store.spill import Spill
from tests.ves_listening import count, free_port, until

EXAMPLES = Path(__file__).parent.parent / "deploy" / "mappings"
MIB = 1 << 20


def record(number: int, **given: Any) -> dict[str, Any]:
    return {
        "session_id": f"s{number}", "start_time": "2026-03-01T12:00:00Z", "subscriber_id": "460001234567890",
        "service": "web", "success": True, **given,
    }  # fmt: skip


def ndjson(*records: dict[str, Any]) -> bytes:
    return "".join(json.dumps(one) + "\n" for one in records).encode()


class Listener:
    """A listener in a thread of its own; `away` makes its database unreachable."""

    def __init__(self, database: str, folder: Path, keys: Keys, options: Options) -> None:
        self.away = False
        unreachable = "postgresql://nobody@127.0.0.1:9/none"
        found = Database(lambda: unreachable if self.away else database, keys, lambda: datetime.now(UTC), Limits())
        self._sink = SessionSink(found, "http", options)
        spill = Spill(folder / "spill", keys, name="test", max_bytes=MIB)
        bounds = Bounds(patience_s=5, first_pause_s=0.05, longest_pause_s=0.2, retry_after_s=7)
        place = Listening(host="127.0.0.1", port=free_port())
        self.url = f"http://127.0.0.1:{place.port}"
        gate = Gate(credentials=None, max_body_bytes=200_000)
        self.serving = server(
            application(lambda: Reception(self._sink, spill, bounds, lambda _: None), gate, options), place
        )

    def post(self, body: bytes, **headers: str) -> httpx.Response:
        given = {"content-type": "application/x-ndjson"} | {
            name.replace("_", "-"): text for name, text in headers.items()
        }
        return httpx.post(f"{self.url}/sessions", content=body, headers=given)


@pytest.fixture
def listen(database: str, tmp_path: Path, keys: Keys) -> Iterator[Any]:
    running: list[tuple[Listener, threading.Thread]] = []

    def start(options: Options | None = None, *, away: bool = False) -> Listener:
        listener = Listener(database, tmp_path, keys, options or Options())
        listener.away = away
        thread = threading.Thread(target=listener.serving.run)
        thread.start()
        running.append((listener, thread))
        until(lambda: listener.serving.started)
        return listener

    yield start
    for listener, thread in running:
        listener.serving.should_exit = True
        thread.join(30)


def test_sessions_are_in_the_database_when_202_comes(listen: Any, connection: Connection) -> None:
    answer = listen().post(ndjson(record(1), record(2), record(3, service="telex")))
    assert answer.status_code == 202
    assert answer.json() == {
        "records": 2, "quarantined": 1,
        "first": "sessions request row 3: service is 'telex'; one of web, video, voice, gaming, messaging, file, "
        "payment is needed",
    }  # fmt: skip
    assert (count(connection, "session"), count(connection, "quarantine")) == (2, 1)


def test_gzip_is_read_and_what_is_sent_again_counts_once(listen: Any, connection: Connection) -> None:
    listener, body = listen(), ndjson(*map(record, range(9)))
    for content, headers in (
        (gzip.compress(body), {"content_encoding": "gzip"}),
        (gzip.compress(body), {}),
        (body, {}),
    ):
        assert listener.post(content, **headers).status_code == 202
    assert count(connection, "session") == 9


def test_a_database_that_is_away_costs_nothing(listen: Any, connection: Connection) -> None:
    listener = listen(away=True)
    for number in range(3):
        assert listener.post(ndjson(record(number))).status_code == 202
    assert count(connection, "session") == 0
    listener.away = False
    until(lambda: count(connection, "session") == 3)


def test_a_full_spill_turns_away_with_a_time_to_come_back(listen: Any) -> None:
    listener = listen(away=True)
    body = ndjson(*(record(number, app="x" * 500) for number in range(250)))
    answers = [listener.post(body.replace(b': "s', f': "{turn}s'.encode())) for turn in range(12)]
    assert answers[0].status_code == 202
    assert (answers[-1].status_code, answers[-1].headers["retry-after"]) == (503, "7")


@pytest.mark.parametrize(
    ("body", "headers", "status", "text"),
    [
        (b"", {}, 400, "holds no records"),
        (b"{\n", {}, 400, "row 1 is no JSON"),
        (b"\xff\xfe\n", {}, 400, "is not UTF-8"),
        (b'{"service": "web"}\n', {}, 400, "session_id is missing"),
        (gzip.compress(b"{}\n" * 99)[:-9], {}, 400, "gzip data are cut off"),
        (gzip.compress(b"\n" * (70 * MIB)), {}, 413, "the rest was not read"),
        (b"x" * 200_001, {}, 413, "longer than 200000 bytes"),
        (b"{}", {"content_type": "text/csv"}, 415, "Content-Type"),
        (b"{}", {"content_encoding": "br"}, 415, "Content-Encoding"),
    ],
)
def test_what_is_wrong_is_said(listen: Any, body: bytes, headers: dict[str, str], status: int, text: str) -> None:
    answer = listen().post(body, **headers)
    assert (answer.status_code, text in answer.json()["reason"]) == (status, True), answer.text


def test_a_mapping_says_what_the_columns_mean(listen: Any, connection: Connection) -> None:
    listener = listen(Options(mappings=load(EXAMPLES), mapping="handset-video"))
    sent = {"uuid": "u", "startedAt": "01/03/2026 18:00:00.0", "msisdn": "13800138000", "state": "PLAYED", "avgMbps": 2}
    assert listener.post(ndjson(sent)).status_code == 202
    assert connection.execute("SELECT video_kbps FROM cem.session").fetchone() == (2000,)


def test_other_paths_and_methods_are_refused(listen: Any) -> None:
    listener = listen()
    assert httpx.get(f"{listener.url}/sessions").status_code == 405
    assert httpx.post(f"{listener.url}/elsewhere").status_code == 404
    assert httpx.get(f"{listener.url}/healthz").json()["spilling"] is False
