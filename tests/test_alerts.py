"""Alerts: rules, states, and messages to a real receiver."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from alerts.rules import Rule, default_rules, parse_rules
from alerts.webhook import Retry, channels_of
from cemaphore.pipeline.alerting import alert
from cemaphore.settings import Settings, load_settings
from qoe.drops import DropRule, IndexWindow, judge
from records.errors import ConfigError
from store.connection import Connection

QUARTER = timedelta(minutes=15)
NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
RULE = Rule(
    name="drop", attribute="all", index="overall", severity="critical", margin=5, recovery=2, m=3, n=4, users=50
)
FAST = Retry(attempts=2, wait_s=0.01, timeout_s=2)


@dataclass
class Receiver:
    """A webhook receiver: what it got, and the statuses that it answers with (then 200)."""

    url: str = ""
    got: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            status = made.answers.pop(0) if made.answers else 200
            made.got.append((self.headers["Idempotency-Key"], json.loads(body)))
            self.send_response(status)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_address[1]}/hook/secret"
    yield made
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def settings(receiver: Receiver, tmp_path: Any, database: str) -> Settings:
    return load_settings(home=tmp_path, webhook_urls=receiver.url, database_url=database)


def _score(connection: Connection, start: datetime, overall: float | None, users: int = 500) -> None:
    dimensions = ("network", "device", "app", "service", "overall")
    sums = [f"{name}_{part}" for name in dimensions for part in ("n", "sum", "sq")]
    names = ["grain", "attribute", "start", "value", "n_users", "bad_users", "n", "bad", "version_id", "overall", *sums]
    values = ["15m", "all", start, 0, users, 0, users, 0, 1, overall, *[0] * len(sums)]
    connection.execute(
        f"INSERT INTO cem.group_index ({', '.join(names)}) VALUES ({', '.join(['%s'] * len(names))}) "  # noqa: S608
        "ON CONFLICT (grain, attribute, start, value) DO UPDATE SET overall = excluded.overall",
        values,
    )


def _history(connection: Connection) -> None:
    for day in range(1, 6):
        for quarter in range(12):
            _score(connection, NOON - timedelta(days=day) + quarter * QUARTER, 80.0 + day % 2)


def _series(connection: Connection, dsn: str, settings: Settings, values: list[float | None]) -> None:
    """Score one window after the other and judge each as soon as it is closed."""
    for place, value in enumerate(values):
        start = NOON + place * QUARTER
        _score(connection, start, value)
        now = start + QUARTER + timedelta(minutes=settings.close_after_minutes, seconds=1)
        alert(dsn, settings, now=now, rules=[RULE], retry=FAST)


def _windows(*values: float | None) -> list[IndexWindow]:
    return [IndexWindow(index=value, expected=80.0, users=100) for value in values]


@pytest.mark.parametrize(
    ("values", "firing", "result"),
    [
        ((80, 80, 80, 80), False, False),
        ((80, 70, 70, 80), False, False),
        ((70, 80, 70, 70), False, True),
        ((70, 70, None, 70), False, True),
        ((70, 79, 79, 79), True, False),
        ((79, 79, 77, 79), True, True),
        ((None, None, None, None), True, True),
    ],
)
def test_m_of_n_windows_fire_and_the_recovery_level_ends(values: Any, firing: bool, result: bool) -> None:
    rule = DropRule(margin=5, recovery=2, m=3, n=4, users=50)
    assert judge(_windows(*values), rule, firing).firing is result


def test_a_drop_fires_once_and_resolves_once(
    connection: Connection, database: str, settings: Settings, receiver: Receiver
) -> None:
    _history(connection)
    _series(connection, database, settings, [81, 70, 69, 70, 68, 70, 80, 80, 81, 81])
    assert [body["state"] for _, body in receiver.got] == ["firing", "resolved"]
    fired = receiver.got[0][1]
    assert fired["started_at"] == (NOON + QUARTER).isoformat()
    assert fired["users"] == 500
    assert fired["drop"] == pytest.approx(11.0)
    assert fired["subject"] == "all"
    assert "cluster_id" in fired
    changes = [row[0] for row in connection.execute("SELECT state FROM cem.alert_change ORDER BY change_id")]
    assert changes == ["pending", "firing", "resolved"]


def test_a_short_dip_is_told_to_nobody(
    connection: Connection, database: str, settings: Settings, receiver: Receiver
) -> None:
    _history(connection)
    _series(connection, database, settings, [81, 70, 70, 81, 81, 81, 81])
    assert receiver.got == []
    assert connection.execute("SELECT state FROM cem.alert").fetchall() == [("resolved",)]


def test_the_message_names_the_likely_cluster(
    connection: Connection, database: str, settings: Settings, receiver: Receiver
) -> None:
    _history(connection)
    connection.execute(
        "INSERT INTO cem.cluster (cluster_id, over_kind, dimension, domain, selector, started_at, detected_at, users, "
        "sessions, bad_ratio, expected_ratio, p_value, q_value, severity, evidence, recommendation, version_id, "
        "updated_at) VALUES ('abc', 'sessions', 'network', 'core', '{\"core_node\": [\"upf-2\"]}', %s, %s, 300, 900, "
        "0.6, 0.1, 0, 0, 0.5, '[]', 'recommend.core', 1, now())",
        [NOON, NOON],
    )
    _series(connection, database, settings, [70, 70, 70])
    assert receiver.got[0][1]["cluster_id"] == "abc"


def test_windows_that_are_late_never_alert(
    connection: Connection, database: str, settings: Settings, receiver: Receiver
) -> None:
    _history(connection)
    for place in range(6):
        _score(connection, NOON + place * QUARTER, 60)
    assert alert(database, settings, now=NOON + timedelta(hours=9), rules=[RULE], retry=FAST).windows == 0
    assert receiver.got == []


def test_a_window_scored_again_is_not_judged_again(
    connection: Connection, database: str, settings: Settings, receiver: Receiver
) -> None:
    _history(connection)
    _series(connection, database, settings, [81, 81, 81, 81])
    for place in range(4):
        _score(connection, NOON + place * QUARTER, 60)
    alert(database, settings, now=NOON + 4 * QUARTER + timedelta(minutes=31), rules=[RULE], retry=FAST)
    assert receiver.got == []


def test_a_refused_message_is_sent_again_with_the_same_key(
    connection: Connection, database: str, settings: Settings, receiver: Receiver
) -> None:
    _history(connection)
    receiver.answers = [503, 503, 503]
    _series(connection, database, settings, [70, 70, 70])
    assert connection.execute("SELECT attempts, error FROM cem.delivery").fetchall() == [
        (1, "the receiver answered 503")
    ]
    run = alert(database, settings, now=NOON + timedelta(hours=2), rules=[RULE], retry=FAST)
    assert (run.delivered, run.failed) == (1, 0)
    assert len({key for key, _ in receiver.got}) == 1
    assert len(receiver.got) == 4
    again = alert(database, settings, now=NOON + timedelta(hours=2), rules=[RULE], retry=FAST)
    assert (again.delivered, len(receiver.got)) == (0, 4)


def test_a_receiver_that_is_away_is_noted_without_its_address(
    connection: Connection, database: str, tmp_path: Any
) -> None:
    settings = load_settings(home=tmp_path, webhook_urls="http://127.0.0.1:9/hook/secret", database_url=database)
    _history(connection)
    _series(connection, database, settings, [70, 70, 70])
    (error,) = (row[0] for row in connection.execute("SELECT error FROM cem.delivery"))
    assert "secret" not in error
    assert all("secret" not in name for name in channels_of(["http://127.0.0.1:9/hook/secret"]))


def test_shipped_rules_are_valid() -> None:
    assert {rule.name for rule in default_rules()} == {"experience_drop", "region_drop"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("m = 5", "m must be from 1 to n"),
        ("recovery = 9", "recovery must be from 0 to below margin"),
        ('attribute = "moon"', "must be one of"),
        ('margin = "a"', "margin must be a number"),
        ('colour = "red"', "which no rule has"),
    ],
)
def test_a_wrong_rule_says_what_is_wrong(change: str, message: str) -> None:
    fields = {"name": '"x"', "attribute": '"all"', "index": '"overall"', "severity": '"info"'}
    fields |= {"margin": "5", "recovery": "2", "m": "3", "n": "4", "users": "50"}
    key, value = change.split(" = ")
    fields[key] = value
    text = "[[rule]]\n" + "\n".join(f"{name} = {shown}" for name, shown in fields.items())
    with pytest.raises(ConfigError, match=message):
        parse_rules(text)


def test_rules_need_every_field_and_their_own_names() -> None:
    with pytest.raises(ConfigError, match="lacks"):
        parse_rules('[[rule]]\nname = "x"')
    with pytest.raises(ConfigError, match="not valid TOML"):
        parse_rules("[[rule")
