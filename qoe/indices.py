"""The per-user index: sums of observations per dimension, and the scores that are made of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qoe.catalogue import DIMENSIONS, QualityCatalogue
from qoe.model import FloatArray

NETWORK, DEVICE, APP, SERVICE = range(len(DIMENSIONS))
LEAST_SCORE = 1.0  # a geometric mean needs scores above 0 (design.md 3)
NONE = -1

# Sessions of one user spread by about 40 % of their score even when nothing is wrong (own): a floor of uncertainty.
VARIANCE_FLOOR = 0.16
Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True, kw_only=True)
class IndexRules:
    """How observations become an index: weight of the prior (sessions), o per dimension, least coverage."""

    prior_weight: float
    weights: tuple[float, ...]
    least_coverage: float

    @classmethod
    def of(cls, catalogue: QualityCatalogue) -> "IndexRules":
        """Take the rules out of a quality catalogue."""
        return cls(
            prior_weight=catalogue.prior_weight,
            weights=tuple(catalogue.dimension_weights[name] for name in DIMENSIONS),
            least_coverage=catalogue.least_coverage,
        )


@dataclass(frozen=True, eq=False)
class Sums:
    """Mergeable sums per dimension (rows, in the order of DIMENSIONS) and user (columns).

    With x = max(score, 1): `n` observations, `w` = sum w, `s1` = sum w ln x, `s2` = sum w (ln x)^2, `m` = sum w ln mu.
    """

    n: NDArray[np.int64]
    w: FloatArray
    s1: FloatArray
    s2: FloatArray
    m: FloatArray

    @classmethod
    def zeros(cls, users: int) -> "Sums":
        """Sums of nothing."""
        shape = (len(DIMENSIONS), users)
        reals = [np.zeros(shape) for _ in range(4)]
        return cls(np.zeros(shape, dtype=np.int64), *reals)

    @property
    def users(self) -> int:
        """Number of users."""
        return int(self.n.shape[1])

    def __add__(self, other: "Sums") -> "Sums":
        """Merge the sums of two sets of observations of the same users."""
        return Sums(self.n + other.n, self.w + other.w, self.s1 + other.s1, self.s2 + other.s2, self.m + other.m)


@dataclass(frozen=True, eq=False)
class Scores:
    """Indices 0..100 per user, NaN where there is not enough data.

    `dimension` (4, users); `overall` with its 95 % interval `lo`..`hi`; `coverage` 0..1, the weight of the dimensions
    present; `limiting` the lowest dimension (index into DIMENSIONS, -1: none); `contributions` (5, users) of the four
    dimensions and of the prior, which add up to 100 - overall.
    """

    dimension: FloatArray
    overall: FloatArray
    lo: FloatArray
    hi: FloatArray
    coverage: FloatArray
    limiting: NDArray[np.int8]
    contributions: FloatArray


def observe(
    user: NDArray[np.int64], users: int, dimension: int, score: FloatArray, ln_mu: FloatArray, into: Sums
) -> None:
    """Add one dimension's observations to the sums, in place; a NaN score is no observation.

    `user` is each row's column in the sums; the weight of an observation is 1.
    """
    known = ~np.isnan(score)
    rows = user if known.all() else user[known]
    ln_x = np.log(np.maximum(score if rows is user else score[known], LEAST_SCORE))
    count = np.bincount(rows, minlength=users)
    into.n[dimension] += count
    into.w[dimension] += count
    into.s1[dimension] += np.bincount(rows, ln_x, users)
    into.s2[dimension] += np.bincount(rows, ln_x * ln_x, users)
    into.m[dimension] += np.bincount(rows, ln_mu if rows is user else ln_mu[known], users)


def ln_index(w: FloatArray, s1: FloatArray, m: FloatArray, prior_weight: float) -> FloatArray:
    """ln D = (s1 + m ln mu) / (W + m), where ln mu is the mean of the services' ln mu; NaN without observations."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(w > 0, (s1 + prior_weight * m / w) / (w + prior_weight), np.nan)


def overall_index(ln_d: FloatArray, weights: Sequence[float], least_coverage: float) -> tuple[FloatArray, FloatArray]:
    """Return ln of the overall index (NaN below the least coverage) and the coverage, from ln D (4, users)."""
    present = ~np.isnan(ln_d)
    o = np.asarray(weights, dtype=ln_d.dtype)[:, None] * present
    coverage = o.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        ln_overall = (o * np.where(present, ln_d, 0.0)).sum(axis=0) / coverage
    # A weight such as 0.15 + 0.30 + 0.05 must not miss 0.5 by rounding.
    return np.where(coverage >= least_coverage - 1e-6, ln_overall, np.nan), coverage


def score(sums: Sums, rules: IndexRules) -> Scores:
    """Make scores of sums; the same for an hour, a day or 28 days."""
    ln_d = ln_index(sums.w, sums.s1, sums.m, rules.prior_weight)
    ln_overall, coverage = overall_index(ln_d, rules.weights, rules.least_coverage)
    overall = np.exp(ln_overall)
    error = Z95 * np.sqrt(_variance(sums, rules))
    lowest = np.where(np.isnan(ln_d), np.inf, ln_d)
    limiting = np.where(np.isfinite(lowest).any(axis=0), lowest.argmin(axis=0), NONE).astype(np.int8)
    return Scores(
        dimension=np.exp(ln_d),
        overall=overall,
        lo=overall * np.exp(-error),
        hi=np.minimum(overall * np.exp(error), 100.0),
        coverage=coverage,
        limiting=limiting,
        contributions=_contributions(sums, overall, rules),
    )


def _variance(sums: Sums, rules: IndexRules) -> FloatArray:
    """Variance of ln overall: per dimension the spread within the user (not below the floor) over W + m sessions."""
    present = sums.w > 0
    w = np.where(present, sums.w, 1.0)
    within = np.maximum(sums.s2 - sums.s1**2 / w, 0.0) / np.maximum(w - 1.0, 1.0)
    of_dimension = np.maximum(within, VARIANCE_FLOOR) / (w + rules.prior_weight)
    o = np.asarray(rules.weights)[:, None] * present
    with np.errstate(invalid="ignore", divide="ignore"):
        variance: FloatArray = (o**2 * of_dimension).sum(axis=0) / o.sum(axis=0) ** 2
    return variance


def _contributions(sums: Sums, overall: FloatArray, rules: IndexRules) -> FloatArray:
    """(100 - overall), split by o ln(100 / D); in each dimension the prior's part of that logarithm goes to `prior`."""
    present = sums.w > 0
    w = np.where(present, sums.w, 1.0)
    o = np.asarray(rules.weights)[:, None] * present
    ln_100, mass = np.log(100.0), w + rules.prior_weight
    observed = o * np.maximum(sums.w * ln_100 - sums.s1, 0.0) / mass
    prior = (o * rules.prior_weight * (ln_100 - sums.m / w) / mass).sum(axis=0)
    parts = np.vstack([observed, prior])
    total = parts.sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(total > 0, (100.0 - overall) * parts / total, 0.0 * overall)
