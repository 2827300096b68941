"""Warnings of Simpson's paradox: a comparison of groups that another attribute's mix turns round or makes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from qoe.model import FloatArray

# A stratum counts with at least so many units on either side, a comparison with so many strata (own).
LEAST_UNITS = 20
LEAST_STRATA = 2
LEAST_SHARE = 0.8  # of all units in those strata, or nothing is said of the whole
ALPHA = 0.05  # over all comparisons of a call together (Holm)
REVERSED, VANISHED = "reversed", "vanished"


@dataclass(frozen=True, eq=False)
class Mixture:
    """Sums of units (users, sessions) by stratum (rows) and side (columns: the group, the rest)."""

    count: NDArray[Any]
    total: FloatArray
    square: FloatArray

    def usable(self) -> "Mixture":
        """Only the strata with enough units on both sides."""
        rows = (self.count >= LEAST_UNITS).all(axis=1)
        return Mixture(self.count[rows], self.total[rows], self.square[rows])


@dataclass(frozen=True, eq=False)
class Table:
    """Sums of units by group (rows) and stratum (columns)."""

    count: NDArray[Any]
    total: FloatArray
    square: FloatArray

    @classmethod
    def of(
        cls, shape: tuple[int, int], user: NDArray[Any], group: NDArray[Any], stratum: NDArray[Any], value: FloatArray
    ) -> "Table":
        """Add rows up: a unit is a user in a group and stratum, its value the mean of its rows; all three are codes."""
        groups, strata = shape
        keys, unit = np.unique((user.astype(np.int64) * groups + group) * strata + stratum, return_inverse=True)
        mean = np.bincount(unit, value) / np.bincount(unit) if len(keys) else np.zeros(0)
        place, size = keys % (groups * strata), groups * strata
        units = (np.ones(len(keys)), mean, mean * mean)
        return cls(*(np.bincount(place, unit, size).reshape(shape).astype(np.float64) for unit in units))

    def against_rest(self, group: int) -> Mixture:
        """One group beside all others together."""
        return Mixture(
            *(np.stack([part[group], part.sum(axis=0) - part[group]], axis=1) for part in vars(self).values())
        )

    def against(self, other: "Table", group: int) -> Mixture:
        """One group beside itself in another table of the same groups and strata, such as another day's."""
        return Mixture(
            *(
                np.stack([mine[group], theirs[group]], axis=1)
                for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True)
            )
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One group against the rest: difference of means as they are, and with the same mix of strata on both sides.

    `crude_p` and `adjusted_p` are two-sided; `strata` counted, `against` of them with the other sign than the crude
    difference; `share` of all units in counted strata.
    """

    crude: float
    crude_error: float
    adjusted: float
    adjusted_error: float
    strata: int
    against: int
    share: float

    @property
    def crude_p(self) -> float:
        """Probability of such a crude difference without any."""
        return _p(self.crude, self.crude_error)

    @property
    def adjusted_p(self) -> float:
        """Probability of such an adjusted difference without any."""
        return _p(self.adjusted, self.adjusted_error)


def compare(mixture: Mixture) -> Comparison | None:
    """Compare as they are, and within the strata that have enough units on both sides; None where those are too few.

    The adjusted difference is that of the strata weighted by n1 n2 / (n1 + n2) (Cochran 1954, Mantel and Haenszel
    1959); errors are from the variances within side and stratum (Welch).
    """
    kept = mixture.usable()
    if len(kept.count) < LEAST_STRATA or kept.count.sum() < LEAST_SHARE * mixture.count.sum():
        return None
    mean, variance = _moments(kept.count, kept.total, kept.square)
    difference = mean[:, 0] - mean[:, 1]
    weight = kept.count[:, 0] * kept.count[:, 1] / kept.count.sum(axis=1)
    weight = weight / weight.sum()
    whole, spread = _moments(*(part.sum(axis=0) for part in vars(mixture).values()))
    crude = float(whole[0] - whole[1])
    return Comparison(
        crude=crude,
        crude_error=float(np.sqrt(spread.sum())),
        adjusted=float((weight * difference).sum()),
        adjusted_error=float(np.sqrt((weight**2 * variance.sum(axis=1)).sum())),
        strata=len(kept.count),
        against=int((np.sign(difference) == -np.sign(crude)).sum()),
        share=float(kept.count.sum() / mixture.count.sum()),
    )


def warnings(found: list[Comparison]) -> list[str | None]:
    """Say of each comparison whether its mix misleads: "reversed", "vanished" or None; all are tested together.

    The crude difference must be significant (Holm over all). Reversed: the adjusted one is so too, with the other sign.
    Vanished: it is not, and has moved from the crude one by more than their errors and at least half of it.
    """
    crude = _holm([one.crude_p for one in found])
    adjusted = _holm([one.adjusted_p for one in found])
    return [_kind(one, crude[place], adjusted[place]) for place, one in enumerate(found)]


def _kind(one: Comparison, crude: bool, adjusted: bool) -> str | None:
    if not crude:
        return None
    if adjusted:
        return REVERSED if np.sign(one.adjusted) == -np.sign(one.crude) else None
    moved = abs(one.crude - one.adjusted)
    error = float(np.hypot(one.crude_error, one.adjusted_error))
    is_moved = _p(moved, error) < ALPHA and moved >= abs(one.crude) / 2
    return VANISHED if is_moved and one.adjusted_p >= ALPHA else None


def _holm(p: list[float]) -> list[bool]:
    """Which hypotheses fall at level ALPHA over all of them (Holm 1979)."""
    order = np.argsort(p, kind="stable")
    fallen = np.zeros(len(p), dtype=np.bool_)
    for place, number in enumerate(order):
        if not p[number] <= ALPHA / (len(p) - place):
            break
        fallen[number] = True
    return [bool(one) for one in fallen]


def _moments(count: NDArray[Any], total: FloatArray, square: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Means, and variances of the means."""
    mean = total / count
    within = np.maximum(square - total * mean, 0.0) / np.maximum(count - 1, 1)
    return np.asarray(mean), np.asarray(within / count)


def _p(value: float, error: float) -> float:
    if error == 0:
        return 1.0 if value == 0 else 0.0
    return float(2.0 * norm.sf(abs(value) / error))
