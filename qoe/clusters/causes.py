"""The causes in a table of leaves: the best explanation first, what it explains taken out, and the rest asked again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import xlogy
from scipy.stats import norm

from qoe.clusters.cuboids import Cuboid, Grid, cuboids
from qoe.clusters.noise import Weighed
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

Weighing = Callable[[Bools], Weighed]  # leaves still alive -> their effective counts


@dataclass(frozen=True, kw_only=True)
class Found:
    """One cause: column name -> code, its evidence in nats, and its probability by chance, alone and in the search."""

    codes: dict[str, int]
    score: float
    p_value: float
    q_value: float


@dataclass(frozen=True, kw_only=True)
class _Candidate:
    cuboid: Cuboid
    group: int
    score: float


def causes(grid: Grid, weighing: Weighing, *, relative: bool, depth: int, level: float, most: int) -> list[Found]:
    """Find up to `most` causes of at most `depth` conditions, each of them by chance in a share `level` of tables.

    `relative`: there is no expectation but the table's own ratio, so a group is compared with the rest of it.
    """
    alive = np.ones(grid.codes.shape[1], bool)
    found: list[Found] = []
    while len(found) < most and alive.any():
        leaves, here = weighing(alive), grid.where(alive)
        cause = _best(here, leaves, relative=relative, depth=depth, level=level, first=not found)
        if cause is None:
            break
        found.append(cause)
        alive &= ~grid.chosen(cause.codes)
    return found


def _best(grid: Grid, leaves: Weighed, *, relative: bool, depth: int, level: float, first: bool) -> Found | None:
    expected = leaves.expected
    if relative:
        expected = expected * (leaves.bad.sum() / max(float(expected.sum()), 1e-12))
    further = () if leaves.variance is None else (leaves.variance,)
    made = list(cuboids(grid, leaves.bad, expected, further, depth))
    tests = sum(each.tested for each in made)
    error = MODEL_ERROR if first else _group_error(made, relative=relative)
    total = float(leaves.bad.sum()) if relative else None
    best = _strongest(grid, made, total)
    if best is None:
        return None
    p_value = _p_value(best, error, total)
    if p_value * tests > level:
        return None
    codes = best.cuboid.named(grid, best.group)
    return Found(codes=codes, score=best.score, p_value=p_value, q_value=p_value * tests)


def _strongest(grid: Grid, made: Sequence[Cuboid], total: float | None) -> _Candidate | None:
    """The candidate with the most evidence less the price of its description; None where nothing pays its own."""
    names, best = len(grid.telling), None
    for each in made:
        price = NAMING * sum(np.log(names * grid.sizes[column]) for column in each.columns)
        score = _evidence(each.sums, total) - price
        group = int(np.argmax(score)) if len(score) else 0
        if len(score) and score[group] > (best.score if best is not None else 0.0):
            best = _Candidate(cuboid=each, group=group, score=float(score[group]))
    return best


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
    bad, expected, *rest = candidate.cuboid.sums[:, candidate.group]
    if total is not None:
        expected *= max(total - bad, 0.0) / max(total - expected, 1e-9)
    if rest:
        return float(norm.sf((bad - expected) / np.sqrt(rest[0] + (error * expected) ** 2)))
    return float(upper_tail(np.array([bad]), np.array([expected]), np.ones(1), error)[0])


def _group_error(made: Sequence[Cuboid], *, relative: bool) -> float:
    """Relative error of the expectation of whole groups, from how the remaining ones lie around it.

    `relative`: around their middle, as the table's own ratio holds the next cause too.
    """
    bad, expected = (np.concatenate([each.sums[row] for each in made]) for row in (0, 1))
    enough = expected >= _ENOUGH
    ratio, expected = bad[enough] / expected[enough], expected[enough]
    if relative and len(ratio):
        middle = max(float(np.median(ratio)), 1e-9)
        ratio, expected = ratio / middle, expected * middle
    squares = (ratio - 1) ** 2 - _MEDIAN_SQUARE / expected
    seen = max(0.0, float(np.median(squares))) / _MEDIAN_SQUARE if len(squares) else 0.0
    return float(np.sqrt((GROUP_WEIGHT * GROUP_ERROR**2 + len(squares) * seen) / (GROUP_WEIGHT + len(squares))))
