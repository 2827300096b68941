"""What measurements usually are: median, spread and bad share per value and hour, from histograms that forget."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from kqi.histogram import Bins
from qoe.calendar import SATURDAY, SUNDAY

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

LEVEL_ATTRIBUTES = ("all", "cell", "app", "model")
BAD = "bad"
_QUALITY_EDGES = np.linspace(0.0, 100.0, 51)
_TIME = Bins(lo=1.0, hi=100_000.0).edges
_RATE = Bins(lo=10.0, hi=1_000_000.0).edges
_LOSS = Bins(lo=1e-5, hi=1.0).edges
# Never change the bins of a measure or its place: stored histograms are read by them. At most 128 bins each.
EDGES: Mapping[str, Floats] = {
    "q": _QUALITY_EDGES,
    BAD: np.array([0.0, 0.5, 1.0]),
    "rtt_client_ms": _TIME,
    "rtt_server_ms": _TIME,
    "jitter_ms": _TIME,
    "loss_dl": _LOSS,
    "throughput_dl_kbps": _RATE,
    "dns_ms": _TIME,
    "ttfb_ms": _TIME,
    "page_load_ms": _TIME,
    "startup_ms": _TIME,
    "stall_ms": _TIME,
    "setup_ms": _TIME,
    "deliver_ms": _TIME,
}
MEASURES = tuple(EDGES)
_BINS, _SLOTS = 128, 512
_PER_VALUE = _BINS * _SLOTS

# Slots of frozen levels: hour of the week, hour by kind of day, hour, all hours.
_WEEK, _KIND, _HOUR, _ALL = 0, 168, 216, 240
RUNGS = ("hour_of_week", "hour_by_weekend", "hour", "all")
_RUNG_START = (_WEEK, _KIND, _HOUR, _ALL)
LEAST_WEEKS = 3.0
# Fewer sessions tell no median (own): with 30 its standard error is a quarter of the spread.
LEAST_SESSIONS = 30.0
# Cells are many, and one hour of their week holds few sessions: they keep kinds of day only, as memory is bounded.
_BY_KIND = ("cell",)
# A count that forgetting has brought below this is dropped (own).
_FORGOTTEN = 0.05


@dataclass(frozen=True, eq=False)
class Histogram:
    """Sparse counts of one measure and attribute; `key` = value * 65536 + slot * 128 + bin, sorted."""

    key: Ints
    count: Floats

    def plus(self, other: "Histogram", weight: float = 1.0) -> "Histogram":
        """These counts times `weight`, and those of `other`."""
        keys, place = np.unique(np.concatenate([self.key, other.key]), return_inverse=True)
        counts = np.bincount(place, np.concatenate([self.count * weight, other.count]), len(keys))
        kept = counts >= _FORGOTTEN
        return Histogram(keys[kept], counts[kept].astype(np.float64))


EMPTY = Histogram(np.zeros(0, np.int64), np.zeros(0))


@dataclass(frozen=True, eq=False)
class LevelRows:
    """Frozen levels: one entry per value, measure (place in `MEASURES`) and slot with enough sessions."""

    value: Ints
    measure: NDArray[np.int16]
    slot: NDArray[np.int16]
    n: Floats
    median: Floats
    mad: Floats


@dataclass(frozen=True, kw_only=True)
class Level:
    """What is usual: the median of `n` sessions and the median absolute deviation from it, and the rung they are of.

    Of `bad`, `median` is the share of bad sessions and `mad` NaN. `n` counts with forgetting.
    """

    n: float
    median: float
    mad: float
    rung: str


@dataclass(frozen=True, eq=False)
class Levels:
    """The levels of one value of one attribute."""

    rows: LevelRows

    def at(self, measure: str, weekday: int | None = None, hour: int | None = None) -> Level | None:
        """The level of the first rung that has enough sessions; None where no rung has. Without an hour: all hours."""
        rows = self.rows
        mine = rows.measure == MEASURES.index(measure)
        for rung, slot in _ladder(weekday, hour):
            found = np.flatnonzero(mine & (rows.slot == slot))
            if len(found):
                at = int(found[0])
                return Level(n=float(rows.n[at]), median=float(rows.median[at]), mad=float(rows.mad[at]), rung=rung)
        return None


def _ladder(weekday: int | None, hour: int | None) -> list[tuple[str, int]]:
    slots = [("all", _ALL)]
    if hour is not None:
        slots.insert(0, ("hour", _HOUR + hour))
        if weekday is not None:
            slots.insert(0, ("hour_by_weekend", _KIND + 24 * (weekday >= SATURDAY) + hour))
            slots.insert(0, ("hour_of_week", _WEEK + 24 * weekday + hour))
    return slots


def histogram(attribute: str, measure: str, value: Ints, weekday: Ints, hour: Ints, measured: Floats) -> Histogram:
    """Count a measure of sessions by value of an attribute (0: not known) and hour of the week; NaN counts nowhere."""
    used = ~np.isnan(measured) & (measured >= 0) & (value > 0)
    day = np.where(weekday[used] >= SATURDAY, SUNDAY, 0) if attribute in _BY_KIND else weekday[used]
    edges = EDGES[measure]
    places = np.clip(np.searchsorted(edges, measured[used], side="right") - 1, 0, len(edges) - 2)
    key = value[used].astype(np.int64) * _PER_VALUE + (day * 24 + hour[used]) * _BINS + places
    keys, counts = np.unique(key, return_counts=True)
    return Histogram(keys, counts.astype(np.float64))


def frozen(attribute: str, measure: str, counts: Histogram, weekday: int, weeks: float) -> LevelRows:
    """Medians and spreads of every rung of a day of that weekday (6 for a holiday) that has `LEAST_SESSIONS`.

    Hours of the week only from `LEAST_WEEKS` on.
    """
    value, rest = np.divmod(counts.key, _PER_VALUE)
    slot, place = np.divmod(rest, _BINS)
    day, hour = np.divmod(slot, 24)
    alike = np.flatnonzero((day >= SATURDAY) == (weekday >= SATURDAY))
    every = np.arange(len(slot))
    rungs = [(every, _HOUR + hour), (every, np.full(len(slot), _ALL))]
    rungs.append((alike, _KIND + 24 * (weekday >= SATURDAY) + hour[alike]))
    if attribute not in _BY_KIND and weeks >= LEAST_WEEKS:
        same = np.flatnonzero(day == weekday)
        rungs.append((same, _WEEK + slot[same]))
    used = np.concatenate([rows for rows, _ in rungs])
    codes = (value[used] * _SLOTS + np.concatenate([slots for _, slots in rungs])) * _BINS + place[used]
    codes, entry = np.unique(codes, return_inverse=True)
    count: Floats = np.bincount(entry, counts.count[used], len(codes)).astype(np.float64)
    groups, group = np.unique(codes // _BINS, return_inverse=True)
    n = np.bincount(group, count, len(groups))
    enough = n >= LEAST_SESSIONS
    kept = enough[group]
    group, place, count = (np.cumsum(enough) - 1)[group[kept]], (codes % _BINS)[kept], count[kept]
    size = int(enough.sum())
    if measure == BAD:
        bad = np.bincount(group, count * (place == 1), size)
        median, mad = bad / np.maximum(n[enough], 1e-9), np.full(size, np.nan)
    else:
        median, mad = _robust(EDGES[measure], group, place, count, size)
    return LevelRows(
        value=np.asarray(groups[enough] // _SLOTS, dtype=np.int64),
        measure=np.full(size, MEASURES.index(measure), np.int16),
        slot=(groups[enough] % _SLOTS).astype(np.int16),
        n=np.asarray(n[enough], dtype=np.float64),
        median=median,
        mad=mad,
    )


def _robust(edges: Floats, group: Ints, place: Ints, count: Floats, groups: int) -> tuple[Floats, Floats]:
    """Median, linear inside its bin, and median absolute deviation of the bins' middles from it, by group.

    Entries are sorted by group and place.
    """
    lo, hi = edges[:-1], edges[1:]
    median = _weighted_median(group, lo[place], hi[place], count, groups)
    away = np.abs((lo[place] + hi[place]) / 2 - median[group])
    half = (hi[place] - lo[place]) / 2
    order = np.lexsort((away, group))
    lower, upper = np.maximum(away - half, 0.0)[order], (away + half)[order]
    mad = _weighted_median(group[order], lower, upper, count[order], groups)
    return median, mad


def _weighted_median(group: Ints, lo: Floats, hi: Floats, count: Floats, groups: int) -> Floats:
    """Where half of each group's count is reached, linear inside [lo, hi) of the entry; entries sorted by group."""
    if not groups:
        return np.zeros(0)
    total = np.bincount(group, count, groups)
    before_groups = np.concatenate([[0.0], np.cumsum(total)[:-1]])
    below = np.cumsum(count) - before_groups[group]
    reached = below >= total[group] / 2 * (1 - 1e-12)
    first = np.full(groups, len(group))
    np.minimum.at(first, group[reached], np.flatnonzero(reached))
    share = (total / 2 - (below[first] - count[first])) / count[first]
    return np.asarray(lo[first] + np.clip(share, 0.0, 1.0) * (hi[first] - lo[first]), dtype=np.float64)
