"""Where things are: cells with their antennas, how each fared, and what is known of one of them over time."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import LiteralString

import pandas as pd

from store.connection import Connection
from store.screens import frame

_LONGEST_BY_HOUR = timedelta(hours=12)  # beyond it days are summed: an hour of all cells is thousands of rows


def cells(connection: Connection) -> pd.DataFrame:
    """Return the inventory: cell_id, site_id, rat, band, lat, lon, azimuth_deg, vendor, region, city, object_id,
    beamwidth_deg.
    """
    return frame(connection, "SELECT * FROM api.cells ORDER BY cell_id")


def cell_loads(connection: Connection, start: datetime | None, end: datetime | None) -> pd.DataFrame:
    """Return sessions, bad and expected bad ones by cell in [start, end), default the newest hour; k users at least.

    Columns cell_id, n, bad, expected (NaN where nothing is known of before).
    """
    long = start is not None and end is not None and end - start > _LONGEST_BY_HOUR
    return frame(
        connection,
        """
        SELECT value AS cell_id, sum(n) AS n, sum(bad) AS bad, sum(expected_ratio * n) AS expected
        FROM api.groups
        WHERE grain = %(grain)s AND attribute = 'cell'
          AND start >= CASE WHEN %(start)s::timestamptz IS NULL THEN (SELECT api.newest_window('hour'))
                            ELSE %(start)s END
          AND start < coalesce(%(end)s, 'infinity'::timestamptz)
        GROUP BY value
        """,
        {"grain": "day" if long else "hour", "start": start, "end": end},
    )


def trend(
    connection: Connection, attribute: str, value: str, grain: str, start: datetime, end: datetime
) -> pd.DataFrame:
    """Return one group's users, sessions, bad and expected share and indices by window, oldest first."""
    return frame(
        connection,
        "SELECT * FROM api.group_trend(%(attribute)s, %(value)s, %(grain)s, %(start)s, %(end)s)",
        {"attribute": attribute, "value": value, "grain": grain, "start": start, "end": end},
    )


_MEAN: LiteralString = """
SELECT kpi, date_bin(%(step)s, start, 'epoch') AS start, avg(value) AS value, min(lo) AS lo, max(hi) AS hi,
       avg(coverage) AS coverage, count(*) AS n
FROM api.kpi_series(%(objects)s, %(start)s, %(end)s)
WHERE value <> 'NaN' AND (%(kpis)s::text[] IS NULL OR kpi = ANY(%(kpis)s)) GROUP BY 1, 2 ORDER BY 1, 2
"""


def mean_kpis(
    connection: Connection,
    objects: Sequence[str],
    kpis: Sequence[str] | None,
    start: datetime,
    end: datetime,
    step: timedelta,
) -> pd.DataFrame:
    """Return the mean of each KPI over these objects by step, with the widest interval of any and the mean coverage."""
    given = {"objects": list(objects), "kpis": None if kpis is None else list(kpis), "step": step}
    return frame(connection, _MEAN, given | {"start": start, "end": end})


def alarms(connection: Connection, objects: Sequence[str], start: datetime, end: datetime) -> pd.DataFrame:
    """Return the alarms of these objects, cells or sites in [start, end), oldest first."""
    return frame(
        connection,
        "SELECT * FROM api.alarms_of(%(objects)s, %(start)s, %(end)s)",
        {"objects": list(objects), "start": start, "end": end},
    )


def clusters_at(connection: Connection, cell: str, site: str | None, region: str | None) -> pd.DataFrame:
    """Return the clusters whose place holds that cell, newest first."""
    return frame(
        connection,
        """
        SELECT c.*, (SELECT count(*) FROM api.cluster_links l
                     WHERE l.cluster_id = c.cluster_id AND l.probability >= 0.5) AS complaints
        FROM api.clusters c
        WHERE c.selector -> 'cell_id' ? %(cell)s OR c.selector -> 'cell' ? %(cell)s
           OR c.selector -> 'site_id' ? %(site)s OR c.selector -> 'site' ? %(site)s
           OR c.selector -> 'region' ? %(region)s
        ORDER BY c.started_at DESC LIMIT 50
        """,
        {"cell": cell, "site": site or "", "region": region or ""},
    )
