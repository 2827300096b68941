"""What commands and screens read of complaints, through the views of schema `api`: roles and small groups hold."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, LiteralString

import pandas as pd

from store.connection import Connection
from store.screens import frame

_HURT = timedelta(hours=48)
# Which they are is found first; then only these are read whole, by their times, which have an index.
_NEWEST: LiteralString = """
SELECT source, complaint_id, created_at FROM api.newest_complaints(
    coalesce(%(start)s, '-infinity'::timestamptz), coalesce(%(end)s, 'infinity'::timestamptz), %(topic)s,
    %(unexplained)s, %(limit)s)
"""
_WHOLE: LiteralString = """
SELECT complaint_id, source, created_at, topic, confidence, category, channel, app, cell_id, status, unexplained,
       cluster_id, probability, text, customer_key
FROM api.complaint_readings
WHERE created_at = ANY(%(times)s) AND complaint_id = ANY(%(ids)s)
  AND (source, complaint_id) IN (SELECT * FROM unnest(%(sources)s::text[], %(ids)s))
ORDER BY created_at DESC, complaint_id
"""


def complaints(
    connection: Connection,
    start: datetime | None,
    end: datetime | None,
    unexplained: bool,
    limit: int,
    topic: str | None = None,
) -> pd.DataFrame:
    """Return complaints, newest first: class, confidence, likeliest cause; with `unexplained` those without a cause.

    A complaint without a cause has been looked at, and no cluster explains it at 0.5 or more. `topic` holds the list to
    one class.
    """
    asked = {"start": start, "end": end, "topic": topic, "unexplained": unexplained, "limit": limit}
    return whole(connection, connection.execute(_NEWEST, asked).fetchall())


def whole(connection: Connection, wanted: Sequence[tuple[str, str, datetime]]) -> pd.DataFrame:
    """Return what is read into complaints given by source, number and time, newest first."""
    sources, ids, times = ([row[place] for row in wanted] for place in range(3))
    return frame(connection, _WHOLE, {"sources": sources, "ids": ids, "times": times})


def topics(connection: Connection) -> list[str]:
    """Return the classes that complaints have, in alphabetical order."""
    rows = connection.execute("SELECT topic FROM api.complaint_topics ORDER BY topic")
    return [topic for (topic,) in rows]


def complaint(connection: Connection, complaint_id: str, source: str | None = None) -> list[dict[str, Any]]:
    """Return the complaints of that number: one, or one for each source that has it; text and person by role."""
    found = frame(
        connection,
        """
        SELECT complaint_id, source, created_at, topic, confidence, classifier, category, channel, app, cell_id, status,
               text, customer_key, unexplained
        FROM api.complaint_readings WHERE complaint_id = %(id)s AND (%(source)s::text IS NULL OR source = %(source)s)
        ORDER BY source
        """,
        {"id": complaint_id, "source": source},
    )
    return [{str(name): value for name, value in row.items()} for row in _plain(found)]


def links(connection: Connection, source: str, complaint_id: str) -> pd.DataFrame:
    """Return what may have caused a complaint, likeliest first; `lead_h` from the cluster's detection to it."""
    return frame(
        connection,
        """
        SELECT k.cluster_id, k.probability, c.over_kind AS over, c.domain, c.selector, c.started_at, c.detected_at,
               c.ended_at, round((extract(epoch FROM k.created_at - c.detected_at) / 3600)::numeric, 2)::float8
               AS lead_h, k.reasons
        FROM api.cluster_complaints k JOIN api.clusters c USING (cluster_id)
        WHERE k.source = %(source)s AND k.complaint_id = %(id)s ORDER BY k.probability DESC, k.cluster_id
        """,
        {"source": source, "id": complaint_id},
    )


def days_before(connection: Connection, customer_key: int, moment: datetime, days: int) -> pd.DataFrame:
    """Return a customer's indices of the days that began before the moment, at most so many, oldest first."""
    return frame(
        connection,
        """
        SELECT start, overall, network, device, app, service, limiting, n, bad FROM api.customer_days
        WHERE customer_key = %(key)s AND start <= %(moment)s AND start > %(moment)s - make_interval(days => %(days)s)
        ORDER BY start
        """,
        {"key": customer_key, "moment": moment, "days": days},
    )


