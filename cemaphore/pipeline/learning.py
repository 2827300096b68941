"""Learns from whole local days, once each, before the next one is scored: usual levels and joint effects."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from threadpoolctl import threadpool_limits

from cemaphore.pipeline import effects, levels
from cemaphore.pipeline.frame import FrameContext, SessionFrame, session_frame
from qoe.calendar import Calendar
from qoe.expectation import kept
from records.windows import HOUR, day_bounds, local_day
from store import baselines
from store import levels as stored
from store.connection import Connection
from store.frames import count_sessions

# Of a day with more sessions, whole customers are drawn: a million tell medians and effects of what has 2,000 sessions
# in ten million still from 200 (own). It bounds time and memory whatever the operator's size.
MOST_SESSIONS = 1_000_000
# Hours are read together up to so many sessions: about 1 kB each while they are rated (own).
_SLICE_SESSIONS = 100_000


@dataclass(frozen=True, kw_only=True)
class Lesson:
    """How to learn: with which inventory and catalogue, on which calendar, and how fast to forget."""

    context: FrameContext
    calendar: Calendar
    half_life_days: float


def learn(connection: Connection, baseline_id: int, day: date, lesson: Lesson) -> None:
    """Teach the days before `day` that were not learned yet, and freeze what is usual under its baseline.

    Days are learned in order and once: rows that come later for a learned day teach nothing. The caller owns the
    transaction in which the baseline was made.
    """
    known, span = stored.learned_until(connection), baselines.span(connection, baseline_id)
    if span is None or (known is not None and known >= day):
        return
    first = local_day(span[0], lesson.calendar.zone)
    each = first if known is None else max(known, first)
    with threadpool_limits(limits=1):  # of such small tables, threads wait for each other a hundred times longer
        while each < day:
            _learn_day(connection, each, lesson)
            each += timedelta(days=1)
        levels.freeze(connection, baseline_id, day, lesson.calendar)


def _learn_day(connection: Connection, day: date, lesson: Lesson) -> None:
    counted: levels.Counted = {}
    seen = effects.Seen()
    for frame in slices(connection, *day_bounds(day, lesson.calendar.zone), lesson.context):
        levels.count(frame, lesson.calendar, counted)
        seen.add(frame, lesson.calendar)
    left = kept(1, lesson.half_life_days)
    levels.teach(connection, day, counted, left)
    effects.teach(connection, day, seen, left)


def slices(connection: Connection, start: datetime, end: datetime, context: FrameContext) -> Iterator[SessionFrame]:
    """Read the sessions of [start, end) a few hours at a time, of many a sample of whole customers."""
    counts = [
        (start + number * HOUR, count_sessions(connection, start + number * HOUR, start + (number + 1) * HOUR))
        for number in range(int((end - start) / HOUR))
    ]
    parts = -(-sum(count for _, count in counts) // MOST_SESSIONS) or 1
    part = (0, parts) if parts > 1 else None
    begins, waiting = start, 0
    for hour, count in counts:
        if waiting and waiting + count // parts > _SLICE_SESSIONS:
            yield session_frame(connection, begins, hour, context=context, part=part)
            begins, waiting = hour, 0
        waiting += count // parts
    if waiting:
        yield session_frame(connection, begins, end, context=context, part=part)
