"""Puts the running program together: database, jobs on a schedule, metrics, and an orderly end."""

import signal
import threading
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import psycopg
from apscheduler.schedulers.background import BackgroundScheduler

from cemaphore import privatedb
from cemaphore.running.jobs import Jobs
from cemaphore.running.leading import Lease
from cemaphore.running.logs import adopt_libraries, configure
from cemaphore.running.metrics import Metrics
from cemaphore.running.ops import OpsServer
from cemaphore.settings import Settings
from records.errors import CemaphoreError
from store.connection import connect

_SCHEDULER: Any = BackgroundScheduler  # APScheduler 3 has no types


def run(settings: Settings, *, every_s: float, stable_s: float, once: bool = False) -> bool:
    """Run until SIGTERM or SIGINT, or every job once; returns whether the last run of every job went well.

    Raises ConfigError where the metrics' port is taken or the settings are wrong.
    """
    log = configure(settings.log_level)
    adopt_libraries(settings.log_level)
    dsn = privatedb.ensure(settings)
    metrics, lease = Metrics(), Lease(dsn)
    jobs = Jobs(dsn, settings, metrics, lease, log, stable_s)
    try:
        if once:
            results = [jobs.run(name) for name in jobs.names]  # every job, also after one that failed
            return all(results)
        settings.watch_folder.mkdir(parents=True, exist_ok=True)
        with OpsServer(settings.host, settings.ops_port, metrics, lambda: _answers(dsn)) as ops:
            log.info("running", port=ops.port, folder=str(settings.watch_folder), every_s=every_s)
            _until_stopped(jobs, every_s)
        log.info("stopped")
        return True
    finally:
        lease.release()


def _until_stopped(jobs: Jobs, every_s: float) -> None:
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    scheduler = _SCHEDULER(
        timezone=UTC,
        executors={"default": {"type": "threadpool", "max_workers": len(jobs.names)}},
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    for name in jobs.names:
        scheduler.add_job(jobs.run, "interval", args=[name], id=name, seconds=every_s, next_run_time=datetime.now(UTC))
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.shutdown(wait=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _answers(dsn: str) -> bool:
    try:
        with connect(dsn, autocommit=True, statement_timeout_s=2) as connection:
            return connection.execute("SELECT to_regclass('cem.session')").fetchone() != (None,)
    except (CemaphoreError, psycopg.Error):
        return False
