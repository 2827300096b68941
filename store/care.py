"""What the page of one customer reads, by pseudonym: each reading names the customer, and finds them by an index."""

from datetime import datetime
from typing import Any

import pandas as pd

from store import complaint_views
from store.connection import Connection
from store.screens import frame


def days(connection: Connection, customer_key: int, most: int) -> pd.DataFrame:
    """Return a customer's indices of the newest local days, oldest first; a day without them is a row of gaps."""
    # The days are named one by one, as the index of customers' days begins with them; asked first, as a day that a
    # subquery finds does not reach it below the view.
    newest = connection.execute(
        "SELECT start FROM api.groups WHERE grain = 'day' AND attribute = 'all' ORDER BY start DESC LIMIT %s", [most]
    ).fetchall()
    return frame(
        connection,
        """
        SELECT g.start AS start, d.n, d.bad, d.overall, d.lo, d.hi, d.network, d.device, d.app, d.service, d.coverage,
               d.limiting, d.network_c, d.device_c, d.app_c, d.service_c, d.prior_c, d.model_version,
               d.catalogue_version, d.baseline_id
        FROM unnest(%(days)s::timestamptz[]) AS g (start)
        LEFT JOIN (SELECT * FROM api.customer_days WHERE customer_key = %(key)s AND start = ANY(%(days)s)) d
            USING (start)
        ORDER BY g.start
        """,
        {"key": customer_key, "days": [start for (start,) in newest]},
    )


def profile(connection: Connection, customer_key: int) -> dict[str, Any] | None:
    """Return plan, segment, value tier, months with the operator and number of identifiers; None when unknown."""
    found = frame(connection, "SELECT * FROM api.customer_profile(%(key)s)", {"key": customer_key})
    return None if found.empty else {str(name): value for name, value in found.iloc[0].items()}


def clusters(connection: Connection, customer_key: int, since: datetime) -> pd.DataFrame:
    """Return the clusters that hurt a customer and were not over before `since`, the newest first.

    `taken` where somebody acknowledged it or was given it; `confirmed` where people said the domain.
    """
    return frame(
        connection,
        """
        SELECT c.cluster_id, c.over_kind, c.dimension, coalesce(c.said_domain, c.domain) AS domain, c.certainty,
               c.said_domain IS NOT NULL AS confirmed, c.selector, c.severity, c.started_at, c.ended_at, c.users_hurt,
               u.n, u.bad, u.first_bad, u.last_bad,
               EXISTS (SELECT FROM api.cluster_hands h WHERE h.cluster_id = c.cluster_id) AS taken
        FROM api.cluster_customers u JOIN api.clusters c USING (cluster_id)
        WHERE u.customer_key = %(key)s AND u.bad > 0 AND coalesce(c.ended_at, 'infinity') > %(since)s
        ORDER BY c.started_at DESC
        """,
        {"key": customer_key, "since": since},
    )


def peers(connection: Connection, start: datetime, who: tuple[tuple[str, str], ...]) -> pd.DataFrame:
    """Return the overall index of groups (attribute, value) on the local day that begins then."""
    return frame(
        connection,
        """
        SELECT attribute, value, overall, overall_lo AS lo, overall_hi AS hi, n_users FROM api.groups
        WHERE grain = 'day' AND start = %(start)s
          AND (attribute = 'all' OR (attribute, value) IN (SELECT * FROM unnest(%(names)s::text[], %(values)s::text[])))
        """,
        {"start": start, "names": [name for name, _ in who], "values": [value for _, value in who]},
    )


def replay(connection: Connection, customer_key: int, start: datetime, end: datetime) -> pd.DataFrame:
    """Return a customer's sessions of [start, end) with the places of their cells, oldest first."""
    return frame(
        connection,
        "SELECT * FROM api.customer_replay(%(key)s, %(start)s, %(end)s)",
        {"key": customer_key, "start": start, "end": end},
    )


def touchpoints(connection: Connection, customer_key: int, start: datetime, end: datetime) -> pd.DataFrame:
    """Return a customer's touchpoints of [start, end), newest first."""
    return frame(
        connection,
        'SELECT * FROM api.touchpoint_timeline(%(key)s, %(start)s, %(end)s) ORDER BY "time" DESC',
        {"key": customer_key, "start": start, "end": end},
    )


def complaints(connection: Connection, customer_key: int) -> pd.DataFrame:
    """Return a customer's complaints with class and likeliest cause, newest first."""
    found = connection.execute(
        "SELECT source, complaint_id, created_at FROM api.customer_complaints(%s)", [customer_key]
    )
    return complaint_views.whole(connection, found.fetchall())


def answers(connection: Connection, customer_key: int) -> pd.DataFrame:
    """Return a customer's answers to surveys, newest first."""
    return frame(connection, "SELECT * FROM api.customer_answers(%(key)s)", {"key": customer_key})
