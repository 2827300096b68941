"""Sums of units by value of an attribute and by how many trailing windows are pooled."""

from dataclasses import dataclass

import numpy as np

from qoe.clusters.history import History
from qoe.clusters.units import Floats, Ints, Units


@dataclass(frozen=True, kw_only=True)
class Table:
    """One attribute: its codes (k) and `n`, `bad`, `expected` of shape (scales, k)."""

    attribute: str
    code: Ints
    n: Floats
    bad: Floats
    expected: Floats


def table_of(units: Units, attribute: str, last: int, scales: tuple[int, ...], history: History) -> Table:
    """Add up the units of each value over the trailing windows that end with `last`; code 0 is no value."""
    code, place = np.unique(units.attributes[attribute], return_inverse=True)
    age = last - units.window
    sums = np.zeros((3, len(scales), len(code)))
    for row, scale in enumerate(scales):
        keep = age < scale
        for kind, weights in enumerate((units.n, units.bad, units.expected)):
            sums[kind, row] = np.bincount(place[keep], weights[keep], len(code))
    given = code != 0
    n, bad, expected = sums[:, :, given]
    expected = np.minimum(expected * history.factor(attribute, code[given]), n)
    return Table(attribute=attribute, code=code[given], n=n, bad=bad, expected=expected)


def common_drift(tables: list[Table]) -> float:
    """By how much everything is worse than expected at once: the least over attributes of the middle value's ratio.

    A busy day lifts every value of every attribute and is no cluster; a fault leaves at least half of some
    attribute as it was. Each attribute gives the median of bad / expected, weighted by expected, over the longest
    scale.
    """
    ratios = [_weighted_median(table.bad[-1], table.expected[-1]) for table in tables if len(table.code) > 1]
    return max(1.0, min(ratios, default=1.0))


def _weighted_median(bad: Floats, expected: Floats) -> float:
    keep = expected > 0
    if not keep.any():
        return 1.0
    ratio, weight = bad[keep] / expected[keep], expected[keep]
    order = np.argsort(ratio)
    middle = np.searchsorted(np.cumsum(weight[order]), weight.sum() / 2)
    return float(ratio[order][min(middle, len(order) - 1)])
