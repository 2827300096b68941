"""A worker process for the jobs of one lane: what runs in it can be ended whatever it is doing."""

import multiprocessing
import os
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from concurrent.futures import TimeoutError as OutOfTimeError
from contextlib import suppress
from multiprocessing.connection import Connection as Pipe
from multiprocessing.process import BaseProcess
from pathlib import Path

from cemaphore.running import worker
from cemaphore.running.clock import Clock
from cemaphore.running.schedule import Lane, Source
from cemaphore.running.work import Done, Failure
from cemaphore.settings import Settings
from records.errors import ConfigError

_GRACE_S = 5.0  # between a statement's end at the limit and the end of the process
_START_S, _PAUSE_S = 120.0, 1.0
_CONTEXT = multiprocessing.get_context("spawn")  # a fork would share threads' locks and connections

Ended = Callable[[Lane, str], None]


class LaneProcess:
    """Runs jobs in a process of its own, several at once; a job past its limit is ended with the process.

    Statements end by `statement_timeout` at the limit, requests by their own timeouts; a job that has not ended five
    seconds later is stuck in something that no timeout reaches, and SIGKILL reaches everything. The others of the lane
    are lost with it, and go on in the new process at their next turn.
    """

    def __init__(self, lane: Lane, given: worker.Given, ended: Ended = lambda lane, reason: None) -> None:
        self.lane = lane
        self.sources: Sequence[Source] = ()
        self._given, self._ended = given, ended
        self._guard = threading.Lock()
        self._runs: dict[int, Future[Done]] = {}
        self._number = 0
        self._stop, self._able = threading.Event(), threading.Event()
        self._down_at = time.monotonic()
        self._process: BaseProcess
        self._pipe: Pipe
        self._begin()

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid or 0

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        with self._guard:
            return bool(self._runs)

    @property
    def down_s(self) -> float:
        """For how long no process can work, 0 where one can."""
        return 0.0 if self._able.is_set() else time.monotonic() - self._down_at

    @property
    def resident_bytes(self) -> int:
        """Memory of the process, 0 where it has just ended."""
        try:
            pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        except (OSError, IndexError):
            return 0
        return pages * os.sysconf("SC_PAGE_SIZE")

    def ready(self) -> None:
        """Wait until the process can work; raises `ConfigError` where it says that something is wrong."""
        self._greet()
        threading.Thread(target=self._hear, name=f"cem-{self.lane}", daemon=True).start()

    def run(self, job: str, limit_s: float) -> Done:
        """Run a job and wait for it, at most for its limit and a moment once the process can work."""
        if not self._able.wait(_START_S) or self._stop.is_set():
            return _LOST
        future: Future[Done] = Future()
        with self._guard:
            self._number += 1
            number = self._number
            self._runs[number] = future
            with suppress(OSError):  # a process that has just ended: its run is lost, which is told below
                self._pipe.send((number, job, limit_s))
        try:
            return future.result(limit_s + _GRACE_S)
        except OutOfTimeError:
            with self._guard:
                self._runs.pop(number, None)
            self.kill()
            text = f"ran longer than its limit of {limit_s:g} s and was ended"
            return Done(seconds=limit_s + _GRACE_S, error=text, failure=Failure.LIMIT, killed=True)

    def kill(self) -> None:
        """End the process at once with all that runs in it; a new one takes its place."""
        self._process.kill()

    def close(self) -> None:
        """End the process for good."""
        self._stop.set()
        self._able.set()  # who waits for a new process waits in vain
        self._process.kill()
        self._process.join()

    def _begin(self) -> None:
        self._pipe, theirs = _CONTEXT.Pipe()
        self._process = _CONTEXT.Process(target=worker.work, args=(self.lane, theirs, self._given), name=self.lane)
        self._process.start()
        theirs.close()

    def _greet(self) -> None:
        if not self._pipe.poll(_START_S):
            self._process.kill()
            raise ConfigError(f"The worker process for {self.lane} did not start within {_START_S:g} s.")
        try:
            answer = self._pipe.recv()
        except (EOFError, OSError):
            raise ConfigError(f"The worker process for {self.lane} ended while it started.") from None
        if isinstance(answer, str):
            raise ConfigError(answer)
        self.sources = answer
        self._able.set()

    def _hear(self) -> None:
        """Take answers until the process ends, then put another in its place, until it is closed."""
        while True:
            with suppress(EOFError, OSError):
                self._answers()
            self._able.clear()
            self._down_at = time.monotonic()
            self._process.join()
            with self._guard:
                lost, self._runs = list(self._runs.values()), {}
                if not self._stop.is_set():
                    self._pipe.close()
                    self._begin()
            for future in lost:
                future.set_result(_LOST)
            if self._stop.is_set():
                return
            reason = "ended"
            try:
                self._greet()
            except ConfigError as error:  # mended by a person meanwhile, maybe: try again
                reason = str(error)
                self._stop.wait(_PAUSE_S)
            self._ended(self.lane, reason)

    def _answers(self) -> None:
        while True:
            number, done = self._pipe.recv()
            with self._guard:
                future = self._runs.pop(number, None)
            if future is not None:
                future.set_result(done)


_LOST = Done(error="its process ended", failure=Failure.LOST)


def lanes_of(
    dsn_of: Callable[[Lane], str], settings: Settings, clock: Clock, stable_s: float, ended: Ended
) -> Mapping[Lane, LaneProcess]:
    """Start a process a lane, and wait for all; raises `ConfigError` where one cannot work."""
    lanes = {}
    try:
        for lane in Lane:
            given = worker.Given(dsn=dsn_of(lane), settings=settings.plain(), clock=clock, stable_s=stable_s)
            lanes[lane] = LaneProcess(lane, given, ended)
        for process in lanes.values():
            process.ready()
    except BaseException:
        for process in lanes.values():
            process.close()
        raise
    return lanes
