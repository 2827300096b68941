"""Surges of complaints that nothing explains: by topic, place and app, against what that hour of the week expects."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import nbinom

from customers.exposure import Floats, Ints

SPANS_H = (2, 6, 24)  # trailing hours that are looked at together (own): a burst, a shift, a day
LEAST_CUSTOMERS = 5  # who must have complained in a span (own)
HISTORY_DAYS = 3  # local days without which nothing is expected (own)
QUIET_H = 6  # hours after which a surge that shows nothing more has ended (own)
_STILL = 0.05  # tail probability of the last hours under which a surge goes on (own)
_HALF = 0.5  # complaints before any was seen: Jeffreys' prior of a Poisson rate (published)
_WEEK_WEIGHT = 10.0  # complaints by which an hour of the week is drawn to that hour of the day (own)
_DAY_WEIGHT = 24.0  # and an hour of the day to an even day (own)
_TRIMMED = 0.02  # share of the most unusual hours that are left out of the dispersion (own)

Key = tuple[tuple[str, str], ...]  # column and value, such as (("topic", "speed"), ("region", "north"))


@dataclass(frozen=True, kw_only=True)
class Surge:
    """One surge; hours count since 1970, `ended` is exclusive and None while it goes on, `p_value` of its detection."""

    key: Key
    started: int
    detected: int
    ended: int | None
    complaints: float
    expected: float
    customers: int
    p_value: float


@dataclass(frozen=True, kw_only=True)
class Stream:
    """Complaints, one entry each: hour since 1970, whose, the share that nothing explains, and the keys it counts for.

    `week_hour` gives the hour of the operator's week of each hour from `first` on, Monday 0 h is 0.
    """

    first: int
    week_hour: Ints
    hour: Ints
    customer: Ints
    weight: Floats
    keys: Sequence[Sequence[Key]]
    rows: Mapping[Key, Ints] = field(default_factory=dict)

    @classmethod
    def of(
        cls, first: int, week_hour: Ints, hour: Ints, customer: Ints, weight: Floats, named: Sequence[Mapping[str, str]]
    ) -> "Stream":
        """The stream of complaints that name a topic and perhaps an app and places."""
        keys = [list(_keys(each)) for each in named]
        rows: dict[Key, list[int]] = defaultdict(list)
        for row, each in enumerate(keys):
            for key in each:
                rows[key].append(row)
        return cls(
            first=first,
            week_hour=week_hour,
            hour=hour,
            customer=customer,
            weight=weight,
            keys=keys,
            rows={key: np.array(each, np.int64) for key, each in rows.items()},
        )

    def members(self, surge: Surge) -> Ints:
        """Rows of the complaints of a surge, oldest first."""
        rows = self.rows.get(surge.key, np.zeros(0, np.int64))
        ended = np.iinfo(np.int64).max if surge.ended is None else surge.ended
        return rows[(self.hour[rows] >= surge.started) & (self.hour[rows] < ended)]


def _keys(named: Mapping[str, str]) -> Iterable[Key]:
    topic = ("topic", named["topic"])
    yield (topic,)
    for column in ("app", "region", "site_id"):
        if named.get(column):
            yield (topic, (column, named[column]))


def find(stream: Stream, days: Sequence[int], until: int, level: float, known: Sequence[Surge] = ()) -> list[Surge]:
    """Follow surges hour by hour from the first of the `days` (their first hours) to `until`, exclusive.

    A day is judged by what was learned before it. `level` is the probability that an hour without cause opens a surge:
    it is shared over all keys and spans (Bonferroni), so it holds however many there are. `known` are surges that began
    before; returned are all that were alive or began, each complaint in one of them at most.
    """
    surges = list(known)
    for begin, end in zip(days, [*days[1:], until], strict=True):
        expectation = _Expectation(stream, begin)
        if begin - stream.first < HISTORY_DAYS * 24:
            continue
        for hour in range(begin, min(end, until)):
            surges = [_followed(stream, expectation, each, hour) for each in surges]
            surges += _opened(stream, expectation, hour, level, surges)
    return surges


class _Expectation:
    """What is expected on one day, from the hours before it."""

    def __init__(self, stream: Stream, begin: int) -> None:
        self._stream = stream
        before = stream.hour < begin
        hours = np.arange(stream.first, begin)
        places = stream.hour[before] - stream.first
        counts: Floats = np.bincount(places, stream.weight[before], max(len(hours), 1)).astype(np.float64)
        week = stream.week_hour[: len(hours)]
        self._shape = _shape(counts[: len(hours)], week)
        self._past = float(self._shape[week].sum())
        self._before = begin
        self.dispersion = _dispersion(counts[: len(hours)], self._shape[week])

    def tail(self, key: Key, hour: int, span: int, rows: Ints) -> tuple[float, float]:
        """Probability of what the span that ends with `hour` shows, or more, and what was expected."""
        stream = self._stream
        mine = stream.rows[key]
        learned = float(stream.weight[mine[stream.hour[mine] < self._before]].sum()) + _HALF
        places = np.arange(hour - span + 1, hour + 1) - stream.first
        ahead = float(self._shape[stream.week_hour[places[places >= 0]]].sum())
        expected = learned * ahead / max(self._past, 1e-9)
        return upper_tail(float(stream.weight[rows].sum()), expected, learned, self.dispersion), expected


def upper_tail(seen: float, expected: float, learned: float, dispersion: float) -> float:
    """Probability of so many complaints, or more, where as many were expected by what was learned from so many.

    Negative binomial of size learned / dispersion: the predictive distribution of a Poisson count whose rate is only
    known from earlier ones (Gelman et al., Bayesian Data Analysis 2.6, `published`), widened by the dispersion (`own`).
    """
    size = learned / dispersion
    return float(nbinom.sf(np.floor(seen) - 1, size, size / (size + expected)))


def _shape(counts: Floats, week_hour: Ints) -> Floats:
    """Relative rate of each of the 168 hours of the week, drawn to that hour of the day, and this to an even day."""
    hours = np.maximum(np.bincount(week_hour, minlength=168), 1e-9)
    by_week = np.bincount(week_hour, counts, 168)
    by_day, of_day = by_week.reshape(7, 24).sum(axis=0), hours.reshape(7, 24).sum(axis=0)
    mean = max(float(counts.sum()), _HALF) / max(len(counts), 1)
    daily = (by_day + _DAY_WEIGHT / 24) / (of_day + _DAY_WEIGHT / 24 / mean)
    usual = np.tile(daily, 7)
    return np.asarray((by_week + _WEEK_WEIGHT) / (hours + _WEEK_WEIGHT / usual) / mean, dtype=np.float64)


def _dispersion(counts: Floats, shape: Floats) -> float:
    """Variance over mean of the hours, at least 1."""
    if not counts.sum():
        return 1.0
    mean = shape * counts.sum() / shape.sum()
    squares = (counts - mean) ** 2 / np.maximum(mean, 1e-9)
    kept = squares <= np.quantile(squares, 1 - _TRIMMED)
    return max(1.0, float(squares[kept].mean()))


def _in_span(stream: Stream, key: Key, hour: int, span: int) -> Ints:
    rows = stream.rows.get(key, np.zeros(0, np.int64))
    return rows[(stream.hour[rows] > hour - span) & (stream.hour[rows] <= hour)]


def _followed(stream: Stream, expectation: _Expectation, surge: Surge, hour: int) -> Surge:
    """The surge with this hour's complaints, or ended where the last hours show nothing more."""
    if surge.ended is not None or surge.key not in stream.rows:
        return surge
    recent = _in_span(stream, surge.key, hour, QUIET_H)
    tail, _ = expectation.tail(surge.key, hour, QUIET_H, recent)
    if len(recent) and tail <= _STILL:
        rows = _in_span(stream, surge.key, hour, hour - surge.started + 1)
        _, whole = expectation.tail(surge.key, hour, hour - surge.started + 1, rows)
        return replace(
            surge,
            complaints=float(stream.weight[rows].sum()),
            expected=whole,
            customers=len(np.unique(stream.customer[rows])),
        )
    last = stream.hour[recent].max() + 1 if len(recent) else hour - QUIET_H + 1
    return replace(surge, ended=max(int(last), surge.started + 1))


