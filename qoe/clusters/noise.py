"""How far the counts of a table's leaves lie from their expectation without any cause, and what they then weigh."""

from dataclasses import dataclass

import numpy as np

from qoe.clusters.units import Bools, Floats

# Relative standard error of one leaf's expectation before the table has shown its own, and how many leaves that
# belief weighs (own): what a leaf of the published live-video incidents does from minute to minute.
LEAF_ERROR = 0.5
LEAF_WEIGHT = 200.0
# Variance over expectation of counts (provisional): a user with trouble tries again, so bad units come in bursts.
BURST = 2.0
# Median of the absolute value of a standard normal variable.
_MEDIAN = 0.6745
# A leaf says nothing of its expectation's error with fewer expected units than this (own).
_ENOUGH = 2.0
# An additive measure cannot show that a leaf is more than so many times worse (own): a forecast may be zero.
MOST_RATIO = 20.0


@dataclass(frozen=True, kw_only=True)
class Weighed:
    """Leaves in effective counts: `bad`, and `expected`, which is also their variance while nothing is wrong.

    `variance` of an additive measure takes each leaf's noise at its larger side; None for counts.
    """

    bad: Floats
    expected: Floats
    variance: Floats | None = None


def weighed_counts(bad: Floats, expected: Floats, n: Floats) -> Weighed:
    """Weigh counts of bad units out of `n` with a variance of d E + (e E)^2 each.

    d is 2; e is learned from the table (median of the squares beyond d E, robust against causes in up to half of the
    leaves) and starts at 0.5. The expectation of a leaf that may be wrong by e is drawn towards the table's ratio by
    e^2 / (e^2 + 0.5^2), as James and Stein would. Effective counts are the counts times E / variance: no leaf
    weighs more than 1 / e^2, however large it is, so that the many decide and not the biggest.
    """
    error = _count_error(bad, expected)
    pull = error**2 / (error**2 + LEAF_ERROR**2)
    even = n * (expected.sum() / max(float(n.sum()), 1e-12))
    mean = (1 - pull) * expected + pull * even
    weight = 1 / (BURST + error**2 * mean)
    return Weighed(bad=bad * weight, expected=mean * weight)


@dataclass(frozen=True, kw_only=True)
class Measured:
    """An additive measure of any unit against its forecast: only relative errors, learned from the table.

    Value and forecast are treated alike, as either may carry the noise. `one` is what the leaves weigh where their
    relative error is 1; where it is e each figure of it, the variance too, is 1 / e^2 as large. `relative` is each
    leaf's distance, NaN without a forecast.
    """

    one: Weighed
    relative: Floats

    @classmethod
    def of(cls, value: Floats, expected: Floats) -> "Measured":
        """Weigh values against their forecasts."""
        forecast = np.maximum(expected, value / MOST_RATIO)
        middle = (value + forecast) / 2
        weight = np.divide(1, middle, out=np.zeros_like(middle), where=middle > 0)
        relative = np.full_like(middle, np.nan)
        np.divide(np.abs(value - forecast), forecast, out=relative, where=expected > 0)
        variance = (np.maximum(value, forecast) * weight) ** 2
        return cls(one=Weighed(bad=value * weight, expected=forecast * weight, variance=variance), relative=relative)

    def precision(self, alive: Bools) -> float:
        """1 / e^2 of these leaves."""
        known = self.relative[alive]
        known = known[~np.isnan(known)]
        middle = float(np.median(known)) / _MEDIAN if len(known) else 0.0
        return 1 / _shrunk(middle**2, len(known)) ** 2


def _count_error(bad: Floats, expected: Floats) -> float:
    enough = expected >= _ENOUGH
    mean, seen = expected[enough], bad[enough]
    if not len(mean):
        return LEAF_ERROR
    squares = ((seen - mean) / _MEDIAN) ** 2
    return _shrunk(max(0.0, float(np.median((squares - BURST * mean) / mean**2))), len(mean))


def _shrunk(square: float, leaves: int) -> float:
    return float(np.sqrt((LEAF_WEIGHT * LEAF_ERROR**2 + leaves * square) / (LEAF_WEIGHT + leaves)))
