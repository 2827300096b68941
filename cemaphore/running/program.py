"""Puts the running program together: database, jobs on a schedule, metrics, and an orderly end."""

import signal
import threading
from collections.abc import Sequence
from datetime import UTC, datetime
from types import FrameType
from typing import Any

import psycopg
from apscheduler.schedulers.background import BackgroundScheduler

from cemaphore import privatedb
from cemaphore.running.asking import Asking, askings
from cemaphore.running.folders import watched
from cemaphore.running.jobs import Jobs
from cemaphore.running.leading import Lease
from cemaphore.running.logs import adopt_libraries, configure
from cemaphore.running.metrics import Metrics
from cemaphore.running.ops import OpsServer
from cemaphore.settings import Settings
from cemaphore.sources import load_sources
from records.errors import CemaphoreError
from store.connection import connect

# In each, one job after the other: what came in is assessed before it is scored, and that before it is searched.
_CHAINS = (("collect",), ("health", "score", "detect"), ("alert",))
_SOURCES_AT_ONCE = 12  # each holds three connections to the database

_SCHEDULER: Any = BackgroundScheduler  # APScheduler 3 has no types


def run(settings: Settings, *, every_s: float, stable_s: float, once: bool = False) -> bool:
    """Run until SIGTERM or SIGINT, or every job once; returns whether the last run of every job went well.

    Raises ConfigError where the metrics' port is taken or the settings are wrong.
    """
    log = configure(settings.log_level)
    adopt_libraries(settings.log_level)
    sources = load_sources(settings)
    folders = watched(settings, sources, stable_s)
    asked = askings(sources, settings, lambda text: log.warning("source", text=text))
    dsn = privatedb.ensure(settings)
    metrics, lease = Metrics(), Lease(dsn)
    jobs = Jobs(dsn, settings, metrics, lease, log, folders, asked)
    try:
        if once:
            results = [jobs.run(name) for name in jobs.names]  # every job, also after one that failed
            return all(results)
        settings.watch_folder.mkdir(parents=True, exist_ok=True)
        with OpsServer(settings.host, settings.ops_port, metrics, lambda: _answers(dsn)) as ops:
            log.info(
                "running",
                port=ops.port,
                folder=str(settings.watch_folder),
                sources=[source.name for source in sources],
                every_s=every_s,
            )
            _until_stopped(jobs, asked, every_s)
        log.info("stopped")
        return True
    finally:
        jobs.close()
        lease.release()


def _until_stopped(jobs: Jobs, asked: Sequence[Asking], every_s: float) -> None:
    stop = threading.Event()

    def ask(number: int, frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask) for number in (signal.SIGTERM, signal.SIGINT)}
    scheduler = _SCHEDULER(
        timezone=UTC,
        executors={
            "default": {"type": "threadpool", "max_workers": len(_CHAINS)},
            "sources": {"type": "threadpool", "max_workers": min(max(len(asked), 1), _SOURCES_AT_ONCE)},
        },
        job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
    )
    now = datetime.now(UTC)
    for chain in _CHAINS:
        scheduler.add_job(_in_turn, "interval", args=[jobs, chain], id=chain[0], seconds=every_s, next_run_time=now)
    for one in asked:
        job = f"source:{one.name}"
        first = now if not one.on_grid else _on_grid(now, one.interval_s)
        scheduler.add_job(
            jobs.run, "interval", args=[job], id=job, seconds=one.interval_s, next_run_time=first, executor="sources"
        )
    scheduler.start()
    try:
        stop.wait()
    finally:
        scheduler.shutdown(wait=True)
        for number, handler in before.items():
            signal.signal(number, handler)


def _in_turn(jobs: Jobs, names: Sequence[str]) -> None:
    for name in names:
        jobs.run(name)


def _on_grid(now: datetime, interval_s: float) -> datetime:
    """The next multiple of the interval since 1970."""
    return datetime.fromtimestamp((now.timestamp() // interval_s + 1) * interval_s, UTC)


def _answers(dsn: str) -> bool:
    try:
        with connect(dsn, autocommit=True, statement_timeout_s=2) as connection:
            return connection.execute("SELECT to_regclass('cem.session')").fetchone() != (None,)
    except (CemaphoreError, psycopg.Error):
        return False
