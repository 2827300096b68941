"""What screens and commands read: rolled-up tables through the views of schema `api`, never raw sessions of many.

Every function takes a connection and returns a DataFrame (times are aware UTC, missing is NaN or None), or a dict.
"""

from datetime import UTC, datetime
from typing import Any, LiteralString

import pandas as pd

from store.connection import Connection

EVER = (datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC))
DIMENSIONS = ("network", "device", "app", "service")


def frame(connection: Connection, query: LiteralString, parameters: dict[str, Any] | None = None) -> pd.DataFrame:
    """Run a query and return its rows with its column names."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        assert cursor.description is not None
        return pd.DataFrame(cursor.fetchall(), columns=[column.name for column in cursor.description])


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a frame as dicts by column; what is missing is None."""
    columns = {
        str(name): [None if gone else value for value, gone in zip(column.tolist(), column.isna(), strict=True)]
        for name, column in frame.items()
    }
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def newest(connection: Connection) -> datetime | None:
    """Return the end of the newest scored 15-minute window, or None when nothing is scored."""
    found = connection.execute(
        "SELECT start + INTERVAL '15 minutes' FROM api.groups WHERE grain = '15m' AND attribute = 'all' "
        "ORDER BY start DESC LIMIT 1"
    ).fetchone()
    return None if found is None else found[0]


def trend(
    connection: Connection, grain: str, start: datetime | None, attribute: str = "all", value: str | None = None
) -> pd.DataFrame:
    """Return a group's indices by window from `start` on, oldest first; `grain` is 15m, hour or day."""
    return frame(
        connection,
        """
        SELECT start, overall, network, device, app, service, overall_lo AS lo, overall_hi AS hi, n_users, n, bad,
               bad_ratio, expected_ratio
        FROM api.groups
        WHERE grain = %(grain)s AND attribute = %(attribute)s AND value IS NOT DISTINCT FROM %(value)s
          AND start >= coalesce(%(start)s, '-infinity'::timestamptz)
        ORDER BY start
        """,
        {"grain": grain, "attribute": attribute, "value": value, "start": start},
    )


def worst(
    connection: Connection, attribute: str, limit: int, *, grain: str = "day", start: datetime | None = None
) -> pd.DataFrame:
    """Return the groups of an attribute with the lowest overall index in the window at `start` (default: newest)."""
    return frame(
        connection,
        """
        SELECT value, start, overall, overall_lo AS lo, overall_hi AS hi, network, device, app, service, n_users, n,
               bad, bad_ratio, expected_ratio
        FROM api.groups
        WHERE grain = %(grain)s AND attribute = %(attribute)s AND overall IS NOT NULL
          AND start = CASE WHEN %(start)s::timestamptz IS NULL THEN (SELECT api.newest_window(%(grain)s))
                           ELSE %(start)s END
        ORDER BY overall LIMIT %(limit)s
        """,
        {"grain": grain, "attribute": attribute, "start": start, "limit": limit},
    )


