"""What the running program tells Prometheus about its own work; names and units after Prometheus's conventions."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric

from cemaphore.running.work import OUTCOMES, Done

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
OTHER_SOURCE = "other"
_BUCKETS_S = (0.05, 0.2, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0)

# A second series for each of ours, which no rule reads.
disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no types


class Metrics:
    """A registry of its own, so that two programs in one process do not mix.

    `sources` are set to those of `sources.toml`: what comes from any other is "other", so that no file names a label.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.whole = threading.Lock()  # held while figures that belong together change
        self.sources: frozenset[str] = frozenset()
        self._began = time.time()
        ProcessCollector(registry=registry)
        self.records = Counter(
            "cem_ingest_records", "Records that were taken in, by what became of them.", ["source", "result"],
            registry=registry,
        )  # fmt: skip
        self.up = Gauge("cem_source_up", "1 where a source answered when last asked.", ["source"], registry=registry)
        self.seconds = Histogram(
            "cem_job_duration_seconds", "How long runs of a job took.", ["task"], buckets=_BUCKETS_S, registry=registry
        )
        self.succeeded = Gauge(
            "cem_job_last_success_timestamp_seconds",
            "When a job last succeeded; where it never did, the program's start.",
            ["task"],
            registry=registry,
        )
        self.failures = Counter(
            "cem_job_failures", "Runs of a job that failed, by the kind of fault.", ["task", "kind"], registry=registry
        )
        self.missed = Counter(
            "cem_job_missed", "Slots of a job in which no program ran it.", ["task"], registry=registry
        )  # fmt: skip
        self.overlapped = Counter(
            "cem_job_overlapped", "Slots of a job that came while its last run still went on.", ["task"],
            registry=registry,
        )  # fmt: skip
        self.restarts = Counter(
            "cem_worker_restarts", "Worker processes that ended and were replaced.", ["lane"], registry=registry
        )
        self.leads = Gauge("cem_leader", "1 where this program runs the jobs.", registry=registry)

    def expect(self, jobs: Iterable[str], succeeded: Mapping[str, datetime]) -> None:
        """Tell of each job when it last succeeded, or that it has not since this program began.

        So a job that fails from the start is missed as well as one that stops to succeed.
        """
        for job in jobs:
            last = succeeded.get(job)
            self.succeeded.labels(job).set(self._began if last is None else last.timestamp())

    def ended(self, job: str, done: Done) -> None:
        """Count a run and what it heard of sources."""
        self.seconds.labels(job).observe(done.seconds)
        if done.failure is None:
            self.succeeded.labels(job).set_to_current_time()
        else:
            self.failures.labels(job, done.failure.value).inc()
        for one in done.news:
            source = one.source if one.source in self.sources else OTHER_SOURCE
            for outcome in OUTCOMES:
                self.records.labels(source, outcome).inc(getattr(one, outcome))
            if one.up is not None:
                self.up.labels(source).set(one.up)

    def watch(self, running: Callable[[], Mapping[str, float]], resident: Callable[[], Mapping[str, int]]) -> None:
        """Tell, whenever asked, the runs that go on with their seconds, and the memory of the worker processes."""
        self.registry.register(_Live(running, resident))

    def text(self) -> bytes:
        """All of it as Prometheus reads it."""
        with self.whole:
            return generate_latest(self.registry)


class _Live:
    """What is only known at the moment of asking."""

    def __init__(self, running: Callable[[], Mapping[str, float]], resident: Callable[[], Mapping[str, int]]) -> None:
        self._running, self._resident = running, resident

    def collect(self) -> Iterable[Metric]:
        """The samples of now."""
        running = GaugeMetricFamily(
            "cem_job_running_seconds", "For how long the present run of a job goes on.", labels=["task"]
        )
        for job, seconds in self._running().items():
            running.add_metric([job], seconds)
        memory = GaugeMetricFamily(
            "cem_worker_resident_memory_bytes", "Memory of a worker process.", labels=["lane"]
        )  # fmt: skip
        for lane, size in self._resident().items():
            memory.add_metric([lane], size)
        return [running, memory]
