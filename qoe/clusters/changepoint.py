"""Since when: the window in which a rate rose above its expectation, and the moment at which a measurement shifted."""

from dataclasses import dataclass

import numpy as np

from qoe.clusters.significance import log_likelihood_ratio
from qoe.clusters.units import Floats

CREDIBLE = 0.95  # share of the belief that an interval holds: the usual level
LEAST_SIDE = 2  # windows on either side of a shift of a measurement; one alone is no level (own)


@dataclass(frozen=True, kw_only=True)
class Onset:
    """The likeliest first window of a cluster, and the least and greatest of those that 95 % of the belief is in."""

    window: int
    lo: int
    hi: int


def onset_of(bad: Floats, expected: Floats, first: int, unrest: float, *, latest: int | None = None) -> Onset:
    """Locate the start of a raised rate that lasts to the end of the given windows, which `first` begins.

    The start is `latest` at the latest, where that is given.

    Before window t the counts have their expectation E, from t on r E with r >= 1 at its maximum: the Poisson log
    likelihood ratio of t is c ln(c / E) - (c - E) over the windows from t on, divided by `unrest`, the variance over
    expectation that history shows (quasi-likelihood, Wedderburn 1974, `published`). With a flat prior the belief in t
    is proportional to its exponential; the interval is the narrowest around the likeliest t that holds 95 % of it.
    """
    tail_bad, tail_expected = np.cumsum(bad[::-1])[::-1], np.cumsum(expected[::-1])[::-1]
    gain = log_likelihood_ratio(tail_bad, tail_expected) / max(unrest, 1.0)
    gain = gain if latest is None else gain[: latest - first + 1]
    belief = np.exp(gain - gain.max())
    belief /= belief.sum()
    best = int(np.argmax(belief))
    lo = hi = best
    held = float(belief[best])
    while held < CREDIBLE:
        left = belief[lo - 1] if lo > 0 else -1.0
        right = belief[hi + 1] if hi + 1 < len(belief) else -1.0
        if max(left, right) < 0:
            break
        lo, hi = (lo - 1, hi) if left >= right else (lo, hi + 1)
        held += float(max(left, right))
    return Onset(window=first + best, lo=first + lo, hi=first + hi)


@dataclass(frozen=True, kw_only=True)
class Shift:
    """Where a series of means changed its level: the first index after it, and the change in standard deviations."""

    index: int
    effect: float


def shift_of(values: Floats) -> Shift | None:
    """Split a series where the squares inside the two parts are least (one change of mean); NaN are passed over.

    None where there are fewer than two values on either side of every split, or where nothing varies. The effect is
    the difference of the means over the standard deviation inside the parts, signed.
    """
    known = np.flatnonzero(~np.isnan(values))
    series = values[known].astype(np.float64)
    if len(series) < 2 * LEAST_SIDE or float(np.ptp(series)) <= 0:
        return None
    count = np.arange(1, len(series))
    before = np.cumsum(series)[:-1] / count
    after = (series.sum() - np.cumsum(series)[:-1]) / (len(series) - count)
    between = count * (len(series) - count) / len(series) * (after - before) ** 2
    between[: LEAST_SIDE - 1] = between[len(between) - LEAST_SIDE + 1 :] = -1.0
    place = int(np.argmax(between))
    inside = float(((series - series.mean()) ** 2).sum()) - float(between[place])
    spread = np.sqrt(max(inside, 0.0) / max(len(series) - 2, 1))
    change = float(after[place] - before[place])
    floor = 1e-3 * abs(float(before[place])) + 1e-9  # a level that never moved at all has no spread of its own
    return Shift(index=int(known[place + 1]), effect=change / max(float(spread), floor))