def clusters(connection: Connection, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    """Return the clusters that are open now, or with bounds those that were open in [start, end); worst first."""
    return frame(
        connection,
        """
        SELECT c.*, (SELECT count(*) FROM api.cluster_links l
                     WHERE l.cluster_id = c.cluster_id AND l.probability >= 0.5) AS complaints
        FROM api.clusters c
        WHERE CASE WHEN %(start)s::timestamptz IS NULL THEN c.ended_at IS NULL
              ELSE c.started_at < %(end)s AND coalesce(c.ended_at, 'infinity') > %(start)s END
        ORDER BY c.ended_at IS NOT NULL, c.severity * c.users DESC NULLS LAST
        """,
        {"start": start, "end": end},
    )


def cluster(connection: Connection, cluster_id: str) -> dict[str, Any] | None:
    """Return one cluster, or None when there is none of that id."""
    found = frame(connection, "SELECT * FROM api.clusters WHERE cluster_id = %(id)s", {"id": cluster_id})
    if found.empty:
        return None
    return rows(found)[0]


def cluster_windows(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return a cluster's bad and expected ratio by 15-minute window."""
    return frame(
        connection,
        """
        SELECT start, bad / n::float8 AS bad, expected / n AS expected, users, n
        FROM api.cluster_windows WHERE cluster_id = %(id)s AND n > 0 ORDER BY start
        """,
        {"id": cluster_id},
    )


def cluster_complaints(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return the complaints linked to a cluster, the likeliest first."""
    return frame(
        connection,
        """
        SELECT source, complaint_id, created_at, probability, category, text, status, customer_key
        FROM api.cluster_complaints WHERE cluster_id = %(id)s ORDER BY probability DESC, created_at
        """,
        {"id": cluster_id},
    )


def hurt_customers(connection: Connection, cluster_id: str | None, limit: int) -> list[int]:
    """Return the customers hurt most by a cluster, or by the three largest that are open, or that were last."""
    # Named one by one: the users of all clusters together are more than all customers.
    named = connection.execute(
        """
        SELECT cluster_id FROM api.clusters WHERE %(id)s::text IS NULL OR cluster_id = %(id)s
        ORDER BY ended_at DESC NULLS FIRST, severity * users DESC NULLS LAST LIMIT 3
        """,
        {"id": cluster_id},
    ).fetchall()
    found = connection.execute(
        """
        SELECT customer_key FROM api.cluster_customers WHERE cluster_id = ANY(%(ids)s)
        GROUP BY customer_key ORDER BY sum(bad) DESC, customer_key LIMIT %(limit)s
        """,
        {"ids": [one for (one,) in named], "limit": limit},
    )
    return [key for (key,) in found]


def customer_days(connection: Connection, customer_key: int) -> pd.DataFrame:
    """Return a customer's daily indices, contributions, interval and versions, oldest first."""
    # The days are named, as the index of customers' days begins with them.
    known = connection.execute("SELECT start FROM api.groups WHERE grain = 'day' AND attribute = 'all'").fetchall()
    days = [start for (start,) in known]
    return frame(
        connection,
        "SELECT * FROM api.customer_days WHERE customer_key = %(key)s AND start = ANY(%(days)s) ORDER BY start",
        {"key": customer_key, "days": days},
    )


def customer_periods(connection: Connection, customer_key: int) -> pd.DataFrame:
    """Return a customer's trailing 7 and 28 days."""
    return frame(
        connection,
        "SELECT * FROM api.customer_periods WHERE customer_key = %(key)s ORDER BY days",
        {"key": customer_key},
    )


def customer_complaints(connection: Connection, customer_key: int) -> pd.DataFrame:
    """Return a customer's complaints, newest first."""
    return frame(
        connection,
        """
        SELECT complaint_id, created_at, category, text, status, channel FROM api.complaints
        WHERE customer_key = %(key)s ORDER BY created_at DESC
        """,
        {"key": customer_key},
    )


def customer_clusters(connection: Connection, customer_key: int) -> pd.DataFrame:
    """Return the clusters that hit a customer, newest first."""
    return frame(
        connection,
        """
        SELECT c.*, (SELECT count(*) FROM api.cluster_links l
                     WHERE l.cluster_id = c.cluster_id AND l.probability >= 0.5) AS complaints
        FROM api.clusters c JOIN api.cluster_customers u USING (cluster_id)
        WHERE u.customer_key = %(key)s AND u.bad > 0 ORDER BY c.started_at DESC
        """,
        {"key": customer_key},
    )


def sources(connection: Connection) -> pd.DataFrame:
    """Return per source and kind what was delivered, and the newest event time.

    A source that only rows name, inside another's files, has a newest event and no batches.
    """
    return frame(
        connection,
        """
        SELECT source, kind, coalesce(batches, 0) AS batches, coalesce(rows_stored, 0) AS rows_stored,
               coalesce(rows_duplicate, 0) AS rows_duplicate, coalesce(rows_quarantined, 0) AS rows_quarantined,
               w.watermark AS newest
        FROM (SELECT source, kind, count(*) AS batches, sum(rows_stored)::bigint AS rows_stored,
                     sum(rows_duplicate)::bigint AS rows_duplicate, sum(rows_quarantined)::bigint AS rows_quarantined
              FROM api.batches GROUP BY source, kind) b
        FULL JOIN api.sources w USING (source, kind)
        ORDER BY kind, source
        """,
    )


def freshness(connection: Connection) -> pd.DataFrame:
    """Return per source how far its sessions and touchpoints are scored, and how far that is behind them (seconds)."""
    return frame(
        connection,
        "SELECT source, kind, newest_event, closed_until, scored_event, scored_at, behind_s, age_s FROM api.freshness "
        "ORDER BY kind, source",
    )


def quarantine_reasons(connection: Connection) -> pd.DataFrame:
    """Return how many records are in quarantine by source, kind and reason."""
    return frame(
        connection,
        "SELECT source, kind, code, count(*) AS count FROM api.quarantine GROUP BY 1, 2, 3 ORDER BY 4 DESC, 1, 2, 3",
    )


def runs(connection: Connection, limit: int) -> pd.DataFrame:
    """Return the newest runs of all jobs."""
    return frame(
        connection,
        "SELECT job, started_at, finished_at, ok, counts, error FROM api.runs ORDER BY run_id DESC LIMIT %(limit)s",
        {"limit": limit},
    )


def kpi_values(
    connection: Connection,
    kpi: str | None,
    object_id: str | None,
    start: datetime | None,
    end: datetime | None,
    limit: int,
) -> pd.DataFrame:
    """Return network KPIs, newest windows first, of one KPI and object or of all."""
    return frame(
        connection,
        """
        SELECT object_id, kpi, start, period_s, value, numerator, denominator, lo, hi, missing_lo, missing_hi,
               n_periods, n_suspect, coverage, flags
        FROM api.kpis
        WHERE (%(kpi)s::text IS NULL OR kpi = %(kpi)s) AND (%(object)s::text IS NULL OR object_id = %(object)s)
          AND start >= coalesce(%(start)s, '-infinity'::timestamptz)
          AND start < coalesce(%(end)s, 'infinity'::timestamptz)
        ORDER BY start DESC, kpi, object_id LIMIT %(limit)s
        """,
        {"kpi": kpi, "object": object_id, "start": start, "end": end, "limit": limit},
    )


def status(connection: Connection) -> dict[str, Any]:
    """Return how fresh the scores are, how much waits, how many clusters and alerts are open, and the last runs."""
    found = connection.execute(
        """
        SELECT (SELECT count(DISTINCT window_start) FROM api.waiting
                WHERE kind IN ('sessions', 'touchpoints', 'counters')),
               (SELECT count(*) FROM api.clusters WHERE ended_at IS NULL),
               (SELECT count(*) FROM api.alerts WHERE resolved_at IS NULL AND fired_at IS NOT NULL)
        """
    ).fetchone()
    assert found is not None
    waiting, open_clusters, firing = found
    return {
        "newest_window_end": newest(connection),
        "windows_waiting": waiting,
        "open_clusters": open_clusters,
        "firing_alerts": firing,
        "sources": sources(connection).to_dict("records"),
        "freshness": freshness(connection).to_dict("records"),
        "runs": runs(connection, 5).drop(columns="counts").to_dict("records"),
    }


def customer(connection: Connection, customer_key: int) -> dict[str, Any]:
    """Return what is known of one customer: indices by day and period, complaints, clusters."""
    hidden = ["evidence", "selector"]
    return {
        "customer_key": customer_key,
        "periods": customer_periods(connection, customer_key).to_dict("records"),
        "days": customer_days(connection, customer_key).to_dict("records"),
        "complaints": customer_complaints(connection, customer_key).to_dict("records"),
        "clusters": customer_clusters(connection, customer_key).drop(columns=hidden).to_dict("records"),
    }