def _opened(stream: Stream, expectation: _Expectation, hour: int, level: float, surges: Sequence[Surge]) -> list[Surge]:
    """The surges that this hour shows first: the least likely key, then what remains without its complaints."""
    taken = np.zeros(len(stream.hour), np.bool_)
    for surge in surges:
        taken[stream.members(surge)] = True
    found: list[Surge] = []
    while (best := _best(stream, expectation, hour, taken)) is not None and best.p_value <= level:
        found.append(best)
        rows = stream.rows[best.key]
        taken[rows[stream.hour[rows] >= best.started]] = True
    return found


def _best(stream: Stream, expectation: _Expectation, hour: int, taken: NDArray[np.bool_]) -> Surge | None:
    now = np.flatnonzero((stream.hour > hour - max(SPANS_H)) & (stream.hour <= hour) & ~taken)
    tests = len(stream.rows) * len(SPANS_H)
    best: Surge | None = None
    seen = Counter(key for row in now.tolist() for key in stream.keys[row])
    for key in sorted(key for key, many in seen.items() if many >= LEAST_CUSTOMERS):
        for span in SPANS_H:
            rows = _in_span(stream, key, hour, span)
            rows = rows[~taken[rows]]
            customers = len(np.unique(stream.customer[rows]))
            if customers < LEAST_CUSTOMERS:
                continue
            tail, expected = expectation.tail(key, hour, span, rows)
            if best is None or tail * tests < best.p_value:
                best = Surge(
                    key=key,
                    started=int(stream.hour[rows].min()),
                    detected=hour + 1,
                    ended=None,
                    complaints=float(stream.weight[rows].sum()),
                    expected=expected,
                    customers=customers,
                    p_value=min(tail * tests, 1.0),
                )
    return best
