"""How the dimensions of a user become one figure: weighted means from the arithmetic one to the weakest link."""

from dataclasses import dataclass

import numpy as np

from qoe.model import FloatArray
from records.errors import ConfigError

KINDS = ("arithmetic", "geometric", "power", "weakest")
LN_100 = float(np.log(100.0))
_GEOMETRIC = 0.0
_WEAKEST = -np.inf
# Nearer to 0 a power is the geometric mean and further out the weakest link, to the digits that are shown.
_LEAST_POWER, _GREATEST_POWER = 1e-3, 50.0


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A weighted power mean (sum o x^p / sum o)^(1/p): p = 1 arithmetic, 0 geometric, minus infinity the minimum."""

    kind: str = "geometric"
    p: float = _GEOMETRIC

    @classmethod
    def of(cls, kind: str, power: float) -> "Mean":
        """Return the mean of that kind; `power` is p of the kind "power" and must not be above 1."""
        if kind not in KINDS:
            raise ConfigError(f"index.mean is {kind!r}: it should be one of {', '.join(KINDS)}")
        if kind != "power":
            return cls(kind=kind, p={"arithmetic": 1.0, "geometric": _GEOMETRIC, "weakest": _WEAKEST}[kind])
        if not (_LEAST_POWER <= abs(power) <= _GREATEST_POWER and power <= 1):
            raise ConfigError(f"index.power is {power}: it should be in -50..1 and not 0 (that is the geometric mean)")
        return cls(kind=kind, p=float(power))

    @property
    def label(self) -> str:
        """Name of the mean with its setting, such as `power(-2)`."""
        return f"power({self.p:g})" if self.kind == "power" else self.kind


GEOMETRIC = Mean()


def ln_mean(ln_d: FloatArray, o: FloatArray, mean: Mean) -> FloatArray:
    """Return ln of the mean of exp(`ln_d`) (dimensions, users), weighted by `o` (0: not there); NaN without weight."""
    with np.errstate(invalid="ignore", divide="ignore"):
        if mean.p == _GEOMETRIC:
            return np.asarray((o * np.where(o > 0, ln_d, 0.0)).sum(axis=0) / o.sum(axis=0))
        above, lowest = _above(ln_d, o)
        total = o.sum(axis=0)
        if mean.p == _WEAKEST:
            return np.where(total > 0, lowest, np.nan)
        return np.asarray(lowest + np.log((o * np.exp(mean.p * above)).sum(axis=0) / total) / mean.p)


def combined(scores: FloatArray, weights: FloatArray, mean: Mean) -> FloatArray:
    """Return the mean of scores 0..100 (dimensions, users; NaN: not there) with one weight a dimension."""
    o = np.asarray(weights, dtype=np.float64)[:, None] * ~np.isnan(scores)
    with np.errstate(divide="ignore"):
        return np.asarray(np.exp(ln_mean(np.log(scores), o, mean)))


def sensitivity(ln_d: FloatArray, o: FloatArray, mean: Mean) -> FloatArray:
    """Return d ln(mean) / d ln(dimension), which sums to 1 over the dimensions; ties of the weakest share it by `o`.

    It is o_d D_d^p / sum o D^p; NaN where no dimension is there.
    """
    pull = o
    if mean.p != _GEOMETRIC:
        above, _ = _above(ln_d, o)
        pull = np.where(above > 0, 0.0, o) if mean.p == _WEAKEST else o * np.exp(mean.p * above)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(pull / pull.sum(axis=0))


def loss_parts(ln_d: FloatArray, o: FloatArray, mean: Mean) -> FloatArray:
    """Return what each dimension takes off a perfect score: o (f(100) - f(D)) with f = x^p / p, ln x where p is 0.

    f is the scale on which the mean is a weighted sum, so these add up (in a unit of each user's own); of the weakest
    link only the lowest counts.
    """
    below = np.where(o > 0, np.maximum(LN_100 - ln_d, 0.0), 0.0)
    if mean.p == _GEOMETRIC:
        return np.asarray(o * below)
    above, _ = _above(ln_d, o)
    if mean.p == _WEAKEST:
        return np.where(above > 0, 0.0, o * below)
    # (100^p - D^p) / p, over D_lowest^p: expm1 keeps the digits of a dimension that is nearly perfect.
    return np.asarray(o * np.exp(mean.p * above) * np.expm1(mean.p * below) / mean.p)


def _above(ln_d: FloatArray, o: FloatArray) -> tuple[FloatArray, FloatArray]:
    """ln D over the user's lowest (0 where it is not there), and that lowest: powers of it lose no digits."""
    lowest = np.where(o > 0, ln_d, np.inf).min(axis=0)
    return np.where(o > 0, ln_d - np.where(np.isfinite(lowest), lowest, 0.0), 0.0), lowest
