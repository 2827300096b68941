"""Joint effects: what each cell, device model, app, server and core node by itself adds to a session's quality."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from qoe.codes import crossed, dense
from qoe.normal import CAUSES, FACTORS, OUTCOMES, Floats, Ints, Normal
from qoe.solving import Equations, Solver

VERSION = "1.0.1"
QUALITY, FAILURE = range(len(OUTCOMES))
# In sessions (own): what keeps levels apart that sessions alone cannot tell apart, and moves no other noticeably.
LEAST_RIDGE = 1.0
# Nuisances are not shrunk: this only makes the equations solvable (own).
_NUISANCE_RIDGE = 1e-3
# Of a level's sessions, the least ridge: less is lost in the rounding of sums over weeks (own).
_LEAST_SHARE = 1e-6
# Prior standard deviation of an attribute's effects before any was seen, in points; least one (own).
_FIRST_PRIOR, _LEAST_PRIOR = 5.0, 0.05
_ROUNDS, _CLOSE = 30, 1e-2


@dataclass(frozen=True, eq=False)
class Clustering:
    """How alike the sessions of one customer at one level are, by cause (causes, outcomes): sums that forget.

    `pairs` sums over customers of the square of their summed residuals, `single` of their squared residuals, at each
    level; `crowd` sums of squared numbers of sessions of a customer at a level, `n` of sessions, both (causes,);
    `days` how many days the sums are of, with forgetting.
    """

    pairs: Floats
    single: Floats
    crowd: Floats
    n: Floats
    days: float

    def plus(self, other: "Clustering", weight: float = 1.0) -> "Clustering":
        """These sums times `weight`, and those of `other`."""
        return Clustering(**{name: vars(self)[name] * weight + vars(other)[name] for name in vars(self)})

    def design_effect(self) -> Floats:
        """Variance inflation (causes, outcomes), at least 1: 1 + (sessions of a customer - 1) * their correlation.

        A customer comes back on other days, so sessions of a customer are those of a day times the days.
        """
        n = np.maximum(self.n, 1e-9)
        others = np.maximum(self.crowd - self.n, 1e-9)[:, None]
        alike = np.clip((self.pairs - self.single) / others / np.maximum(self.single / n[:, None], 1e-9), 0.0, 1.0)
        each = (self.crowd / n)[:, None] * max(self.days, 1.0)
        return np.asarray(1.0 + np.maximum(each - 1.0, 0.0) * alike, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class Effects:
    """Effects of levels on one outcome, in points, each attribute's mean over its sessions 0.

    One entry per level of a cause: `attribute` place in `CAUSES`, `value`, sessions `n`, the least-squares `effect`
    with its standard error `se`, and both `shrunk` towards 0 by the standard deviation of its attribute's effects
    (`prior`, by attribute).
    """

    attribute: Ints
    value: Ints
    n: Floats
    effect: Floats
    se: Floats
    shrunk: Floats
    shrunk_se: Floats
    prior: Floats

    def of(self, attribute: str) -> "Effects":
        """The levels of one attribute."""
        mine = self.attribute == CAUSES.index(attribute)
        columns = {name: column[mine] for name, column in vars(self).items() if name != "prior"}
        return Effects(**columns, prior=self.prior)


def joint_effects(sums: Normal, outcome: int = QUALITY, inflation: Floats | None = None) -> Effects:
    """Estimate all effects together by ridge regression, and how far each attribute's spread (empirical Bayes).

    `inflation` (causes,) widens the variance of an attribute's effects: sessions of one customer are alike.
    Source: ridge regression with the evidence's own prior variances (MacKay 1992, Bayesian interpolation); `published`.
    """
    wide = np.ones(len(CAUSES)) if inflation is None else inflation
    factor = sums.factor
    right = (sums.product - sums.sessions[:, None] * (sums.total / max(sums.n, 1.0)))[:, [outcome]]
    plain = _ridge(np.full(len(CAUSES), LEAST_RIDGE), sums)
    equations = Equations.of(sums.cross, factor)
    solver = equations.under(plain)
    effect = solver.solve(right)[:, 0]
    noise = _noise(sums, right[:, 0], effect, outcome)
    prior, shrinking, shrunk = _empirical_prior(equations, sums, right, noise * wide)
    spread = noise * wide[np.minimum(factor, len(CAUSES) - 1)]
    centred, se = _centred(sums, solver, effect, spread)
    shrunk_centred, shrunk_se = _centred(sums, shrinking, shrunk, spread)
    mine = factor < len(CAUSES)
    return Effects(
        attribute=factor[mine],
        value=sums.value[mine],
        n=sums.sessions[mine],
        effect=centred[mine],
        se=se[mine],
        shrunk=shrunk_centred[mine],
        shrunk_se=shrunk_se[mine],
        prior=np.sqrt(prior),
    )


def clustering_of(
    levels: Mapping[str, Ints], outcomes: Floats, customer: Ints, sums: Normal, effects: tuple[Effects, ...]
) -> Clustering:
    """Measure on one day's sessions how alike a customer's residuals are, under effects that were estimated."""
    residual = residuals(levels, outcomes, sums, effects)
    pairs, single = np.zeros((len(CAUSES), len(OUTCOMES))), np.zeros((len(CAUSES), len(OUTCOMES)))
    crowd, n = np.zeros(len(CAUSES)), np.zeros(len(CAUSES))
    for cause, name in enumerate(CAUSES):
        known = levels[name] > 0
        _, group = crossed(dense(customer[known])[1], dense(levels[name][known])[1])
        count = np.bincount(group).astype(np.float64)
        crowd[cause], n[cause] = (count**2).sum(), count.sum()
        for outcome in range(len(OUTCOMES)):
            values = residual[known, outcome]
            pairs[cause, outcome] = (np.bincount(group, values, len(count)) ** 2).sum()
            single[cause, outcome] = (values**2).sum()
    return Clustering(pairs=pairs, single=single, crowd=crowd, n=n, days=1.0)


def residuals(levels: Mapping[str, Ints], outcomes: Floats, sums: Normal, effects: tuple[Effects, ...]) -> Floats:
    """What effects of the causes leave of outcomes (sessions, outcomes), less its mean by service and hour."""
    left = outcomes - sums.total / max(sums.n, 1.0)
    for cause, name in enumerate(CAUSES):
        for outcome, known in enumerate(effects):
            mine = known.attribute == cause
            left[:, outcome] -= at(known.value[mine], known.shrunk[mine], levels[name])
    for name in FACTORS[len(CAUSES) :]:
        _, place = np.unique(levels[name], return_inverse=True)
        count = np.maximum(np.bincount(place), 1)
        for outcome in range(len(OUTCOMES)):
            left[:, outcome] -= (np.bincount(place, left[:, outcome]) / count)[place]
    return left


def at(value: Ints, number: Floats, asked: Ints) -> Floats:
    """The number of each asked value, 0 where it is not among the (sorted) values."""
    if not len(value):
        return np.zeros(len(asked))
    place = np.minimum(np.searchsorted(value, asked), len(value) - 1)
    return np.where(value[place] == asked, number[place], 0.0)


def _ridge(by_cause: Floats, sums: Normal) -> Floats:
    each = np.concatenate([by_cause, np.full(len(FACTORS) - len(CAUSES), _NUISANCE_RIDGE)])[sums.factor]
    return np.asarray(np.maximum(each, _LEAST_SHARE * sums.sessions), dtype=np.float64)


def _noise(sums: Normal, right: Floats, effect: Floats, outcome: int) -> float:
    """Variance of what the effects leave, per session."""
    whole = sums.square[outcome] - sums.total[outcome] ** 2 / max(sums.n, 1.0)
    explained = 2 * effect @ right - effect @ (sums.cross @ effect)
    return max(float(whole - explained) / max(sums.n - len(right), 1.0), 1e-6)


def _empirical_prior(equations: Equations, sums: Normal, right: Floats, noise: Floats) -> tuple[Floats, Solver, Floats]:
    """Prior variance of each attribute's effects, and the solution under it.

    Fixed point of the evidence: sum of squared effects over how many of them the sessions settle (MacKay 1992).
    """
    factor = sums.factor
    prior = np.full(len(CAUSES), _FIRST_PRIOR**2)
    count = np.maximum(np.bincount(factor, minlength=len(FACTORS))[: len(CAUSES)], 1)
    causes = factor < len(CAUSES)
    for _ in range(_ROUNDS):
        solver = equations.under(_ridge(noise / prior, sums))
        shrunk = solver.solve(right)[:, 0]
        settled = np.bincount(factor[causes], solver.variances()[causes], len(CAUSES)) * noise / prior
        square = np.bincount(factor[causes], shrunk[causes] ** 2, len(CAUSES))
        new = np.maximum(square / np.maximum(count - settled, 1e-6), _LEAST_PRIOR**2)
        close = bool(np.all(np.abs(new - prior) <= _CLOSE * prior))
        prior = new
        if close:
            break
    return prior, solver, shrunk


def _centred(sums: Normal, solver: Solver, effect: Floats, spread: Floats) -> tuple[Floats, Floats]:
    """Effects less their attribute's mean over sessions, and the standard errors of these differences."""
    factor, sessions = sums.factor, sums.sessions
    made, variance = effect.copy(), solver.variances()
    for cause in range(len(CAUSES)):
        mine = factor == cause
        if not mine.any():
            continue
        weight = np.where(mine, sessions, 0.0) / sessions[mine].sum()
        made[mine] -= weight @ effect
        shared = solver.solve(weight[:, None])[:, 0]
        variance[mine] += weight @ shared - 2 * shared[mine]
    return made, np.sqrt(np.maximum(variance * spread, 0.0))
