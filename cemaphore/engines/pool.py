"""Hours scored side by side: in this process one after another, or in several that each have their own connection."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from datetime import datetime
from types import TracebackType
from typing import Any

from cemaphore.engines.worker import Outcome, Worker
from cemaphore.settings import Settings
from records.errors import TransientError
from store.connection import connect

MOST_PROCESSES = 4  # one database serves them all (own)
# Processes take about this long to start and load the inventory: what is done sooner is done here (own).
WORTH_S = 4.0


def default_processes() -> int:
    """One process a core that this program may use, at most `MOST_PROCESSES`."""
    return min(len(os.sched_getaffinity(0)), MOST_PROCESSES)


class Pool:
    """Scores hours in any order; processes start once the pace so far says that they are worth it."""

    def __init__(self, worker: Worker, dsn: str, settings: Settings, processes: int, *, whole: bool) -> None:
        self._worker, self._given, self.processes = worker, (dsn, settings.plain(), whole), processes
        self._executor: ProcessPoolExecutor | None = None
        self._hours, self._seconds = 0, 0.0

    def __enter__(self) -> "Pool":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)

    def score(self, hours: Sequence[datetime], *, wait: bool) -> Iterator[tuple[datetime, Outcome]]:
        """Yield each hour with what became of it, as they are done; see `Worker.hour`."""
        rest = list(hours)
        while rest and not self._worth(len(rest)):
            yield rest[0], self._alone(rest.pop(0), wait=wait)
        if rest:
            yield from self._dealt(rest, wait=wait)

    def _worth(self, hours: int) -> bool:
        """Whether other processes are to take so many hours."""
        if self._executor is not None or self.processes < 2 or hours < 2:
            return self._executor is not None
        return self._hours > 0 and hours * self._seconds / self._hours > WORTH_S

    def _alone(self, hour: datetime, *, wait: bool) -> Outcome:
        began = time.monotonic()
        outcome = self._worker.hour(hour, wait=wait)
        self._hours, self._seconds = self._hours + 1, self._seconds + time.monotonic() - began
        return outcome

    def _dealt(self, hours: Sequence[datetime], *, wait: bool) -> Iterator[tuple[datetime, Outcome]]:
        if self._executor is None:
            context = multiprocessing.get_context("spawn")  # a fork would share this process's connections
            self._executor = ProcessPoolExecutor(
                self.processes, mp_context=context, initializer=_begin, initargs=self._given
            )
        futures = {self._executor.submit(_score, hour, wait): hour for hour in hours}
        try:
            for done in as_completed(futures):
                yield futures[done], done.result()
        except BrokenProcessPool:
            raise TransientError(
                "A process that scored ended unexpectedly; its hour is as it was. Score again to go on."
            ) from None


_mine: list[Worker] = []


def _begin(dsn: str, given: dict[str, Any], whole: bool) -> None:
    """Set one process up: it lets its parent decide when to stop, and does not outlive it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_follow_parent, daemon=True).start()
    settings = Settings.model_construct(**given)
    _mine.append(Worker(connect(dsn, autocommit=True, application="cemaphore score"), settings, whole=whole))


def _follow_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _score(hour: datetime, wait: bool) -> Outcome:
    return _mine[0].hour(hour, wait=wait)
