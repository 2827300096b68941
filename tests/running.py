"""The jobs of the running program in this process, each run in a slot of its own."""

import io
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

from cemaphore.running import logs
from cemaphore.running.clock import Clock
from cemaphore.running.jobs import jobs_of
from cemaphore.running.leading import Lease
from cemaphore.running.metrics import Metrics
from cemaphore.running.runner import Here, Runner
from cemaphore.running.schedule import Lane
from cemaphore.settings import Settings


@dataclass(frozen=True)
class Running:
    """A runner with what it tells, and the names of its jobs in their order."""

    runner: Runner
    metrics: Metrics
    lease: Lease
    stream: io.StringIO
    names: tuple[str, ...]

    def run(self, job: str, slot: datetime | None = None) -> bool:
        """Run a job in the slot of this moment, or in the given one."""
        return self.runner.run(job, slot or datetime.now(UTC), 1.0)

    @property
    def shown(self) -> str:
        """The metrics as Prometheus reads them."""
        return self.metrics.text().decode()


@contextmanager
def running(database: str, settings: Settings, *, stable_s: float = 5, clock: Clock | None = None) -> Iterator[Running]:
    """A program that leads, or would where no other does."""
    clock, stream, lease = clock or Clock(), io.StringIO(), Lease(database)
    log = logs.configure("info", stream)
    with ExitStack() as stack:
        stack.callback(lease.release)
        lanes = {}
        for lane in Lane:
            lanes[lane] = jobs_of(lane, settings, log, clock, stable_s)
            stack.callback(lanes[lane].close)
        lease.start()
        lease.beat()
        here = Here(database, lanes, clock, log, lease.instance)
        metrics = Metrics()
        metrics.sources = frozenset(source.name for jobs in lanes.values() for source in jobs.sources)
        runner = Runner(settings, lease, metrics, log, clock, lambda job: here)
        names = tuple(job for jobs in lanes.values() for job in jobs.work)
        yield Running(runner, metrics, lease, stream, names)
