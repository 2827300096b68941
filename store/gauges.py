"""Small questions whose answers become metrics: each is cheap enough to be asked every few seconds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from store.connection import Connection

_INDICES = ("overall", "network", "device", "app", "service")
_QUARTER = timedelta(minutes=15)

Pairs = list[tuple[str, float]]


@dataclass(frozen=True, kw_only=True)
class Newest:
    """The newest scored 15-minute window over all users."""

    start: datetime
    users: int
    bad_ratio: float | None
    indices: Mapping[str, float | None]

    @property
    def end(self) -> datetime:
        """End of the window."""
        return self.start + _QUARTER


def newest_records(connection: Connection, sources: Sequence[str]) -> list[tuple[str, datetime]]:
    """Return the event time of the newest record of each of these sources."""
    return connection.execute(
        "SELECT name, max(watermark) FROM cem.source JOIN cem.watermark USING (source_id) "
        "WHERE name = ANY(%s) GROUP BY name",
        [list(sources)],
    ).fetchall()


def lateness(connection: Connection, sources: Sequence[str], since: datetime) -> list[tuple[str, str, float]]:
    """Return (source, kind, seconds): the lateness that 95 % kept in its newest assessed window from `since` on."""
    return connection.execute(
        "SELECT DISTINCT ON (name, kind) name, kind, lateness_p95_s FROM cem.source_window "
        "JOIN cem.source USING (source_id) WHERE name = ANY(%s) AND start > %s AND lateness_p95_s IS NOT NULL "
        "ORDER BY name, kind, start DESC",
        [list(sources), since],
    ).fetchall()


def behind(connection: Connection, sources: Sequence[str]) -> list[tuple[str, str, float]]:
    """Return (source, kind, seconds): newest event delivered less newest event scored."""
    return connection.execute(
        "SELECT source, kind, behind_s FROM api.freshness WHERE source = ANY(%s) AND behind_s IS NOT NULL",
        [list(sources)],
    ).fetchall()


def dirty_windows(connection: Connection) -> Pairs:
    """Return how many windows of each kind hold rows that are in no score yet; 0 for records of which none wait."""
    return connection.execute(
        "SELECT kind, count(DISTINCT window_start) FILTER (WHERE window_start IS NOT NULL)::float8 FROM cem.dirty "
        "RIGHT JOIN (SELECT kind FROM unnest(ARRAY['sessions', 'touchpoints', 'counters', 'days', 'periods']) "
        "AS kinds (kind) UNION SELECT kind FROM cem.dirty) AS known USING (kind) GROUP BY kind"
    ).fetchall()


def deliveries(connection: Connection) -> tuple[float, float]:
    """Return how many messages were not taken yet, and the age of the oldest (seconds, 0 without one)."""
    row = connection.execute(
        "SELECT count(*)::float8, coalesce(extract(epoch FROM clock_timestamp() - min(queued_at)), 0)::float8 "
        "FROM cem.delivery WHERE outcome = 'waiting'"
    ).fetchone()
    return (0.0, 0.0) if row is None else (row[0], max(row[1], 0.0))


def connections(connection: Connection) -> Pairs:
    """Return the connections to this database by state."""
    return connection.execute(
        "SELECT coalesce(state, 'unknown'), count(*)::float8 FROM pg_stat_activity "
        "WHERE datname = current_database() GROUP BY 1"
    ).fetchall()


def most_connections(connection: Connection) -> float:
    """Return how many connections the server allows."""
    row = connection.execute("SELECT current_setting('max_connections')::float8").fetchone()
    return float(row[0]) if row else 0.0


def instances(connection: Connection) -> float:
    """Return how many running programs were seen within the last minute."""
    row = connection.execute("SELECT count(*)::float8 FROM api.instances WHERE alive").fetchone()
    return float(row[0]) if row else 0.0


def open_clusters(connection: Connection) -> Pairs:
    """Return the clusters that have not ended, by dimension; all four are named."""
    return connection.execute(
        "SELECT name, count(cluster_id)::float8 FROM unnest(ARRAY['network', 'device', 'app', 'service']) AS d (name) "
        "LEFT JOIN cem.cluster c ON c.ended_at IS NULL AND c.dimension = d.name GROUP BY name"
    ).fetchall()


def users_hurt(connection: Connection) -> float | None:
    """Return how many users the clusters that have not ended hurt; None where they are fewer than k, and not 0."""
    row = connection.execute(
        "SELECT CASE WHEN n = 0 OR n >= api.k_anonymity() THEN n END::float8 FROM "
        "(SELECT count(DISTINCT customer_key) AS n FROM cem.cluster_user JOIN cem.cluster USING (cluster_id) "
        "WHERE ended_at IS NULL) AS hurt"
    ).fetchone()
    return row[0] if row else None


def alerts(connection: Connection) -> Pairs:
    """Return the alerts that are not resolved, by state."""
    return connection.execute(
        "SELECT state, count(*)::float8 FROM cem.alert WHERE resolved_at IS NULL GROUP BY state"
    ).fetchall()


def newest_window(connection: Connection) -> Newest | None:
    """Return the newest scored window; None before the first."""
    row = connection.execute(
        "SELECT start, n_users, bad / nullif(n, 0)::float8, overall, network, device, app, service "
        "FROM cem.group_index WHERE grain = '15m' AND attribute = 'all' ORDER BY start DESC LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    indices: dict[str, Any] = dict(zip(_INDICES, row[3:], strict=True))
    return Newest(start=row[0], users=row[1], bad_ratio=row[2], indices=indices)


def groups(connection: Connection, attribute: str, start: datetime, most: int) -> Pairs:
    """Return the overall index of the groups with the most users in a window, those of fewer than k left out."""
    return connection.execute(
        "SELECT value, overall FROM api.groups WHERE grain = '15m' AND attribute = %s AND start = %s "
        "AND overall IS NOT NULL AND n_users >= api.k_anonymity() ORDER BY n_users DESC, value LIMIT %s",
        [attribute, start, most],
    ).fetchall()
