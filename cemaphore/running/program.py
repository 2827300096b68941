"""Puts the running program together: lease, worker processes, schedule, metrics, and an orderly end."""

import signal
import threading
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import psycopg

from cemaphore import privatedb
from cemaphore.running.clock import Clock
from cemaphore.running.figures import Figures
from cemaphore.running.health import Pulse, unready
from cemaphore.running.jobs import Log, jobs_of
from cemaphore.running.lane import LaneProcess, lanes_of
from cemaphore.running.leading import Lease
from cemaphore.running.logs import adopt_libraries, configure
from cemaphore.running.metrics import Metrics
from cemaphore.running.notifying import notify
from cemaphore.running.ops import OpsServer
from cemaphore.running.runner import Here, Runner
from cemaphore.running.schedule import SOURCE, Chain, Lane, chains, lane_of
from cemaphore.running.turns import scheduled
from cemaphore.running.worker import named
from cemaphore.settings import Settings
from records.errors import CemaphoreError, TransientError
from store import slots
from store.connection import connect

_PULSE_S, _FIGURES_S = 1.0, 15.0
_STOP_S = 25.0  # what runs may end by itself for so long after SIGTERM (own: below the 30 s of most supervisors)


def run(settings: Settings, *, every_s: float, stable_s: float, once: bool = False, clock: Clock | None = None) -> bool:
    """Run until SIGTERM or SIGINT, or every job once; returns whether the last run of every job went well.

    Raises ConfigError where the metrics' port is taken or the settings are wrong, TransientError where the jobs are to
    run once and another program leads.
    """
    log = configure(settings.log_level)
    adopt_libraries(settings.log_level)
    clock = clock or Clock()
    dsn = privatedb.ensure(settings)
    if once:
        return _once(settings, dsn, log, clock, stable_s)
    settings.watch_folder.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        program = Program(settings, dsn, log, clock, every_s, stable_s)
        stack.callback(program.close)
        ops = OpsServer(
            settings.host, settings.ops_port, program.metrics, healthy=program.pulse.faults, ready=program.unready
        )
        stack.enter_context(ops)
        program.start()
        log.info("running", port=ops.port, folder=str(settings.watch_folder), every_s=every_s)
        _until_stopped(program)
    log.info("stopped")
    return True


def _once(settings: Settings, dsn: str, log: Log, clock: Clock, stable_s: float) -> bool:
    lease = Lease(dsn)
    with ExitStack() as stack:
        lanes = {}
        for lane in Lane:
            lanes[lane] = jobs_of(lane, settings, log, clock, stable_s)
            stack.callback(lanes[lane].close)
        stack.callback(lease.release)
        lease.start()
        if not lease.beat():
            raise TransientError("another program leads, and runs the jobs; none was run here")
        here = Here(dsn, lanes, clock, log, lease.instance)
        runner = Runner(settings, lease, Metrics(), log, clock, lambda job: here)
        names = [job for jobs in lanes.values() for job in jobs.work]
        slot = datetime.now(UTC)  # of its own: who calls says when
        results = [runner.run(name, slot, 1.0) for name in names]  # every job, also after one that failed
        return all(results)


