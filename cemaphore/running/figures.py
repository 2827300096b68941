"""Figures that the leading program reads from the database for Prometheus: its progress, and the experience."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from prometheus_client import Gauge

from cemaphore.running.metrics import Metrics
from records.windows import QUARTER
from store import detections, gauges, housekeeping
from store.connection import Connection

MOST_GROUPS = 50  # regions and apps with the most users that become labels, each (own)
_LATELY = timedelta(days=2)  # how old a window may be whose lateness is told (own)
_NAN = float("nan")
_ALERT_STATES = ("pending", "firing", "acknowledged", "silenced")

Reading = tuple[Gauge, tuple[str, ...], float]  # a gauge, the values of its labels, and what was read


class Figures:
    """Gauges of what the database holds; without a refresh, or after `clear`, they say nothing instead of old things.

    Groups of fewer users than `k_anonymity` have none, and no person is ever a label.
    """

    def __init__(self, metrics: Metrics, spill: Path) -> None:
        self._registry, self._whole, self._spill = metrics.registry, metrics.whole, spill
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
        with self._whole:
            self._forget()

    def refresh(self, connection: Connection, sources: Sequence[str], now: datetime) -> None:
        """Read everything anew; `now` is the clock's, which scored windows are measured against.

        What was read before is told until all is read: a series that is missing for a moment ends the patience of the
        rules that look at it.
        """
        readings = [
            *self._of_sources(connection, sources, now),
            *self._of_queues(connection),
            *self._of_experience(connection, now),
        ]
        with self._whole:
            self._forget()
            for gauge, labels, value in readings:
                (gauge.labels(*labels) if labels else gauge).set(value)

    def _forget(self) -> None:
        for gauge in self._labelled:
            gauge.clear()
        for gauge in self._plain:
            gauge.set(_NAN)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        gauge = Gauge(name, text, labels, registry=self._registry)
        (self._labelled if labels else self._plain).append(gauge)
        return gauge

    def _of_sources(self, connection: Connection, sources: Sequence[str], now: datetime) -> Iterator[Reading]:
        for source, newest in gauges.newest_records(connection, sources):
            yield self._lag, (source,), (now - newest).total_seconds()
        for source, kind, seconds in gauges.lateness(connection, sources, now - _LATELY):
            yield self._lateness, (source, kind), seconds
        for source, kind, seconds in gauges.behind(connection, sources):
            yield self._behind, (source, kind), seconds

    def _of_queues(self, connection: Connection) -> Iterator[Reading]:
        for kind, count in gauges.dirty_windows(connection):
            yield self._dirty, (kind,), count
        waiting, age_s = gauges.deliveries(connection)
        yield self._deliveries, (), waiting
        yield self._delivery_age, (), age_s
        yield self._spilled, (), sum(path.stat().st_size for path in self._spill.rglob("*.spill"))
        for state, count in gauges.connections(connection):
            yield self._connections, (state,), count
        yield self._most, (), gauges.most_connections(connection)
        yield self._size, (), housekeeping.size_bytes(connection)
        yield self._instances, (), gauges.instances(connection)
        if (backed_up := housekeeping.last_backup(connection)) is not None:
            yield self._backup, (), (datetime.now(UTC) - backed_up).total_seconds()

    def _of_experience(self, connection: Connection, now: datetime) -> Iterator[Reading]:
        for dimension, count in gauges.open_clusters(connection):
            yield self._clusters, (dimension,), count
        hurt = gauges.users_hurt(connection)
        yield self._hurt, (), _NAN if hurt is None else hurt
        counts = dict(gauges.alerts(connection))
        for state in _ALERT_STATES:
            yield self._alerts, (state,), counts.get(state, 0)
        if (judged := detections.newest(connection, "alerts")) is not None:
            yield self._judged_age, (), (now - judged - QUARTER).total_seconds()
        newest = gauges.newest_window(connection)
        if newest is None:
            return
        yield self._window_age, (), (now - newest.end).total_seconds()
        yield self._users, (), newest.users
        yield self._bad, (), _NAN if newest.bad_ratio is None else newest.bad_ratio
        for dimension, index in newest.indices.items():
            yield self._index, (dimension,), _NAN if index is None else index
        for gauge, attribute in ((self._region, "region"), (self._app, "app")):
            for name, value in gauges.groups(connection, attribute, newest.start, MOST_GROUPS):
                yield gauge, (name,), value
