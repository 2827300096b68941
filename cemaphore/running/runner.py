"""One run of a job from its claim to its end: who may run it, where it runs, and what is told and written of it."""

import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Protocol

from cemaphore.running.clock import Clock
from cemaphore.running.jobs import Jobs, Log
from cemaphore.running.leading import Lease
from cemaphore.running.metrics import Metrics
from cemaphore.running.schedule import DAY_S, SOURCE, Lane, lane_of, limit_s, slot_of
from cemaphore.running.work import Done, Failure
from cemaphore.running.worker import bounded, named, perform
from cemaphore.settings import Settings
from records.errors import TransientError
from store import slots
from store.connection import Connection
from store.slots import Claim

_TELL_THEMSELVES = ("score",)  # it writes its runs down itself


class Place(Protocol):
    """Where jobs run."""

    def run(self, job: str, limit_s: float) -> Done:
        """Run a job and wait for it."""


class Here:
    """Runs jobs in this process, one after the other: for `cem run --once`, whose caller ends what takes too long."""

    def __init__(self, dsn: str, lanes: Mapping[Lane, Jobs], clock: Clock, log: Log, instance: str) -> None:
        self._dsn, self._lanes, self._clock, self._log, self._instance = dsn, lanes, clock, log, instance

    def run(self, job: str, limit_s: float) -> Done:
        """Run a job; its statements end at the limit."""
        lane = lane_of(job)
        dsn = bounded(named(self._dsn, self._instance, lane), limit_s)
        return perform(self._lanes[lane].work[job], job, dsn, self._clock, self._log)


class Runner:
    """Runs jobs where this program leads: each slot of a job once among all programs of a database."""

    def __init__(
        self, settings: Settings, lease: Lease, metrics: Metrics, log: Log, clock: Clock, where: Callable[[str], Place]
    ) -> None:
        self._settings, self._lease, self._metrics, self._log = settings, lease, metrics, log
        self._clock, self._where = clock, where
        self._guard = threading.Lock()
        self._running: dict[str, float] = {}
        self._stopping = False

    def stop(self) -> None:
        """Claim nothing more, also not the rest of chains that run."""
        self._stopping = True

    def chain(self, jobs: Sequence[str], every_s: float, *, daily: bool = False) -> bool:
        """Run jobs one after the other, all in the slot that it is now; returns whether all went well."""
        if daily:
            now = self._clock.now()
            slot, every_s = now.replace(hour=0, minute=0, second=0, microsecond=0), DAY_S
        else:
            slot = slot_of(datetime.now(UTC), every_s)
        results = [self.run(job, slot, every_s, again=daily) for job in jobs]  # every job, also after one that failed
        return all(results)

    def run(self, job: str, slot: datetime, every_s: float, *, again: bool = False) -> bool:
        """Run a job in a slot; False where it failed, True also where this program does not lead or another ran it."""
        if self._stopping or not self._lease.leads:
            return True
        began = datetime.now(UTC)
        try:
            claimed = self._lease.use(
                lambda connection: slots.claim(connection, job, slot, self._lease.instance, every_s, again=again)
            )
        except TransientError:
            return True
        if claimed is None:
            return True
        self._note(job, claimed)
        with self._guard:
            self._running[job] = time.monotonic()
        try:
            done = self._where(job).run(job, limit_s(job, self._settings.job_limits_s))
        finally:
            with self._guard:
                self._running.pop(job, None)
        self._end(job, slot, began, done)
        return done.error is None

    def overlapped(self, job: str) -> None:
        """Count a slot in which a job could not start because its last run still goes on."""
        self._metrics.overlapped.labels(job).inc()

    @property
    def running(self) -> Mapping[str, float]:
        """The jobs that run, and for how long (seconds)."""
        with self._guard:
            return {job: time.monotonic() - began for job, began in self._running.items()}

    def _note(self, job: str, claimed: Claim) -> None:
        if claimed.missed:
            self._metrics.missed.labels(job).inc(claimed.missed)
        if claimed.attempt > 1:
            self._log.info("job again", job=job, attempt=claimed.attempt)

    def _end(self, job: str, slot: datetime, began: datetime, done: Done) -> None:
        self._metrics.ended(job, done)
        log = self._log.bind(job=job, slot=slot.isoformat(), seconds=round(done.seconds, 3))
        if done.failure is Failure.LIMIT:
            log.error("job was ended at its limit")
        elif done.error is not None:
            log.error("job failed", error=done.error, kind=str(done.failure))
        else:
            tell = log.info if done.worked and not job.startswith(SOURCE) else log.debug
            tell("job done", **{name: value for name, value in done.counts.items() if name != "seconds"})
        with suppress(TransientError):  # a lost lead: whoever takes it next closes the slot
            self._lease.use(lambda connection: self._write(connection, job, slot, began, done))

    def _write(self, connection: Connection, job: str, slot: datetime, began: datetime, done: Done) -> None:
        """Close the slot, and write the run down where it did anything."""
        if done.killed:
            slots.end_connections(connection, f"{slots.JOB_CONNECTION} {self._lease.instance} {lane_of(job)}")
        slots.finish(connection, job, slot, self._lease.instance, done.failure)
        told = job in _TELL_THEMSELVES and done.failure is None
        if told or (done.error is None and (job.startswith(SOURCE) or not done.worked)):
            return
        connection.execute(
            "INSERT INTO cem.run (job, started_at, finished_at, ok, counts, error, seconds) "
            "VALUES (%s, %s, now(), %s, %s, %s, %s)",
            [job, began, done.error is None, json.dumps(done.counts, default=str), done.failure, done.seconds],
        )
