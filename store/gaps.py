"""How good the data of each source were lately: what came against what was expected, and when nothing did."""

from datetime import datetime

import pandas as pd

from store.connection import Connection
from store.screens import frame


def deliveries(connection: Connection, since: datetime) -> pd.DataFrame:
    """Return by source and kind since then: windows, received, expected (missing while learning), late, lateness_p95_s.

    The lateness is the worst 15-minute window's 95th percentile.
    """
    return frame(
        connection,
        """
        SELECT source, kind, count(*) AS windows, sum(received) AS received, sum(expected) AS expected,
               sum(late) AS late, sum(duplicate) AS duplicate, max(lateness_p95_s) AS lateness_p95_s
        FROM api.source_windows WHERE start >= %(since)s GROUP BY source, kind ORDER BY kind, source
        """,
        {"since": since},
    )


def gaps(connection: Connection, since: datetime, limit: int) -> pd.DataFrame:
    """Return the spans since then in which a source was silent or out, the newest first.

    Columns source, kind, state, start, end, received, expected, reason; neighbouring windows of one state are one span.
    """
    return frame(
        connection,
        """
        SELECT source, kind, state, min(start) AS start, max(start) + INTERVAL '15 minutes' AS "end",
               sum(received) AS received, sum(expected) AS expected, max(reason) AS reason
        FROM (SELECT w.*, start - INTERVAL '15 minutes' * row_number() OVER (PARTITION BY source, kind, state
                                                                             ORDER BY start) AS island
              FROM api.source_windows w WHERE start >= %(since)s AND blank) blanks
        GROUP BY source, kind, state, island ORDER BY min(start) DESC, kind, source LIMIT %(limit)s
        """,
        {"since": since, "limit": limit},
    )
