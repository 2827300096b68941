"""The VES listener over real HTTP: what it takes, what it refuses, and how it says so."""

import asyncio
import json
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from collectors.listening.credentials import Credentials, line_for
from collectors.listening.server import Listening, server
from collectors.ves.posted import EventSink
from records.errors import ConfigError
from store.connection import Connection
from store.keys import Keys
from tests.ves_listening import (
    FAULT,
    MEASURED,
    ONAP,
    SLICE,
    TIMEOUT_S,
    Running,
    count,
    event_sink,
    free_port,
    listening,
    numbered,
)

BATCH = json.loads((ONAP / "ves7_batch_valid.json").read_text())


@pytest.fixture
def sink(database: str, keys: Keys) -> EventSink:
    return event_sink(database, keys)


@pytest.fixture
def listener(sink: EventSink, tmp_path: Path, keys: Keys) -> Iterator[Running]:
    with listening(sink, tmp_path, keys) as running:
        yield running


def test_an_event_is_in_the_database_when_202_comes(listener: Running, connection: Connection) -> None:
    answer = listener.post("/eventListener/v7", FAULT)
    assert (answer.status_code, answer.json()) == (202, {})
    assert answer.headers["x-latestversion"] == "7.2.1"
    assert count(connection, "alarm") == 1
    assert listener.post("/eventListener/v7", MEASURED).status_code == 202
    assert count(connection, "counter") == 59
    marks = connection.execute("SELECT DISTINCT window_start FROM cem.dirty WHERE kind = 'counters'").fetchall()
    assert marks == [(datetime(2018, 8, 21, 16, 15, tzinfo=UTC),)]


def test_an_event_counts_once_however_it_is_sent(listener: Running, connection: Connection) -> None:
    for _ in range(3):
        assert listener.post("/eventListener/v7", MEASURED).status_code == 202
    again = {"eventList": [MEASURED["event"], MEASURED["event"], FAULT["event"]]}
    assert listener.post("/eventListener/v7/eventBatch", again).status_code == 202
    reordered = {"event": dict(reversed(list(MEASURED["event"].items())))}
    assert listener.post("/eventListener/v7", json.dumps(reordered, indent=3).encode()).status_code == 202
    assert count(connection, "counter") == 59
    assert count(connection, "alarm") == 1


def test_many_senders_at_once_lose_and_repeat_nothing(listener: Running, connection: Connection) -> None:
    documents = [numbered(number) for number in range(60)]

    async def send() -> list[int]:
        async with httpx.AsyncClient(limits=httpx.Limits(max_connections=20), timeout=TIMEOUT_S) as client:
            posts = [client.post(f"{listener.url}/eventListener/v7", json=document) for document in documents * 2]
            return [answer.status_code for answer in await asyncio.gather(*posts)]

    assert set(asyncio.run(send())) == {202}
    assert count(connection, "alarm") == 60
    assert count(connection, "batch") < 120  # requests that wait together are committed together


@pytest.mark.parametrize("path", ["/eventListener/v7/eventBatch", "/eventListener/v7"])
def test_a_batch_is_all_or_nothing(listener: Running, connection: Connection, path: str) -> None:
    wrong = json.loads(json.dumps(BATCH))
    del wrong["eventList"][1]["faultFields"]["eventSeverity"]
    answer = listener.post(path, wrong)
    assert answer.status_code == 400
    assert answer.json()["requestError"]["ServiceException"]["variables"] == [
        "eventList[1].faultFields.eventSeverity is missing; one of CRITICAL, MAJOR, MINOR, WARNING, INDETERMINATE, "
        "CLEARED, NORMAL is needed.",
        "eventList[1].faultFields.eventSeverity",
    ]
    assert count(connection, "alarm") == 0
    assert listener.post(path, BATCH).status_code == 202
    assert count(connection, "alarm") == 2


def test_version_5_is_heard(listener: Running, connection: Connection) -> None:
    document = json.loads((ONAP / "measurement5x.json").read_text())
    assert listener.post("/eventListener/v5", document).status_code == 202
    assert count(connection, "counter") == 52


