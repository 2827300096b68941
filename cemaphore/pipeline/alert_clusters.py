"""Clusters as alerting sees them at a window's end, with nothing of what came later; and where cells and sites lie."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from alerts.judging import ClusterSeen
from alerts.signals import Geography
from qoe.clusters.tracking import QUIET
from records.windows import QUARTER
from store import alert_series
from store import clusters as stored
from store.clusters import ClusterRow
from store.connection import Connection

Window = tuple[datetime, int, float, float]

_RECENT = 3  # windows that say whether a cluster still hurts (own)
_LONGEST = timedelta(days=7)  # of a cluster's windows that its severity is counted over


@dataclass(frozen=True, kw_only=True)
class ClusterWindows:
    """A stored cluster with its windows (start, n, bad, expected)."""

    row: ClusterRow
    windows: Sequence[Window]

    def seen(self, end: datetime) -> ClusterSeen | None:
        """The cluster as it stood at `end`; None before its detection, and once it was over for long."""
        row = self.row
        if row.detected_at > end:
            return None
        ended = row.ended_at is not None and row.ended_at + QUIET * QUARTER <= end
        past = [each for each in self.windows if each[0] < end]
        life = [each for each in past if row.ended_at is None or each[0] < row.ended_at] or past
        n, bad, expected = _sums(life)
        last = [each for each in past if each[0] >= end - _RECENT * QUARTER]
        recent = _sums(last) if len(last) == _RECENT else None
        newest = past[-1] if past and past[-1][0] == end - QUARTER else None
        return ClusterSeen(
            cluster_id=row.cluster_id,
            over=row.over_kind,
            selector=row.selector,
            started_at=row.started_at,
            detected_at=row.detected_at,
            ended=ended,
            users_hurt=row.users_hurt,
            n=n,
            bad=bad,
            expected=expected,
            last_excess=0.0 if newest is None else newest[2] - newest[3],
            recent=recent,
        )


def _sums(windows: Sequence[Window]) -> tuple[float, float, float]:
    return sum(each[1] for each in windows), sum(each[2] for each in windows), sum(each[3] for each in windows)


def alive(connection: Connection, start: datetime, end: datetime) -> list[ClusterWindows]:
    """The clusters that were open at some time in [start, end)."""
    rows = stored.between(connection, start, end)
    windows = stored.windows_between(connection, [row.cluster_id for row in rows], start - _LONGEST, end)
    return [ClusterWindows(row=row, windows=windows.get(row.cluster_id, [])) for row in rows]


def geography(connection: Connection) -> Geography:
    """Where cells and sites lie, as the inventory has it now."""
    rows = alert_series.places(connection)
    return Geography(
        site_of_cell={cell: site for cell, site, _ in rows if site},
        region_of_cell={cell: region for cell, _, region in rows if region},
        region_of_site={site: region for _, site, region in rows if site and region},
    )
