"""What the report of a week reads besides what screens read: sums over its days, through the views of schema `api`."""

from datetime import datetime
from typing import Any

import pandas as pd

from store.connection import Connection
from store.screens import frame


def scored_days(connection: Connection) -> datetime | None:
    """Return when the newest scored local day began, or None without any."""
    row = connection.execute("SELECT max(start) FROM api.groups WHERE grain = 'day' AND attribute = 'all'").fetchone()
    moment: datetime | None = row[0] if row else None
    return moment


def totals(connection: Connection, start: datetime, end: datetime) -> dict[str, Any]:
    """Return the sums of [start, end): sessions and bad ones, clusters that began, complaints and unexplained ones."""
    found = frame(
        connection,
        """
        SELECT (SELECT sum(n)::bigint FROM api.groups WHERE grain = 'hour' AND attribute = 'all'
                AND start >= %(start)s AND start < %(end)s) AS sessions,
               (SELECT sum(bad)::bigint FROM api.groups WHERE grain = 'hour' AND attribute = 'all'
                AND start >= %(start)s AND start < %(end)s) AS bad,
               (SELECT count(*) FROM api.clusters WHERE started_at >= %(start)s AND started_at < %(end)s) AS clusters,
               (SELECT count(*) FROM api.complaint_readings
                WHERE created_at >= %(start)s AND created_at < %(end)s) AS complaints,
               (SELECT count(*) FROM api.alerts WHERE fired_at >= %(start)s AND fired_at < %(end)s) AS alerts
        """,
        {"start": start, "end": end},
    )
    return {str(name): None if pd.isna(value) else int(value) for name, value in found.iloc[0].items()}


def topics(connection: Connection, start: datetime, end: datetime) -> pd.DataFrame:
    """Return the complaints of [start, end) by class: how many, and the sum of what clusters explain of them."""
    return frame(
        connection,
        """
        SELECT topic, count(*) AS complaints, sum(1 - coalesce(unexplained, 1)) AS explained
        FROM api.complaint_readings WHERE created_at >= %(start)s AND created_at < %(end)s
        GROUP BY topic ORDER BY complaints DESC, topic
        """,
        {"start": start, "end": end},
    )


def alerts(connection: Connection, start: datetime, end: datetime, limit: int) -> pd.DataFrame:
    """Return the alerts that fired in [start, end), the gravest and newest first."""
    return frame(
        connection,
        """
        SELECT rule, subject, severity, state, started_at, resolved_at, value, expected FROM api.alerts
        WHERE fired_at >= %(start)s AND fired_at < %(end)s
        ORDER BY array_position(ARRAY['critical', 'warning', 'info'], severity), started_at DESC LIMIT %(limit)s
        """,
        {"start": start, "end": end, "limit": limit},
    )


def outages(connection: Connection, start: datetime, end: datetime) -> pd.DataFrame:
    """Return when sources were away in [start, end), oldest first."""
    return frame(
        connection,
        """
        SELECT source, target, started_at, ended_at, reason FROM api.source_outages
        WHERE started_at < %(end)s AND coalesce(ended_at, 'infinity') > %(start)s ORDER BY started_at, source, target
        """,
        {"start": start, "end": end},
    )
