"""Figures that the leading program reads from the database for Prometheus: its progress, and the experience."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from prometheus_client import CollectorRegistry, Gauge

from records.windows import QUARTER
from store import detections, gauges, housekeeping
from store.connection import Connection

MOST_GROUPS = 50  # regions and apps with the most users that become labels, each (own)
_NAN = float("nan")
_ALERT_STATES = ("pending", "firing", "acknowledged", "silenced")


class Figures:
    """Gauges of what the database holds; without a refresh, or after `clear`, they say nothing instead of old things.

    Groups of fewer users than `k_anonymity` have none, and no person is ever a label.
    """

    def __init__(self, registry: CollectorRegistry, spill: Path) -> None:
        self._registry, self._spill = registry, spill
        self._labelled: list[Gauge] = []
        self._plain: list[Gauge] = []
        self._lag = self._gauge("cem_source_lag_seconds", "Age of a source's newest record.", "source")
        self._lateness = self._gauge(
            "cem_source_lateness_seconds",
            "Time from event to arrival that 95 % of a source's records kept in its newest assessed window.",
            "source", "kind",
        )  # fmt: skip
        self._behind = self._gauge(
            "cem_scores_behind_seconds",
            "Newest event that a source gave, less its newest scored one.",
            "source",
            "kind",
        )
        self._window_age = self._gauge("cem_window_age_seconds", "Time since the end of the newest scored window.")
        self._judged_age = self._gauge(
            "cem_judged_window_age_seconds", "Time since the end of the newest window that alert rules judged."
        )
        self._dirty = self._gauge("cem_dirty_windows", "Windows with rows that no score holds yet.", "kind")
        self._deliveries = self._gauge("cem_deliveries_waiting", "Messages that were not taken yet.")
        self._delivery_age = self._gauge("cem_delivery_oldest_seconds", "Age of the oldest message not taken yet.")
        self._spilled = self._gauge("cem_spill_bytes", "What listeners of this home keep on disk for the database.")
        self._connections = self._gauge("cem_database_connections", "Connections to the database by state.", "state")
        self._most = self._gauge("cem_database_connections_max", "Connections that the server allows.")
        self._size = self._gauge("cem_database_size_bytes", "Size of the database.")
        self._backup = self._gauge("cem_backup_age_seconds", "Time since cem db backup last wrote one.")
        self._instances = self._gauge("cem_instances", "Running programs seen within the last minute.")
        self._index = self._gauge("cem_qoe_index", "Index of all users in the newest window, 0..100.", "dimension")
        self._region = self._gauge("cem_qoe_region_index", "Overall index of a region, 0..100.", "region")
        self._app = self._gauge("cem_qoe_app_index", "Overall index of an app, 0..100.", "app")
        self._users = self._gauge("cem_qoe_users", "Users in the newest scored window.")
        self._bad = self._gauge("cem_qoe_bad_sessions_ratio", "Share of bad sessions in the newest scored window.")
        self._clusters = self._gauge("cem_open_clusters", "Clusters that have not ended.", "dimension")
        self._hurt = self._gauge("cem_users_hurt", "Users hurt by clusters that have not ended.")
        self._alerts = self._gauge("cem_alerts", "Alerts that are not resolved.", "state")
        self.clear()

    def clear(self) -> None:
        """Forget everything: this program does not lead, or the database does not answer."""
        for gauge in self._labelled:
            gauge.clear()
        for gauge in self._plain:
            gauge.set(_NAN)

    def refresh(self, connection: Connection, sources: Sequence[str], now: datetime) -> None:
        """Read everything anew; `now` is the clock's, which scored windows are measured against."""
        self.clear()
        self._of_sources(connection, sources, now)
        self._of_queues(connection)
        self._of_experience(connection, now)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        gauge = Gauge(name, text, labels, registry=self._registry)
        (self._labelled if labels else self._plain).append(gauge)
        return gauge

    def _of_sources(self, connection: Connection, sources: Sequence[str], now: datetime) -> None:
        for source, newest in gauges.newest_records(connection, sources):
            self._lag.labels(source).set((now - newest).total_seconds())
        for source, kind, seconds in gauges.lateness(connection, sources):
            self._lateness.labels(source, kind).set(seconds)
        for source, kind, seconds in gauges.behind(connection, sources):
            self._behind.labels(source, kind).set(seconds)

    def _of_queues(self, connection: Connection) -> None:
        for kind, count in gauges.dirty_windows(connection):
            self._dirty.labels(kind).set(count)
        waiting, age_s = gauges.deliveries(connection)
        self._deliveries.set(waiting)
        self._delivery_age.set(age_s)
        self._spilled.set(sum(path.stat().st_size for path in self._spill.rglob("*.spill")))
        for state, count in gauges.connections(connection):
            self._connections.labels(state).set(count)
        self._most.set(gauges.most_connections(connection))
        self._size.set(housekeeping.size_bytes(connection))
        self._instances.set(gauges.instances(connection))
        if (backed_up := housekeeping.last_backup(connection)) is not None:
            self._backup.set((datetime.now(UTC) - backed_up).total_seconds())

    def _of_experience(self, connection: Connection, now: datetime) -> None:
        for dimension, count in gauges.open_clusters(connection):
            self._clusters.labels(dimension).set(count)
        hurt = gauges.users_hurt(connection)
        self._hurt.set(_NAN if hurt is None else hurt)
        counts = dict(gauges.alerts(connection))
        for state in _ALERT_STATES:
            self._alerts.labels(state).set(counts.get(state, 0))
        if (judged := detections.newest(connection, "alerts")) is not None:
            self._judged_age.set((now - judged - QUARTER).total_seconds())
        newest = gauges.newest_window(connection)
        if newest is None:
            return
        self._window_age.set((now - newest.end).total_seconds())
        self._users.set(newest.users)
        self._bad.set(_NAN if newest.bad_ratio is None else newest.bad_ratio)
        for dimension, value in newest.indices.items():
            self._index.labels(dimension).set(_NAN if value is None else value)
        for gauge, attribute in ((self._region, "region"), (self._app, "app")):
            for name, value in gauges.groups(connection, attribute, newest.start, MOST_GROUPS):
                gauge.labels(name).set(value)
