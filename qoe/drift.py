"""Whether a source's data still look like its own: counts, distributions, gaps and units against its history.

All comparisons are robust: centre is the median, spread 1.4826 times the median absolute deviation (Hampel 1974; equal
to the standard deviation for a normal distribution), so that a few bad windows of the past do not move them. The
limits are ours (`own`): six spreads leave one false finding in some 10**8 windows where the history is normal, and few
in practice where its tails are heavier.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

MAD_TO_SIGMA = 1.4826  # published: Hampel, 1974
MEDIAN_ERROR = 1.2533  # published: sqrt(pi / 2), error of a median over that of a mean (normal distribution)
IQR_TO_SIGMA = 1 / 1.349  # published: interquartile range of a normal distribution
LEAST_HISTORY = 12  # own: windows; fewer tell no spread
LEAST_VALUES = 30  # own: values in a window; the quartiles of fewer jump about
LIMIT = 6.0  # own: spreads
FLOOR_LOG = 0.02  # own: two in a hundred are no drift, however steady a source was
FLOOR_SHARE = 0.02  # own: likewise of the share of missing values
SILENT_SHARE = 0.1  # own: a source that gives less than this of the expected is away, not quiet
LEAST_EXPECTED = 20.0  # own: with fewer expected, none may come by chance (exp(-20) = 2e-9 for Poisson counts)
UNIT_TOLERANCE = 0.25  # own: of ln; tells 8 from 6.2 and 10.3, and takes 1024 for 1000

UNIT_FACTORS = {
    1e3: "1000 times: milliseconds for seconds, or bit/s for kbit/s",
    1e-3: "a thousandth: seconds for milliseconds, or Mbit/s for kbit/s",
    1e6: "1000000 times: microseconds for seconds, or bit/s for Mbit/s",
    1e-6: "a millionth: seconds for microseconds",
    8.0: "8 times: bits for bytes",
    1 / 8: "an eighth: bytes for bits",
    100.0: "100 times: per cent for a ratio",
    1e-2: "a hundredth: a ratio for per cent",
    60.0: "60 times: seconds for minutes",
    1 / 60: "a sixtieth: minutes for seconds",
}


@dataclass(frozen=True, kw_only=True)
class Quartiles:
    """The middle of one window's values, and how many there were."""

    n: int
    low: float
    median: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Drift:
    """How far a window is from its history: in spreads, and for positive values as a ratio of medians."""

    spreads: float
    ratio: float | None


@dataclass(frozen=True, kw_only=True)
class Expected:
    """How many records are expected, and the least that is not unusual."""

    count: float
    low: float


def quartiles(values: Floats) -> Quartiles | None:
    """Return the quartiles of the values that are there (NaN: not), None when they are too few."""
    known = values[~np.isnan(values)]
    if len(known) < LEAST_VALUES:
        return None
    low, median, high = np.percentile(known, (25, 50, 75))
    return Quartiles(n=len(known), low=float(low), median=float(median), high=float(high))


def expected(counts: Sequence[int]) -> Expected | None:
    """Return what a history of counts lets expect, None when it is too short; the spread is at least Poisson's."""
    if len(counts) < LEAST_HISTORY:
        return None
    centre, spread = _centre(np.asarray(counts, np.float64))
    return Expected(count=centre, low=max(0.0, centre - LIMIT * float(np.hypot(np.sqrt(centre), spread))))


def silent(received: int, wanted: Expected | None) -> bool:
    """Whether a source gave so little that it must have been away: its data then say nothing of the network."""
    if wanted is None or wanted.count < LEAST_EXPECTED:
        return False
    return received < SILENT_SHARE * wanted.count


def drift(now: Quartiles, history: Sequence[Quartiles]) -> Drift | None:
    """Return how far a window's median is from those of its history, None when that is too short.

    Where all values are positive the logarithms are compared. The spread is that of the history's medians together
    with the error of this window's median, and at least `FLOOR_LOG` (of the interquartile range, if not logarithmic).
    """
    if len(history) < LEAST_HISTORY:
        return None
    table = np.array([(one.low, one.median, one.high) for one in (*history, now)])
    positive = bool((table > 0).all())
    if positive:
        table = np.log(table)
    past, (low, median, high) = table[:-1], table[-1]
    centre, spread = _centre(past[:, 1])
    width = float(np.median(past[:, 2] - past[:, 0]))
    error = MEDIAN_ERROR * max(high - low, width) * IQR_TO_SIGMA / np.sqrt(now.n)
    floor = FLOOR_LOG if positive else max(FLOOR_LOG * width, 1e-9)
    spreads = float((median - centre) / np.sqrt(spread**2 + error**2 + floor**2))
    return Drift(spreads=spreads, ratio=float(np.exp(median - centre)) if positive else None)


def drifted(found: Drift | None) -> bool:
    """Whether that is further than chance and habit take it."""
    return found is not None and abs(found.spreads) > LIMIT


def unit_factor(now: Quartiles, history: Sequence[Quartiles]) -> float | None:
    """Return the factor of `UNIT_FACTORS` by which all quartiles differ from the history's, None where there is none.

    A unit mistake multiplies the whole distribution; what happens to a network rarely does.
    """
    if len(history) < LEAST_HISTORY:
        return None
    past = np.median([(one.low, one.median, one.high) for one in history], axis=0)
    found = np.array([now.low, now.median, now.high])
    if (past <= 0).any() or (found <= 0).any():
        return None
    steps = np.log(found / past)
    factors = np.array(list(UNIT_FACTORS))
    apart = np.abs(steps[:, None] - np.log(factors)).max(axis=0)
    best = int(apart.argmin())
    return float(factors[best]) if apart[best] <= UNIT_TOLERANCE else None


def share_drifted(share: float, n: int, history: Sequence[float]) -> bool:
    """Whether a share of missing values is further from its history than chance and habit take it."""
    if len(history) < LEAST_HISTORY or n < LEAST_VALUES:
        return False
    centre, spread = _centre(np.asarray(history))
    chance = centre * (1 - centre) / n
    return abs(share - centre) > LIMIT * float(np.sqrt(spread**2 + chance + FLOOR_SHARE**2))


def _centre(values: Floats) -> tuple[float, float]:
    centre = float(np.median(values))
    return centre, MAD_TO_SIGMA * float(np.median(np.abs(values - centre)))
