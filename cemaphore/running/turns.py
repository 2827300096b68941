"""The schedule: turns of chains of jobs on APScheduler, on the grid of their slots; what is left out is counted."""

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from cemaphore.running.jobs import Log
from cemaphore.running.runner import Runner
from cemaphore.running.schedule import Chain, slot_of

_SOURCES_AT_ONCE = 12  # each holds three connections to the database
_SCHEDULER: Any = BackgroundScheduler  # APScheduler 3 has no types

Own = Mapping[str, tuple[Callable[[], None], float]]  # what the program does for itself, and how often (seconds)


class Grid(BaseTrigger):
    """Fires at the multiples of `every_s` since 1970, where slots begin, also after a turn out of the row."""

    def __init__(self, every_s: float) -> None:
        self._every_s = every_s

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime:
        """The multiple after the last firing, or after now."""
        return slot_of(previous_fire_time or now, self._every_s) + timedelta(seconds=self._every_s)


def scheduled(runner: Runner, planned: Sequence[Chain], asked: Sequence[Chain], own: Own, log: Log) -> Any:
    """Return a scheduler, not started, for the chains `planned`, those of sources that are `asked`, and `own`."""
    scheduler = _SCHEDULER(
        timezone=UTC,
        executors={
            "default": {"type": "threadpool", "max_workers": len(planned)},
            "sources": {"type": "threadpool", "max_workers": min(max(len(asked), 1), _SOURCES_AT_ONCE)},
            "own": {"type": "threadpool", "max_workers": len(own)},
        },
        job_defaults={"coalesce": True, "max_instances": 1},
    )
    for executor, chains in (("default", planned), ("sources", asked)):
        for chain in chains:
            turn = partial(runner.chain, chain.jobs, chain.every_s, daily=chain.daily)
            grace_s = math.ceil(chain.every_s)
            scheduler.add_job(
                turn, Grid(chain.every_s), id=chain.jobs[0], misfire_grace_time=grace_s, executor=executor
            )
    for name, (work, seconds) in own.items():
        scheduler.add_job(work, "interval", id=name, seconds=seconds, executor="own", misfire_grace_time=None)
    _listen(scheduler, runner, {chain.jobs[0]: chain.jobs for chain in (*planned, *asked)}, log)
    return scheduler


def _listen(scheduler: Any, runner: Runner, jobs: Mapping[str, Sequence[str]], log: Log) -> None:
    def skipped(event: Any) -> None:
        for job in jobs.get(event.job_id, ()):
            runner.overlapped(job)

    def broken(event: Any) -> None:
        log.error("a fault of the program", job=event.job_id, error=str(event.exception))

    def late(event: Any) -> None:  # its thread was not free for a whole interval: its work waits, so run it now
        if event.job_id in jobs:
            skipped(event)
            scheduler.modify_job(event.job_id, next_run_time=datetime.now(UTC))

    scheduler.add_listener(skipped, EVENT_JOB_MAX_INSTANCES)
    scheduler.add_listener(broken, EVENT_JOB_ERROR)
    scheduler.add_listener(late, EVENT_JOB_MISSED)
