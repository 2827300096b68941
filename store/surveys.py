"""Surveys in the database: answers summed up by week and group beside the index of those who gave them, and read."""

from datetime import datetime

import pandas as pd

from store.connection import Connection
from store.screens import frame

MARK = "surveys"  # the kind of a mark in cem.dirty that says: answers or indices of that moment changed

# The weeks (from local Monday on) that hold these marks.
_WEEKS = """
SELECT DISTINCT date_trunc('week', window_start AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s FROM cem.dirty
WHERE mark_id = ANY(%(marks)s) ORDER BY 1
"""
_DELETE = "DELETE FROM cem.survey_week WHERE start = %(week)s"
# A person is listed by the identifier that answered, or by another one of the same customer.
_SUM_UP = """
INSERT INTO cem.survey_week
WITH week AS (
    SELECT %(week)s::timestamptz AS start,
           (%(week)s::timestamptz AT TIME ZONE %(zone)s + INTERVAL '7 days') AT TIME ZONE %(zone)s AS until),
answers AS (
    SELECT y.time, y.subscriber_key, y.kind, y.score, k.value AS kind_name,
           coalesce(o.customer_key, y.subscriber_key) AS customer_key,
           date_trunc('day', y.time AT TIME ZONE %(zone)s) AT TIME ZONE %(zone)s AS day
    FROM week JOIN cem.survey y ON y.time >= week.start AND y.time < week.until
    JOIN cem.label k ON k.label_id = y.kind
    LEFT JOIN LATERAL (
        SELECT customer_key FROM cem.customer_of m
        WHERE m.subscriber_key = y.subscriber_key AND m.valid_from <= y.time
        ORDER BY m.valid_from DESC LIMIT 1) o ON true),
whole AS (
    SELECT a.*, u.overall, u.version_id, (v.model_version, v.catalogue_version) AS made_with,
           CASE kind_name WHEN 'nps' THEN score >= 9 WHEN 'csat' THEN score >= 4 ELSE score >= 6 END AS is_high,
           CASE kind_name WHEN 'nps' THEN score <= 6 WHEN 'csat' THEN score <= 2 ELSE score <= 3 END AS is_low,
           p.plan, p.segment, p.vip_level
    FROM answers a
    LEFT JOIN cem.user_day u ON u.start = a.day AND u.customer_key = a.customer_key AND u.overall IS NOT NULL
    LEFT JOIN cem.version v USING (version_id)
    LEFT JOIN LATERAL (
        SELECT s.plan, s.segment, s.vip_level FROM cem.subscriber s
        JOIN cem.held_by(a.customer_key) h ON h.subscriber_key = s.subscriber_key
            AND a.time >= h.valid_from AND a.time < h.valid_until
        WHERE s.valid_from <= a.time
        ORDER BY s.subscriber_key = a.subscriber_key DESC, s.valid_from DESC, s.arrived_at DESC, s.batch_id DESC
        LIMIT 1) p ON true)
SELECT week.start, g.attribute, g.value, kind, count(*), count(DISTINCT customer_key), sum(score),
       sum(score::double precision ^ 2), count(*) FILTER (WHERE is_high), count(*) FILTER (WHERE is_low),
       count(overall), count(DISTINCT customer_key) FILTER (WHERE overall IS NOT NULL),
       coalesce(sum(overall::double precision), 0), coalesce(sum(overall::double precision ^ 2), 0),
       count(DISTINCT made_with) FILTER (WHERE overall IS NOT NULL), max(version_id)
FROM whole CROSS JOIN week CROSS JOIN LATERAL (VALUES
    ('all', 0), ('plan', coalesce(plan, 0)), ('segment', coalesce(segment, 0)), ('vip_level', coalesce(vip_level, 0))
) g (attribute, value)
GROUP BY week.start, g.attribute, g.value, kind
"""


def marked(connection: Connection) -> list[int]:
    """Return the ids of the marks of answers and of days whose indices changed."""
    rows = connection.execute("SELECT mark_id FROM cem.dirty WHERE kind = %s", [MARK])
    return [mark for (mark,) in rows]


def weeks_of(connection: Connection, marks: list[int], zone: str) -> list[datetime]:
    """Return the starts of the local weeks that these marks lie in, oldest first."""
    return [start for (start,) in connection.execute(_WEEKS, {"marks": marks, "zone": zone})]


def sum_up(connection: Connection, week: datetime, zone: str) -> int:
    """Sum the answers of the local week that begins then up anew and return how many rows it made."""
    given = {"week": week, "zone": zone}
    connection.execute(_DELETE, given)
    return connection.execute(_SUM_UP, given).rowcount


def weeks(connection: Connection, attribute: str, kind: str, limit: int) -> pd.DataFrame:
    """Return the newest weeks of a kind of survey by group, newest first, with the index of those who answered.

    `balance` is NPS for nps, else the share of high answers less that of low ones, in points; `*_half` are half the
    width of a 95 % interval. Groups of fewer than k customers are left out.
    """
    return frame(
        connection,
        """
        SELECT * FROM api.survey_weeks WHERE attribute = %(attribute)s AND kind = %(kind)s
          AND start IN (SELECT DISTINCT start FROM api.survey_weeks WHERE attribute = 'all' AND kind = %(kind)s
                        ORDER BY start DESC LIMIT %(limit)s)
        ORDER BY start DESC, value
        """,
        {"attribute": attribute, "kind": kind, "limit": limit},
    )


def kinds(connection: Connection) -> list[str]:
    """Return the kinds of surveys of which any week may be shown."""
    rows = connection.execute("SELECT DISTINCT kind FROM api.survey_weeks WHERE attribute = 'all' ORDER BY kind DESC")
    return [kind for (kind,) in rows]
