"""Experience now: the indices of everyone against what is usual at this time of day, and who is hurt more than that."""

from dataclasses import dataclass
from datetime import datetime, timedelta

import pandas as pd

from store.connection import Connection
from store.screens import frame

INDICES = ("overall", "network", "device", "app", "service")
HISTORY_DAYS = 28  # days whose same hour says what is usual (own)
LEAST_DAYS = 3  # with fewer there is nothing usual yet (own)
STANDARD_ERRORS = 2.0  # more bad sessions than expected by so much are no chance (own; one-sided 97.7 %)


@dataclass(frozen=True, kw_only=True)
class Measure:
    """One index in the newest hour, and the median and the 10th and 90th percentile of the same hour on `days` days."""

    name: str
    now: float | None
    lo: float | None
    hi: float | None
    usual: float | None
    usual_lo: float | None
    usual_hi: float | None
    days: int


@dataclass(frozen=True, kw_only=True)
class Now:
    """The newest hour of everyone: its start, users, sessions, and its bad share against the expected one."""

    start: datetime
    users: int
    sessions: int
    bad_ratio: float | None
    expected_ratio: float | None
    measures: tuple[Measure, ...]


def now(connection: Connection) -> Now | None:
    """Return the newest hour against the same hour of the days before; None when nothing is scored."""
    rows = frame(
        connection,
        """
        SELECT g.* FROM api.groups g, (
            SELECT start FROM api.groups WHERE grain = 'hour' AND attribute = 'all' ORDER BY start DESC LIMIT 1) newest
        WHERE g.grain = 'hour' AND g.attribute = 'all' AND g.start > newest.start - make_interval(days => %(days)s + 1)
          AND extract(epoch FROM newest.start - g.start)::bigint %% 86400 = 0
        ORDER BY g.start DESC
        """,
        {"days": HISTORY_DAYS},
    )
    if rows.empty:
        return None
    newest, before = rows.iloc[0], rows.iloc[1:]
    return Now(
        start=newest["start"].to_pydatetime(),
        users=int(newest["n_users"]),
        sessions=int(newest["n"]),
        bad_ratio=_known(newest["bad_ratio"]),
        expected_ratio=_known(newest["expected_ratio"]),
        measures=tuple(_measure(newest, before, name) for name in INDICES),
    )


def _measure(newest: pd.Series, before: pd.DataFrame, name: str) -> Measure:
    known = before[name].dropna().astype(float)
    enough = len(known) >= LEAST_DAYS
    low, middle, high = known.quantile([0.1, 0.5, 0.9]) if enough else (None, None, None)
    shown = {key: _known(newest[f"{name}{end}"]) for key, end in (("now", ""), ("lo", "_lo"), ("hi", "_hi"))}
    return Measure(name=name, **shown, usual=middle, usual_lo=low, usual_hi=high, days=len(known))


def _known(value: float | None) -> float | None:
    return None if value is None or pd.isna(value) else float(value)


def hurt(connection: Connection, limit: int) -> pd.DataFrame:
    """Return the tiers, segments, plans and regions with surely more bad sessions than expected in the newest hour.

    Columns attribute, value, n_users, n, bad_ratio, expected_ratio, excess (bad sessions beyond the expected), by it.
    """
    return frame(
        connection,
        """
        SELECT attribute, value, n_users, n, bad_ratio, expected_ratio, (bad_ratio - expected_ratio) * n AS excess
        FROM api.groups
        WHERE grain = 'hour' AND attribute IN ('vip_level', 'segment', 'plan', 'region')
          AND start = (SELECT start FROM api.groups WHERE grain = 'hour' AND attribute = 'all'
                       ORDER BY start DESC LIMIT 1)
          AND (bad_ratio - expected_ratio) * n
              > %(errors)s * sqrt(greatest(expected_ratio * (1 - expected_ratio) * n, 1))
        ORDER BY excess DESC LIMIT %(limit)s
        """,
        {"errors": STANDARD_ERRORS, "limit": limit},
    )


def complaints_today(connection: Connection, day_start: datetime, until: datetime) -> tuple[int, float | None]:
    """Return the complaints made in [day_start, until), and the median of the same span of the days before.

    The median is None when complaints are known of fewer than `LEAST_DAYS` days.
    """
    first = day_start - timedelta(days=HISTORY_DAYS)
    counts = frame(
        connection,
        "SELECT start, complaints FROM api.complaint_counts(%(first)s, %(until)s)",
        {"first": first, "until": until},
    )
    if counts.empty:
        return 0, None
    age = (counts["start"] - pd.Timestamp(day_start)) // pd.Timedelta(days=1)
    within = counts["start"] - pd.Timestamp(day_start) - age * pd.Timedelta(days=1) < until - day_start
    by_day = counts[within].groupby(age[within])["complaints"].sum()
    earlier = by_day.reindex(range(int(age.min()), 0), fill_value=0)
    return int(by_day.get(0, 0)), float(earlier.median()) if len(earlier) >= LEAST_DAYS else None


def recent_clusters(connection: Connection, since: datetime) -> pd.DataFrame:
    """Return the clusters that are open or ended after `since`: open ones first, then by severity times users."""
    return frame(
        connection,
        """
        SELECT c.*, (SELECT count(*) FROM api.cluster_links l
                     WHERE l.cluster_id = c.cluster_id AND l.probability >= 0.5) AS complaints
        FROM api.clusters c
        WHERE c.ended_at IS NULL OR c.ended_at > %(since)s
        ORDER BY c.ended_at IS NOT NULL, c.severity * c.users DESC NULLS LAST
        """,
        {"since": since},
    )
