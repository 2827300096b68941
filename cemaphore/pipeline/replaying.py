"""Rates the sessions of whole customers of a day again, without storing anything: what settings are compared on."""

from collections.abc import Iterator
from datetime import datetime

import numpy as np

from cemaphore import catalogues
from cemaphore.pipeline.frame import FrameContext, session_frame, touchpoint_frame
from cemaphore.pipeline.hours import Rated, Scoring, joined, session_scores
from cemaphore.settings import Settings
from qoe.indices import IndexRules
from records.windows import HOUR, starts
from store import scores
from store.connection import Connection
from store.frames import count_sessions

# A larger day is looked at through some of its customers: what settings do to indices does not need them all (own).
SAMPLE_SESSIONS = 300_000


def scoring_of(connection: Connection, settings: Settings) -> Scoring:
    """Return what hours are scored with now: catalogues and inventory as they are."""
    quality = catalogues.quality(settings)
    return Scoring(
        context=FrameContext.load(connection, quality),
        rules=IndexRules.of(quality),
        indicators=catalogues.kqis(settings),
        zone=scores.time_zone(connection),
    )


def version_of(connection: Connection, settings: Settings, scoring: Scoring) -> int:
    """Return the number of the version of those catalogues; no baseline is used here."""
    quality = scoring.context.catalogue
    models = catalogues.model_version(scoring.context.models, quality)
    return scores.version(connection, models, f"qoe={quality.version} kqi={scoring.indicators.version}", 0)


def replayed(connection: Connection, start: datetime, end: datetime, scoring: Scoring) -> Iterator[Rated]:
    """Yield the rated hours of [start, end) for all its customers or an even sample of them, always the same."""
    parts = -(-count_sessions(connection, start, end) // SAMPLE_SESSIONS) or 1
    part = (0, parts) if parts > 1 else None
    for hour in starts(start, end, HOUR):
        sessions = session_frame(connection, hour, hour + HOUR, context=scoring.context, part=part)
        touchpoints = touchpoint_frame(connection, hour, hour + HOUR, context=scoring.context, part=part)
        if sessions.rows or touchpoints.rows:
            expected = np.full(sessions.rows, np.nan)
            yield joined(sessions, touchpoints, session_scores(sessions, scoring), expected, scoring)
