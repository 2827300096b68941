"""What runs in a worker process: jobs of one lane, as its parent orders them, until the parent is gone."""

import os
import signal
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection as Pipe
from typing import Any

import structlog
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from cemaphore.running.clock import Clock
from cemaphore.running.logs import adopt_libraries, configure
from cemaphore.running.schedule import Lane
from cemaphore.running.work import Call, Counts, Done, Failure, Work, failure_of
from cemaphore.settings import Settings
from records.errors import CemaphoreError, ConfigError
from store.slots import JOB_CONNECTION

Log = structlog.typing.FilteringBoundLogger


@dataclass(frozen=True, kw_only=True)
class Given:
    """What a worker is made with; `settings` as plain values, which pass between processes."""

    dsn: str
    settings: Mapping[str, Any]
    clock: Clock
    stable_s: float


def perform(work: Work, job: str, dsn: str, clock: Clock, log: Log) -> Done:
    """Run one job; what goes wrong in it is in the answer."""
    call, began = Call(dsn=dsn, now=clock.now()), time.perf_counter()
    try:
        counts = work(call)
    except Exception as error:  # one job's bug must not end the others; it is told, counted and tried again
        seconds, failure = time.perf_counter() - began, failure_of(error)
        if failure is Failure.OTHER:
            log.error("a fault of the program", job=job, exc_info=True)
        return Done(seconds=seconds, news=tuple(call.news), error=str(error), failure=failure)
    return Done(counts=counts, seconds=time.perf_counter() - began, news=tuple(call.news))


def unknown(job: str) -> Work:
    """What runs in place of a job that this process does not know, as that of a source that was taken out."""

    def refuse(call: Call) -> Counts:
        raise ConfigError(f"{job} is not in the configuration any more; restart cem run")

    return refuse


def bounded(dsn: str, limit_s: float) -> str:
    """A connection string whose statements, and transactions of a silent client, end after so many seconds."""
    milliseconds = round(limit_s * 1000)
    given = str(conninfo_to_dict(dsn).get("options") or "")
    timeouts = f"-c statement_timeout={milliseconds} -c idle_in_transaction_session_timeout={milliseconds}"
    return make_conninfo(dsn, options=f"{given} {timeouts}".strip())


def named(dsn: str, instance: str, lane: Lane) -> str:
    """A connection string whose connections say whose job they are, so that they can be ended from outside."""
    return make_conninfo(dsn, application_name=f"{JOB_CONNECTION} {instance} {lane}")


def work(lane: Lane, pipe: Pipe, given: Given) -> None:
    """Say which sources there are, then run what is ordered, each order in a thread, until the parent ends.

    The parent decides when to stop: signals of a terminal or a service manager that reach all processes mean it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    from cemaphore.running.jobs import jobs_of  # what jobs need is loaded in the workers alone

    settings = Settings.model_construct(**given.settings)
    log = configure(settings.log_level)
    adopt_libraries(settings.log_level)
    try:
        jobs = jobs_of(lane, settings, log, given.clock, given.stable_s)
    except CemaphoreError as error:
        with suppress(OSError):
            pipe.send(str(error))
        return
    sending = threading.Lock()
    with suppress(OSError):  # a parent that is gone by now is noticed below
        pipe.send(jobs.sources)

    def one(number: int, job: str, limit_s: float) -> None:
        made = jobs.work.get(job, unknown(job))
        done = perform(made, job, bounded(given.dsn, limit_s), given.clock, log)
        with sending, suppress(OSError):
            pipe.send((number, done))

    with suppress(EOFError, OSError):
        while True:
            threading.Thread(target=one, args=pipe.recv(), daemon=True).start()
    os._exit(0)
