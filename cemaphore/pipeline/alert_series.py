"""The series of one measure as alerting follows them: days learned, seasons frozen, the last windows kept."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from alerts.judging import numbers_of
from alerts.rules import KPI, KQI
from qoe.calendar import Calendar
from qoe.drops import DEPTH, Track, advanced, aged, empty_track
from qoe.seasons import HISTORY_DAYS, DaySums, Season, day_sums, season
from records.windows import HOUR, QUARTER, day_bounds, floor, local_day
from store import alert_series as stored
from store.connection import Connection
from store.copying import Arrays

Read = Callable[[Connection, Sequence[str], str, datetime, datetime], Arrays]
# While a source is away, a group that has less than this of its usual records is not judged by what is left (own).
_CARRIED = 0.7
_FIELDS = ("total", "count", "square", "volume", "excess")


@dataclass(frozen=True, eq=False)
class Rows:
    """One window of many series: `number` sorted, with the sums of `store.alert_series.index_rows`."""

    number: NDArray[np.int64]
    total: NDArray[np.float64]
    count: NDArray[np.float64]
    square: NDArray[np.float64]
    volume: NDArray[np.float64]
    excess: NDArray[np.float64]


class MeasureSeries:
    """All series of one measure over some attributes; with `keep` what is learned is stored."""

    def __init__(
        self,
        connection: Connection,
        measure: str,
        attributes: tuple[str, ...],
        sign: float,
        calendar: Calendar,
        *,
        keep: bool,
    ) -> None:
        self.measure, self.attributes, self.sign = measure, attributes, sign
        self.track = empty_track()
        self.step = HOUR if measure.startswith(KQI) else QUARTER
        self._connection, self._calendar, self._keep = connection, calendar, keep
        self._name = f"{measure}@{','.join(attributes)}"
        self._rows: dict[datetime, Rows] = {}
        self._days: dict[date, DaySums] = {}
        self._season: tuple[date, Season] | None = None
        self._first = stored.first_scored(connection)

    @property
    def name(self) -> str:
        """What the series are kept under: another choice of attributes is another set of series."""
        return self._name

    def read(self, start: datetime, end: datetime) -> None:
        """Read the windows of [start, end) ahead; those read before are dropped."""
        self._rows = self._read(start, end)

    def season(self, window: datetime) -> Season:
        """What is usual on the local day of a window: learned from earlier days, frozen at the first question."""
        day = local_day(window, self._calendar.zone)
        if self._season is None or self._season[0] != day:
            self._season = (day, self._season_of(day))
        return self._season[1]

    def hour(self, window: datetime) -> int:
        """The local hour of what is judged at a window."""
        return (window + QUARTER - self.step).astimezone(self._calendar.zone).hour

    def at(self, window: datetime) -> Rows | None:
        """The rows that are complete with this window; None where there are none."""
        start = window + QUARTER - self.step
        if self.step == HOUR and start.astimezone(UTC).minute:
            return None
        return self._rows.get(start)

    def advance(self, window: datetime, away: bool) -> Rows | None:
        """Take a window into the track; while a source is `away`, series that it carries are not judged."""
        rows = self.at(window)
        if rows is None:
            return None
        usual, hour = self.season(window), self.hour(window)
        mean = np.where(rows.count > 0, rows.total / np.maximum(rows.count, 1e-9), np.nan)
        if away:
            mean = np.where(rows.volume < _CARRIED * self.usual_volume(rows.number, window), np.nan, mean)
        self.track = advanced(self.track, usual, hour, rows.number, mean, rows.count, self.sign)
        return rows

    def usual_volume(self, number: NDArray[np.int64], window: datetime) -> NDArray[np.float64]:
        """Usual records of these series at a window, 0 where they are not known."""
        usual = self.season(window)
        if not len(usual.value):
            return np.zeros(len(number))
        place = np.minimum(np.searchsorted(usual.value, number), len(usual.value) - 1)
        found = np.nan_to_num(usual.volume[place, self.hour(window)])
        return np.where(usual.value[place] == number, found * (self.step / QUARTER), 0.0)

    def kept(self) -> Arrays:
        """The track as arrays."""
        return dict(vars(self.track))

    def restore(self, arrays: Mapping[str, NDArray[np.generic]], last: datetime, window: datetime) -> None:
        """Take a track up that was kept with the window at `last`, to go on with `window`; none between was judged."""
        made = {name: np.asarray(arrays[name]) for name in ("value", "gap", "users", "level")}
        if made["gap"].shape[1:] == (DEPTH,):
            missed = (floor(window, self.step) - floor(last + QUARTER, self.step)) // self.step
            self.track = aged(Track(**made), missed)

    def _season_of(self, day: date) -> Season:
        found = stored.load(self._connection, "alert_season", self._name, day)
        if found is not None:
            return Season(**found)
        earlier = [self._day(each) for each in self._earlier(day)]
        made = season(earlier, self._calendar.weekday(day), self._calendar.weekend(day))
        if self._keep:
            stored.keep(self._connection, "alert_season", self._name, day, dict(vars(made)))
        return made

    def _earlier(self, day: date) -> list[date]:
        if self._first is None:
            return []
        # The first day is there in part only: what is usual is not learned from it unless it is whole.
        first = local_day(self._first + timedelta(hours=1), self._calendar.zone)
        days = [day - timedelta(days=back) for back in range(HISTORY_DAYS, 0, -1)]
        return [each for each in days if each >= first]

    def _day(self, day: date) -> DaySums:
        if day not in self._days:
            self._days = {each: sums for each, sums in self._days.items() if (day - each).days <= 2 * HISTORY_DAYS}
            self._days[day] = self._summed(day)
        return self._days[day]

    def _summed(self, day: date) -> DaySums:
        kind = {"weekday": self._calendar.weekday(day), "free": self._calendar.weekend(day)}
        found = stored.load(self._connection, "alert_day", self._name, day)
        if found is None:
            rows = self._read(*day_bounds(day, self._calendar.zone))
            windows = sorted(rows)
            fields = {name: _joined([getattr(rows[at], name) for at in windows]) for name in ("number", *_FIELDS[:4])}
            hours = [np.full(len(rows[at].number), at.astimezone(self._calendar.zone).hour) for at in windows]
            made = day_sums(
                kind["weekday"], bool(kind["free"]), fields["number"].astype(np.int64), _joined(hours).astype(np.int64),
                fields["total"], fields["count"], fields["square"], fields["volume"],
            )  # fmt: skip
            found = {name: getattr(made, name) for name in ("value", "total", "count", "square", "volume")}
            if self._keep:
                stored.keep(self._connection, "alert_day", self._name, day, found)
        return DaySums(weekday=kind["weekday"], free=bool(kind["free"]), **found)

    def _read(self, start: datetime, end: datetime) -> dict[datetime, Rows]:
        reader, name = _reader(self.measure)
        first = start if self.step == QUARTER else start - HOUR
        found = reader(self._connection, self.attributes, name, first, end)
        number = numbers_of(found["place"], found["value"], self.attributes)
        starts, places = np.unique(found["start_us"], return_index=True)
        bounds = [*places.tolist(), len(number)]
        made = {}
        for at, (begin, stop) in zip(starts.tolist(), pairwise(bounds), strict=True):
            order = begin + np.argsort(number[begin:stop], kind="stable")
            made[datetime.fromtimestamp(at / 1e6, UTC)] = Rows(
                number[order], *(found[field][order] for field in _FIELDS)
            )
        return made


def _reader(measure: str) -> tuple[Read, str]:
    if measure.startswith(KQI):
        return stored.kqi_rows, measure.removeprefix(KQI)
    if measure.startswith(KPI):
        return stored.kpi_rows, measure.removeprefix(KPI)
    return stored.index_rows, measure


def _joined(parts: Sequence[NDArray[np.generic]]) -> NDArray[np.float64]:
    return np.concatenate(parts).astype(np.float64) if parts else np.zeros(0)