def clusters_before(connection: Connection, customer_key: int, moment: datetime) -> pd.DataFrame:
    """Return the clusters that hurt a customer in the 48 hours before the moment, the latest first."""
    return frame(
        connection,
        """
        SELECT u.cluster_id, c.over_kind AS over, c.domain, c.selector, u.n, u.bad, u.first_bad, u.last_bad
        FROM api.cluster_customers u JOIN api.clusters c USING (cluster_id)
        WHERE u.customer_key = %(key)s AND u.bad > 0 AND u.first_bad < %(moment)s AND u.last_bad >= %(since)s
        ORDER BY u.last_bad DESC, u.cluster_id
        """,
        {"key": customer_key, "moment": moment, "since": moment - _HURT},
    )


def risks(connection: Connection, cluster_id: str) -> pd.DataFrame:
    """Return how much likelier those whom a cluster hurts complain: of all topics ("") first, then by topic."""
    return frame(
        connection,
        "SELECT * FROM api.cluster_risks WHERE cluster_id = %(id)s "
        "ORDER BY topic <> '', exposed_complaints DESC NULLS LAST, topic",
        {"id": cluster_id},
    )


def cluster_topics(connection: Connection, cluster_id: str) -> dict[str, str]:
    """Return the class of each complaint that is linked to a cluster."""
    rows = connection.execute(
        "SELECT complaint_id, topic FROM api.cluster_topics WHERE cluster_id = %s",
        [cluster_id],
    )
    return dict(rows.fetchall())


def explained(connection: Connection, cluster_id: str) -> dict[str, Any]:
    """Return what a cluster explains of the complaints made from its start to 48 hours after its end.

    `complaints` the sum of probabilities, `share` of all complaints of that time, `linked` at 0.5 or more,
    `median_lead_h` from its detection to these, `after_detection` how many of these came later than it.
    """
    found = frame(
        connection,
        """
        WITH mine AS (SELECT k.probability, extract(epoch FROM k.created_at - c.detected_at) / 3600 AS lead
                      FROM api.cluster_complaints k JOIN api.clusters c USING (cluster_id) WHERE cluster_id = %(id)s)
        SELECT coalesce((SELECT sum(probability) FROM mine), 0) AS complaints,
               (SELECT sum(probability) FROM mine) / nullif((
                   SELECT sum(r.complaints) FROM api.clusters c, api.complaint_counts(
                       c.started_at, coalesce(c.ended_at, now()) + INTERVAL '48 hours') r
                   WHERE c.cluster_id = %(id)s), 0) AS share,
               (SELECT count(*) FROM mine WHERE probability >= 0.5) AS linked,
               (SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY lead) FROM mine WHERE probability >= 0.5)
                   AS median_lead_h,
               (SELECT count(*) FROM mine WHERE probability >= 0.5 AND lead > 0) AS after_detection
        """,
        {"id": cluster_id},
    )
    return {str(name): value for name, value in _plain(found)[0].items()}


def surges(connection: Connection, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    """Return the surges of complaints that nothing explains, newest first; those about experience are clusters."""
    return frame(
        connection,
        """
        SELECT surge_id, selector, started_at, detected_at, ended_at, complaints, expected, customers, p_value,
               CASE WHEN experience THEN surge_id END AS cluster_id
        FROM api.complaint_surges
        WHERE started_at < coalesce(%(end)s, 'infinity'::timestamptz)
          AND coalesce(ended_at, 'infinity') > coalesce(%(start)s, '-infinity'::timestamptz)
        ORDER BY started_at DESC, surge_id
        """,
        {"start": start, "end": end},
    )


def silent(connection: Connection, cluster_id: str, limit: int) -> pd.DataFrame:
    """Return the silent sufferers of a cluster, the likeliest to complain first: for roles that see persons."""
    return frame(
        connection,
        "SELECT customer_key, bad, risk FROM api.silent_sufferers WHERE cluster_id = %(id)s "
        "ORDER BY risk DESC, customer_key LIMIT %(limit)s",
        {"id": cluster_id, "limit": limit},
    )


def source_id(connection: Connection, source: str) -> int:
    """Return the number of a source."""
    row = connection.execute("SELECT source_id FROM cem.source WHERE name = %s", [source]).fetchone()
    assert row is not None
    return int(row[0])


def _plain(found: pd.DataFrame) -> list[dict[Any, Any]]:
    return found.astype(object).where(found.notna(), None).to_dict("records")
