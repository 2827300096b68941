"""Rankings of devices, apps, servers, core nodes and cells by what they themselves add to experience."""

from datetime import date

import pandas as pd

from store.connection import Connection
from store.screens import frame


def ranking(connection: Connection, attribute: str, outcome: str) -> pd.DataFrame:
    """Return the newest joint effects of an attribute, the worst first, with verdict and the newest day's plain index.

    Columns value, n, users, effect, se, shrunk, lo, hi, day, version, verdict, not_network, parts by domain, and of the
    group: overall, bad_ratio, expected_ratio (missing below k users). `outcome` is quality (points) or
    failure (per cent).
    """
    return frame(
        connection,
        """
        SELECT e.value, e.n, e.users, e.effect, e.se, e.shrunk, e.lo, e.hi, e.day, e.version, v.verdict, v.not_network,
               v.network, v.device, v.app, v.server, v.core, g.overall, g.bad_ratio, g.expected_ratio
        FROM (SELECT * FROM api.effects
              WHERE outcome = %(outcome)s AND attribute = %(attribute)s
                AND day = (SELECT api.effects_day())) e
        LEFT JOIN (SELECT * FROM api.verdicts
                   WHERE attribute = %(attribute)s AND day = (SELECT api.effects_day())) v USING (value)
        LEFT JOIN (SELECT value, overall, bad_ratio, expected_ratio FROM api.groups
                   WHERE grain = 'day' AND attribute = %(attribute)s
                     AND start = (SELECT api.newest_window('day'))) g USING (value)
        ORDER BY CASE WHEN %(outcome)s = 'failure' THEN -e.shrunk ELSE e.shrunk END, e.value
        """,
        {"attribute": attribute, "outcome": outcome},
    )


def history(connection: Connection, attribute: str, value: str, outcome: str, since: date) -> pd.DataFrame:
    """Return one level's effect by day since then: start (the day), shrunk, lo, hi, oldest first."""
    return frame(
        connection,
        """
        SELECT day AS start, shrunk, lo, hi, n FROM api.effects
        WHERE outcome = %(outcome)s AND attribute = %(attribute)s AND value = %(value)s AND day >= %(since)s
        ORDER BY day
        """,
        {"attribute": attribute, "value": value, "outcome": outcome, "since": since},
    )
