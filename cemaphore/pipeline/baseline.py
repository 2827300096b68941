"""The expectation of a local day: its frozen baseline, as the cores take it."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from cemaphore.pipeline.frame import FrameContext, TouchpointFrame, touchpoint_frame
from qoe.calendar import SATURDAY, Calendar
from qoe.clusters import SESSION_ATTRIBUTES, TOUCHPOINT_ATTRIBUTES, History, history_of
from qoe.clusters.history import Ratios
from qoe.expectation import ANY, DAYS, MARGIN_ATTRIBUTES, MarginRows, Margins, margins_of
from records.windows import day_bounds, local_day
from store import baselines
from store.connection import Connection

_ATTRIBUTES = {"sessions": MARGIN_ATTRIBUTES, "touchpoints": TOUCHPOINT_ATTRIBUTES}


def calendar_of(connection: Connection, zone: ZoneInfo) -> Calendar:
    """Return the operator's calendar: its zone, and the holidays of the last scoring run."""
    return Calendar(zone=zone, holidays=baselines.holidays(connection))


def baseline_for(
    connection: Connection,
    day: date,
    zone: ZoneInfo,
    over_kind: str = "sessions",
    half_life_days: float = baselines.HALF_LIFE_DAYS,
) -> tuple[int, Margins]:
    """Return id and margins of a local day, frozen at the first call; 0 and none without history."""
    baseline_id = baselines.freeze(connection, day, zone, half_life_days)
    rows = baselines.margin_rows(connection, baseline_id, over_kind) if baseline_id else []
    return baseline_id, margins_of(_margin_rows(rows), _ATTRIBUTES[over_kind], weeks_of(connection, baseline_id, zone))


def weeks_of(connection: Connection, baseline_id: int, zone: ZoneInfo) -> float:
    """Return how many weeks of local days a baseline knows, at most `HISTORY_DAYS`; 0 for none."""
    span = baselines.span(connection, baseline_id)
    return 0.0 if span is None else (local_day(span[1], zone) - local_day(span[0], zone)).days / DAYS


def touchpoint_baseline(
    connection: Connection, day: date, zone: ZoneInfo, context: FrameContext
) -> tuple[int, Margins]:
    """The same of touchpoints, which have no group index: their margins are counted from the records."""
    baseline_id, margins = baseline_for(connection, day, zone, "touchpoints")
    if not baseline_id or margins.known:
        return baseline_id, margins
    end, _ = day_bounds(day, zone)
    frame = touchpoint_frame(connection, end - timedelta(days=baselines.HISTORY_DAYS), end, context=context)
    baselines.add_margin_rows(
        connection, baseline_id, "touchpoints", _touchpoint_rows(frame, calendar_of(connection, zone))
    )
    return baseline_for(connection, day, zone, "touchpoints")


def history_for(connection: Connection, baseline_id: int, day: date, zone: ZoneInfo) -> History | None:
    """How well expectations held in the week before a local day; None where there was none to hold."""
    known_days = days_like(connection, baseline_id, day, zone)
    rows = baselines.fit_rows(connection, baseline_id, "sessions")
    if rows:
        return replace(_history(rows), known_days=known_days)
    windows = baselines.earlier_windows(connection, day, zone, SESSION_ATTRIBUTES)
    if not len(windows["bad"]):
        return None
    counts = {
        name: tuple(windows[column][windows["attribute"] == place] for column in ("value", "expected", "bad"))
        for place, name in enumerate(SESSION_ATTRIBUTES)
    }
    made = history_of({name: (code.astype(np.int64), mean, bad) for name, (code, mean, bad) in counts.items()})
    ratios = {
        name: dict(zip(each.code.tolist(), each.ratio.tolist(), strict=True)) for name, each in made.ratios.items()
    }
    baselines.add_fit_rows(connection, baseline_id, "sessions", ratios, made.dispersion)
    return replace(_history(baselines.fit_rows(connection, baseline_id, "sessions")), known_days=known_days)


def days_like(connection: Connection, baseline_id: int, day: date, zone: ZoneInfo) -> float:
    """How many earlier days of a day's kind (weekday or weekend) its baseline spans; the first counts in part."""
    span = baselines.span(connection, baseline_id)
    if span is None:
        return 0.0
    calendar = calendar_of(connection, zone)
    (first, end), known = span, 0.0
    each = first.astimezone(zone).date()
    while each < day:
        begins, ends = day_bounds(each, zone)
        if calendar.weekend(each) == calendar.weekend(day):
            known += max((min(ends, end) - max(begins, first)) / (ends - begins), 0.0)
        each += timedelta(days=1)
    return known


def _margin_rows(rows: Sequence[baselines.MarginRow]) -> MarginRows:
    columns = list(zip(*rows, strict=True)) or [()] * 7
    return MarginRows(
        attribute=np.array(columns[0], dtype=np.str_),
        value=np.array(columns[1], dtype=np.int64),
        weekend=np.array(columns[2], dtype=np.int64),
        hour=np.array(columns[3], dtype=np.int64),
        n=np.array(columns[4], dtype=np.float64),
        bad=np.array(columns[5], dtype=np.float64),
        weekday=np.array(columns[6], dtype=np.int64),
    )


def _history(rows: list[tuple[str, int, float, float]]) -> History:
    dispersion = {attribute: spread for attribute, value, _, spread in rows if value == ANY}
    ratios: dict[str, Ratios] = {}
    for name in {attribute for attribute, *_ in rows}:
        mine = sorted((value, ratio) for attribute, value, ratio, _ in rows if attribute == name and value != ANY)
        ratios[name] = Ratios(
            code=np.array([value for value, _ in mine], np.int64), ratio=np.array([ratio for _, ratio in mine], float)
        )
    return History(dispersion=dispersion, ratios=ratios)


def _touchpoint_rows(frame: TouchpointFrame, calendar: Calendar) -> list[baselines.MarginRow]:
    """Counts of rated touchpoints: all, by local hour and weekend, by channel, by activity."""
    rated = ~np.isnan(frame.q)
    bad = frame.bad[rated].astype(float)
    weekday, hour = calendar.hours(frame.time_us[rated])
    slot = (weekday >= SATURDAY) * 24 + hour
    rows = [("all", 0, ANY, ANY, float(len(bad)), float(bad.sum()), ANY)] if len(bad) else []
    for code in np.unique(slot).tolist():
        mine = slot == code
        rows.append(("all", 0, code // 24, code % 24, float(mine.sum()), float(bad[mine].sum()), ANY))
    for name in TOUCHPOINT_ATTRIBUTES:
        codes = frame.attributes[name][rated]
        for code in np.unique(codes).tolist():
            mine = codes == code
            rows.append((name, code, ANY, ANY, float(mine.sum()), float(bad[mine].sum()), ANY))
    return rows
