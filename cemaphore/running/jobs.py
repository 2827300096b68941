"""What the running program does again and again: ask its sources, collect, assess, score, detect, alert."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import psycopg
import structlog

from cemaphore.collecting import options_of
from cemaphore.pipeline import aggregation
from cemaphore.pipeline.alerting import alert
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.scoring import score
from cemaphore.pipeline.sourcehealth import assess
from cemaphore.running.asking import Asking
from cemaphore.running.folders import Folders
from cemaphore.running.intakes import Intakes
from cemaphore.running.leading import Lease
from cemaphore.running.metrics import Metrics
from cemaphore.settings import Settings
from collectors.collection import FileResult
from collectors.watching import WatchedFolder
from records.errors import CemaphoreError
from records.windows import QUARTER, floor
from store.connection import connect

Log = structlog.typing.FilteringBoundLogger
Counts = Mapping[str, Any]
_TELL_THEMSELVES = ("score",)  # it writes its runs down itself
_ASKING = "source:"  # before a source's name; each of its batches is in the ledger
_OUTCOMES = ("stored", "duplicate", "quarantined")


class Jobs:
    """The jobs by name; each runs only where this program leads, and writes what it did into `cem.run`."""

    def __init__(
        self,
        dsn: str,
        settings: Settings,
        metrics: Metrics,
        lease: Lease,
        log: Log,
        folders: Sequence[WatchedFolder],
        askings: Sequence[Asking] = (),
    ) -> None:
        self._dsn = dsn
        self._settings = settings
        self._metrics = metrics
        self._lease = lease
        self._log = log
        self._watcher = Folders(folders=folders, options=options_of(settings))
        self._askings = askings
        self._intakes = Intakes(dsn, settings)
        self._away: set[str] = set()
        self._assessed_at: datetime | None = None
        self._newest: datetime | None = None
        metrics.sources = frozenset([*(one.name for one in askings), *(one.source for one in folders if one.source)])
        self.names: Mapping[str, Callable[[], Counts]] = {
            **{_ASKING + one.name: partial(self._ask, one) for one in askings},
            "collect": self._collect,
            "health": self._health,
            "score": self._score,
            "detect": self._detect,
            "alert": self._alert,
        }

    def close(self) -> None:
        """Leave sources and database; once no job runs any more."""
        for one in self._askings:
            one.asked.close()
        self._intakes.close()

    def run(self, name: str) -> bool:
        """Run one job; errors are logged and counted, and the next run tries again. Returns whether it went well."""
        leads = self._lease.held()
        self._metrics.leading.set(leads)
        if not leads:
            return True
        began, clock = datetime.now(UTC), time.perf_counter()
        counts: Counts = {}
        error: Exception | None = None
        try:
            counts = self.names[name]()
        except Exception as caught:  # one job's bug must not end the others; it is told, counted and tried again
            error = caught
        seconds = time.perf_counter() - clock
        self._metrics.seconds.labels(name).set(seconds)
        self._tell(name, counts, error, seconds)
        self._record(name, began, counts, error)
        return error is None

    def _tell(self, name: str, counts: Counts, error: Exception | None, seconds: float) -> None:
        if error is not None:
            self._metrics.failures.labels(name).inc()
            self._log.error("job failed", job=name, error=str(error), kind=type(error).__name__)
            return
        self._metrics.succeeded.labels(name).set_to_current_time()
        tell = self._log.info if _worked(counts) and not name.startswith(_ASKING) else self._log.debug
        tell("job done", job=name, seconds=round(seconds, 3), **counts)

    def _record(self, name: str, began: datetime, counts: Counts, error: Exception | None) -> None:
        """Write the run down where it did anything; a database that is away has been logged already."""
        told = name in _TELL_THEMSELVES or (error is None and not _worked(counts))
        if name.startswith(_ASKING) and error is None:
            return
        try:
            with connect(self._dsn, autocommit=True) as connection:
                self._metrics.refresh(connection)
                if told:
                    return
                connection.execute(
                    "INSERT INTO cem.run (job, started_at, finished_at, ok, counts, error) "
                    "VALUES (%s, %s, now(), %s, %s, %s)",
                    [name, began, error is None, json.dumps(counts, default=str), error and type(error).__name__],
                )
        except (CemaphoreError, psycopg.Error) as caught:
            self._log.warning("run not recorded", job=name, kind=type(caught).__name__)

    def _ask(self, one: Asking) -> Counts:
        try:
            with self._intakes.one() as intake:
                answer = one.asked.ask(intake, intake.clock_now)
        except BaseException:
            self._metrics.up.labels(one.name).set(0)
            raise
        self._metrics.up.labels(one.name).set(answer.up)
        self._metrics.count(one.name, answer)
        if not answer.up and one.name not in self._away:
            self._away.add(one.name)
            self._log.warning("source away", source=one.name, reason=answer.reason)
        elif answer.up and one.name in self._away:
            self._away.remove(one.name)
            self._log.info("source back", source=one.name)
        return {outcome: getattr(answer, outcome) for outcome in _OUTCOMES}

    def _collect(self) -> Counts:
        totals = {"files": 0, "read": 0, "stored": 0, "duplicate": 0, "quarantined": 0, "failed": 0}
        for folder in self._watcher.folders:
            if folder.source:
                self._metrics.up.labels(folder.source).set(folder.path.is_dir())
        self._watcher.options = options_of(self._settings)
        with self._intakes.one() as intake:
            for result in self._watcher.step(intake):
                self._count(result, totals)
        return totals

    def _count(self, result: FileResult, totals: dict[str, int]) -> None:
        totals["files"] += 1
        totals["read"] += result.rows_read
        for outcome in _OUTCOMES:
            totals[outcome] += getattr(result, outcome)
        self._metrics.count(result.source, result)
        if result.error is not None:
            totals["failed"] += 1
            self._log.warning("file not collected", file=result.path.name, error=result.error)

    def _health(self) -> Counts:
        """Assess the sources where a window has closed since, or records of a closed one came in."""
        now, self._assessed_at = datetime.now(UTC), None
        until = now - timedelta(minutes=self._settings.close_after_minutes)
        with connect(self._dsn, autocommit=True) as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM cem.dirty WHERE window_start < %s)", [until]
            ).fetchone()
        counts: Counts = {}
        if self._newest != floor(until, QUARTER) or (row and row[0]):
            counts = _counts(assess(self._dsn, self._settings, now=now))
        self._assessed_at, self._newest = now, floor(until, QUARTER)
        return counts

    def _score(self) -> Counts:
        counts = _counts(score(self._dsn, self._settings))
        aggregation.assess(self._dsn, self._settings, anew=False)  # once a day, when it is whole
        return counts

    def _detect(self) -> Counts:
        """Look at what was closed when the sources were assessed; at all that is closed where that failed."""
        return _counts(detect(self._dsn, self._settings, now=self._assessed_at))

    def _alert(self) -> Counts:
        return _counts(alert(self._dsn, self._settings))


def _counts(run: Any) -> Counts:
    return {name: value for name, value in vars(run).items() if isinstance(value, int)}


def _worked(counts: Counts) -> bool:
    """Whether a run found anything to do; links of complaints are made again each time."""
    return any(bool(value) for name, value in counts.items() if name != "links")
