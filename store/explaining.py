"""The sessions of one customer with their names and places, for explaining them one by one."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from store.connection import Connection

_SESSIONS = """
SELECT r.subscriber_key, r.start_time, r.source_id, s.name AS source, r.session_id, api.label(r.service) AS service,
       api.label(r.app) AS app, api.label(r.cell_id) AS cell, api.label(r.server) AS server,
       api.label(r.core_node) AS core_node, r.success, r.dropped, api.label(r.failure_cause) AS failure_cause
FROM cem.session r JOIN cem.source s USING (source_id)
JOIN cem.held_by(%(key)s) h ON h.subscriber_key = r.subscriber_key
    AND r.start_time >= h.valid_from AND r.start_time < h.valid_until
WHERE r.start_time >= %(start)s AND r.start_time < %(end)s
  AND (%(session)s::text IS NULL OR r.session_id = %(session)s)
ORDER BY r.start_time LIMIT %(most)s
"""


def sessions(
    connection: Connection, customer_key: int, start: datetime, end: datetime, session_id: str | None, most: int
) -> list[dict[str, Any]]:
    """Return the sessions of a customer in [start, end), or the one of that id, oldest first, at most so many."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            _SESSIONS, {"key": customer_key, "start": start, "end": end, "session": session_id, "most": most}
        ).fetchall()


def last_hour(connection: Connection, customer_key: int) -> datetime | None:
    """Return the start of the newest scored hour in which a customer had sessions."""
    row = connection.execute(
        "SELECT max(start) FROM cem.user_hour WHERE customer_key = %s AND n > 0", [customer_key]
    ).fetchone()
    return row[0] if row else None


def day_row(connection: Connection, customer_key: int, start: datetime) -> dict[str, Any] | None:
    """Return the stored index of a customer's local day that begins then, with contributions and versions."""
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            "SELECT * FROM api.customer_days WHERE customer_key = %s AND start = %s", [customer_key, start]
        ).fetchone()


def names(connection: Connection, label_ids: Sequence[int]) -> dict[int, str]:
    """Return the words behind some label numbers."""
    found = connection.execute("SELECT label_id, value FROM cem.label WHERE label_id = ANY(%s)", [list(label_ids)])
    return dict(found.fetchall())