@pytest.mark.parametrize(
    ("path", "content", "status", "number", "text"),
    [
        ("/eventListener/v7", b"{", 400, "SVC0002", "no JSON: Expecting property name"),
        ("/eventListener/v7", b"[]", 400, "SVC0002", "no JSON object"),
        ("/eventListener/v7", b"\xff", 400, "SVC0002", "not UTF-8"),
        ("/eventListener/v7", b'{"event":' * 50_000, 413, "POL9003", "longer than 200000 bytes"),
        ("/eventListener/v7", b"[" * 100_000, 400, "SVC0002", "nested too deep"),
        ("/eventListener/v7", b"{}", 400, "SVC0002", "event is missing"),
        ("/eventListener/v7", b'{"event": 1}', 400, "SVC0002", "event is no object"),
        ("/eventListener/v7", b'{"eventList": []}', 400, "SVC0002", "eventList is no list of events"),
        ("/eventListener/v7", b'{"event": {}}', 400, "SVC0002", "event.commonEventHeader is missing"),
        ("/eventListener/v7", b'{"event": {"commonEventHeader": {"version": NaN}}}', 400, "SVC0002", "version"),
        ("/eventListener/v4", b"{}", 404, "SVC0002", "no version '4'"),
        ("/elsewhere", b"{}", 404, "SVC0002", "there is nothing here"),
    ],
)
def test_what_is_wrong_is_said(
    listener: Running, path: str, content: bytes, status: int, number: str, text: str
) -> None:
    answer = listener.post(path, content)
    (said,) = answer.json()["requestError"].values()
    assert (answer.status_code, said["messageId"]) == (status, number)
    assert text in said["variables"][0]


def test_other_methods_and_types_are_refused(listener: Running) -> None:
    assert httpx.get(f"{listener.url}/eventListener/v7").status_code == 405
    for headers in ({"content-type": "text/xml"}, {"content-encoding": "gzip"}):
        assert listener.post("/eventListener/v7", FAULT, headers=headers).status_code == 415


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("startEpochMicrosec", "soon", "event.commonEventHeader.startEpochMicrosec is 'soon'; a number is needed"),
        ("startEpochMicrosec", True, "a number is needed"),
        ("startEpochMicrosec", 12, "microseconds since 1970 are needed"),
        ("startEpochMicrosec", 10**400, "a number is needed"),
        ("sourceName", "", "sourceName is empty"),
        ("sourceName", "\ud800", "half of a surrogate pair"),
        ("domain", None, "event.commonEventHeader.domain is missing"),
        ("vesEventListenerVersion", "8.0", "is '8.0'; 7.x is needed"),
        ("vesEventListenerVersion", "5.4", "is '5.4'; 7.x is needed"),
    ],
)
def test_a_wrong_header_is_named(listener: Running, name: str, value: object, text: str) -> None:
    document = json.loads(json.dumps(FAULT))
    document["event"]["commonEventHeader"][name] = value
    answer = listener.post("/eventListener/v7", document)
    assert answer.status_code == 400
    assert text in answer.json()["requestError"]["ServiceException"]["variables"][0]


def test_what_is_an_event_but_not_used_is_kept_with_its_reason(listener: Running, connection: Connection) -> None:
    document = json.loads((ONAP / "ves_stdnDefined_valid_unknown_topic.json").read_text())
    assert listener.post("/eventListener/v7", document).status_code == 202
    assert listener.post("/eventListener/v7", document).status_code == 202
    rows = connection.execute("SELECT code, column_name, sealed IS NOT NULL FROM cem.quarantine").fetchall()
    assert rows == [("namespace", "stndDefinedNamespace", True)]


def test_values_that_are_no_numbers_are_quarantined_and_the_rest_is_kept(
    listener: Running, connection: Connection
) -> None:
    event = json.loads(SLICE.read_text())
    results = event["perf3gppFields"]["measDataCollection"]["measInfoList"][0]["measValuesList"][0]["measResults"]
    results[0] = {"p": 1, "sValue": "n/a"}
    results[1] = {"p": 2, "isNull": "true"}
    results[2] = {"p": 3, "rValue": 1.5e-3}
    assert listener.post("/eventListener/v7", {"event": event}).status_code == 202
    assert count(connection, "counter") == 11
    row = connection.execute("SELECT count(*) FILTER (WHERE value IS NULL), min(value) FROM cem.counter").fetchone()
    assert row == (1, 0.0015)
    assert count(connection, "quarantine") == 1


