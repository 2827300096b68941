"""Intervals around a KPI: what few attempts leave open, and what missing time leaves open."""

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

LEVEL = 0.95


def wilson(successes: Floats, attempts: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return the Wilson score interval of a proportion; NaN where there was no attempt.

    Successes above the attempts (a procedure split over a period border) count as equal to them.
    Source: E. B. Wilson, JASA 22 (1927); 98/100 gives [.9300, .9945].
    """
    n = np.where(attempts > 0, attempts, np.nan)
    p = np.clip(successes / n, 0.0, 1.0)
    z2 = float(special.ndtri(0.5 + level / 2)) ** 2
    middle = (p + z2 / (2 * n)) / (1 + z2 / n)
    half = np.sqrt(z2) * np.sqrt(p * (1 - p) / n + z2 / (4 * n * n)) / (1 + z2 / n)
    return np.clip(middle - half, 0.0, p), np.clip(middle + half, p, 1.0)


def poisson(events: Floats, exposure: Floats, level: float = LEVEL) -> tuple[Floats, Floats]:
    """Return Garwood's exact interval of an event rate (events per unit of exposure); NaN without exposure.

    Source: F. Garwood, Biometrika 28 (1936), in its gamma form; 0 events in 1 give [0, 3.689].
    """
    base = np.where(exposure > 0, exposure, np.nan)
    count = np.maximum(events, 0.0)
    tail = (1 - level) / 2
    lower = np.where(count > 0, special.gammaincinv(np.maximum(count, 1e-9), tail), 0.0)
    upper = special.gammaincinv(count + 1, 1 - tail)
    return lower / base, upper / base


def shared_level(factors: int, level: float = LEVEL) -> float:
    """Return the level each of several independent intervals needs so that all hold together at `level` (Sidak)."""
    return float(level ** (1 / max(factors, 1)))


def missing(successes: Floats, attempts: Floats, observed_s: Floats, missing_s: Floats) -> tuple[Floats, Floats]:
    """Return where a proportion lies if the missing time had as many attempts per second as the observed.

    Nothing observed leaves [0, 1]; nothing attempted in a fully observed time leaves NaN.
    At the ends all of the unseen failed, or all succeeded. Source: the open xlte library for TS 32.450.
    """
    seen = observed_s > 0
    unseen = np.where(seen, attempts * missing_s / np.where(seen, observed_s, 1.0), 0.0)
    total = attempts + unseen
    known = np.where(total > 0, total, np.nan)
    good = np.clip(successes, 0.0, attempts)
    lower, upper = good / known, (good + unseen) / known
    blind = (total <= 0) & (missing_s > 0)
    return np.where(blind, 0.0, lower), np.where(blind, 1.0, upper)
