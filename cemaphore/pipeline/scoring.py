"""Scores whatever is dirty, oldest first: hours, the days that they belong to, the trailing periods, and KPIs."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from cemaphore import catalogues
from cemaphore.engines import Engine
from cemaphore.engines.pool import Pool, default_processes
from cemaphore.engines.spark import SparkPool
from cemaphore.engines.worker import Outcome, TooLate, Worker
from cemaphore.pipeline.days import PERIOD_DAYS, score_day, score_periods
from cemaphore.pipeline.hours import HourCount
from cemaphore.pipeline.kpis import KINDS as COUNTER_KINDS
from cemaphore.pipeline.kpis import score_counters
from cemaphore.pipeline.surveying import survey
from cemaphore.settings import Settings
from records.windows import day_bounds, local_day
from store import retention, runs, scores, surveys, touched
from store.connection import Connection, connect
from store.housekeeping import analyze_new

Progress = Callable[[int, int], None]
JOB = "score"
_MOMENT = timedelta(microseconds=1)
_NO_HISTORY = 0  # the indices of a customer are made without a baseline


@dataclass(frozen=True, kw_only=True)
class ScoreRun:
    """What a run scored: hours of records, their sessions, touchpoints and user-hours, local days, rows of KPIs.

    `hours_gone` were to be scored, but their records were dropped: they keep the scores that they have, and `too_late`
    rows that came after that are in none.
    """

    hours: int = 0
    hours_gone: int = 0
    sessions: int = 0
    touchpoints: int = 0
    user_hours: int = 0
    days: int = 0
    kpi_values: int = 0
    too_late: int = 0
    engine: Engine = Engine.LOCAL
    processes: int = 1
    seconds: float = 0.0


def score(
    dsn: str,
    settings: Settings,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
    processes: int | None = None,
    engine: Engine = Engine.LOCAL,
) -> ScoreRun:
    """Score the dirty windows of [start, end), or with a bound given all its windows again.

    One transaction an hour: killed anywhere it goes on where it was. Several processes may score at once; this starts
    up to `processes` of its own (default: the setting), unless Spark is the engine. `progress` is told hours done and
    hours in all.
    """
    began = time.monotonic()
    wanted = processes or settings.score_processes or default_processes()
    with connect(dsn, autocommit=True, application="cemaphore score") as connection:
        run_id = runs.begin(connection, JOB, datetime.now(UTC))
        try:
            again = start is not None or end is not None
            worker = Worker(connection, settings, whole=again)
            pool: Pool | SparkPool = Pool(worker, dsn, settings, wanted, whole=again)
            if engine is Engine.SPARK:
                pool = SparkPool(worker, connection, settings)
            with pool:
                one = _Run(connection, settings, worker, pool, progress)
                run = one.all(start, end, again=again)
            if run.hours:
                analyze_new(connection)
        except BaseException as error:
            runs.end(connection, run_id, datetime.now(UTC), {}, error=type(error).__name__)
            raise
        run = replace(run, engine=engine, processes=pool.processes, seconds=round(time.monotonic() - began, 3))
        runs.end(connection, run_id, datetime.now(UTC), asdict(run), one.inputs(run))
    return run


class _Run:
    """One run: it deals hours out, and merges days and periods itself."""

    def __init__(
        self,
        connection: Connection,
        settings: Settings,
        worker: Worker,
        pool: Pool | SparkPool,
        progress: Progress | None,
    ) -> None:
        self._kpis, self._vendors = catalogues.kpis(settings), catalogues.vendors(settings)
        self._connection, self._worker, self._pool = connection, worker, pool
        self._zone = scores.time_zone(connection)
        self._progress = progress
        self._done = self._total = self._windows = 0
        self._baselines: set[int] = set()

    def all(self, start: datetime | None, end: datetime | None, *, again: bool) -> ScoreRun:
        connection = self._connection
        if again:
            self._mark_again(start, end)
        hours = scores.dirty_hours(connection, scores.RECORD_KINDS, start, end)
        counter_hours = scores.dirty_hours(connection, COUNTER_KINDS, start, end)
        self._total = self._windows = len(hours) + len(counter_hours)
        outcomes: list[Outcome] = []
        for day, of_day in groupby(hours, key=lambda hour: local_day(hour, self._zone)):
            outcomes += self._hours(day, list(of_day))
        counts = [outcome for outcome in outcomes if isinstance(outcome, HourCount)]
        gone = [outcome for outcome in outcomes if isinstance(outcome, TooLate)]
        days = self._days()
        return ScoreRun(
            hours=len(counts),
            hours_gone=len(gone),
            sessions=sum(count.sessions for count in counts),
            touchpoints=sum(count.touchpoints for count in counts),
            user_hours=sum(count.customers for count in counts),
            days=days,
            kpi_values=score_counters(connection, self._kpis, counter_hours, self._step, self._vendors),
            too_late=sum(outcome.rows for outcome in gone),
        )

    def inputs(self, run: ScoreRun) -> runs.RunInputs:
        """What the run took, for the log of runs."""
        versions = {
            "model": self._worker.model_version,
            "catalogue": self._worker.catalogue_version,
            "kpi": self._kpis.version,
            "baselines": sorted(self._baselines),
        }
        rows = run.sessions + run.touchpoints
        return runs.RunInputs(
            windows=self._windows, rows=rows, versions=versions, engine=run.engine, processes=run.processes
        )

    def _mark_again(self, start: datetime | None, end: datetime | None) -> None:
        """Mark every hour of the span that was ever scored or marked, so that rescoring is scoring."""
        span = scores.known_span(self._connection)
        if span is None:
            return
        first = max(span[0], start.replace(minute=0, second=0, microsecond=0)) if start else span[0]
        last = min(span[1], end) if end else span[1]
        scores.mark_hours(self._connection, first, last)

    def _hours(self, day: date, hours: list[datetime]) -> list[Outcome]:
        """Score the dirty hours of one local day; the next day's expectation needs them all, so wait for others."""
        self._baselines.add(self._worker.baseline(day)[0])
        outcomes = list(self._dealt(hours, wait=False))
        held = [hour for hour, outcome in outcomes if outcome == "held"]
        again = list(self._dealt(held, wait=True))
        return [outcome for _, outcome in outcomes + again]

    def _dealt(self, hours: list[datetime], *, wait: bool) -> list[tuple[datetime, Outcome]]:
        done = []
        for hour, outcome in self._pool.score(hours, wait=wait):
            done.append((hour, outcome))
            if outcome != "held":
                self._step()
        return done

    def _days(self) -> int:
        """Merge every day that has a mark, also those of a run that was killed before it came to this."""
        connection = self._connection
        hours = scores.dirty_starts(connection, scores.DAY_KIND)
        days = dict.fromkeys(local_day(hour, self._zone) for hour in hours)
        done = sum(self._day(day) for day in days)
        self._periods()
        survey(connection, self._zone)
        return done

    def _day(self, day: date) -> bool:
        connection = self._connection
        start, end = day_bounds(day, self._zone)
        with connection.transaction():
            scores.hold(connection, "day", start, wait=True)
            marks = scores.marks(connection, (scores.DAY_KIND,), start, end)
            if not marks:
                return False
            changed = touched.take(connection, "days", start, end)
            gone = retention.gone(connection, retention.USER_HOURS, start)
            if not gone:
                baseline_id, _ = self._worker.baseline(day)
                version_id = self._worker.version(baseline_id)
                score_day(connection, day, self._worker.scoring, version_id, changed)
                scores.mark(connection, scores.PERIOD_KIND, start)
                scores.mark(connection, surveys.MARK, start)
            scores.unmark(connection, marks)
        return not gone

    def _periods(self) -> None:
        connection = self._connection
        with connection.transaction():
            scores.hold(connection, "periods", datetime(1970, 1, 1, tzinfo=UTC), wait=True)
            starts = scores.dirty_starts(connection, scores.PERIOD_KIND)
            newest = scores.newest_day(connection)
            if not starts or newest is None:
                return
            marks = scores.marks(connection, (scores.PERIOD_KIND,), starts[0], starts[-1] + _MOMENT)
            if max(starts) > newest - timedelta(days=max(PERIOD_DAYS)):
                score_periods(connection, self._worker.scoring, self._worker.version(_NO_HISTORY))
            scores.unmark(connection, marks)

    def _step(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
