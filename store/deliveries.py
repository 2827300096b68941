"""Messages on their way to receivers, and what each receiver has taken."""

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from psycopg import sql

from store.connection import Connection
from store.locks import Lock

EVERYBODY = "*"  # the channel of a message that is not addressed yet
_COLUMNS = (
    *("state", "severity", "change", "fired_at", "resolved_at"),
    *("acknowledged_by", "acknowledged_at", "acknowledged_until", "acknowledged_comment", "silence_id"),
)


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One message that was not delivered yet; `newer` where a later one of the same alert waits too."""

    delivery_id: int
    alert_id: str
    idempotency_key: str
    body: dict[str, Any]
    attempts: int = 0
    newer: bool = False


@dataclass(frozen=True, kw_only=True)
class ReceiverState:
    """How one receiver does; `waiting` counts messages, `failures` those since the last success."""

    name: str
    succeeded_at: datetime | None = None
    failed_at: datetime | None = None
    failures: int = 0
    error: str | None = None
    known_since: datetime | None = None
    waiting: int = 0


@dataclass(frozen=True, kw_only=True)
class Post:
    """What an Alertmanager has taken of an alert."""

    alert_id: str
    labels: dict[str, str] = field(default_factory=dict)
    firing_at: datetime
    resolved_at: datetime | None = None
    silence_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class Fired:
    """An alert that fired: its facts as JSON, when they were written, the alert it is part of, and if it was told."""

    shape: dict[str, Any]
    seen_at: datetime
    parent_id: str | None
    told: bool


def unaddressed(connection: Connection, limit: int = 500) -> list[Delivery]:
    """Take messages that have no receiver yet, oldest first, for the rest of the transaction."""
    rows = connection.execute(
        "SELECT delivery_id, alert_id, idempotency_key, body FROM cem.delivery "
        "WHERE channel = %s AND outcome = 'waiting' ORDER BY delivery_id LIMIT %s FOR UPDATE SKIP LOCKED",
        [EVERYBODY, limit],
    )
    return [Delivery(delivery_id=row[0], alert_id=row[1], idempotency_key=row[2], body=row[3]) for row in rows]


def told(connection: Connection, alert_id: str) -> set[str]:
    """Return the receivers that a message of this alert was addressed to."""
    rows = connection.execute(
        "SELECT DISTINCT channel FROM cem.delivery WHERE alert_id = %s AND channel <> %s", [alert_id, EVERYBODY]
    )
    return {row[0] for row in rows}


def address(connection: Connection, message: Delivery, receiver: str, first: bool, from_: datetime) -> None:
    """Queue a message to one of its receivers, who gets it at `from_` or later; `first` where it knows no earlier."""
    body = json.dumps({**message.body, "first": first})
    connection.execute(
        "INSERT INTO cem.delivery (alert_id, channel, idempotency_key, body, queued_at) "
        "VALUES (%s, %s, %s, %s, %s) ON CONFLICT (channel, idempotency_key) DO NOTHING",
        [message.alert_id, receiver, message.idempotency_key, body, from_],
    )


def waiting(connection: Connection, receiver: str, now: datetime, limit: int) -> list[Delivery]:
    """Return messages that wait for a receiver and may be sent by now, oldest first."""
    rows = connection.execute(
        "SELECT delivery_id, alert_id, idempotency_key, body, attempts, EXISTS (SELECT FROM cem.delivery AS later "
        "WHERE later.alert_id = delivery.alert_id AND later.channel = delivery.channel "
        "AND later.outcome = 'waiting' AND later.delivery_id > delivery.delivery_id) "
        "FROM cem.delivery WHERE outcome = 'waiting' AND channel = %s AND queued_at <= %s "
        "ORDER BY delivery_id LIMIT %s",
        [receiver, now, limit],
    )
    names = tuple(Delivery.__dataclass_fields__)
    return [Delivery(**dict(zip(names, row, strict=True))) for row in rows]


def settle(connection: Connection, delivery_id: int, outcome: str, now: datetime) -> None:
    """Note what became of a message: it waits no longer."""
    connection.execute(
        "UPDATE cem.delivery SET outcome = %s, delivered_at = %s, attempts = attempts + 1, "
        "error = CASE WHEN %s = 'refused' THEN error END WHERE delivery_id = %s",
        [outcome, now, outcome, delivery_id],
    )


def failed(connection: Connection, delivery_id: int, error: str) -> None:
    """Note that a message was not taken; it stays queued."""
    connection.execute(
        "UPDATE cem.delivery SET attempts = attempts + 1, error = %s WHERE delivery_id = %s", [error, delivery_id]
    )


def states(connection: Connection) -> dict[str, ReceiverState]:
    """Return how receivers do, by name: those that were ever tried or have messages waiting."""
    rows = connection.execute(
        "SELECT coalesce(name, channel), succeeded_at, failed_at, coalesce(failures, 0), error, known_since, "
        "coalesce(waiting, 0) FROM cem.receiver FULL JOIN (SELECT channel, count(*) AS waiting FROM cem.delivery "
        "WHERE outcome = 'waiting' AND channel <> %s GROUP BY channel) AS queue ON name = channel",
        [EVERYBODY],
    )
    names = tuple(ReceiverState.__dataclass_fields__)
    return {row[0]: ReceiverState(**dict(zip(names, row, strict=True))) for row in rows}


def introduce(connection: Connection, receiver: str, now: datetime) -> None:
    """Note since when a receiver is known."""
    connection.execute(
        "INSERT INTO cem.receiver (name, known_since) VALUES (%s, %s) ON CONFLICT (name) DO NOTHING", [receiver, now]
    )


def forget_unknown(connection: Connection, receivers: Sequence[str], queued_before: datetime) -> None:
    """Keep nothing waiting for receivers that are configured no more."""
    connection.execute(
        "UPDATE cem.delivery SET outcome = 'superseded', delivered_at = now() WHERE outcome = 'waiting' "
        "AND channel <> %s AND channel <> ALL(%s) AND queued_at < %s",
        [EVERYBODY, list(receivers), queued_before],
    )


def claim(connection: Connection, receiver: str) -> bool:
    """Whether this connection alone serves a receiver from here on, until it is closed."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s, hashtext(%s))", [int(Lock.RECEIVER), receiver]).fetchone()
    return bool(row and row[0])


