"""The local engine: reads one hour out of the database, part by part, and replaces the rows that are made of it."""

from dataclasses import replace
from datetime import datetime

import numpy as np

from cemaphore.pipeline.frame import SessionFrame, session_frame, touchpoint_frame
from cemaphore.pipeline.hours import HourCount, HourScores, Scoring, merged_parts, rate
from cemaphore.pipeline.score_rows import stacked
from qoe.calendar import SATURDAY
from qoe.expectation import Margins, expected_bad
from qoe.model import FloatArray
from records.windows import HOUR
from store import scores
from store.connection import Connection
from store.frames import count_sessions

# A larger hour is read in parts that each hold whole customers: about 1 kB a session at the peak (own).
PART_SESSIONS = 400_000


def score_hour(
    connection: Connection, hour: datetime, scoring: Scoring, margins: Margins, version_id: int
) -> HourCount:
    """Replace the rows of one hour; the caller owns the transaction. An hour without records loses its rows."""
    clear_hour(connection, hour)
    found = count_sessions(connection, hour, hour + HOUR)
    parts = -(-found // PART_SESSIONS) or 1
    made = []
    for index in range(parts):
        part = (index, parts) if parts > 1 else None
        sessions = session_frame(connection, hour, hour + HOUR, context=scoring.context, part=part)
        touchpoints = touchpoint_frame(connection, hour, hour + HOUR, context=scoring.context, part=part)
        rated = rate(sessions, touchpoints, _expected(sessions, scoring, margins), scoring)
        store_users(connection, rated, version_id)
        made.append(replace(rated, users=()))
    whole = merged_parts(made)
    store_groups(connection, whole, version_id)
    return whole.count


def clear_hour(connection: Connection, hour: datetime) -> None:
    """Delete the rows of one hour, which new ones replace in the same transaction."""
    scores.delete(connection, "user_hour", start=hour)
    scores.delete_span(connection, "group_index", hour, hour + HOUR, grain="15m")
    scores.delete_span(connection, "group_index", hour, hour + HOUR, grain="hour")
    scores.delete(connection, "kqi_value", start=hour, grain="hour")


def store_users(connection: Connection, made: HourScores, version_id: int) -> None:
    """Append the rows of customers."""
    for users in made.users:
        scores.append(connection, "user_hour", {**users, "version_id": version_id})


def store_groups(connection: Connection, made: HourScores, version_id: int) -> None:
    """Append the rows of groups and indicators of a whole hour."""
    scores.append(connection, "group_index", stacked(made.group_tables(version_id)))
    scores.append(connection, "kqi_value", stacked(made.indicator_tables(version_id)))


def _expected(frame: SessionFrame, scoring: Scoring, margins: Margins) -> FloatArray:
    weekday, hour = scoring.calendar.hours(frame.start_us)
    weekend = (weekday >= SATURDAY).astype(np.int64)
    return expected_bad(margins, frame.attributes, weekend, hour, weekday)
