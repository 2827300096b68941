"""The listener for ticket events over real HTTP: created, changed and resolved tickets of versions 4 and 5."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from collectors.listening.credentials import Credentials, line_for
from collectors.listening.database import Database
from collectors.listening.reception import Reception
from collectors.listening.requests import Gate
from collectors.listening.server import Listening, server
from collectors.options import Options
from collectors.tmf621.application import application
from collectors.tmf621.posted import TicketSink
from store.connection import Connection
from store.erasure import erase
from store.intake import Limits
from store.keys import Keys
from store.spill import Spill
from store.vault import Vault
from tests.batches import one
from tests.ticket_server import ticket
from tests.ves_listening import SOON, Running, count, free_port, until

DATA = Path(__file__).parent / "data" / "tmf621"
WHOLE = json.loads((DATA / "TroubleTicket_create_example_response.json").read_text())
# As TMF621 v5.0.1 shows them: a change of status tells only what changed.
CHANGED = {
    "eventId": "41cf-ad81-d65ea1c2840c",
    "eventTime": "2022-08-25T12:18:12.191Z",
    "eventType": "TroubleTicketStatusChangeEvent",
    "@type": "TroubleTicketStatusChangeEvent",
    "event": {
        "troubleTicket": {
            "id": "3180",
            "@type": "TroubleTicket",
            "lastUpdate": "2022-06-01T07:34:45.968Z",
            "status": "held",
            "statusChangeDate": "2022-06-01T07:34:45.968Z",
        }
    },
}
RESOLVED = {
    "eventId": "41ad-b3e1-aa39d233a157",
    "eventTime": "2022-08-25T12:18:12.213Z",
    "eventType": "TroubleTicketResolvedEvent",
    "event": {
        "troubleTicket": {"id": "3180", "status": "resolved", "statusChangeDate": "2022-08-25T12:00:00.000Z"},
    },
}


def created(found: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"eventId": "1", "eventType": "TroubleTicketCreateEvent", "event": {"troubleTicket": found}, **more}


@contextmanager
def listening(
    url: Any, folder: Path, keys: Keys, credentials: Credentials | None = None, spill_bytes: int = 1 << 20
) -> Iterator[Running]:
    place = Listening(host="127.0.0.1", port=free_port())
    running = Running(f"http://127.0.0.1:{place.port}")
    say = running.said.append
    sink = TicketSink(Database(url, keys, lambda: datetime.now(UTC), Limits()), keys, "crm", Options(), say)
    spill = Spill(folder / "spill", keys, name="test", max_bytes=spill_bytes)
    gate = Gate(credentials=credentials, max_body_bytes=200_000)
    serving = server(application(lambda: Reception(sink, spill, SOON, say), gate), place)
    thread = threading.Thread(target=serving.run)
    thread.start()
    until(lambda: serving.started)
    try:
        yield running
    finally:
        serving.should_exit = True
        thread.join(30)


@pytest.fixture
def listener(database: str, tmp_path: Path, keys: Keys) -> Iterator[Running]:
    with listening(lambda: database, tmp_path, keys) as running:
        yield running


def versions(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT complaint_id, version_at, api.label(status), api.label(category), left(text, 12), resolved_at "
        "FROM cem.complaint ORDER BY version_at"
    ).fetchall()


def test_a_ticket_is_followed_from_creation_to_resolution(listener: Running, connection: Connection) -> None:
    assert listener.post("/listener/troubleTicketCreateEvent", created(WHOLE)).status_code == 204
    assert listener.post("/listener/troubleTicketStatusChangeEvent", CHANGED).status_code == 204
    assert listener.post("/listener/troubleTicketResolvedEvent", RESOLVED).status_code == 204
    said = "I do not acc"
    resolved = datetime(2022, 8, 25, 12, tzinfo=UTC)
    assert versions(connection) == [
        ("3180", datetime(2022, 5, 31, 7, 34, 45, 968000, UTC), "pending", "Bill Dispute", said, None),
        ("3180", datetime(2022, 6, 1, 7, 34, 45, 968000, UTC), "held", "Bill Dispute", said, None),
        ("3180", datetime(2022, 8, 25, 12, 18, 12, 213000, UTC), "resolved", "Bill Dispute", said, resolved),
    ]
    assert one(connection, "SELECT count(*), count(DISTINCT subscriber_key) FROM cem.complaint_now") == (1, 1)
    assert one(connection, "SELECT sum(rows_stored), sum(rows_quarantined) FROM cem.batch") == (3, 0)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/listener", 204),
        ("/tmf-api/troubleTicket/v4/listener", 201),
        ("/tmf-api/troubleTicket/v4/listener/troubleTicketCreateEvent", 201),
        ("/tmf-api/troubleTicket/v5/listener/troubleTicketCreateEvent", 204),
    ],
)
def test_both_versions_are_heard_at_their_paths(
    listener: Running, connection: Connection, path: str, status: int
) -> None:
    assert listener.post(path, created(ticket(1))).status_code == status
    assert count(connection, "complaint") == 1


def test_a_repeated_event_counts_once(listener: Running, connection: Connection) -> None:
    for _ in range(3):
        for event in (created(WHOLE), CHANGED):
            assert listener.post("/listener", event).status_code == 204
    assert listener.post("/listener", created(WHOLE, eventId="2")).status_code == 204
    assert count(connection, "complaint") == 2


def test_events_out_of_order_leave_the_newest_current(listener: Running, connection: Connection) -> None:
    for event in (created(WHOLE), RESOLVED, CHANGED):
        assert listener.post("/listener", event).status_code == 204
    assert one(connection, "SELECT api.label(status) FROM cem.complaint_now") == "resolved"
    assert count(connection, "complaint") == 3


def test_a_change_of_an_unknown_ticket_waits_in_quarantine(listener: Running, connection: Connection) -> None:
    assert listener.post("/listener", CHANGED).status_code == 204
    assert one(connection, "SELECT code, sealed IS NOT NULL FROM cem.quarantine") == ("unknown_ticket", True)
    assert count(connection, "complaint") == 0
    assert any("is not known" in text for text in listener.said)


def test_an_erased_person_is_not_brought_back_by_a_change(
    listener: Running, connection: Connection, vault: Vault
) -> None:
    listener.post("/listener", created(WHOLE))
    erase(vault, "account:9176", actor="li", reason="request")
    assert listener.post("/listener", CHANGED).status_code == 204
    assert one(connection, "SELECT code, sealed IS NULL FROM cem.quarantine") == ("erased", True)
    assert count(connection, "complaint") == 1


def test_texts_are_masked(listener: Running, connection: Connection) -> None:
    listener.post("/listener", created(ticket(1)))
    changed = {"id": "T1", "lastUpdate": "2026-03-02T09:00:00Z", "description": "call 13812345678"}
    event = {"eventType": "TroubleTicketAttributeValueChangeEvent", "event": {"troubleTicket": changed}}
    assert listener.post("/listener", event).status_code == 204
    assert one(connection, "SELECT text FROM cem.complaint_now") == "call [phone]"


def test_deletions_and_specifications_are_passed_over(listener: Running, connection: Connection) -> None:
    for kind in ("TroubleTicketDeleteEvent", "TroubleTicketSpecificationCreateEvent"):
        assert listener.post("/listener", {"eventType": kind, "event": {}}).status_code == 204
    assert count(connection, "batch") == 0


def test_the_type_may_be_told_by_the_path_alone(listener: Running, connection: Connection) -> None:
    listener.post("/listener", created(WHOLE))
    body = {key: value for key, value in RESOLVED.items() if key != "eventType"}
    assert listener.post("/listener/troubleTicketResolvedEvent", body).status_code == 204
    assert one(connection, "SELECT resolved_at FROM cem.complaint_now") == datetime(2022, 8, 25, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("path", "content", "status", "code", "text"),
    [
        ("/listener", b"{", 400, "json", "no JSON"),
        ("/listener", b"[]", 400, "json", "no JSON object"),
        ("/listener", b"{}", 400, "ticket", "with its id is missing"),
        ("/listener", b'{"event": {"troubleTicket": {"id": {}}}}', 400, "ticket", "with its id is missing"),
        ("/listener", b'{"event": {"troubleTicket": {"id": 7}}}', 400, "missing", "no id"),
        ("/listener", b'{"eventType": "AlarmEvent", "event": {}}', 400, "event_type", "trouble tickets"),
        ("/listener", b"[" * 100_000, 400, "json", "nested too deep"),
        ("/listener", b'{"event": {"id": "\\ud800"}}', 400, "json", "surrogate"),
        ("/tmf-api/troubleTicket/v3/listener", b"{}", 404, "version", "no version"),
        ("/elsewhere", b"{}", 404, "path", "nothing here"),
    ],
)
def test_what_is_wrong_is_said(listener: Running, path: str, content: bytes, status: int, code: str, text: str) -> None:
    answer = listener.post(path, content)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert text in answer.json()["reason"]


def test_a_time_that_is_none_is_quarantined_with_the_rest_of_its_group_stored(
    listener: Running, connection: Connection
) -> None:
    wrong = {"eventType": "TroubleTicketStatusChangeEvent", "event": {"troubleTicket": {"id": "3180", "status": "x"}}}
    listener.post("/listener", created(WHOLE))
    assert listener.post("/listener", {**wrong, "eventTime": "yesterday"}).status_code == 204
    assert one(connection, "SELECT code, column_name FROM cem.quarantine") == ("time", "updated_at")


def test_who_may_send(database: str, tmp_path: Path, keys: Keys) -> None:
    users = tmp_path / "users"
    users.write_text(line_for("crm", "right") + "\n")
    users.chmod(0o600)
    with listening(lambda: database, tmp_path, keys, Credentials.load(users)) as running:
        answer = running.post("/listener", CHANGED)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")
        assert answer.headers["www-authenticate"].startswith("Basic ")
        assert running.post("/listener", created(WHOLE), auth=("crm", "right")).status_code == 204


def test_while_the_database_is_away_events_wait_on_the_disk(
    database: str, tmp_path: Path, keys: Keys, connection: Connection
) -> None:
    """What was answered with 204 is stored when the database is back, in its order and once."""
    away = ["postgresql://127.0.0.1:1/nothing"]
    with listening(lambda: away[0], tmp_path, keys, spill_bytes=12_000) as running:
        for event in (created(WHOLE), CHANGED):
            assert running.post("/listener", event).status_code == 204
        full = [running.post("/listener", created(ticket(number))) for number in range(60)]
        assert {answer.status_code for answer in full} == {204, 503}
        assert full[-1].headers["retry-after"] == "7"
        away[0] = database
        until(lambda: not running.health()["spilling"])
        assert running.post("/listener", RESOLVED).status_code == 204
    taken = sum(answer.status_code == 204 for answer in full)
    assert one(connection, "SELECT count(DISTINCT complaint_id), count(*) FROM cem.complaint") == (taken + 1, taken + 3)
    assert one(connection, "SELECT max(version_at) - min(version_at) FROM cem.complaint") > timedelta(days=80)
