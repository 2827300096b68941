"""What a score opens to: the observations, versions and intervals behind one customer's day and one group's index."""

from datetime import datetime
from typing import Any

from psycopg.rows import dict_row

from store.connection import Connection

_ONE_DAY = """
SELECT d.*, p.network_n, p.network_alone, p.network_prior, p.device_n, p.device_alone, p.device_prior,
       p.app_n, p.app_alone, p.app_prior, p.service_n, p.service_alone, p.service_prior
FROM api.customer_days d JOIN api.customer_day_parts p USING (customer_key, start)
WHERE d.customer_key = %(key)s AND d.start = %(start)s
"""
_GROUP = """
SELECT measure, n_users, n, users, score, lo, hi, model_version, catalogue_version, baseline_id FROM api.group_scores
WHERE grain = %(grain)s AND attribute = %(attribute)s AND start = %(start)s AND value IS NOT DISTINCT FROM %(value)s
"""


def customer_day(connection: Connection, customer_key: int, start: datetime) -> dict[str, Any] | None:
    """Return a customer's local day that begins then: indices, contributions, versions, and each dimension's parts.

    Of a dimension: `_n` observations, `_alone` what they come to without the prior `_prior` that they are pulled to.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(_ONE_DAY, {"key": customer_key, "start": start}).fetchone()


def group(
    connection: Connection, grain: str, attribute: str, value: str | None, start: datetime
) -> dict[str, dict[str, Any]]:
    """Return a group's indices in one window by name (`overall`, `network` ...), each with its users and interval.

    An index that fewer than k users of the group have is left out.
    """
    with connection.cursor(row_factory=dict_row) as cursor:
        rows = cursor.execute(_GROUP, {"grain": grain, "attribute": attribute, "value": value, "start": start})
        return {row["measure"]: row for row in rows}
