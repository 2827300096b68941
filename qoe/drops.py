"""Whether series have dropped: several windows against what is usual, with the users behind them, at a shared error.

Two horizons together: a large drop within few windows, and a small one that lasts for hours.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.seasons import HOURS, Season

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Ints = NDArray[np.int64]

DEPTH = 16  # windows that are remembered: four hours, the slow horizon (own)
LOW_LN_P = float(np.log(0.02))  # at which one window counts as low (own)
PENDING_LN_P = float(np.log(1e-4))  # at which a drop is worth watching (own)
LASTING_LN_P = float(np.log(0.01))  # at which the newer half of a slow drop is still one (own)
LASTING_SHARE = 0.75  # of a slow drop's windows must lie below what is usual (own)
RECOVERED = 3  # windows that a fast drop must be back for (own)
SETTLED = 8  # windows that a slow one must be back for (own)
# A median of m days is (pi / 2) / m as variable as one day: the asymptotic variance of the median.
_MEDIAN = np.pi / 2


@dataclass(frozen=True, kw_only=True)
class DropRule:
    """From which drop on: `margin` in points (or, `relative`, as share of what is usual), `slow_margin` over hours.

    It ends below `recovery`. `m` of the last `n` windows must be low; `users` is the evidence needed by all together.
    """

    margin: float
    slow_margin: float
    recovery: float
    m: int
    n: int
    users: float
    relative: bool = False
    fast: bool = True
    slow: bool = True


@dataclass(frozen=True, eq=False)
class Track:
    """The last windows of many series, newest last: `value` sorted, tables (values, DEPTH), `gap` NaN where not judged.

    `gap` is expected minus measured, positive is worse; `users` behind it, `level` what was expected.
    """

    value: Ints
    gap: Floats
    users: Floats
    level: Floats


@dataclass(frozen=True, eq=False)
class Standing:
    """How each series of a track stands after its newest window, one array entry a series.

    `fires`, `pending`, `recovered` (from a fast drop) and `settled` (from a slow one); `slow` where only the slow
    horizon fires; `drop` the mean gap since `since` (windows back, 0 is the newest), `level` what was expected then,
    `half` of the 95 % interval, `users` behind it, `ln_p` the logarithm of its bound; `tested` where the newest window
    could be judged.
    """

    fires: Bools
    slow: Bools
    pending: Bools
    recovered: Bools
    settled: Bools
    tested: Bools
    drop: Floats
    level: Floats
    half: Floats
    users: Floats
    since: Ints
    ln_p: Floats


def empty_track() -> Track:
    """A track without a series."""
    nothing = np.zeros((0, DEPTH))
    return Track(np.zeros(0, np.int64), nothing, nothing, nothing)


def ln_bound(drop: Floats, variance: Floats, reach: Floats, users: Floats) -> Floats:
    """Logarithm of an upper bound of the chance of a drop at least so large; 0 where there is none.

    Bernstein's inequality: the mean of n independent values with variance s^2 that lie at most b below their
    expectation drops by d with a chance of at most exp(-d^2 / (2 (V + b d / (3 n)))), with V = s^2 / n; the variance
    from day to day is added to V. Unlike a normal tail it holds for few users with skewed values, too.
    """
    room = variance + reach * np.maximum(drop, 0.0) / (3.0 * np.maximum(users, 1e-9))
    exact = -(drop**2) / (2.0 * np.maximum(room, 1e-12))
    return np.where(drop > 0, exact, 0.0)


def aged(track: Track, windows: int) -> Track:
    """The track so many windows on of which nothing is known."""
    gone = min(max(windows, 0), DEPTH)
    filled = ((track.gap, np.nan), (track.users, 0.0), (track.level, 0.0))
    gap, users, level = (
        np.concatenate([table[:, gone:], np.full((len(table), gone), nothing)], axis=1) for table, nothing in filled
    )
    kept = ~np.isnan(gap).all(axis=1)
    return Track(track.value[kept], gap[kept], users[kept], level[kept])


def advanced(track: Track, season: Season, hour: int, value: Ints, mean: Floats, users: Floats, sign: float) -> Track:
    """The track one window on: `mean` (NaN: not known) of `value` (sorted) with `users` behind it, at a local hour.

    `sign` is 1 where less is worse, -1 where more is.
    """
    values = np.union1d(track.value, value)
    tables = [np.full((len(values), DEPTH), np.nan) for _ in range(3)]
    at = np.searchsorted(values, track.value)
    for table, old in zip(tables, (track.gap, track.users, track.level), strict=True):
        table[at, :-1] = old[:, 1:]
    level = _of(season, season.level[:, hour], value)
    new = np.searchsorted(values, value)
    tables[0][new, -1] = sign * (level - mean)
    tables[1][new, -1] = users
    tables[2][new, -1] = level
    kept = ~np.isnan(tables[0]).all(axis=1)
    gap, behind, usual = (table[kept] for table in tables)
    return Track(values[kept], gap, np.where(np.isnan(gap), 0.0, behind), np.where(np.isnan(gap), 0.0, usual))


def standing(track: Track, season: Season, hour: int, rule: DropRule, ln_alpha: float) -> Standing:
    """Judge the newest window of all series; a drop fires below `exp(ln_alpha)`, the error of one test."""
    known = ~np.isnan(track.gap)
    gap = np.where(known, track.gap, 0.0)
    own = {name: _of(season, getattr(season, name), track.value) for name in ("spread", "fast", "slow")}
    days = np.maximum(_of(season, season.days[:, hour], track.value), 1.0)
    sums = _Sums(gap, track.users, track.level, own["spread"], 1.0 + _MEDIAN / days)
    single = ln_bound(track.gap, *sums.of_windows(own["fast"]))
    low = known & (single <= LOW_LN_P) & (gap >= _least(rule.margin, rule, track.level))
    recent = low[:, -rule.n :]
    first = np.where(recent.any(axis=1), DEPTH - rule.n + recent.argmax(axis=1), DEPTH - 1)
    fast = sums.since(first, own["fast"])
    enough = fast.users >= rule.users
    # The start was chosen among n windows: each is a test of its own.
    certain = fast.ln_p <= ln_alpha - np.log(rule.n)
    big = fast.drop >= _least(rule.margin, rule, fast.level)
    fires_fast = enough & big & certain & (recent.sum(axis=1) >= rule.m) & known[:, -1] & rule.fast
    slow = sums.since(np.zeros(len(gap), np.int64), own["slow"])
    newer = sums.since(np.full(len(gap), DEPTH // 2), own["slow"])
    lasting = (known & (gap > 0)).sum(axis=1) >= LASTING_SHARE * DEPTH
    fires_slow = (slow.users >= rule.users) & (slow.ln_p <= ln_alpha) & lasting & known[:, -1] & rule.slow
    fires_slow &= (slow.drop >= _least(rule.slow_margin, rule, slow.level)) & (newer.ln_p <= LASTING_LN_P)
    fires_slow &= ~sums.back(known, RECOVERED, rule, own["fast"])  # four hours remember what has just ended
    only_slow = fires_slow & ~fires_fast
    still = fires_fast | fires_slow
    recovered, settled = (sums.back(known, windows, rule, own["fast"]) & ~still for windows in (RECOVERED, SETTLED))
    begun = sums.steepest()
    lasted = sums.since(begun, own["slow"])
    shown = {name: np.where(only_slow, getattr(lasted, name), getattr(fast, name)) for name in vars(fast)}
    return Standing(
        fires=still,
        slow=only_slow,
        pending=low[:, -1] & enough & (fast.ln_p <= PENDING_LN_P),
        recovered=recovered,
        settled=settled,
        tested=known[:, -1],
        drop=shown["drop"],
        level=shown["level"],
        half=1.96 * np.sqrt(shown["variance"]),
        users=shown["users"],
        since=DEPTH - 1 - np.where(only_slow, begun, first),
        ln_p=np.where(only_slow, slow.ln_p, fast.ln_p),
    )


@dataclass(frozen=True, eq=False)
class _Pooled:
    drop: Floats
    level: Floats
    variance: Floats
    users: Floats
    ln_p: Floats


class _Sums:
    """Means over the windows from some place on, weighted by users."""

    def __init__(self, gap: Floats, users: Floats, level: Floats, spread: Floats, doubt: Floats) -> None:
        self._users, self._spread, self._doubt, self._level = users, spread, doubt, level
        self._total = [_from(users), _from(users * gap), _from(users * level)]

    def of_windows(self, restless: Floats) -> tuple[Floats, Floats, Floats]:
        """Variance, reach and users of each window by itself."""
        users = np.maximum(self._users, 1e-9)
        variance = (self._spread[:, None] / users + restless[:, None]) * self._doubt[:, None]
        return variance, self._reach(self._level), users

    def since(self, first: Ints, restless: Floats) -> _Pooled:
        """All windows from `first` on, taken together."""
        users, gap, level = (np.take_along_axis(table, first[:, None], axis=1)[:, 0] for table in self._total)
        some = np.maximum(users, 1e-9)
        drop, usual = gap / some, level / some
        variance = (self._spread / some + restless) * self._doubt
        ln_p = ln_bound(drop, variance, self._reach(usual), some)
        return _Pooled(drop, usual, variance, users, np.where(users > 0, ln_p, 0.0))

    def steepest(self) -> Ints:
        """The window since which the drop is the least likely chance: where its sum over root users is greatest."""
        return np.asarray((self._total[1] / np.sqrt(np.maximum(self._total[0], 1e-9))).argmax(axis=1))

    def back(self, known: Bools, windows: int, rule: DropRule, restless: Floats) -> Bools:
        """Whether the last windows, most of them judged, are back above the recovery level together."""
        pooled = self.since(np.full(len(known), DEPTH - windows), restless)
        enough = known[:, -windows:].sum(axis=1) * 3 >= windows * 2
        return np.asarray(enough & (pooled.drop < _least(rule.recovery, rule, pooled.level)))

    def _reach(self, level: Floats) -> Floats:
        """How far below its expectation a value can lie: to 0; not known of measures without a spread of users."""
        spread = self._spread if level.ndim == 1 else self._spread[:, None]
        return np.where(spread > 0, np.abs(level), 0.0)


def _from(table: Floats) -> Floats:
    return np.asarray(table[:, ::-1].cumsum(axis=1)[:, ::-1])


def _least(margin: float, rule: DropRule, level: Floats) -> Floats:
    return margin * np.abs(level) if rule.relative else np.full(level.shape, margin)


def _of(season: Season, table: Floats, value: Ints) -> Floats:
    """What a season knows of each value, NaN where it knows nothing."""
    if not len(season.value):
        return np.full(len(value), np.nan)
    place = np.minimum(np.searchsorted(season.value, value), len(season.value) - 1)
    return np.where(season.value[place] == value, table[place], np.nan)


def ln_alpha_of(false_per_week: float, tests: int) -> float:
    """The logarithm of one test's error, so that all tests of a week of windows together give so many false alarms."""
    return float(np.log(false_per_week / (7 * HOURS * 4 * max(tests, 1))))


def collapsed(volume: Floats, usual: Floats, share: float) -> Bools:
    """Whether records fell to that share of the usual ones or below, and so far that counting chance is no cause.

    Chernoff's bound for a Poisson count: P(X <= x) <= exp(-u + x - x ln(x / u)); at most 1e-6 (own).
    """
    some = np.maximum(volume, 1e-9)
    ln_p = -usual + volume - np.where(volume > 0, volume * np.log(some / np.maximum(usual, 1e-9)), 0.0)
    return np.asarray((volume <= share * usual) & (ln_p <= np.log(1e-6)))
