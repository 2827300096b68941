"""What the care entrance reads of groups: indices by segment or value tier, and whom clusters leave unheard."""

from datetime import datetime

import pandas as pd

from store.connection import Connection
from store.screens import frame


def trend(connection: Connection, attribute: str, measure: str, grain: str, start: datetime) -> pd.DataFrame:
    """Return an index of every group of an attribute by window from `start` on, oldest first.

    `users` have that index; `bad_share` of the group's users had at least half of their sessions bad in the window.
    Groups of fewer than k users are left out.
    """
    return frame(
        connection,
        """
        SELECT s.start, s.value, s.score, s.lo, s.hi, s.users, s.n_users, s.n, g.bad_ratio,
               g.bad_users / nullif(g.n_users, 0)::double precision AS bad_share, s.model_version,
               s.catalogue_version, s.baseline_id, s.measure
        FROM api.group_scores s
        JOIN api.groups g ON (g.grain, g.attribute, g.start) = (s.grain, s.attribute, s.start)
             AND g.value IS NOT DISTINCT FROM s.value
        WHERE s.grain = %(grain)s AND s.attribute = %(attribute)s AND s.measure = %(measure)s AND s.start >= %(start)s
        ORDER BY s.start, s.value
        """,
        {"attribute": attribute, "measure": measure, "grain": grain, "start": start},
    )


def unheard(connection: Connection, since: datetime | None) -> pd.DataFrame:
    """Return clusters open since then with whom they hurt, complaints, risk of complaining and silent sufferers.

    `relative_risk` of all topics together with its interval; `complaints` the sum of the links' probabilities. Numbers
    below k users are missing.
    """
    return frame(
        connection,
        """
        SELECT c.cluster_id, c.over_kind, coalesce(c.said_domain, c.domain) AS domain, c.selector, c.started_at,
               c.ended_at, c.severity, c.users_hurt, c.silent_users, r.relative_risk, r.lo, r.hi, r.attributable,
               coalesce(k.complaints, 0) AS complaints
        FROM api.clusters c
        LEFT JOIN api.cluster_risks r ON r.cluster_id = c.cluster_id AND r.topic = ''
        LEFT JOIN (SELECT cluster_id, sum(probability) AS complaints FROM api.cluster_links GROUP BY 1) k
             ON k.cluster_id = c.cluster_id
        WHERE coalesce(c.ended_at, 'infinity') > coalesce(%(since)s, '-infinity'::timestamptz)
        ORDER BY c.silent_users DESC NULLS LAST, c.started_at DESC
        """,
        {"since": since},
    )
