"""The causes in a table of leaves: the best explanation first, what it explains taken out, and the rest asked again."""

from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import norm

from qoe.clusters.cuboids import Cuboid, Grid
from qoe.clusters.ledger import Ledger
from qoe.clusters.significance import MODEL_ERROR, log_likelihood_ratio, upper_tail
from qoe.clusters.units import Bools, Floats

# Nats that a condition costs for each nat of naming it among all (own): effective counts understate the evidence.
NAMING = 0.5
# How wrong the expectation of whole groups may be once one cause is known, before the table has shown it, and how
# many groups that belief weighs (own): where one thing broke, much else moves with it.
GROUP_ERROR = 1.0
GROUP_WEIGHT = 100.0
# A group says something of that error from so many effective expected units on (own).
_ENOUGH = 5.0
_MEDIAN_SQUARE = 0.455  # median of the square of a standard normal variable


@dataclass(frozen=True, kw_only=True)
class Found:
    """One cause: column name -> code, its evidence in nats, and its probability by chance, alone and in the search."""

    codes: dict[str, int]
    score: float
    p_value: float
    q_value: float


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    columns: tuple[int, ...]
    codes: dict[str, int]
    sums: Floats
    score: float


@dataclass(frozen=True, kw_only=True)
class _Error:
    """Squared relative error of the expectation of whole groups as a table shows it, and in how many groups."""

    square: float
    groups: int

    def after(self, belief: float) -> float:
        """The error, given what was believed before."""
        seen = GROUP_WEIGHT * belief**2 + self.groups * self.square
        return float(np.sqrt(seen / (GROUP_WEIGHT + self.groups)))


@dataclass(frozen=True, kw_only=True)
class _Round:
    """What one look at the leaves shows: the strongest group, how many were tested, how wrong all groups are."""

    best: _Candidate | None
    tests: int
    total: float | None
    error: _Error


def causes(grid: Grid, ledger: Ledger, *, level: float, most: int) -> list[Found]:
    """Find up to `most` causes, each of them by chance in a share `level` of tables.

    Each is judged by how wrong the groups are that remain without it: a cause in many leaves is in most groups.
    Of the first the usual error is believed, or less where the table shows less.
    """
    alive = np.ones(grid.codes.shape[1], bool)
    found: list[Found] = []
    asked = _best(grid, ledger, alive)
    while asked.best is not None and len(found) < most:
        best = asked.best
        ledger.take(best.codes)
        alive &= ~grid.chosen(best.codes)
        rest = _best(grid, ledger, alive)
        error = rest.error.after(GROUP_ERROR) if found else min(rest.error.after(MODEL_ERROR), MODEL_ERROR)
        p_value = _p_value(best, error, asked.total)
        if p_value * asked.tests > level:
            break
        found.append(Found(codes=best.codes, score=best.score, p_value=p_value, q_value=p_value * asked.tests))
        asked = rest
    return found


def _best(grid: Grid, ledger: Ledger, alive: Bools) -> _Round:
    if not alive.any():
        return _Round(best=None, tests=0, total=None, error=_Error(square=0.0, groups=0))
    made, total = ledger.worse(alive)
    best: _Candidate | None = None
    tests = 0
    ratios, means = [np.zeros(0)], [np.zeros(0)]
    for each in made:
        tests += each.tested
        best = _better(best, _strongest(grid, each, total))
        enough = each.sums[1] >= _ENOUGH
        means.append(each.sums[1][enough])
        ratios.append(each.sums[0][enough] / means[-1])
    error = _group_error(np.concatenate(ratios), np.concatenate(means), total)
    return _Round(best=best, tests=tests, total=total, error=error)


def _strongest(grid: Grid, cuboid: Cuboid, total: float | None) -> _Candidate | None:
    """The group with the most evidence less the price of its description; None where none pays its own."""
    if not len(cuboid.key):
        return None
    names = len(grid.telling)
    price = NAMING * sum(np.log(names * grid.sizes[column]) for column in cuboid.columns)
    score = _evidence(cuboid.sums, total)
    group = int(np.argmax(score))
    if score[group] <= price:
        return None
    return _Candidate(
        columns=cuboid.columns,
        codes=cuboid.named(grid, group),
        sums=cuboid.sums[:, group].astype(np.float64),
        score=float(score[group] - price),
    )


def _better(one: _Candidate | None, other: _Candidate | None) -> _Candidate | None:
    """The one with more evidence; between equals the order of the columns decides."""
    if one is None or other is None:
        return one or other
    return min(one, other, key=lambda each: (-each.score, each.columns))


def _evidence(sums: Floats, total: float | None) -> Floats:
    """Log likelihood ratio of each group, against its expectation or, given the `total`, against all the rest too."""
    bad, expected = sums[0], sums[1]
    if len(sums) > 2:
        excess = np.maximum(bad - expected, 0.0)
        return np.asarray(excess**2 / np.maximum(2 * sums[2], 1e-12), dtype=np.float64)
    if total is None:
        return log_likelihood_ratio(bad, expected)
    outside, elsewhere = np.maximum(total - bad, 0.0), np.maximum(total - expected, 1e-9)
    inside = xlogy(bad, np.maximum(bad, 1e-12) / np.maximum(expected, 1e-12))
    return np.where(bad > expected, inside + xlogy(outside, np.maximum(outside, 1e-12) / elsewhere), 0.0)


def _p_value(candidate: _Candidate, error: float, total: float | None) -> float:
    bad, expected, *rest = candidate.sums
    if total is not None:
        expected *= max(total - bad, 0.0) / max(total - expected, 1e-9)
    if rest:
        return float(norm.sf((bad - expected) / np.sqrt(rest[0] + (error * expected) ** 2)))
    return float(upper_tail(np.array([bad]), np.array([expected]), np.ones(1), error)[0])


def _group_error(ratio: Floats, expected: Floats, total: float | None) -> _Error:
    """Relative error of the expectation of whole groups, from how they lie around it.

    With a `total`, around their middle, as the table's own ratio holds the next cause too.
    """
    if total is not None and len(ratio):
        middle = max(float(np.median(ratio)), 1e-9)
        ratio, expected = ratio / middle, expected * middle
    squares = (ratio - 1) ** 2 - _MEDIAN_SQUARE / expected
    seen = max(0.0, float(np.median(squares))) / _MEDIAN_SQUARE if len(squares) else 0.0
    return _Error(square=seen, groups=len(squares))