def test_heartbeats_are_taken_and_nothing_is_stored(listener: Running, connection: Connection) -> None:
    document = json.loads((ONAP / "ves7_valid_ip_v4.json").read_text())
    document["event"]["commonEventHeader"]["domain"] = "heartbeat"
    assert listener.post("/eventListener/v7", document).status_code == 202
    assert count(connection, "batch") == 0


def test_names_and_passwords(sink: EventSink, tmp_path: Path, keys: Keys) -> None:
    users = tmp_path / "users"
    users.write_text(line_for("gnb", "right") + "\n")
    users.chmod(0o600)
    with listening(sink, tmp_path, keys, credentials=Credentials.load(users)) as running:
        for auth in (None, ("gnb", "wrong"), ("other", "right")):
            answer = running.post("/eventListener/v7", FAULT, auth=auth)
            assert answer.status_code == 401
            assert answer.headers["www-authenticate"].startswith("Basic ")
            assert answer.json()["requestError"]["PolicyException"]["messageId"] == "POL2000"
        for _ in range(2):
            assert running.post("/eventListener/v7", FAULT, auth=("gnb", "right")).status_code == 202
        assert running.post("/eventListener/v7", FAULT, headers={"authorization": "Basic %%"}).status_code == 401


def test_a_file_of_users_that_others_can_read_is_refused(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text(line_for("gnb", "secret"))
    users.chmod(0o644)
    with pytest.raises(ConfigError, match="open to others"):
        Credentials.load(users)
    users.chmod(0o600)
    users.write_text("gnb:secret")
    with pytest.raises(ConfigError, match="line 1"):
        Credentials.load(users)


def self_signed(folder: Path) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "listener")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "cert.pem").write_bytes(certificate.public_bytes(pem))
    (folder / "key.pem").write_bytes(private)
    return folder / "cert.pem", folder / "key.pem"


def test_over_tls_only(sink: EventSink, tmp_path: Path, keys: Keys) -> None:
    certificate, key = self_signed(tmp_path)
    with listening(sink, tmp_path, keys, certificate=certificate, key=key) as running:
        running.verify = ssl.create_default_context(cafile=str(certificate))
        assert running.post("/eventListener/v7", FAULT).status_code == 202
        with pytest.raises(httpx.HTTPError):
            httpx.post(running.url.replace("https", "http"), content=b"{}")


@pytest.mark.parametrize(
    ("given", "text"),
    [
        ({"host": "0.0.0.0"}, "passwords would go in the clear"),
        ({"host": "192.0.2.1", "without_tls": True}, "cannot be listened on"),
        ({"certificate": Path("/none")}, "is not there"),
        ({"client_ca": Path(__file__)}, "needs a TLS certificate"),
        ({"certificate": Path(__file__), "key": Path(__file__)}, "cannot be used"),
    ],
)
def test_unsafe_listening_is_refused(given: dict[str, Any], text: str) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError

    with pytest.raises(ConfigError, match=text):
        server(app, Listening(**{"host": "127.0.0.1", "port": free_port(), **given}))


def test_vectors_become_bins_and_a_broken_one_is_named(listener: Running, connection: Connection) -> None:
    event = json.loads(SLICE.read_text())
    results = event["perf3gppFields"]["measDataCollection"]["measInfoList"][0]["measValuesList"][0]["measResults"]
    results[0]["sValue"], results[1]["sValue"] = "86, 87,NIL,2", "1,x"
    assert listener.post("/eventListener/v7", {"event": event}).status_code == 202
    rows = connection.execute("SELECT bins, value FROM cem.counter WHERE bins IS NOT NULL").fetchall()
    assert rows == [([86.0, 87.0, None, 2.0], None)]
    assert count(connection, "counter") == 11
    assert connection.execute("SELECT column_name FROM cem.quarantine").fetchall() == [("value",)]
