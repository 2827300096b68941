"""What the running program does again and again: collect, score, detect, alert."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import structlog

from cemaphore.collecting import opened_intake, options_of
from cemaphore.pipeline.alerting import alert
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.scoring import score
from cemaphore.running.leading import Lease
from cemaphore.running.metrics import Metrics
from cemaphore.settings import Settings
from collectors.collection import collect
from collectors.folders import find
from records.errors import CemaphoreError
from store.connection import connect

Log = structlog.typing.FilteringBoundLogger
Counts = Mapping[str, Any]
_TELL_THEMSELVES = ("score",)  # it writes its runs down itself


@dataclass
class Watch:
    """Files of the watched folder that are done, by path, with the size and time of change they had."""

    stable_s: float
    done: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def ready(self, settings: Settings) -> list[Path]:
        """Files that are new or changed and have not changed for a while."""
        now = time.time()
        found = []
        if not settings.watch_folder.is_dir():
            return []
        for each in find([settings.watch_folder], options_of(settings)):
            try:
                stat = each.path.stat()
            except FileNotFoundError:
                continue
            seen = (stat.st_size, stat.st_mtime_ns)
            if self.done.get(each.path) != seen and now - stat.st_mtime >= self.stable_s:
                found.append(each.path)
        return found

    def finish(self, path: Path) -> None:
        """Note a file as done."""
        if path.exists():
            stat = path.stat()
            self.done[path] = (stat.st_size, stat.st_mtime_ns)


class Jobs:
    """The jobs by name; each runs only where this program leads, and writes what it did into `cem.run`."""

    def __init__(self, dsn: str, settings: Settings, metrics: Metrics, lease: Lease, log: Log, stable_s: float) -> None:
        self._dsn = dsn
        self._settings = settings
        self._metrics = metrics
        self._lease = lease
        self._log = log
        self._watch = Watch(stable_s=stable_s)
        self.names: Mapping[str, Callable[[], Counts]] = {
            "collect": self._collect,
            "score": self._score,
            "detect": self._detect,
            "alert": self._alert,
        }

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
        tell = self._log.info if _worked(counts) else self._log.debug
        tell("job done", job=name, seconds=round(seconds, 3), **counts)

    def _record(self, name: str, began: datetime, counts: Counts, error: Exception | None) -> None:
        """Write the run down where it did anything; a database that is away has been logged already."""
        told = name in _TELL_THEMSELVES or (error is None and not _worked(counts))
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

    def _collect(self) -> Counts:
        paths = self._watch.ready(self._settings)
        totals = {"files": 0, "read": 0, "stored": 0, "duplicate": 0, "quarantined": 0, "failed": 0}
        if not paths:
            return totals
        options = options_of(self._settings)
        with opened_intake(self._settings, self._dsn, backfill_limit=True) as intake:
            for result in collect(paths, intake=intake, options=options):
                totals["files"] += 1
                totals["read"] += result.rows_read
                for outcome in ("stored", "duplicate", "quarantined"):
                    totals[outcome] += getattr(result, outcome)
                    self._metrics.records.labels(outcome).inc(getattr(result, outcome))
                if result.error is not None:
                    totals["failed"] += 1
                    self._log.warning("file not collected", file=result.path.name, error=result.error)
                if not result.temporary:
                    self._watch.finish(result.path)
        return totals

    def _score(self) -> Counts:
        return _counts(score(self._dsn, self._settings))

    def _detect(self) -> Counts:
        return _counts(detect(self._dsn, self._settings))

    def _alert(self) -> Counts:
        return _counts(alert(self._dsn, self._settings))


def _counts(run: Any) -> Counts:
    return {name: value for name, value in vars(run).items() if isinstance(value, int)}


def _worked(counts: Counts) -> bool:
    """Whether a run found anything to do; links of complaints are made again each time."""
    return any(bool(value) for name, value in counts.items() if name != "links")
