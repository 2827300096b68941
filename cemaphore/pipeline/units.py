"""Hours of sessions or touchpoints as the cluster search takes them: rated, and with what history expects of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from cemaphore.pipeline.baseline import baseline_for, calendar_of, days_like, history_for, touchpoint_baseline
from cemaphore.pipeline.frame import FrameContext, session_frame, touchpoint_frame
from qoe.calendar import SATURDAY
from qoe.clusters import SESSION_ATTRIBUTES, TOUCHPOINT_ATTRIBUTES, History, Units
from qoe.clusters.tracking import REACH
from qoe.clusters.units import in_order, joined
from qoe.expectation import Margins, expected_bad
from records.windows import HOUR
from store import quality
from store.connection import Connection
from store.frames import Part, count_sessions

# A larger hour is read in parts that each hold whole customers: about 1 kB a session until it is rated (own), then
# 120 bytes for each session in reach of a search.
PART_SESSIONS = 400_000
WINDOW_US = 900_000_000
PER_HOUR = 4
_MEASURED = (
    *("rsrp_dbm", "sinr_db", "loss_dl", "rtt_client_ms", "rtt_server_ms", "throughput_dl_kbps", "jitter_ms"),
    *("dns_ms", "ttfb_ms"),
)
_TOUCH_MEASURED = ("wait_s", "handle_s", "transfers")


@dataclass(frozen=True, kw_only=True)
class Expectation:
    """What is expected on one local day: the baseline's number, its margins, and how well they held before."""

    baseline_id: int
    margins: Margins
    history: History | None


def moment_of(window: int) -> datetime:
    """Start of a window, by its number since 1970."""
    return datetime.fromtimestamp(window * 900, tz=UTC)


def window_of(moment: datetime) -> int:
    """Number of the window that holds the moment."""
    return int(moment.timestamp()) // 900


