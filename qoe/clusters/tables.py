"""Sums of units by value of an attribute and by how many trailing windows are pooled."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from qoe.clusters.history import History
from qoe.clusters.units import Floats, Ints, Units

_MANY = 50_000  # units from which on adding them up first pays (own)


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
    code, place = distinct(units.attributes[attribute])
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


def distinct(codes: Ints) -> tuple[Ints, Ints]:
    """The different codes, sorted, and the place of each entry's among them; without sorting where they are small."""
    if not len(codes) or int(codes.min()) < 0 or int(codes.max()) > 4 * len(codes) + 1024:
        code, place = np.unique(codes, return_inverse=True)
        return code, place
    there = np.zeros(int(codes.max()) + 1, bool)
    there[codes] = True
    return np.flatnonzero(there), (np.cumsum(there) - 1)[codes]


def leaves_of(units: Units, attributes: tuple[str, ...]) -> Units:
    """The units added up where window and attributes are the same, nobody's any more; few units stay as they are."""
    if len(units) < _MANY:
        return units
    key, space = np.zeros(len(units), np.int64), 1
    for codes in (units.window, *(units.attributes[name] for name in attributes)):
        label, place = distinct(codes)
        if space > np.iinfo(np.int64).max // max(len(label), 1):
            key, space = pd.factorize(key)[0].astype(np.int64), len(key)
        key, space = key * len(label) + place, space * len(label)
    leaf, first = pd.factorize(key)
    where = np.zeros(len(first), np.int64)
    where[leaf[::-1]] = np.arange(len(leaf))[::-1]
    weights = (units.n, units.bad, units.expected)
    sums = [np.bincount(leaf, each, len(first)).astype(np.float64) for each in weights]
    return Units(
        time_us=units.time_us[where],
        window=units.window[where],
        customer=np.zeros(len(first), np.int64),
        n=sums[0],
        bad=sums[1],
        expected=sums[2],
        attributes={name: units.attributes[name][where] for name in attributes},
    )


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
