"""The per-user index: sums of observations per dimension, and the scores that are made of them."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import DTypeLike, NDArray

from qoe.caps import LEAST_SCORE, Caps
from qoe.catalogue import DIMENSIONS, QualityCatalogue
from qoe.means import GEOMETRIC, Mean, ln_mean, loss_parts, sensitivity
from qoe.model import FloatArray

NETWORK, DEVICE, APP, SERVICE = range(len(DIMENSIONS))
NONE = -1

# Sessions of one user spread by about 40 % of their score even when nothing is wrong (own): a floor of uncertainty.
VARIANCE_FLOOR = 0.16
# Sums are kept to 2^-32 (own): 53 bits hold 28 days of 30,000 sessions each exactly, so late data change no other bit.
GRID = 2.0**-32
Z95 = 1.959963984540054  # 97.5 % quantile of the normal distribution


@dataclass(frozen=True, kw_only=True)
class IndexRules:
    """How observations become an index: weight of the prior (sessions), o per dimension, least coverage, mean, caps."""

    prior_weight: float
    weights: tuple[float, ...]
    least_coverage: float
    mean: Mean = GEOMETRIC
    caps: Caps = field(default_factory=Caps)

    @classmethod
    def of(cls, catalogue: QualityCatalogue) -> "IndexRules":
        """Take the rules out of a quality catalogue."""
        return cls(
            prior_weight=catalogue.prior_weight,
            weights=tuple(catalogue.dimension_weights[name] for name in DIMENSIONS),
            least_coverage=catalogue.least_coverage,
            mean=catalogue.mean,
            caps=catalogue.caps,
        )


@dataclass(frozen=True, eq=False)
class Sums:
    """Mergeable sums per dimension (rows, in the order of DIMENSIONS) and user (columns).

    With x = max(score, least score): `n` observations, `w` = sum w, `s1` = sum w ln x, `s2` = sum w (ln x)^2,
    `m` = sum w ln mu.
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

    def rounded(self) -> "Sums":
        """The same to multiples of `GRID`: such sums are added up exactly, in any order, up to 2^21."""
        return Sums(self.n, *(np.rint(part / GRID) * GRID for part in (self.w, self.s1, self.s2, self.m)))

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
    user: NDArray[np.int64],
    users: int,
    dimension: int,
    score: FloatArray,
    ln_mu: FloatArray,
    into: Sums,
    *,
    weight: FloatArray | None = None,
    least_score: float = LEAST_SCORE,
) -> None:
    """Add one dimension's observations to the sums, in place; a NaN score is no observation.

    `user` is each row's column in the sums; without `weight` every observation weighs 1.
    """
    known = ~np.isnan(score)
    if not known.all():
        user, score, ln_mu = user[known], score[known], ln_mu[known]
        weight = None if weight is None else weight[known]
    ln_x = np.log(np.maximum(score, least_score))
    count = np.bincount(user, minlength=users)
    weighted = ln_x if weight is None else weight * ln_x
    into.n[dimension] += count
    into.w[dimension] += count if weight is None else np.bincount(user, weight, users)
    into.s1[dimension] += np.bincount(user, weighted, users)
    into.s2[dimension] += np.bincount(user, weighted * ln_x, users)
    into.m[dimension] += np.bincount(user, ln_mu if weight is None else weight * ln_mu, users)


def ln_index(w: FloatArray, s1: FloatArray, m: FloatArray, prior_weight: float) -> FloatArray:
    """ln D = (s1 + m ln mu) / (W + m), where ln mu is the mean of the services' ln mu; NaN without observations."""
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(w > 0, (s1 + prior_weight * m / w) / (w + prior_weight), np.nan)


def overall_index(ln_d: FloatArray, rules: IndexRules) -> tuple[FloatArray, FloatArray]:
    """Return ln of the overall index (NaN below the least coverage) and the coverage, from ln D (dimensions, users).

    The first dimensions may be given alone.
    """
    o = _weights_present(~np.isnan(ln_d), rules, ln_d.dtype)
    coverage = o.sum(axis=0)
    # A weight such as 0.15 + 0.30 + 0.05 must not miss 0.5 by rounding.
    return np.where(coverage >= rules.least_coverage - 1e-6, ln_mean(ln_d, o, rules.mean), np.nan), coverage


def _weights_present(present: NDArray[np.bool_], rules: IndexRules, dtype: DTypeLike = np.float64) -> FloatArray:
    return np.asarray(rules.weights[: len(present)], dtype=dtype)[:, None] * present


def score(sums: Sums, rules: IndexRules) -> Scores:
    """Make scores of sums; the same for an hour, a day or 28 days."""
    ln_d = ln_index(sums.w, sums.s1, sums.m, rules.prior_weight)
    ln_overall, coverage = overall_index(ln_d, rules)
    overall = np.exp(ln_overall)
    error = Z95 * np.sqrt(_variance(sums, ln_d, rules))
    lowest = np.where(np.isnan(ln_d), np.inf, ln_d)
    limiting = np.where(np.isfinite(lowest).any(axis=0), lowest.argmin(axis=0), NONE).astype(np.int8)
    return Scores(
        dimension=np.exp(ln_d),
        overall=overall,
        lo=overall * np.exp(-error),
        hi=np.minimum(overall * np.exp(error), 100.0),
        coverage=coverage,
        limiting=limiting,
        contributions=_contributions(sums, ln_d, overall, rules),
    )


def _variance(sums: Sums, ln_d: FloatArray, rules: IndexRules) -> FloatArray:
    """Variance of ln overall: per dimension the spread within the user (not below the floor) over W + m sessions.

    By the delta method each dimension counts by the square of its pull on the mean.
    """
    present = sums.w > 0
    w = np.where(present, sums.w, 1.0)
    within = np.maximum(sums.s2 - sums.s1**2 / w, 0.0) / np.maximum(w - 1.0, 1.0)
    of_dimension = np.maximum(within, VARIANCE_FLOOR) / (w + rules.prior_weight)
    pull = sensitivity(ln_d, _weights_present(present, rules), rules.mean)
    variance: FloatArray = (pull**2 * of_dimension).sum(axis=0)
    return variance


def _contributions(sums: Sums, ln_d: FloatArray, overall: FloatArray, rules: IndexRules) -> FloatArray:
    """(100 - overall), split by what each dimension takes off the mean; the prior's part of ln(100 / D) is `prior`."""
    present = sums.w > 0
    w = np.where(present, sums.w, 1.0)
    loss = loss_parts(ln_d, _weights_present(present, rules), rules.mean)
    ln_100 = np.log(100.0)
    observed = np.maximum(sums.w * ln_100 - sums.s1, 0.0)
    prior = np.where(present, rules.prior_weight * (ln_100 - sums.m / w), 0.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        of_sessions = np.where(observed > 0, observed / (observed + prior), 0.0)
        parts = np.vstack([loss * of_sessions, (loss * (1.0 - of_sessions)).sum(axis=0)])
        total = parts.sum(axis=0)
        return np.where(total > 0, (100.0 - overall) * parts / total, 0.0 * overall)
