"""Tests and scores of a candidate: is what is seen more than chance and history's own unrest explain."""

import numpy as np
from scipy.special import xlogy
from scipy.stats import nbinom, poisson

from qoe.clusters.units import Floats, Units

# Relative standard error of the expectation itself (own): large groups are not flagged for a drift of this size.
MODEL_ERROR = 0.1


def upper_tail(bad: Floats, expected: Floats, dispersion: Floats, error: float = MODEL_ERROR) -> Floats:
    """Probability of `bad` or more when `expected` are: a negative binomial with the variance that history shows.

    Variance = dispersion * expected + (error * expected)^2; skewed like counts are, so that small groups are not
    flagged by a normal tail. Dispersion 1 and no `error` of the expectation would be the Poisson tail.
    """
    mean = np.maximum(expected, 1e-9)
    variance = np.maximum(dispersion, 1.0) * mean + (error * mean) ** 2
    spread = variance - mean
    size = mean**2 / np.maximum(spread, 1e-12)
    tail = np.where(
        spread > 1e-9 * mean,
        nbinom.sf(np.ceil(bad) - 1, size, size / (size + mean)),
        poisson.sf(np.ceil(bad) - 1, mean),
    )
    return np.asarray(np.clip(np.nan_to_num(tail, nan=1.0), 0.0, 1.0), dtype=np.float64)


def benjamini_hochberg(p_values: Floats) -> Floats:
    """Adjusted p-values (Benjamini and Hochberg 1995, `published`); same order as given."""
    count = len(p_values)
    order = np.argsort(p_values)
    ranked = p_values[order] * count / np.arange(1, count + 1)
    adjusted = np.empty(count)
    adjusted[order] = np.minimum.accumulate(ranked[::-1])[::-1].clip(max=1.0)
    return adjusted


def log_likelihood_ratio(bad: Floats, expected: Floats) -> Floats:
    """Poisson log likelihood ratio of a raised rate against the expected one, 0 where it is not raised.

    The scan statistic of Kulldorff (1997, `published`) with the rate outside known from history:
    c ln(c / E) - (c - E).
    """
    mean = np.maximum(expected, 1e-9)
    return np.where(bad > mean, xlogy(bad, bad / mean) - (bad - mean), 0.0)


def severity(bad: Floats, n: Floats, expected: Floats) -> Floats:
    """(bad ratio - expected ratio) / (1 - expected ratio); 0 where nothing was seen."""
    room = n - expected
    return np.divide(bad - expected, room, out=np.zeros_like(room), where=room > 1e-9)


def within_customer_correlation(units: Units) -> float:
    """How alike the outcomes of one customer's units are beyond expectation, 0..1 (moment estimator over all units)."""
    known = units.customer != 0
    if not known.any():
        return 0.0
    customers, place = np.unique(units.customer[known], return_inverse=True)
    size = len(customers)
    ratio = units.expected[known] / np.maximum(units.n[known], 1e-9)
    variance = units.n[known] * ratio * (1 - ratio)
    excess = np.bincount(place, units.bad[known] - units.expected[known], size)
    noise = np.bincount(place, variance, size)
    spread = np.bincount(place, np.sqrt(variance), size)
    pairs = float((spread**2 - noise).sum())  # sum over pairs of units of one customer of sd_i * sd_j, twice
    if pairs <= 0:
        return 0.0
    return float(np.clip(((excess**2).sum() - noise.sum()) / pairs, 0.0, 1.0))


def design_effect(counts: Floats, correlation: float) -> float:
    """By how much units that belong to the same customers inflate a variance (Kish 1965, `published`)."""
    total = float(counts.sum())
    return 1.0 if total <= 0 else 1.0 + correlation * (float((counts**2).sum()) / total - 1.0)
