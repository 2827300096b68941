"""Retention: what is too old goes once everything was made of it, and the indices made of it stay."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cemaphore.pipeline.scoring import score
from cemaphore.settings import Settings, load_settings
from records.errors import ConfigError
from store import retention
from store.connection import Connection
from tests.records import add_sessions, add_touchpoints

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS = 12
NOW = FIRST + timedelta(days=DAYS)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return load_settings(home=tmp_path)


def add_day(connection: Connection, day: int, *, batch: int = 1, keys: Sequence[int] = range(1, 31)) -> None:
    start = FIRST + timedelta(days=day)
    add_sessions(
        connection,
        {
            "subscriber_key": list(keys),
            "start_time": [start + timedelta(seconds=batch * 7 + key) for key in keys],
            "service": ["web"] * len(keys),
            "success": [True] * len(keys),
            "page_load_ms": [900.0 + key for key in keys],
            "rtt_client_ms": [50.0] * len(keys),
        },
        batch=batch,
    )


def count(connection: Connection, query: Any) -> int:
    row = connection.execute(query).fetchone()
    assert row is not None
    return int(row[0])


def test_old_sessions_go_and_their_indices_stay(database: str, connection: Connection, settings: Settings) -> None:
    for day in range(DAYS):
        add_day(connection, day)
    score(database, settings)
    connection.execute("DELETE FROM cem.dirty WHERE kind = 'search'")
    dropped = {one.name: one for one in retention.drop(connection, settings.retention_days, NOW)}
    assert dropped["sessions"].rows == 30 * 5
    assert dropped["sessions"].held is None
    assert count(connection, "SELECT count(*) FROM cem.session") == 30 * 7
    assert count(connection, "SELECT count(DISTINCT start) FROM cem.user_hour") == DAYS
    report = {row["name"]: row for row in retention.report(connection, settings.retention_days, NOW)}
    assert report["sessions"]["oldest"] >= NOW - timedelta(days=7, hours=1)
    assert not any(row["kept_too_long"] for row in report.values())
    assert retention.drop(connection, settings.retention_days, NOW)[0].rows == 0


def test_what_waits_to_be_scored_is_held(database: str, connection: Connection, settings: Settings) -> None:
    for day in range(DAYS):
        add_day(connection, day)
    dropped = retention.drop(connection, settings.retention_days, NOW)[0]
    assert (dropped.rows, dropped.before) == (0, FIRST)
    assert dropped.held == "sessions of 2026-03-02 08:00 UTC wait"
    score(database, settings)
    assert retention.drop(connection, settings.retention_days, NOW)[0].held == "search of 2026-03-02 08:00 UTC wait"


def test_rescoring_leaves_what_was_made_of_dropped_sessions(
    database: str, connection: Connection, settings: Settings
) -> None:
    """Also a late row of a dropped hour changes nothing, and is counted."""
    for day in range(DAYS):
        add_day(connection, day)
    score(database, settings)
    connection.execute("DELETE FROM cem.dirty WHERE kind = 'search'")
    retention.drop(connection, settings.retention_days, NOW)
    before = scored(connection)
    add_day(connection, 0, batch=2, keys=[3])
    assert score(database, settings).hours_gone == 1
    assert scored(connection) == before
    again = score(database, settings, start=FIRST)
    assert (again.sessions, again.hours_gone) == (30 * 7, 24 * 5)
    assert scored(connection) == before


def test_days_of_dropped_user_hours_stay(database: str, connection: Connection, settings: Settings) -> None:
    for day in range(DAYS):
        add_day(connection, day)
    score(database, settings)
    connection.execute("DELETE FROM cem.dirty WHERE kind = 'search'")
    retention.drop(connection, {**settings.retention_days, "user_hours": 9}, NOW)
    assert count(connection, "SELECT count(DISTINCT start) FROM cem.user_hour") == 9
    before = scored(connection)
    connection.execute("INSERT INTO cem.dirty (kind, window_start) VALUES ('days', %s)", [FIRST.replace(hour=0)])
    score(database, settings)
    assert scored(connection) == before


def test_hotlines_calls_are_kept_longer(database: str, connection: Connection, settings: Settings) -> None:
    add_touchpoints(
        connection,
        {
            "subscriber_key": [1, 1],
            "time": [NOW - timedelta(days=100), NOW - timedelta(days=80)],
            "channel": ["hotline", "hotline"],
            "success": [True, True],
        },
    )
    score(database, settings)
    connection.execute("DELETE FROM cem.dirty")
    retention.drop(connection, settings.retention_days, NOW)
    assert count(connection, "SELECT count(*) FROM cem.touchpoint") == 1


def test_alerts_that_are_over_and_what_was_told_of_them_go(connection: Connection, settings: Settings) -> None:
    for name, started, resolved in (("old", 900, 800), ("newer", 300, 299), ("open", 300, None)):
        at = NOW - timedelta(days=started)
        over = None if resolved is None else NOW - timedelta(days=resolved)
        connection.execute(
            "INSERT INTO cem.alert (alert_id, rule, subject, kind, severity, state, started_at, resolved_at, detail, "
            "updated_at) VALUES (%s, 'drop', %s, 'drop', 'warning', 'firing', %s, %s, '{}', %s)",
            [name, name, at, over, at],
        )
        connection.execute(
            "INSERT INTO cem.alert_change (alert_id, at, state, actor) VALUES (%s, %s, 'firing', 'rules')", [name, at]
        )
        for outcome in ("sent", "waiting"):
            connection.execute(
                "INSERT INTO cem.delivery (alert_id, channel, idempotency_key, body, queued_at, outcome) "
                "VALUES (%s, 'ops', %s, '{}', %s, %s)",
                [name, f"{name}-{outcome}", at, outcome],
            )
    retention.drop(connection, settings.retention_days, NOW)
    kept = connection.execute("SELECT idempotency_key FROM cem.delivery ORDER BY 1").fetchall()
    assert kept == [("newer-waiting",), ("open-sent",), ("open-waiting",)], "who was told is told the end"
    assert connection.execute("SELECT alert_id FROM cem.alert_change ORDER BY 1").fetchall() == [("newer",), ("open",)]


@pytest.mark.parametrize(
    ("days", "message"), [({"session": 9}, "knows no 'session'"), ({"user_days": 7}, "user_days must be kept 29 days")]
)
def test_a_retention_that_would_starve_scores_is_refused(tmp_path: Path, days: dict[str, int], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(home=tmp_path, retention_days=days)


def scored(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute(
        "SELECT 'hour', start, customer_key, n, overall FROM cem.user_hour UNION ALL "
        "SELECT 'day', start, customer_key, n, overall FROM cem.user_day ORDER BY 1, 2, 3"
    ).fetchall()


def test_the_page_says_how_long_everything_is_kept() -> None:
    page = (Path(__file__).parent.parent / "docs" / "privacy.md").read_text(encoding="utf-8")
    for rule in retention.RULES:
        assert f"| `{rule.name}` | {rule.days} | {rule.least_days} |" in page


def test_every_kind_can_be_dropped_and_reported(connection: Connection, settings: Settings) -> None:
    far = NOW + timedelta(days=10_000)
    assert {one.name for one in retention.drop(connection, settings.retention_days, far)} == set(retention.DEFAULT_DAYS)
    assert all(row["oldest"] is None for row in retention.report(connection, settings.retention_days, far))
