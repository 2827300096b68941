"""What conditions showed window by window: units, bad ones, those that history expected, and how sure that is."""

from dataclasses import dataclass

import numpy as np

from qoe.clusters.history import History
from qoe.clusters.selector import Selector
from qoe.clusters.significance import log_likelihood_ratio, upper_tail
from qoe.clusters.units import Bools, Floats, Ints, Units


def expected_of(units: Units, selector: Selector, history: History) -> Floats:
    """Expected bad units under the conditions: with several, by the one whose own history was worst."""
    factor = np.ones(len(units))
    for place, name in enumerate(selector.attributes):
        own = history.factor(name, units.attributes[name])
        factor = np.maximum(factor, own) if place else own
    return np.minimum(units.expected * factor, units.n)


def unrest_of(selector: Selector, history: History) -> float:
    """Variance over expectation of the conditions' windows: the greatest of their attributes."""
    return max((history.unrest(name) for name in selector.attributes), default=1.0)


def error_of(selector: Selector, history: History) -> float:
    """Relative standard error of the conditions' expectation: the greatest of their attributes."""
    return max((history.error(name) for name in selector.attributes), default=0.0)


@dataclass(frozen=True, kw_only=True)
class Series:
    """Counts of consecutive windows, oldest first; `first` is the number of the oldest."""

    first: int
    n: Floats
    bad: Floats
    expected: Floats
    users: Ints
    p_value: Floats

    @property
    def excess(self) -> float:
        """Bad units beyond the expected ones, all windows together."""
        return float(self.bad.sum() - self.expected.sum())


def series_of(units: Units, selector: Selector, history: History, first: int, last: int) -> Series:
    """Count the windows `first` to `last`, both included; each window's p-value is its own."""
    recent = units.between(first, last)
    mine = recent.where(selector.chosen(recent))
    size, place = last - first + 1, mine.window - first
    bad = np.bincount(place, mine.bad, size).astype(np.float64)
    expected = np.bincount(place, expected_of(mine, selector, history), size).astype(np.float64)
    spread = np.full(size, unrest_of(selector, history))
    pairs = np.unique(np.stack((place, mine.customer)), axis=1) if len(mine) else np.zeros((2, 0), np.int64)
    return Series(
        first=first,
        n=np.bincount(place, mine.n, size).astype(np.float64),
        bad=bad,
        expected=expected,
        users=np.bincount(pairs[0].astype(np.int64), minlength=size).astype(np.int64),
        p_value=upper_tail(bad, expected, spread, error_of(selector, history)),
    )


def gain_of(units: Units, selector: Selector, history: History) -> float:
    """Poisson log likelihood ratio of the conditions over all of these units."""
    mine = units.where(selector.chosen(units))
    expected = float(expected_of(mine, selector, history).sum())
    return float(log_likelihood_ratio(np.array([mine.bad.sum()]), np.array([expected]))[0])


def excess_of(units: Units, chosen: Bools) -> float:
    """Bad units beyond the expected ones among the chosen."""
    return float((units.bad[chosen] - units.expected[chosen]).sum())


def same_harm(units: Units, one: Bools, other: Bools, share: float) -> bool:
    """Whether two sets of units have at least this share of the smaller's excess in common."""
    smaller = min(excess_of(units, one), excess_of(units, other))
    return smaller > 0 and excess_of(units, one & other) >= share * smaller
