"""The jobs that judge: sources assessed, windows scored, clusters looked for, and once a day what choices would do."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from cemaphore.pipeline import aggregation
from cemaphore.pipeline.detection import detect
from cemaphore.pipeline.scoring import score
from cemaphore.pipeline.sourcehealth import assess
from cemaphore.running.schedule import Source
from cemaphore.running.work import Call, Counts, Work, counts_of
from cemaphore.settings import Settings
from records.windows import QUARTER, floor
from store.connection import connect


class Judging:
    """Remembers when the sources were last assessed, so that windows closed since then wait for the next round."""

    sources: Sequence[Source] = ()

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._assessed_at: datetime | None = None
        self._newest: datetime | None = None
        self.work: Mapping[str, Work] = {
            "health": self._health,
            "score": self._score,
            "detect": self._detect,
            "aggregate": self._aggregate,
        }

    def close(self) -> None:
        """Nothing is kept open."""

    def _health(self, call: Call) -> Counts:
        """Assess the sources where a window has closed since, or records of a closed one came in."""
        self._assessed_at = None
        until = call.now - timedelta(minutes=self._settings.close_after_minutes)
        with connect(call.dsn, autocommit=True) as connection:
            row = connection.execute(
                "SELECT EXISTS (SELECT FROM cem.dirty WHERE window_start < %s)", [until]
            ).fetchone()
        counts: Counts = {}
        if self._newest != floor(until, QUARTER) or (row and row[0]):
            counts = counts_of(assess(call.dsn, self._settings, now=call.now))
        self._assessed_at, self._newest = call.now, floor(until, QUARTER)
        return counts

    def _score(self, call: Call) -> Counts:
        return counts_of(score(call.dsn, self._settings))

    def _detect(self, call: Call) -> Counts:
        """Look at what was closed when the sources were assessed; at all that is closed where that failed."""
        return counts_of(detect(call.dsn, self._settings, now=self._assessed_at or call.now))

    def _aggregate(self, call: Call) -> Counts:
        """Look at the last whole day where that was not done yet."""
        return counts_of(aggregation.assess(call.dsn, self._settings, anew=False))
