"""Scores whatever is dirty, oldest first: hours, the days that they belong to, the trailing periods, and KPIs."""

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

from cemaphore import catalogues
from cemaphore.engines.local import score_hour
from cemaphore.pipeline.baseline import baseline_for
from cemaphore.pipeline.days import PERIOD_DAYS, score_day, score_periods
from cemaphore.pipeline.frame import FrameContext
from cemaphore.pipeline.hours import HourCount, Scoring
from cemaphore.pipeline.kpis import KINDS as COUNTER_KINDS
from cemaphore.pipeline.kpis import score_counters
from cemaphore.pipeline.learning import Lesson, learn
from cemaphore.settings import Settings
from qoe.expectation import Margins
from qoe.indices import IndexRules
from records.windows import HOUR, day_bounds, local_day
from store import baselines, detections, retention, scores
from store.connection import Connection, connect

Progress = Callable[[int, int], None]
JOB = "score"
_MOMENT = timedelta(microseconds=1)
_HELD, _DONE, _GONE = (HourCount(sessions=0, touchpoints=0, customers=0) for _ in range(3))


@dataclass(frozen=True, kw_only=True)
class ScoreRun:
    """What a run scored: hours of records, their sessions, touchpoints and user-hours, local days, rows of KPIs.

    `hours_gone` were to be scored, but their records were dropped: they keep the scores that they have.
    """

    hours: int = 0
    hours_gone: int = 0
    sessions: int = 0
    touchpoints: int = 0
    user_hours: int = 0
    days: int = 0
    kpi_values: int = 0
    seconds: float = 0.0


def score(
    dsn: str,
    settings: Settings,
    *,
    start: datetime | None = None,
    end: datetime | None = None,
    progress: Progress | None = None,
) -> ScoreRun:
    """Score the dirty windows of [start, end), or with a bound given all its windows again.

    One transaction an hour: killed anywhere it goes on where it was. Several processes may score at once.
    `progress` is told hours done and hours in all.
    """
    began = time.monotonic()
    with connect(dsn, autocommit=True, application="cemaphore score") as connection:
        run_id = scores.begin_run(connection, JOB, datetime.now(UTC))
        try:
            run = _Run(connection, settings, progress).all(start, end)
        except BaseException as error:
            scores.end_run(connection, run_id, datetime.now(UTC), {}, type(error).__name__)
            raise
        run = replace(run, seconds=round(time.monotonic() - began, 3))
        scores.end_run(connection, run_id, datetime.now(UTC), asdict(run))
    return run