class Feed:
    """Units of one kind, hour by hour; the hours within reach of a search are kept."""

    def __init__(self, connection: Connection, over_kind: str, zone: ZoneInfo, context: FrameContext) -> None:
        self.over_kind = over_kind
        self._connection = connection
        self._zone = zone
        self._calendar = calendar_of(connection, zone)
        self.context = context
        self._hours: dict[int, Units | None] = {}
        self._days: dict[date, Expectation] = {}

    def reach(self, window: int) -> Units | None:
        """The units of the windows that a search of `window` needs; None where there are none with an expectation."""
        first = (window - REACH + 1) // PER_HOUR
        hours = range(first, window // PER_HOUR + 1)
        self._hours = {hour: units for hour, units in self._hours.items() if hour >= first}
        for hour in hours:
            if hour not in self._hours:
                self._hours[hour] = self._read(hour)
        parts = [units for hour in hours if (units := self._hours[hour]) is not None]
        return joined(parts).between(window - REACH + 1, window) if parts else None

    def expectation(self, window: int) -> Expectation:
        """What is expected on the local day of a window."""
        day = moment_of(window).astimezone(self._zone).date()
        if day not in self._days:
            self._days = {known: each for known, each in self._days.items() if (day - known).days <= 2}
            self._days[day] = self._expect(day)
        return self._days[day]

    def _expect(self, day: date) -> Expectation:
        if self.over_kind == "touchpoints":
            baseline_id, margins = touchpoint_baseline(self._connection, day, self._zone, self.context)
            if not margins.known:
                return Expectation(baseline_id=baseline_id, margins=margins, history=None)
            known = days_like(self._connection, baseline_id, day, self._zone)
            return Expectation(baseline_id=baseline_id, margins=margins, history=History(known_days=known))
        baseline_id, margins = baseline_for(self._connection, day, self._zone)
        history = history_for(self._connection, baseline_id, day, self._zone) if baseline_id else None
        return Expectation(baseline_id=baseline_id, margins=margins, history=history)

    def _read(self, hour: int) -> Units | None:
        margins = self.expectation(hour * PER_HOUR).margins
        if not margins.known:
            return None
        start = moment_of(hour * PER_HOUR)
        if self.over_kind == "sessions":
            parts = -(-count_sessions(self._connection, start, start + HOUR) // PART_SESSIONS) or 1
            read = [self._sessions(start, margins, (part, parts)) for part in range(parts)]
            return read[0] if parts == 1 else in_order(joined(read))
        return self._touchpoints(start, margins)

    def _sessions(self, start: datetime, margins: Margins, part: Part) -> Units:
        """Some of an hour's customers: all columns of a session are needed to rate it, and only few to search it."""
        chosen_part = part if part[1] > 1 else None
        frame = session_frame(self._connection, start, start + HOUR, context=self.context, part=chosen_part)
        measured = {name: frame.columns[name] for name in _MEASURED if name in frame.columns}
        measured["failed"] = _failed(frame.columns["success"])
        chosen = {name: frame.attributes[name] for name in SESSION_ATTRIBUTES}
        q = self._heard(start, frame.source_id, frame.start_us, frame.q)
        return self._units(margins, frame.customer_key, frame.start_us, q, frame.bad, chosen, measured)

    def _touchpoints(self, start: datetime, margins: Margins) -> Units:
        end = start + HOUR
        touch = touchpoint_frame(self._connection, start, end, context=self.context)
        measured = {name: touch.columns[name] for name in _TOUCH_MEASURED if name in touch.columns}
        measured["failed"] = _failed(touch.columns["success"])
        chosen = {name: touch.attributes[name] for name in TOUCHPOINT_ATTRIBUTES}
        q = self._heard(start, touch.source_id, touch.time_us, touch.q)
        return self._units(margins, touch.customer_key, touch.time_us, q, touch.bad, chosen, measured)

    def _heard(
        self, start: datetime, source_id: NDArray[np.int16], time_us: NDArray[np.int64], q: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """The qualities, NaN in windows in which the source was away: what it says then is nobody's experience."""
        blank = quality.blank(self._connection, self.over_kind, start, start + HOUR)
        if not blank:
            return q
        window = time_us // WINDOW_US
        away = np.zeros(len(q), bool)
        for source, moment in blank:
            away |= (source_id == source) & (window == window_of(moment))
        return np.where(away, np.nan, q)

    def _units(
        self,
        margins: Margins,
        customer: NDArray[np.int64],
        time_us: NDArray[np.int64],
        q: NDArray[np.float64],
        bad: NDArray[np.bool_],
        attributes: Mapping[str, NDArray[Any]],
        measured: Mapping[str, NDArray[Any]],
    ) -> Units:
        # In one order, whatever order the database gave: sums of floats then never differ between two runs.
        order = np.lexsort((customer, time_us))
        rated = order[~np.isnan(q[order])]
        weekday, hour = self._calendar.hours(time_us[rated])
        weekend = (weekday >= SATURDAY).astype(np.int64)
        codes: dict[str, Any] = {name: values[rated].astype(np.int32) for name, values in attributes.items()}
        return Units(
            time_us=time_us[rated],
            window=time_us[rated] // WINDOW_US,
            customer=customer[rated],
            n=np.ones(len(rated)),
            bad=bad[rated].astype(float),
            expected=expected_bad(margins, codes, weekend, hour, weekday),
            attributes=codes,
            measured={name: _measurement(name, values[rated]) for name, values in measured.items()},
        )


def _failed(success: NDArray[Any]) -> NDArray[np.float64]:
    value = np.asarray(success, dtype=np.float64)
    return np.where(value >= 0, 1.0 - value, np.nan)


def _measurement(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """The measurement with half the memory: evidence needs no more digits."""
    number = np.asarray(values, dtype=np.float32)
    return number if name.endswith(("_dbm", "_db")) else np.where(number >= 0, number, np.float32(np.nan))
