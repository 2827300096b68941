"""Alerts as screens show them: what fires, the list, one alert with its turns, and what hangs below it."""

from datetime import datetime
from typing import Any

import pandas as pd

from store.connection import Connection
from store.screens import frame, rows


def firing(connection: Connection, limit: int) -> pd.DataFrame:
    """Return the alerts that fired and are not resolved and are part of no other, the severest first."""
    return frame(
        connection,
        """
        SELECT alert_id, rule, subject, severity, state, started_at, fired_at, value, expected, users FROM api.alerts
        WHERE resolved_at IS NULL AND fired_at IS NOT NULL AND parent_id IS NULL
        ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), fired_at DESC LIMIT %(limit)s
        """,
        {"limit": limit},
    )


def alerts(connection: Connection, scope: str, limit: int) -> pd.DataFrame:
    """Return alerts that fired: unresolved ones of the severest first, then the newest; those below another left out.

    `scope`: `open` unresolved, `resolved`, or `all`. Column children counts what hangs below.
    """
    return frame(
        connection,
        """
        SELECT a.alert_id, a.rule, a.kind, a.subject, a.severity, a.state, a.started_at, a.fired_at, a.resolved_at,
               a.value, a.expected, a.users, a.owner, a.cluster_id, a.acknowledged_by,
               (SELECT count(*) FROM api.alerts c WHERE c.parent_id = a.alert_id) AS children
        FROM api.alerts a
        WHERE a.parent_id IS NULL AND a.fired_at IS NOT NULL
          AND CASE %(scope)s WHEN 'open' THEN a.resolved_at IS NULL WHEN 'resolved' THEN a.resolved_at IS NOT NULL
              ELSE true END
        ORDER BY a.resolved_at DESC NULLS FIRST, array_position(ARRAY['critical', 'warning', 'info'], a.severity),
                 a.fired_at DESC
        LIMIT %(limit)s
        """,
        {"scope": scope, "limit": limit},
    )


def alert(connection: Connection, alert_id: str) -> dict[str, Any] | None:
    """Return one alert with all that is known of it, or None; `detail` is `alerts.facts.Facts` as JSON."""
    found = frame(connection, "SELECT * FROM api.alerts WHERE alert_id = %(id)s", {"id": alert_id})
    if found.empty:
        return None
    return rows(found)[0]


def changes(connection: Connection, alert_id: str) -> pd.DataFrame:
    """Return the turns of an alert, oldest first: at, state, severity, actor, comment, told."""
    return frame(
        connection,
        "SELECT at, state, severity, actor, comment, told FROM api.alert_changes WHERE alert_id = %(id)s "
        "ORDER BY change_id",
        {"id": alert_id},
    )


def children(connection: Connection, alert_id: str, limit: int) -> pd.DataFrame:
    """Return the alerts that are part of this one, the newest first."""
    return frame(
        connection,
        """
        SELECT alert_id, rule, subject, severity, state, fired_at, resolved_at, value, expected FROM api.alerts
        WHERE parent_id = %(id)s ORDER BY started_at DESC, subject LIMIT %(limit)s
        """,
        {"id": alert_id, "limit": limit},
    )


def silences(connection: Connection, now: datetime) -> pd.DataFrame:
    """Return the silences that go on or are to come: silence_id, matchers, starts_at, ends_at, actor, comment."""
    return frame(
        connection,
        "SELECT silence_id, matchers, starts_at, ends_at, actor, comment FROM api.alert_silences "
        "WHERE ends_at > %(now)s ORDER BY ends_at",
        {"now": now},
    )
