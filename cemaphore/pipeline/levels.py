"""Usual levels of measurements: taught day by day, frozen with each baseline, looked up for one value."""

from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.baseline import weeks_of
from cemaphore.pipeline.frame import SessionFrame
from qoe import levels
from qoe.calendar import Calendar
from qoe.levels import Histogram, LevelRows, Levels
from store import levels as stored
from store.connection import Connection

Counted = dict[tuple[str, str], Histogram]


def levels_for(connection: Connection, baseline_id: int, attribute: str, value: int) -> Levels | None:
    """Return what a baseline says is usual for one value (a label's number; 1 of `all`); None where it knows nothing.

    `attribute` is one of `qoe.levels.LEVEL_ATTRIBUTES`: all, cell, app, model.
    """
    rows = stored.level_rows(connection, baseline_id, attribute, value)
    if rows is None:
        return None
    whole = {name: rows[name].astype(np.int16) for name in ("measure", "slot")}
    return Levels(LevelRows(**{**rows, **whole}))


def count(frame: SessionFrame, calendar: Calendar, counted: Counted) -> None:
    """Add the measurements of some sessions to what was counted so far."""
    weekday, hour = calendar.hours(frame.start_us)
    values: dict[str, NDArray[np.int64]] = {"all": np.ones(frame.rows, dtype=np.int64)}
    values |= {name: frame.attributes[name].astype(np.int64) for name in levels.LEVEL_ATTRIBUTES[1:]}
    measured = {"q": frame.q, levels.BAD: np.where(np.isnan(frame.q), np.nan, frame.bad)}
    for name in levels.MEASURES:
        if name in frame.columns and name not in measured:
            measured[name] = np.asarray(frame.columns[name], dtype=np.float64)
    for attribute, codes in values.items():
        for measure, value in measured.items():
            made = levels.histogram(attribute, measure, codes, weekday, hour, value)
            key = (attribute, measure)
            counted[key] = counted[key].plus(made) if key in counted else made


def teach(connection: Connection, day: date, counted: Counted, kept: float) -> None:
    """Let the histograms forget to `kept` of their counts, and add those of a day."""
    for attribute in levels.LEVEL_ATTRIBUTES:
        for measure in levels.MEASURES:
            made = _now(connection, attribute, measure).plus(counted.get((attribute, measure), levels.EMPTY), kept)
            stored.keep_histogram(connection, attribute, measure, made.key, made.count, day + timedelta(days=1))


def freeze(connection: Connection, baseline_id: int, day: date, calendar: Calendar) -> None:
    """Store what is usual now on such a day under its baseline."""
    weekday, weeks = calendar.weekday(day), weeks_of(connection, baseline_id, calendar.zone)
    for attribute in levels.LEVEL_ATTRIBUTES:
        made = [
            levels.frozen(attribute, measure, _now(connection, attribute, measure), weekday, weeks)
            for measure in levels.MEASURES
        ]
        whole = {name: np.concatenate([vars(rows)[name] for rows in made]) for name in vars(made[0])}
        stored.add_levels(connection, baseline_id, attribute, whole)


def _now(connection: Connection, attribute: str, measure: str) -> Histogram:
    return Histogram(*stored.histogram(connection, attribute, measure))
