"""Scores dirty hours over one connection, each in a transaction of its own."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from cemaphore import catalogues
from cemaphore.engines.local import rated_parts, store_hour
from cemaphore.pipeline.baseline import baseline_for
from cemaphore.pipeline.frame import FrameContext
from cemaphore.pipeline.hours import HourCount, HourScores, Scoring
from cemaphore.pipeline.learning import Lesson, learn
from cemaphore.settings import Settings
from qoe.expectation import Margins
from qoe.indices import IndexRules
from records.windows import HOUR, local_day
from store import baselines, detections, retention, scores, shadows
from store.connection import Connection
from store.frames import count_sessions


@dataclass(frozen=True, kw_only=True)
class TooLate:
    """An hour whose records retention had dropped: its scores stay, and these rows, which came later, are in none."""

    rows: int


Outcome = HourCount | TooLate | Literal["held", "done"]


class Worker:
    """One connection with everything that hours are scored with; `whole` as in `store_hour`."""

    def __init__(self, connection: Connection, settings: Settings, *, whole: bool = False) -> None:
        self._connection, self._settings, self._whole = connection, settings, whole
        quality, indicators = catalogues.quality(settings), catalogues.kqis(settings)
        self.model_version = catalogues.model_version(catalogues.models(), quality)
        self.catalogue_version = f"qoe={quality.version} kqi={indicators.version}"
        self._day: tuple[date, int, Margins] | None = None

    @cached_property
    def scoring(self) -> Scoring:
        """What hours are scored with, read when the first is."""
        quality, holidays = catalogues.quality(self._settings), catalogues.holidays(self._settings)
        baselines.set_holidays(self._connection, holidays)
        return Scoring(
            context=FrameContext.load(self._connection, quality),
            rules=IndexRules.of(quality),
            indicators=catalogues.kqis(self._settings),
            zone=scores.time_zone(self._connection),
            holidays=frozenset(holidays),
        )

    def baseline(self, day: date) -> tuple[int, Margins]:
        """Return id and margins of a local day, frozen, and the days before it learned, at the first call."""
        if self._day is None or self._day[0] != day:
            half_life_days = self._settings.expectation_half_life_days
            with self._connection.transaction():
                found = baseline_for(self._connection, day, self.scoring.zone, half_life_days=half_life_days)
                if found[0]:
                    calendar = self.scoring.calendar
                    lesson = Lesson(context=self.scoring.context, calendar=calendar, half_life_days=half_life_days)
                    learn(self._connection, found[0], day, lesson)
            self._day = (day, *found)
        return self._day[1:]

    def version(self, baseline_id: int) -> int:
        """Return the number of what scores are made with."""
        return scores.version(self._connection, self.model_version, self.catalogue_version, baseline_id)

    def hour(self, hour: datetime, *, wait: bool) -> Outcome:
        """Score one hour; "held" where another process has it, "done" where one has just done it."""
        baseline_id, margins = self.baseline(local_day(hour, self.scoring.zone))
        with self._connection.transaction():
            if not scores.hold(self._connection, "hour", hour, wait=wait):
                return "held"
            marks = self.marks(hour)
            if not marks:
                return "done"
            parts = rated_parts(self._connection, hour, self.scoring, margins)
            return self._replaced(hour, parts, marks, baseline_id)

    def marks(self, hour: datetime) -> list[int]:
        """Return the marks of an hour as they are now: read them before its records."""
        return scores.marks(self._connection, scores.RECORD_KINDS, hour, hour + HOUR)

    def store(self, hour: datetime, parts: Iterable[HourScores], marks: Sequence[int]) -> Outcome:
        """Store an hour that was rated elsewhere, of records read after these marks.

        "held" where a mark is gone: another process has scored the hour since, maybe of newer records.
        """
        baseline_id, _ = self.baseline(local_day(hour, self.scoring.zone))
        with self._connection.transaction():
            scores.hold(self._connection, "hour", hour, wait=True)
            if not set(marks) <= set(self.marks(hour)):
                return "held"
            return self._replaced(hour, parts, marks, baseline_id)

    def _replaced(
        self, hour: datetime, parts: Iterable[HourScores], marks: Sequence[int], baseline_id: int
    ) -> HourCount | TooLate:
        """Store the parts of an hour and take its marks away, inside a transaction that holds it."""
        connection = self._connection
        if retention.gone(connection, retention.SESSIONS, hour):
            scores.unmark(connection, marks)
            return TooLate(rows=count_sessions(connection, hour, hour + HOUR))
        count = store_hour(connection, hour, parts, self.version(baseline_id), whole=self._whole)
        scores.mark(connection, scores.DAY_KIND, hour)
        shadows.follow(connection, hour)
        detections.look_again(connection, scores.windows_of(connection, marks))
        scores.unmark(connection, marks)
        return count