class Program:
    """The parts of a running program."""

    def __init__(self, settings: Settings, dsn: str, log: Log, clock: Clock, every_s: float, stable_s: float) -> None:
        self._settings, self._dsn, self._log, self._clock, self._every_s = settings, dsn, log, clock, every_s
        self.metrics = Metrics()
        self._figures = Figures(self.metrics, settings.home / "spill")
        self._figures_guard = threading.Lock()
        self._lease = Lease(dsn, changed=self._changed)
        self.pulse = Pulse(self._lease, self._down)
        self._scheduler: Any = None
        self._jobs: list[str] = []
        self._lanes: Mapping[Lane, LaneProcess] = {}
        self._lanes = self._started(stable_s)
        self._sources = [source for lane in self._lanes.values() for source in lane.sources]
        self.metrics.sources = frozenset(source.name for source in self._sources)
        self._runner = Runner(settings, self._lease, self.metrics, log, clock, lambda job: self._lanes[lane_of(job)])
        self.metrics.watch(
            lambda: self._runner.running,
            lambda: {lane: process.resident_bytes for lane, process in self._lanes.items()},
        )

    def start(self) -> None:
        """Turn the schedule and try for the lead."""
        planned = chains(self._every_s, self._settings.deliver_every_s)
        asked = [
            Chain(jobs=(SOURCE + one.name,), lane=Lane.INTAKE, every_s=one.interval_s)
            for one in self._sources
            if one.interval_s
        ]
        self._jobs = [job for chain in (*planned, *asked) for job in chain.jobs]
        own = {"pulse": (self._beat, _PULSE_S), "figures": (self._refresh, _FIGURES_S)}
        self._scheduler = scheduled(self._runner, planned, asked, own, self._log)
        self._scheduler.start()
        self._lease.start()

    def unready(self) -> list[str]:
        """What is missing for work."""
        return [*unready(self._dsn, self._settings.home)]

    def stop(self) -> None:
        """Start nothing new, and let what runs end by itself for a while; `close` ends the rest."""
        self._runner.stop()
        self._scheduler.pause()
        for job in self._scheduler.get_jobs():
            self._scheduler.remove_job(job.id)
        deadline = time.monotonic() + _STOP_S
        while self._runner.running and time.monotonic() < deadline:
            time.sleep(0.05)
        for job in self._runner.running:
            self._log.warning("job was ended: the program stops", job=job)

    def close(self) -> None:
        """End the worker processes with all that still runs in them, and give the lead away."""
        for lane in self._lanes.values():
            lane.close()
        if self._scheduler is not None:
            self._scheduler.shutdown(wait=True)
        self._lease.release()

    def _down(self) -> Mapping[str, float]:
        return {lane: process.down_s for lane, process in self._lanes.items()}

    def _started(self, stable_s: float) -> Mapping[Lane, LaneProcess]:
        def ended(lane: Lane, reason: str) -> None:
            self.metrics.restarts.labels(lane).inc()
            self._log.warning("worker process replaced", lane=lane, reason=reason)

        def dsn_of(lane: Lane) -> str:
            return named(self._dsn, self._lease.instance, lane)

        return lanes_of(dsn_of, self._settings, self._clock, stable_s, ended)

    def _changed(self, leads: bool) -> None:
        """Begin with all jobs where this program has the lead now; end those that run where it has lost it."""
        self.metrics.leads.set(leads)
        if leads:
            self._log.info("leading", instance=self._lease.instance, lost_slots=self._lease.lost_slots)
            with suppress(TransientError):  # lost again: whoever takes the lead next tells it
                self.metrics.expect(self._jobs, self._lease.use(lambda lead: slots.succeeded(lead, self._jobs)))
            for job in self._scheduler.get_jobs():
                self._scheduler.modify_job(job.id, next_run_time=datetime.now(UTC))
            return
        self._log.warning("not leading any more", instance=self._lease.instance)
        for lane in self._lanes.values():
            if lane.busy:
                lane.kill()
        with self._figures_guard:
            self._figures.clear()

    def _beat(self) -> None:
        self.pulse.beat()
        if not self.pulse.faults():
            notify("WATCHDOG=1")

    def _refresh(self) -> None:
        """Read the figures where this program leads; where the database does not answer there are none."""
        with self._figures_guard:
            if not self._lease.leads:
                return
            try:
                with connect(self._dsn, autocommit=True, statement_timeout_s=_FIGURES_S) as connection:
                    self._figures.refresh(connection, [source.name for source in self._sources], self._clock.now())
            except (CemaphoreError, psycopg.Error) as error:
                self._figures.clear()
                self._log.warning("figures not read", kind=type(error).__name__)


def _until_stopped(program: Program) -> None:
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        notify("READY=1")
        stop.wait()
        notify("STOPPING=1")
        program.stop()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
