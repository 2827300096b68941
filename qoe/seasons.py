"""What series usually are at an hour of the day, and how restless they are from day to day: medians, frozen per day.

A series is one measure of one value of an attribute (the network index of a cell). Everything is over many at once.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

HOURS = 24
HISTORY_DAYS = 28  # four weeks: each hour of the week four times (own)
LEAST_DAYS = 3  # a median of fewer days is one day's accident (own)
# Means of fewer users lean to the good side of a skewed distribution, and so would their median (own).
LEAST_USERS = 20.0
SLOW_HOURS = 4  # hours of a block of the slow horizon
NORMAL_MAD = 1.4826  # standard deviations of a normal distribution in its median absolute deviation
_PRIOR_DAYS = 5.0  # days that what other series of the kind are like counts for (own)
_BLOCK = 5_000  # series that are held at once: memory is bounded


@dataclass(frozen=True, eq=False)
class DaySums:
    """One local day of many series; `value` sorted, the tables (values, 24 hours).

    `total` over `count` is the mean; `square` the sum of squares over users (NaN: not known); `volume` records.
    """

    weekday: int
    free: bool
    value: Ints
    total: Floats
    count: Floats
    square: Floats
    volume: Floats


@dataclass(frozen=True, eq=False)
class Season:
    """What is usual on one local day; `value` sorted, tables (values, 24), NaN where too little is known.

    `level` the median over earlier days, `days` how many; `spread` the variance of one user (0: not known), `fast` and
    `slow` the variance of an hour's and of four hours' mean from day to day that the number of users does not explain;
    `volume` the usual records of a window.
    """

    value: Ints
    level: Floats
    days: Floats
    volume: Floats
    spread: Floats
    fast: Floats
    slow: Floats


def day_sums(
    weekday: int, free: bool, value: Ints, hour: Ints, total: Floats, count: Floats, square: Floats, volume: Floats
) -> DaySums:
    """Add the rows of a day's windows (value, local hour 0..23 and sums each) up by hour."""
    values, place = np.unique(value, return_inverse=True)
    slot = place * HOURS + hour
    size = len(values) * HOURS

    def table(weights: Floats) -> Floats:
        return np.bincount(slot, weights, size).astype(np.float64).reshape(-1, HOURS)

    known = table(~np.isnan(square) * 1.0) > 0
    return DaySums(
        weekday=weekday,
        free=free,
        value=values.astype(np.int64),
        total=table(np.nan_to_num(total)),
        count=table(np.nan_to_num(count)),
        square=np.where(known, table(np.nan_to_num(square)), np.nan),
        volume=table(np.nan_to_num(volume)),
    )


def season(days: Sequence[DaySums], weekday: int, free: bool) -> Season:
    """Learn from earlier days what a day of that weekday is like (`free`: a weekend day or holiday).

    The level of an hour is the median over days of the first rung that has `LEAST_DAYS` days with `LEAST_USERS` each:
    this hour of the week, this hour on this kind of day, this hour, all hours.
    """
    values = np.unique(np.concatenate([each.value for each in days])) if days else np.zeros(0, np.int64)
    parts = [_learned(days, values[at : at + _BLOCK], weekday, free) for at in range(0, len(values), _BLOCK)]
    if not parts:
        nothing = np.zeros((0, HOURS))
        return Season(values, nothing, nothing, nothing, np.zeros(0), np.zeros(0), np.zeros(0))
    whole = {name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])}
    known_days = min(len(days), HISTORY_DAYS)
    for name in ("fast", "slow"):
        whole[name] = _shrunk(whole[name], known_days)
    return Season(**whole)


