"""What the running program tells Prometheus about itself and about the experience it sees."""

from datetime import UTC, datetime
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from store.connection import Connection

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_INDICES = ("overall", "network", "device", "app", "service")
_WATERMARKS = (
    "SELECT name, max(watermark) FROM cem.source JOIN cem.watermark USING (source_id) "
    "WHERE name = ANY(%s) GROUP BY name"
)
_BEHIND = "SELECT source, kind, behind_s FROM api.freshness WHERE source = ANY(%s) AND behind_s IS NOT NULL"


class Counted(Protocol):
    """What became of records."""

    @property
    def stored(self) -> int:
        """Records that are in now."""

    @property
    def duplicate(self) -> int:
        """Records that were in already."""

    @property
    def quarantined(self) -> int:
        """Records that were refused."""


class Metrics:
    """A registry of its own, so that two programs in one process do not mix."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.records = Counter(
            "cem_ingest_records", "Records that were collected.", ["outcome"], registry=self.registry
        )
        self.succeeded = Gauge(
            "cem_job_last_success_timestamp_seconds", "When a job last succeeded.", ["job"], registry=self.registry
        )
        self.failures = Counter("cem_job_failures", "Runs of a job that failed.", ["job"], registry=self.registry)
        self.seconds = Gauge("cem_job_seconds", "How long a job last took.", ["job"], registry=self.registry)
        self.index = Gauge(
            "cem_qoe_index", "Index of all users in the newest scored window, 0..100.", ["dimension"],
            registry=self.registry,
        )  # fmt: skip
        self.age = Gauge("cem_qoe_index_age_seconds", "Age of the newest scored window.", registry=self.registry)
        self.clusters = Gauge("cem_open_clusters", "Clusters that have not ended.", registry=self.registry)
        self.sources: frozenset[str] = frozenset()  # those of `sources.toml`: no other name becomes a label
        self.rows = Counter("cem_source_rows", "Rows that a source gave.", ["source"], registry=self.registry)
        self.lag = Gauge(
            "cem_source_lag_seconds", "Age of a source's newest record.", ["source"], registry=self.registry
        )
        self.behind = Gauge(
            "cem_scores_behind_seconds", "Newest event that a source gave, less its newest scored one.",
            ["source", "kind"], registry=self.registry,
        )  # fmt: skip
        self.up = Gauge(
            "cem_source_up", "1 where a source answered when last asked.", ["source"], registry=self.registry
        )
        self.leading = Gauge("cem_leading", "1 where this program runs the jobs.", registry=self.registry)

    def count(self, source: str, counts: Counted) -> None:
        """Count what was collected, by outcome and, for a source of the configuration, by its rows."""
        for outcome in ("stored", "duplicate", "quarantined"):
            self.records.labels(outcome).inc(getattr(counts, outcome))
        if source in self.sources:
            self.rows.labels(source).inc(counts.stored)

    def refresh(self, connection: Connection, now: datetime | None = None) -> None:
        """Read what the database knows of the newest window, and how far the sources are."""
        moment = now or datetime.now(UTC)
        for source, watermark in connection.execute(_WATERMARKS, [list(self.sources)]):
            self.lag.labels(source).set((moment - watermark).total_seconds())
        for source, kind, behind_s in connection.execute(_BEHIND, [list(self.sources)]):
            self.behind.labels(source, kind).set(behind_s)
        row = connection.execute("SELECT count(*) FROM cem.cluster WHERE ended_at IS NULL").fetchone()
        self.clusters.set(row[0] if row else 0)
        newest = connection.execute(
            "SELECT start, overall, network, device, app, service FROM cem.group_index "
            "WHERE grain = '15m' AND attribute = 'all' ORDER BY start DESC LIMIT 1"
        ).fetchone()
        if newest is None:
            return
        self.age.set((moment - newest[0]).total_seconds())
        for name, value in zip(_INDICES, newest[1:], strict=True):
            self.index.labels(name).set(float("nan") if value is None else value)

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        return generate_latest(self.registry)
