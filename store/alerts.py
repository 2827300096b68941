"""Alerts as they are stored: their states, every change, and the messages that wait to be delivered."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import sql

from store.connection import Connection

HISTORY_DAYS = 28  # days whose same time of day says what an index usually is (own)


@dataclass(frozen=True, kw_only=True)
class AlertRow:
    """One alert; `subject` is "attribute=value", `detail` what its message says."""

    alert_id: str
    rule: str
    subject: str
    severity: str
    state: str
    started_at: datetime
    fired_at: datetime | None
    resolved_at: datetime | None
    value: float | None
    expected: float | None
    detail: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message that was not delivered yet."""

    delivery_id: int
    channel: str
    idempotency_key: str
    body: dict[str, Any]


_COLUMNS = tuple(AlertRow.__dataclass_fields__)


def newest(connection: Connection, limit: int = 100) -> list[AlertRow]:
    """Return alerts, unresolved ones first, then the newest."""
    return _rows(connection, sql.SQL("ORDER BY resolved_at DESC NULLS FIRST, started_at DESC LIMIT %s"), [limit])


def unresolved(connection: Connection, rule: str) -> dict[str, AlertRow]:
    """Return the unresolved alerts of a rule by their subject."""
    found = _rows(connection, sql.SQL("WHERE rule = %s AND resolved_at IS NULL"), [rule])
    return {row.subject: row for row in found}


def _rows(connection: Connection, rest: sql.SQL, params: Sequence[Any]) -> list[AlertRow]:
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    query = sql.SQL("SELECT {} FROM cem.alert {}").format(columns, rest)
    return [AlertRow(**dict(zip(_COLUMNS, row, strict=True))) for row in connection.execute(query, params)]


def save(connection: Connection, row: AlertRow, *, at: datetime, change: bool) -> None:
    """Insert or update an alert; with `change` its new state is written to its history."""
    columns = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
    slots = sql.SQL(", ").join(map(sql.Placeholder, _COLUMNS))
    updates = sql.SQL(", ").join(
        sql.SQL("{0} = excluded.{0}").format(sql.Identifier(name)) for name in _COLUMNS if name != "alert_id"
    )
    connection.execute(
        sql.SQL(
            "INSERT INTO cem.alert ({}, updated_at) VALUES ({}, now()) "
            "ON CONFLICT (alert_id) DO UPDATE SET {}, updated_at = excluded.updated_at"
        ).format(columns, slots, updates),
        {**vars(row), "detail": json.dumps(row.detail)},
    )
    if change:
        connection.execute(
            "INSERT INTO cem.alert_change (alert_id, at, state, actor) VALUES (%s, %s, %s, 'rule')",
            [row.alert_id, at, row.state],
        )


def queue(
    connection: Connection, alert_id: str, channels: Sequence[str], body: Mapping[str, Any], at: datetime
) -> None:
    """Queue a message to each channel: `body` is `alerts.facts.Facts` as JSON, whose `key` is queued once a channel."""
    for channel in channels:
        connection.execute(
            "INSERT INTO cem.delivery (alert_id, channel, idempotency_key, body, queued_at) "
            "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (channel, idempotency_key) DO NOTHING",
            [alert_id, channel, body["key"], json.dumps(body), at],
        )


def telling(connection: Connection) -> list[dict[str, Any]]:
    """Return the facts (JSON) of all alerts that fire and are told: no part of another one, and not silenced."""
    rows = connection.execute(
        "SELECT detail FROM cem.alert WHERE state IN ('firing', 'acknowledged') AND parent_id IS NULL "
        "ORDER BY fired_at, alert_id"
    )
    return [row[0] for row in rows]


def undelivered(connection: Connection, channels: Sequence[str], limit: int = 100) -> list[Delivery]:
    """Return messages that wait for these channels, oldest first."""
    rows = connection.execute(
        "SELECT delivery_id, channel, idempotency_key, body FROM cem.delivery "
        "WHERE delivered_at IS NULL AND channel = ANY(%s) ORDER BY delivery_id LIMIT %s",
        [list(channels), limit],
    )
    names = tuple(Delivery.__dataclass_fields__)
    return [Delivery(**dict(zip(names, row, strict=True))) for row in rows]


def delivered(connection: Connection, delivery_id: int, at: datetime) -> None:
    """Note that a message was taken."""
    connection.execute(
        "UPDATE cem.delivery SET delivered_at = %s, attempts = attempts + 1, error = NULL WHERE delivery_id = %s",
        [at, delivery_id],
    )


def failed(connection: Connection, delivery_id: int, error: str) -> None:
    """Note that a message was not taken; it stays queued."""
    connection.execute(
        "UPDATE cem.delivery SET attempts = attempts + 1, error = %s WHERE delivery_id = %s", [error, delivery_id]
    )


def scored_windows(connection: Connection, after: datetime, until: datetime) -> list[datetime]:
    """Return the scored windows that start after one moment and end by the other, oldest first."""
    rows = connection.execute(
        "SELECT start FROM cem.group_index WHERE grain = '15m' AND attribute = 'all' AND value = 0 "
        "AND start > %s AND start <= %s ORDER BY start",
        [after, until - timedelta(minutes=15)],
    )
    return [row[0] for row in rows]


def index_history(
    connection: Connection, attribute: str, index: str, windows: Sequence[datetime]
) -> list[tuple[int, datetime, float | None, int]]:
    """Return (value, start, index, users) of these windows and of the same times of the days before them."""
    starts = [window - timedelta(days=days) for window in windows for days in range(HISTORY_DAYS + 1)]
    query = sql.SQL(
        "SELECT value, start, {}, n_users FROM cem.group_index "
        "WHERE grain = '15m' AND attribute = %s AND start = ANY(%s) ORDER BY start"
    ).format(sql.Identifier(index))
    return connection.execute(query, [attribute, starts]).fetchall()


def label(connection: Connection, value: int) -> str:
    """Return the name behind a label number, "" for none."""
    row = connection.execute("SELECT value FROM cem.label WHERE label_id = %s", [value]).fetchone()
    return str(row[0]) if row else ""