class _Run:
    """One run over one connection."""

    def __init__(self, connection: Connection, settings: Settings, progress: Progress | None) -> None:
        quality = catalogues.quality(settings)
        indicators, self._kpis = catalogues.kqis(settings), catalogues.kpis(settings)
        self._vendors = catalogues.vendors(settings)
        context = FrameContext.load(connection, quality)
        self._connection = connection
        holidays = catalogues.holidays(settings)
        baselines.set_holidays(connection, holidays)
        self._scoring = Scoring(
            context=context,
            rules=IndexRules.of(quality),
            indicators=indicators,
            zone=scores.time_zone(connection),
            holidays=frozenset(holidays),
        )
        self._lesson = Lesson(
            context=context,
            calendar=self._scoring.calendar,
            half_life_days=settings.expectation_half_life_days,
        )
        self._model_version = catalogues.model_version(context.models, quality)
        self._catalogue_version = f"qoe={quality.version} kqi={indicators.version}"
        self._progress = progress
        self._done = self._total = 0

    def all(self, start: datetime | None, end: datetime | None) -> ScoreRun:
        again = start is not None or end is not None
        if again:
            self._mark_again(start, end)
        connection = self._connection
        hours = scores.dirty_hours(connection, scores.RECORD_KINDS, start, end)
        counter_hours = scores.dirty_hours(connection, COUNTER_KINDS, start, end)
        self._total = len(hours) + len(counter_hours)
        counts: list[HourCount] = []
        for day, of_day in groupby(hours, key=lambda hour: local_day(hour, self._scoring.zone)):
            counts += self._hours(day, list(of_day))
        gone = sum(count is _GONE for count in counts)
        days = self._days()
        return ScoreRun(
            hours=len(counts) - gone,
            hours_gone=gone,
            sessions=sum(count.sessions for count in counts),
            touchpoints=sum(count.touchpoints for count in counts),
            user_hours=sum(count.customers for count in counts),
            days=days,
            kpi_values=score_counters(connection, self._kpis, counter_hours, self._step, self._vendors),
        )

    def _mark_again(self, start: datetime | None, end: datetime | None) -> None:
        """Mark every hour of the span that was ever scored or marked, so that rescoring is scoring."""
        span = scores.known_span(self._connection)
        if span is None:
            return
        first = max(span[0], start.replace(minute=0, second=0, microsecond=0)) if start else span[0]
        last = min(span[1], end) if end else span[1]
        scores.mark_hours(self._connection, first, last)

    def _hours(self, day: date, hours: list[datetime]) -> list[HourCount]:
        """Score the dirty hours of one local day; the next day's expectation needs them all, so wait for others."""
        baseline_id, margins = self._baseline(day)
        tried = {hour: self._hour(hour, baseline_id, margins, wait=False) for hour in hours}
        for hour, held in tried.items():
            if held is _HELD:
                tried[hour] = self._hour(hour, baseline_id, margins, wait=True)
        return [count for count in tried.values() if count is not _HELD and count is not _DONE]

    def _baseline(self, day: date) -> tuple[int, Margins]:
        with self._connection.transaction():
            baseline_id, margins = self._baseline_for(day)
            if baseline_id:
                learn(self._connection, baseline_id, day, self._lesson)
            return baseline_id, margins

    def _baseline_for(self, day: date) -> tuple[int, Margins]:
        return baseline_for(self._connection, day, self._scoring.zone, half_life_days=self._lesson.half_life_days)

    def _hour(self, hour: datetime, baseline_id: int, margins: Margins, *, wait: bool) -> HourCount:
        """Score one hour; `_HELD` if another process has it, `_DONE` if one has just done it, `_GONE` with its rows."""
        connection = self._connection
        with connection.transaction():
            if not scores.hold(connection, "hour", hour, wait=wait):
                return _HELD
            marks = scores.marks(connection, scores.RECORD_KINDS, hour, hour + HOUR)
            if not marks:
                self._step()
                return _DONE
            if retention.gone(connection, retention.SESSIONS, hour):
                scores.unmark(connection, marks)
                self._step()
                return _GONE
            version_id = self._version(baseline_id)
            count = score_hour(connection, hour, self._scoring, margins, version_id)
            day, _ = day_bounds(local_day(hour, self._scoring.zone), self._scoring.zone)
            scores.mark(connection, scores.DAY_KIND, day)
            detections.look_again(connection, scores.windows_of(connection, marks))
            scores.unmark(connection, marks)
        self._step()
        return count

    def _days(self) -> int:
        """Merge every day that has a mark, also those of a run that was killed before it came to this."""
        done = sum(self._day(start) for start in scores.dirty_starts(self._connection, scores.DAY_KIND))
        self._periods()
        return done

    def _day(self, start: datetime) -> bool:
        connection, zone = self._connection, self._scoring.zone
        with connection.transaction():
            scores.hold(connection, "day", start, wait=True)
            marks = scores.marks(connection, (scores.DAY_KIND,), start, start + _MOMENT)
            if not marks:
                return False
            if retention.gone(connection, retention.USER_HOURS, start):
                scores.unmark(connection, marks)
                return False
            baseline_id, _ = self._baseline_for(local_day(start, zone))
            score_day(connection, start, self._scoring, self._version(baseline_id))
            scores.unmark(connection, marks)
            scores.mark(connection, scores.PERIOD_KIND, start)
        return True

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
                baseline_id, _ = self._baseline_for(local_day(newest, self._scoring.zone))
                score_periods(connection, self._scoring, self._version(baseline_id))
            scores.unmark(connection, marks)

    def _version(self, baseline_id: int) -> int:
        return scores.version(self._connection, self._model_version, self._catalogue_version, baseline_id)

    def _step(self) -> None:
        self._done += 1
        if self._progress is not None:
            self._progress(self._done, self._total)
