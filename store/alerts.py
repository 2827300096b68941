"""Alerts as they are stored: their states, every change, and the messages that wait to be delivered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from records.windows import QUARTER
from store.connection import Connection
from store.deliveries import EVERYBODY


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """One alert; `subject` is "attribute=value" or "all", `detail` what its message says (`alerts.facts.Facts`).

    `state`: pending, firing, acknowledged, silenced, resolved. `change` numbers the changes of state and severity.
    `horizon` is what a drop fired by. `parent_id` names the alert that it is part of; `told` says whether a message
    said that it fires.
    """

    alert_id: str
    rule: str
    subject: str
    kind: str
    severity: str
    state: str
    started_at: datetime
    change: int = 0
    fired_at: datetime | None = None
    resolved_at: datetime | None = None
    value: float | None = None
    expected: float | None = None
    users: int | None = None
    parent_id: str | None = None
    cluster_id: str | None = None
    owner: str | None = None
    acknowledged_by: str | None = None
    acknowledged_at: datetime | None = None
    acknowledged_until: datetime | None = None
    acknowledged_comment: str | None = None
    silence_id: int | None = None
    horizon: str | None = None
    told: bool = False
    detail: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class ChangeRow:
    """One change of an alert: what it became, by whom, and whether a message was queued."""

    alert_id: str
    number: int
    at: datetime
    state: str
    severity: str
    actor: str
    comment: str | None = None
    told: bool = False


_COLUMNS = tuple(AlertRow.__dataclass_fields__)


def newest(connection: Connection, limit: int = 100, *, open_only: bool = False) -> list[AlertRow]:
    """Return alerts that are no part of another one, unresolved ones first, then the newest; pending ones not."""
    rest = sql.SQL(
        "WHERE parent_id IS NULL AND fired_at IS NOT NULL AND (resolved_at IS NULL OR NOT %s) "
        "ORDER BY resolved_at DESC NULLS FIRST, started_at DESC, alert_id LIMIT %s"
    )
    return _rows(connection, rest, [open_only, limit])


def unresolved(connection: Connection, *, lock: bool = False) -> list[AlertRow]:
    """Return all alerts that are not resolved; with `lock` nobody changes them before the transaction ends."""
    rest = sql.SQL("WHERE resolved_at IS NULL ORDER BY alert_id {}").format(sql.SQL("FOR UPDATE" if lock else ""))
    return _rows(connection, rest, [])


def ended_since(connection: Connection, kind: str, moment: datetime) -> list[tuple[str, str, datetime]]:
    """Return (rule, subject, resolved_at) of the alerts of a kind that were resolved after the moment."""
    return connection.execute(
        "SELECT rule, subject, max(resolved_at) FROM cem.alert WHERE kind = %s AND resolved_at > %s GROUP BY 1, 2",
        [kind, moment],
    ).fetchall()


def ended_parents(connection: Connection) -> dict[str, datetime]:
    """Return when the alerts were over of which a part is not over yet, by their id."""
    rows = connection.execute(
        "SELECT DISTINCT parent.alert_id, parent.resolved_at FROM cem.alert part "
        "JOIN cem.alert parent ON parent.alert_id = part.parent_id "
        "WHERE part.resolved_at IS NULL AND parent.resolved_at IS NOT NULL"
    )
    return dict(rows.fetchall())


def by_id(connection: Connection, alert_id: str) -> AlertRow | None:
    """Return one alert; None where there is none."""
    return next(iter(_rows(connection, sql.SQL("WHERE alert_id = %s"), [alert_id])), None)


def children(connection: Connection, alert_id: str) -> list[AlertRow]:
    """Return the alerts that are part of one."""
    return _rows(connection, sql.SQL("WHERE parent_id = %s ORDER BY started_at, subject"), [alert_id])


def changes(connection: Connection, alert_id: str) -> list[ChangeRow]:
    """Return the changes of an alert, oldest first."""
    names = tuple(ChangeRow.__dataclass_fields__)
    rows = connection.execute(
        "SELECT alert_id, number, at, state, coalesce(severity, ''), actor, comment, told FROM cem.alert_change "
        "WHERE alert_id = %s ORDER BY change_id",
        [alert_id],
    )
    return [ChangeRow(**dict(zip(names, row, strict=True))) for row in rows]


def _rows(connection: Connection, rest: sql.Composable, params: Sequence[Any]) -> list[AlertRow]:
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    query = sql.SQL("SELECT {} FROM cem.alert {}").format(columns, rest)
    return [AlertRow(**dict(zip(_COLUMNS, row, strict=True))) for row in connection.execute(query, params)]


def save(connection: Connection, rows: Sequence[AlertRow]) -> None:
    """Insert or update alerts; parents before their parts."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    slots = sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS))
    updates = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _COLUMNS if name != "alert_id"
    )
    query = sql.SQL(
        "INSERT INTO cem.alert ({}, updated_at) VALUES ({}, now()) "
        "ON CONFLICT (alert_id) DO UPDATE SET {}, updated_at = excluded.updated_at"
    ).format(columns, slots, updates)
    ordered = sorted(rows, key=lambda row: row.parent_id is not None)
    with connection.cursor() as cursor:
        cursor.executemany(query, [{**vars(row), "detail": json.dumps(row.detail)} for row in ordered])


def note(connection: Connection, rows: Sequence[ChangeRow]) -> None:
    """Write changes down."""
    with connection.cursor() as cursor:
        cursor.executemany(
            "INSERT INTO cem.alert_change (alert_id, number, at, state, severity, actor, comment, told) "
            "VALUES (%(alert_id)s, %(number)s, %(at)s, %(state)s, %(severity)s, %(actor)s, %(comment)s, %(told)s)",
            [vars(row) for row in rows],
        )


def queue(connection: Connection, alert_id: str, body: Mapping[str, Any], at: datetime) -> None:
    """Queue a message for whom it concerns: `body` is `alerts.facts.Facts` as JSON, whose `key` is queued once."""
    connection.execute(
        "INSERT INTO cem.delivery (alert_id, channel, idempotency_key, body, queued_at) "
        "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (channel, idempotency_key) DO NOTHING",
        [alert_id, EVERYBODY, body["key"], json.dumps(body), at],
    )


def first_window(connection: Connection) -> datetime | None:
    """Return the start of the oldest scored window; None before the first."""
    row = connection.execute(
        "SELECT min(start) FROM cem.group_index WHERE grain = '15m' AND attribute = 'all'"
    ).fetchone()
    return row[0] if row else None


def last_window(connection: Connection) -> datetime | None:
    """Return the start of the newest scored window; None before the first."""
    row = connection.execute(
        "SELECT max(start) FROM cem.group_index WHERE grain = '15m' AND attribute = 'all'"
    ).fetchone()
    return row[0] if row else None


def unscored_since(connection: Connection, start: datetime) -> datetime | None:
    """Return the start of the oldest window from a moment on that waits for its scores; None where none does.

    One that was searched after its end had its scores by then: what is marked in it since is late.
    """
    row = connection.execute(
        "SELECT min(window_start) FROM cem.dirty m WHERE kind IN ('sessions', 'touchpoints') AND window_start >= %s "
        "AND NOT EXISTS (SELECT FROM cem.detection d WHERE d.over_kind = 'sessions' AND d.start = m.window_start "
        "AND d.detected_at >= d.start + %s)",
        [start, QUARTER],
    ).fetchone()
    return row[0] if row else None