def _learned(days: Sequence[DaySums], values: Ints, weekday: int, free: bool) -> Season:
    total, count, square, volume = (
        np.stack([_aligned(each, name, values) for each in days]) for name in ("total", "count", "square", "volume")
    )
    alike = np.array([each.free == free for each in days])
    same = np.array([each.weekday == weekday and each.free == free for each in days])
    mean = _mean(total, count)
    whole = _mean(total.sum(axis=2), count.sum(axis=2))
    level, known = _median(whole)
    level, known = np.repeat(level[:, None], HOURS, axis=1), np.repeat(known[:, None], HOURS, axis=1)
    for chosen in (np.ones(len(days), bool), alike, same):
        finer, counted = _median(mean[chosen])
        better = counted >= LEAST_DAYS
        level, known = np.where(better, finer, level), np.where(better, counted, known)
    level = np.where(known >= LEAST_DAYS, level, np.nan)
    usual = _usual_volume(volume, alike)
    spread = _spread(total, count, square)
    blocks = (len(days), len(values), HOURS // SLOW_HOURS, SLOW_HOURS)
    block = _mean(total.reshape(blocks).sum(axis=3), count.reshape(blocks).sum(axis=3))
    return Season(
        value=values,
        level=level,
        days=known.astype(np.float64),
        volume=usual / 4,
        spread=spread,
        fast=_restless(mean, count, spread),
        slow=_restless(block, count.reshape(blocks).sum(axis=3), spread),
    )


def _aligned(day: DaySums, name: str, values: Ints) -> Floats:
    table = np.full((len(values), HOURS), np.nan if name == "square" else 0.0)
    mine = np.isin(day.value, values)
    table[np.searchsorted(values, day.value[mine])] = getattr(day, name)[mine]
    return table


def _mean(total: Floats, count: Floats) -> Floats:
    return np.where(count >= LEAST_USERS, total / np.maximum(count, 1e-9), np.nan)


def _median(table: Floats) -> tuple[Floats, Floats]:
    """Median over the first axis and how many there are, NaN where none is."""
    counted = (~np.isnan(table)).sum(axis=0)
    if not len(table):
        return np.full(table.shape[1:], np.nan), counted
    ordered = np.sort(table, axis=0)  # NaN last
    last = np.maximum(counted - 1, 0)
    middle = [np.take_along_axis(ordered, each[None], axis=0)[0] for each in (last // 2, (last + 1) // 2)]
    return np.asarray((middle[0] + middle[1]) / 2), counted


def _usual_volume(volume: Floats, alike: NDArray[np.bool_]) -> Floats:
    """Median records of an hour over days of the kind, or over all where they are few."""
    chosen = alike if alike.sum() >= LEAST_DAYS else np.ones(len(volume), bool)
    usual, _ = _median(volume[chosen])
    return usual if chosen.sum() >= LEAST_DAYS else np.full(usual.shape, np.nan)


def _spread(total: Floats, count: Floats, square: Floats) -> Floats:
    """Variance of one user about the mean of its hour, pooled over all hours; 0 where squares are not known."""
    inside = np.where(count > 1, square - total**2 / np.maximum(count, 1.0), np.nan)
    degrees = np.where(np.isnan(inside), 0.0, count - 1).sum(axis=(0, 2))
    return np.asarray(np.nansum(np.maximum(inside, 0.0), axis=(0, 2)) / np.maximum(degrees, 1.0))


def _restless(mean: Floats, count: Floats, spread: Floats) -> Floats:
    """(1.4826 MAD)^2 of the means about their hour's median, less what their users explain; may be below 0."""
    level, counted = _median(mean)
    days = np.maximum(counted, 2.0)
    gap = np.abs(mean - level) * np.sqrt(days / (days - 1.5 * (days > 2)))
    gap = np.where(counted >= LEAST_DAYS, gap, np.nan)
    mad, known = _median(np.moveaxis(gap, 1, 2).reshape(-1, mean.shape[1]))
    explained, _ = _median(
        np.moveaxis(np.where(np.isnan(gap), np.nan, spread[:, None] / np.maximum(count, 1.0)), 1, 2).reshape(
            -1, mean.shape[1]
        )
    )
    return np.where(known > 0, restless_of(mad, explained), np.nan)


def restless_of(mad: Floats, explained: Floats) -> Floats:
    """Variance from day to day: of means with that median absolute deviation, less what their users explain."""
    return np.asarray((NORMAL_MAD * mad) ** 2 - explained)


def _shrunk(restless: Floats, days: int) -> Floats:
    """Each series' own figure, drawn to that of its kind by `_PRIOR_DAYS` days; never below 0."""
    pooled = max(float(np.nanmedian(restless)), 0.0) if (~np.isnan(restless)).any() else 0.0
    own = np.where(np.isnan(restless), pooled, restless)
    return np.asarray(np.maximum((days * own + _PRIOR_DAYS * pooled) / (days + _PRIOR_DAYS), 0.0))
