"""The local engine: reads one hour out of the database, part by part, and replaces the rows that are made of it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cemaphore.engines.spool import spooled
from cemaphore.pipeline.frame import (
    SESSION_LABELS,
    TOUCHPOINT_LABELS,
    SessionFrame,
    TouchpointFrame,
    sessions_of,
    touchpoints_of,
)
from cemaphore.pipeline.hours import GROUP_ATTRIBUTES, HourCount, HourScores, Scoring, merged_parts, rate
from cemaphore.pipeline.indicators import ATTRIBUTES as INDICATOR_ATTRIBUTES
from cemaphore.pipeline.score_rows import stacked
from qoe.calendar import SATURDAY
from qoe.company import Compared
from qoe.expectation import Margins, expected_bad
from qoe.model import FloatArray
from records.windows import HOUR
from store import scores, touched, user_sums
from store.connection import Connection
from store.copying import Arrays
from store.frames import count_sessions, label_values, read_sessions, read_touchpoints

# A larger hour is read in parts that each hold whole customers: about 1 kB a session at the peak (own).
PART_SESSIONS = 400_000


def store_hour(
    connection: Connection, hour: datetime, parts: Iterable[HourScores], version_id: int, *, whole: bool = False
) -> HourCount:
    """Replace the rows of one hour by its rated parts; the caller owns the transaction. Without records it loses them.

    Notes the customers whose rows are not as they were, or with `whole` all, for the day that is merged next.
    """
    stored = HourStore(connection, hour, version_id)
    made = []
    for rated in parts:
        stored.add_users(rated)
        made.append(replace(rated, users=()))
    complete = merged_parts(made)
    stored.close(complete, whole=whole)
    return complete.count


def parts_of(connection: Connection, hour: datetime) -> int:
    """How many parts an hour is rated in."""
    return -(-count_sessions(connection, hour, hour + HOUR) // PART_SESSIONS) or 1


def rated_parts(connection: Connection, hour: datetime, scoring: Scoring, margins: Margins) -> Iterator[HourScores]:
    """Read an hour and rate it, a large one in parts: no customer is in two, and all sessions are compared together."""
    parts = parts_of(connection, hour)
    if parts == 1:
        sessions = read_sessions(connection, hour, hour + HOUR)
        touchpoints = read_touchpoints(connection, hour, hour + HOUR)
        names = label_values(connection, [*SESSION_LABELS, *TOUCHPOINT_LABELS])
        yield rate_frames(*frames_of(sessions, touchpoints, names, hour, scoring), scoring, margins)
        return
    with spooled(connection, hour, parts, scoring.context) as spool:
        for frames, beside in spool.parts():
            yield rate_frames(*frames, scoring, margins, beside)


def frames_of(
    sessions: Arrays, touchpoints: Arrays, names: Mapping[str, Mapping[int, str]], hour: datetime, scoring: Scoring
) -> tuple[SessionFrame, TouchpointFrame]:
    """Frames of records as `store.frames` reads them, which this takes apart; `names` are the labels of frames."""
    return (
        sessions_of(sessions, names, hour, hour + HOUR, scoring.context),
        touchpoints_of(touchpoints, names, hour, hour + HOUR, scoring.context),
    )


def rate_frames(
    sessions: SessionFrame,
    touchpoints: TouchpointFrame,
    scoring: Scoring,
    margins: Margins,
    beside: Compared | None = None,
) -> HourScores:
    """Rate what `frames_of` made; of one part of several with what comparing all of them found."""
    return rate(sessions, touchpoints, _expected(sessions, scoring, margins), scoring, beside)


class HourStore:
    """Replaces the rows of one hour, whatever engine made them, and notes whose rows changed; in one transaction."""

    def __init__(self, connection: Connection, hour: datetime, version_id: int) -> None:
        self._connection, self._hour, self._version_id = connection, hour, version_id
        self._before = user_sums.in_window(connection, "user_hour", hour)
        self._same = np.zeros(len(self._before["customer_key"]), dtype=np.bool_)
        self._changed: list[NDArray[np.int64]] = []
        scores.delete(connection, "user_hour", start=hour)
        for grain in ("15m", "hour"):
            groups = list(GROUP_ATTRIBUTES)
            scores.delete_span(connection, "group_index", hour, hour + HOUR, grain=grain, attribute=groups)
        scores.delete(connection, "kqi_value", start=hour, grain="hour", attribute=list(INDICATOR_ATTRIBUTES))

    def add_users(self, part: HourScores) -> None:
        """Append the rows of customers that are in no other part."""
        for users in part.users:
            rows = {**users, "version_id": self._version_id}
            scores.append(self._connection, "user_hour", rows)
            self._compare(rows)

    def close(self, made: HourScores, *, whole: bool) -> None:
        """Append the rows of groups and indicators of the whole hour, and say who changed and what is fresh."""
        connection, before = self._connection, self._before["customer_key"]
        scores.append(connection, "group_index", stacked(made.group_tables(self._version_id)))
        scores.append(connection, "kqi_value", stacked(made.indicator_tables(self._version_id)))
        changed = np.concatenate([before[~self._same], *self._changed])
        touched.touch(connection, "days", self._hour, np.unique(changed), every=whole or not len(before))
        scores.note_events(connection, made.last_event_us, datetime.now(UTC))

    def _compare(self, rows: Mapping[str, Any]) -> None:
        """Keep the customers that are new or have other sums than before."""
        before, keys = self._before, rows["customer_key"]
        if not len(before["customer_key"]):
            return
        place = np.minimum(np.searchsorted(before["customer_key"], keys), len(before["customer_key"]) - 1)
        same = before["customer_key"][place] == keys
        for name, values in before.items():
            same &= values[place] == rows[name]
        self._same[place[same]] = True
        self._changed.append(keys[~same])


def _expected(frame: SessionFrame, scoring: Scoring, margins: Margins) -> FloatArray:
    weekday, hour = scoring.calendar.hours(frame.start_us)
    weekend = (weekday >= SATURDAY).astype(np.int64)
    return expected_bad(margins, frame.attributes, weekend, hour, weekday)