def note(connection: Connection, receiver: str, now: datetime, error: str | None) -> None:
    """Note that a receiver took what it was sent, or why it did not."""
    if error is None:
        connection.execute(
            "UPDATE cem.receiver SET succeeded_at = %s, failures = 0, error = NULL WHERE name = %s", [now, receiver]
        )
        return
    connection.execute(
        "UPDATE cem.receiver SET failed_at = %s, failures = failures + 1, error = %s WHERE name = %s",
        [now, error, receiver],
    )


def changed_at(connection: Connection) -> datetime | None:
    """When an alert was last written."""
    row = connection.execute("SELECT max(updated_at) FROM cem.alert").fetchone()
    return row[0] if row else None


def told_alerts(connection: Connection, posted: Collection[str]) -> list[tuple[dict[str, Any], datetime]]:
    """Return what is known of each alert that was told and fires, or ended within a day; and when it was written.

    Those that were `posted` are among them until they are forgotten, also where they became part of another.
    """
    lasting = sql.SQL("(resolved_at IS NULL OR updated_at > now() - interval '1 day' OR alert_id = ANY(%s))")
    found = _fired(connection, lasting, [list(posted)])
    return [
        (one.shape, one.seen_at)
        for one in found
        if one.told and (one.parent_id is None or one.shape["alert_id"] in posted)
    ]


def fired(connection: Connection, state: str | None, start: datetime | None, end: datetime | None) -> list[Fired]:
    """Return alerts that fired, oldest first: in a state, and not over before `start` nor begun at `end` or later."""
    return _fired(
        connection,
        sql.SQL(
            "(%s::text IS NULL OR state = %s) AND (%s::timestamptz IS NULL OR coalesce(resolved_at, 'infinity') > %s) "
            "AND (%s::timestamptz IS NULL OR alert.started_at < %s)"
        ),
        [state, state, start, start, end, end],
    )


def _fired(connection: Connection, condition: sql.SQL, parameters: Sequence[Any]) -> list[Fired]:
    """Read alerts; what people changed stands in columns and goes over what the last judged window left in `detail`."""
    query = sql.SQL(
        "SELECT detail, to_jsonb(alert), updated_at, silence.actor, silence.ends_at FROM cem.alert AS alert "
        "LEFT JOIN cem.alert_silence AS silence USING (silence_id) "
        "WHERE fired_at IS NOT NULL AND detail ? 'change' AND {} ORDER BY alert.started_at, alert_id"
    )
    rows = connection.execute(query.format(condition), parameters)
    return [_one(*row) for row in rows]


def _one(detail: dict[str, Any], row: dict[str, Any], seen_at: datetime, actor: Any, until: Any) -> Fired:
    shape = {**detail, **{name: row[name] for name in _COLUMNS}}
    if until is not None:
        shape |= {"silenced_by": actor, "silenced_until": until.isoformat()}
    return Fired(shape=shape, seen_at=seen_at, parent_id=row["parent_id"], told=row["told"])


def posts(connection: Connection, receiver: str) -> dict[str, Post]:
    """Return what an Alertmanager has taken, by alert."""
    rows = connection.execute(
        "SELECT alert_id, labels, firing_at, resolved_at, silence_id FROM cem.alert_post WHERE receiver = %s",
        [receiver],
    )
    names = tuple(Post.__dataclass_fields__)
    return {row[0]: Post(**dict(zip(names, row, strict=True))) for row in rows}


def keep_post(connection: Connection, receiver: str, post: Post) -> None:
    """Note what an Alertmanager has taken."""
    values: Mapping[str, Any] = {**vars(post), "receiver": receiver, "labels": json.dumps(post.labels)}
    connection.execute(
        "INSERT INTO cem.alert_post (receiver, alert_id, labels, firing_at, resolved_at, silence_id) "
        "VALUES (%(receiver)s, %(alert_id)s, %(labels)s, %(firing_at)s, %(resolved_at)s, %(silence_id)s) "
        "ON CONFLICT (receiver, alert_id) DO UPDATE SET labels = excluded.labels, firing_at = excluded.firing_at, "
        "resolved_at = excluded.resolved_at, silence_id = excluded.silence_id",
        values,
    )


def forget_posts(connection: Connection, receiver: str, resolved_before: datetime) -> None:
    """Forget alerts that an Alertmanager took as resolved before a moment."""
    connection.execute(
        "DELETE FROM cem.alert_post WHERE receiver = %s AND resolved_at < %s", [receiver, resolved_before]
    )
