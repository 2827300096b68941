"""Scores dirty hours over one connection, each in a transaction of its own."""

from dataclasses import dataclass
from datetime import date, datetime
from functools import cached_property
from typing import Literal

from cemaphore import catalogues
from cemaphore.engines.local import score_hour
from cemaphore.pipeline.baseline import baseline_for
from cemaphore.pipeline.frame import FrameContext
from cemaphore.pipeline.hours import HourCount, Scoring
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
    """One connection with everything that hours are scored with; `whole` as in `score_hour`."""

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
        connection = self._connection
        baseline_id, margins = self.baseline(local_day(hour, self.scoring.zone))
        with connection.transaction():
            if not scores.hold(connection, "hour", hour, wait=wait):
                return "held"
            marks = scores.marks(connection, scores.RECORD_KINDS, hour, hour + HOUR)
            if not marks:
                return "done"
            if retention.gone(connection, retention.SESSIONS, hour):
                scores.unmark(connection, marks)
                return TooLate(rows=count_sessions(connection, hour, hour + HOUR))
            version_id = self.version(baseline_id)
            count = score_hour(connection, hour, self.scoring, margins, version_id, whole=self._whole)
            scores.mark(connection, scores.DAY_KIND, hour)
            shadows.follow(connection, hour)
            detections.look_again(connection, scores.windows_of(connection, marks))
            scores.unmark(connection, marks)
        return count
